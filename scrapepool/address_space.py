"""Address space (``ulimit -v``): whether there is room for another thread.

Decides how much of a limit threads leave to what they work on. A thread takes megabytes of address space for its stack,
and a process without any left cannot even say so: the interpreter ends it, or a thread dies silently.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":  # which has no such limit
    import resource

RESERVE = 48 * 1024 * 1024
"""Bytes that no thread takes, beside its stack."""

STACK = 8 * 1024 * 1024
"""Bytes of a thread's stack where the system does not say."""

_M_ARENA_MAX = -8
_STATM = Path("/proc/self/statm")


def limit() -> int | None:
    """Bytes of address space that this process may have, None for no limit."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def spare() -> None:
    """Have the C library take memory for all threads from one place: glibc sets 64 MiB aside for every new thread."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - rarely needed

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def has_room_for_thread(limit: int) -> bool:
    """Whether another thread leaves enough of so many bytes to those that there are; True where that is not known."""
    try:
        used = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return True
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    stack = STACK if soft == resource.RLIM_INFINITY else soft
    return used + stack + RESERVE <= limit
