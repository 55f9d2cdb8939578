"""Rewrites a record file without some of its records, atomically.

There is a complete file under its name at every moment, also if the machine stops. Knows offsets, not records.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from ...fallbacks import pread
from ...owned_file import open_own
from .durability import fsync, sync_folder
from .lock import lock

COPY_STEP = 1024 * 1024


def rewrite(path: str, fd: int, keep: Iterable[tuple[int, int]], should_stop: Callable[[], bool]) -> int:
    """Replace the file that is open and locked as ``fd`` by one with only the ranges ``keep``. Return its descriptor.

    keep: pairs of offsets, in order. should_stop: True gives up with KeyboardInterrupt, nothing changed.
    A copy is written beside the file, seen onto the disk and renamed over it; a link keeps pointing to it.
    Raises OSError, with the file as it was or as it should be.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.resume")  # noqa: PTH118  # one name, so that a killed run leaves one copy
    copy = open_own(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        lock(copy, path)
        for begin, end in keep:
            _copy(fd, copy, begin, end, should_stop)
        _take_after(fd, copy)
        fsync(copy)
        os.replace(beside, path)  # noqa: PTH105  # a Path of its own would say no more
        sync_folder(path)
    except BaseException:
        os.close(copy)
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108
        raise
    os.close(fd)
    return copy


def _copy(source: int, copy: int, begin: int, end: int, should_stop: Callable[[], bool]) -> None:
    while begin < end:
        if should_stop():
            raise KeyboardInterrupt
        piece = memoryview(pread(source, min(COPY_STEP, end - begin), begin))
        if not piece:
            raise OSError("it became shorter while it was read")
        begin += len(piece)
        while piece:
            piece = piece[os.write(copy, piece) :]


def _take_after(source: int, copy: int) -> None:
    """Give the copy the mode and, where that is allowed, the owner of its source."""
    status = os.fstat(source)
    with suppress(OSError):
        os.fchown(copy, status.st_uid, status.st_gid)
    os.fchmod(copy, status.st_mode & 0o7777)
