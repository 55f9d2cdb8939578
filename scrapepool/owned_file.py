"""Opens files in places that other users may write to.

Decides which file is ours: a regular file with one name, of the user whose files this process creates. It is checked
each time it is opened.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable

from .fallbacks import CLOEXEC, NOFOLLOW, NONBLOCK, user_id

_FILE = NOFOLLOW | NONBLOCK | CLOEXEC

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)

DESCRIPTOR_TIMEOUT = 10.0
"""Seconds to wait for a free descriptor when this process may open no more files."""

DESCRIPTOR_POLL = 0.02
"""Seconds between two attempts to open a file meanwhile."""


class ForeignFileError(OSError):
    """A file or folder is not ours, in a place where ours belongs.

    filename: its path. strerror: what it is, without a full stop.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(errno.EPERM, reason, path)


def open_own(
    name: str,
    flags: int,
    mode: int = 0o666,
    *,
    dir_fd: int | None = None,
    folder: str = "",
    names: bool = False,
    on_full: Callable[[], None] = lambda: None,
) -> int:
    """Open a file as ``os.open`` does, if it is ours or does not exist, and return its descriptor.

    If ``flags`` say that it is truncated, that happens after the check.
    folder: the path before its name, for messages.
    names: whether it may have several names.
    on_full: called when this process can open no more files; may close some. The function then waits for a free one.
    Raises ForeignFileError for a link, a device, a FIFO, a file with a second name or of another user; OSError.
    """
    opened = (flags & ~os.O_TRUNC) | _FILE
    try:
        if flags & os.O_CREAT:
            try:
                return open_waiting(name, opened | os.O_EXCL, mode, dir_fd, on_full)
            except FileExistsError:
                if flags & os.O_EXCL:
                    raise
        check_own(os.stat(name, dir_fd=dir_fd, follow_symlinks=False), name, dir_fd, folder, names=names)
        fd = open_waiting(name, opened & ~os.O_CREAT, mode, dir_fd, on_full)
    except ForeignFileError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, _join(folder, name)) from error
    try:
        # The file may have been replaced since it was checked.
        check_own(os.fstat(fd), name, dir_fd, folder, names=names)
        if flags & os.O_TRUNC:
            os.ftruncate(fd, 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def open_waiting(name: str, flags: int, mode: int, dir_fd: int | None, on_full: Callable[[], None]) -> int:
    """Open a file as ``os.open`` does; if there is no free descriptor, wait for one."""
    until = None
    while True:
        try:
            return os.open(name, flags, mode, dir_fd=dir_fd)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            now = time.monotonic()
            until = now + DESCRIPTOR_TIMEOUT if until is None else until
            if now >= until:
                raise OSError(error.errno, f"{error.strerror} (raise ulimit -n, or use fewer workers)") from error
        on_full()
        time.sleep(DESCRIPTOR_POLL)


def check_own(
    found: os.stat_result, name: str, dir_fd: int | None = None, folder: str = "", *, names: bool = False
) -> None:
    """Raise ForeignFileError unless a file is ours. folder, names: see ``open_own``."""
    if not stat.S_ISREG(found.st_mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(found.st_mode)), "a device")
        folder_there = os.strerror(errno.EISDIR) if stat.S_ISDIR(found.st_mode) else None
        raise ForeignFileError(_join(folder, name), folder_there or f"it is {kind}, not a file of this program")
    if found.st_nlink > 1 and not names:
        raise ForeignFileError(_join(folder, name), "it is a hard link: the file has another name too")
    check_owner(found, name, dir_fd, folder)


def check_owner(found: os.stat_result, name: str, dir_fd: int | None, folder: str) -> None:
    """Raise ForeignFileError unless a file or folder belongs to the user of this process. folder: see ``open_own``."""
    if found.st_uid != user_id() and found.st_uid != _owner_in(os.path.dirname(name), dir_fd):  # noqa: PTH120
        raise ForeignFileError(_join(folder, name), f"it belongs to another user (id {found.st_uid})")


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name) if name else folder  # noqa: PTH118


def _owner_in(folder: str, dir_fd: int | None) -> int | None:
    """Return the user id of files that this process creates in a folder; a network file system may use another one.

    None if it cannot create any.
    """
    import secrets  # noqa: PLC0415 - for files that are no other's

    name = os.path.join(folder, f".scrapepool-{secrets.token_hex(8)}")  # noqa: PTH118
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o600, dir_fd=dir_fd)
    except OSError:
        return None
    try:
        return os.fstat(fd).st_uid
    finally:
        os.close(fd)
        os.unlink(name, dir_fd=dir_fd)
