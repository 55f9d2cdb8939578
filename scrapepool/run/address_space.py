"""Saves address space (``ulimit -v``), so that threads do not take all of it.

Decides that under a limit the C library takes the memory of all threads from one arena. Otherwise glibc reserves 64 MiB
for every new thread, so that a few threads leave no room for the stack of another.
"""

from __future__ import annotations

from contextlib import suppress

from ..fallbacks import limit

_M_ARENA_MAX = -8


def share_one_arena_if_limited() -> None:
    """Let all threads share one arena if address space is limited. Call this before threads are started."""
    if limit("AS") is None:
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - rarely needed

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
