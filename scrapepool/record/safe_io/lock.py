"""Opens and locks outputs, so that no two runs write the same file.

The lock is flock's: the kernel releases it when its process ends, however that ends, and no lock file is left behind.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from errno import ENXIO
from pathlib import Path

from ...errors import LockedError
from ...fallbacks import CLOEXEC, NONBLOCK, flock, let_block
from ...folder import Folder

LOCK_POLL = 0.1
"""Seconds between two tries to open a FIFO."""

SILENT_TRIES = 10

LINKS_TO_DESCRIPTORS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""Names of what somebody else has open and may append to."""


def is_ours(path: str) -> bool:
    """Whether the path names a regular file, or none yet, and not just a descriptor that somebody else has open."""
    if path.startswith(LINKS_TO_DESCRIPTORS):
        return False
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        return True


def is_fifo(path: str) -> bool:
    """Whether a path names a FIFO, which can be opened once somebody reads it."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False  # opening it will say what is wrong


def await_reader(path: str, should_stop: Callable[[], bool], on_wait: Callable[[], None] = lambda: None) -> int:
    """Open a FIFO for writing as soon as somebody reads it; its descriptor.

    should_stop: True gives up with KeyboardInterrupt. on_wait: called once, after a second. Raises OSError.
    """
    tries = 0
    while True:
        try:
            fd = os.open(path, os.O_WRONLY | NONBLOCK | CLOEXEC)
        except OSError as error:
            if error.errno != ENXIO:
                raise
        else:
            let_block(fd)
            return fd
        if should_stop():
            raise KeyboardInterrupt
        tries += 1
        if tries == SILENT_TRIES:
            on_wait()
        time.sleep(LOCK_POLL)


def open_locked(path: str, *, read: bool = False, mode: int = 0o666) -> int:
    """Open a file for appending, and for reading too, create it where it is missing, and lock it; its descriptor.

    mode: of a file that is made, less the umask. What is not ours is opened as it is.
    Raises OSError, and LockedError where another run holds the file.
    """
    if not is_ours(path):
        return os.open(path, os.O_WRONLY | os.O_APPEND | CLOEXEC)
    flags = (os.O_RDWR if read else os.O_WRONLY) | os.O_CREAT | os.O_APPEND | CLOEXEC
    while True:
        fd = os.open(path, flags, mode)
        try:
            lock(fd, path)
            if is_open_as(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # it was replaced between the two calls, as a run that resumes does


def open_lock(folder: Folder, name: str) -> int:
    """Open and lock a file that is there for its lock alone, made where it is missing; its descriptor.

    Raises OSError, ForeignFileError, and LockedError where another run holds it.
    """
    while True:
        fd = folder.open(name, os.O_WRONLY | os.O_CREAT)
        try:
            lock(fd, folder.path_of(name))
            with suppress(FileNotFoundError):
                if os.path.samestat(folder.stat(name), os.fstat(fd)):
                    return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # the run that held it deleted it between the two calls


def lock(fd: int, path: str, *, shared: bool = False) -> None:
    """Lock an open file. Raises LockedError. A file system that knows no locks is written without one.

    shared: with others who say so too, as several runs append to one log.
    """
    try:
        flock(fd, shared=shared)
    except BlockingIOError:
        raise LockedError(path) from None
    except OSError:
        return


def is_open_as(fd: int, path: str) -> bool:
    """Whether the path still names what is open as ``fd``."""
    try:
        named = Path(path).stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(fd))
