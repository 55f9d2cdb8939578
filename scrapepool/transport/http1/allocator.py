"""The C library's allocator, told that large buffers go back to the system as soon as they are free.

Decides nothing else. Decoders of brotli and zstd hold windows of megabytes. glibc learns from the first of them that is
freed to cut the next out of its heaps, of which it has several for as many threads; there they stay as holes: 960 bombs
in 64 threads left 230 MB of resident memory instead of 145 to 155.
"""

from __future__ import annotations

import sys
from functools import cache

LARGE = 1024 * 1024
"""Bytes from which on a buffer is mapped by itself and unmapped once it is free."""
_M_MMAP_THRESHOLD = -3  # glibc's malloc.h


@cache
def return_large_buffers() -> None:
    """See to it, once a process; other C libraries than glibc do as they always do."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - most runs meet no such body

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
