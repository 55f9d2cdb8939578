"""Address space (``ulimit -v``): threads are not to take all of it.

Decides that the C library takes memory for all threads from one place where there is a limit: glibc sets 64 MiB aside
for every new thread, so that a few threads leave no room for the stack of another.
"""

from __future__ import annotations

from contextlib import suppress

from .fallbacks import limit

_M_ARENA_MAX = -8


def share_one_arena_if_limited() -> None:
    """See above; to be called before threads are begun."""
    if limit("AS") is None:
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - rarely needed

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
