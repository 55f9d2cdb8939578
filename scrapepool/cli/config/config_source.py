"""Where a configuration file comes from: which one is read, and whether it is trusted.

Decides where a file is looked for, that the first one found is the only one, and which files are refused: what somebody
else may have written, and what is not the plain text of a configuration.
"""

from __future__ import annotations

import os
import stat
from enum import Enum, auto
from pathlib import Path

from ...errors import UsageError
from ...fallbacks import CLOEXEC, IN, NONBLOCK, let_block, poll, user_id
from ...frozen import frozen

NAME = "scrapepool.toml"
PROJECT = "pyproject.toml"

MOST = 256 * 1024
"""Bytes of a file: a hundred times what one with all options and many hosts has."""

MOST_DOTS = 200
"""Dots on a line of a file that was only found: tomllib takes quadratic time over a key with many of them."""

WRITER = 1.0
"""Seconds that a pipe is given to say something: ``--config <(command)`` has a writer already."""


class Trust(Enum):
    """Who says that a file is meant."""

    NAMED = auto()
    """The user: ``--config``, or the environment."""
    USERS = auto()
    """It lies in the user's own folder."""
    FOUND = auto()
    """Nobody: it happens to lie in the current folder, which may be anybody's."""


@frozen
class Source:
    """A file that was read.

    path: as it is shown. content: a byte more than ``MOST`` where it is too large. writer: who else may have written
    it, as a sentence; None: nobody.
    """

    path: str
    content: bytes
    trust: Trust
    writer: str | None = None

    @property
    def how_to_allow(self) -> str:
        """What is to be done by whoever means what is refused."""
        return f"if it is meant, name the file: --config {self.path}"


def named(path: str) -> Source:
    """The file that the user named. Raises UsageError."""
    try:
        fd = os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, error) from None
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        _wait_for_writer(path, fd)
    let_block(fd)
    return Source(path, _content(path, fd), Trust.NAMED)


def found(name: str) -> Source | None:
    """The file of that name in the current folder; None where there is none. Raises UsageError."""
    try:
        return _regular(name, Trust.FOUND)
    except PermissionError as error:
        if not os.access(".", os.X_OK):  # as with sudo -u nobody in /root: there is nothing to be found
            return None
        raise _unreadable(name, error) from None


def users_own() -> Source | None:
    """The file in the user's own folder; None where there is none. Raises UsageError."""
    try:
        return _regular(str(_of_user()), Trust.USERS)
    except PermissionError:  # HOME may be another user's, as with sudo
        return None


def _of_user() -> Path:
    """The user's own file (XDG Base Directory Specification, which has relative paths ignored)."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not Path(folder).is_absolute():
        folder = os.path.expanduser("~/.config")  # noqa: PTH111 - Path.expanduser raises where there is no home
    return Path(folder, "scrapepool", "config.toml")


def _regular(path: str, trust: Trust) -> Source | None:
    """A regular file that nobody named. Raises UsageError, PermissionError."""
    try:
        fd = os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        os.close(fd)
        raise UsageError(f"{path}: is no regular file, so it is not read as a configuration")
    return Source(path, _content(path, fd), trust, _other_writer(status))


def _content(path: str, fd: int) -> bytes:
    """Read the file to its end, or a byte more than it may have, and close it."""
    try:
        with open(fd, "rb") as file:
            return file.read(MOST + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _wait_for_writer(path: str, fd: int) -> None:
    """See that a pipe has something to say: opening one waits for its writer, for ever where there is none."""
    poller = poll()
    poller.register(fd, IN)
    if not any(event & IN for _, event in poller.poll(1000 * WRITER)):
        os.close(fd)
        raise UsageError(f"{path}: a pipe that nobody writes to")


def _other_writer(status: os.stat_result) -> str | None:
    """Who else may have written a file; the rule is OpenSSH's for its own files."""
    if status.st_uid not in (user_id(), 0):
        return "it belongs to another user"
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid)):
        return "others may write to it"
    return None


def _is_private(group: int) -> bool:
    """Whether a group is the user's alone, as most systems make one for each user."""
    import grp  # noqa: PLC0415 - for unusual modes
    import pwd  # noqa: PLC0415

    try:
        user, entry = pwd.getpwuid(user_id()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and entry.gr_name == user.pw_name and not set(entry.gr_mem) - {user.pw_name}


def _unreadable(path: str, error: Exception) -> UsageError:
    return UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")
