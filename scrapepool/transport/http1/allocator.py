"""Configures glibc's allocator so that large buffers return to the operating system as soon as they are freed.

The brotli and zstd decoders hold windows of several megabytes. When glibc frees the first such buffer, it raises its
mmap threshold and allocates the next ones from its per-thread heaps, where freed buffers leave unused holes. Without
this setting, 960 decompression bombs in 64 threads left 230 MB of resident memory instead of 145 to 155 MB.
"""

from __future__ import annotations

import sys
from functools import cache

LARGE = 1024 * 1024
"""The size in bytes from which glibc maps a buffer separately, and unmaps it when it is freed."""
_M_MMAP_THRESHOLD = -3  # glibc's malloc.h


@cache
def return_large_buffers() -> None:
    """Set the mmap threshold, once per process. Other C libraries than glibc are left unchanged."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - most runs receive no such body

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
