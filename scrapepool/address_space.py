"""Address space (``ulimit -v``): threads are not to take all of it.

Decides that the C library takes memory for all threads from one place where there is a limit: glibc sets 64 MiB aside
for every new thread, so that a few threads leave no room for the stack of another.
"""

from __future__ import annotations

import sys
from contextlib import suppress

if sys.platform != "win32":  # which has no such limit
    import resource

_M_ARENA_MAX = -8


def share_one_arena_if_limited() -> None:
    """See above; to be called before threads are begun."""
    if sys.platform == "win32" or resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - rarely needed

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
