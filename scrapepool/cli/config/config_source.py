"""Where the configuration file comes from: which file is read, and whether it is trusted.

Decides where the file is searched, that only the first one found is read, and which files are refused: those that
another user may have written, and those that are not regular files.
"""

from __future__ import annotations

import os
import stat
from enum import Enum, auto
from pathlib import Path

from ...errors import UsageError, system_reason
from ...fallbacks import CLOEXEC, IN, NONBLOCK, let_block, poll, user_id
from ...frozen import frozen

NAME = "scrapepool.toml"
PROJECT = "pyproject.toml"

MAX_CONFIG = 256 * 1024
"""Bytes of a file: a hundred times the size of one with all options and many hosts."""

MAX_DOTS = 200
"""Dots on a line of a file that the user did not name: tomllib takes quadratic time over a key with many dots."""

PIPE_TIMEOUT = 1.0
"""Seconds to wait for data from a pipe: ``--config <(command)`` has a writer already."""


class Trust(Enum):
    """How a file was chosen, which decides what it may set."""

    NAMED = auto()
    """The user named it, by ``--config`` or in the environment."""
    USERS = auto()
    """It lies in the user's own folder."""
    FOUND = auto()
    """It lies in the current folder, which may belong to anybody."""


@frozen
class Source:
    """A file that was read.

    path: as it is shown. content: one byte more than ``MAX_CONFIG`` if the file is too large. writer: who else may have
    written it, as a sentence; None for nobody.
    """

    path: str
    content: bytes
    trust: Trust
    writer: str | None = None

    @property
    def how_to_allow(self) -> str:
        """What the user can do to have a refused file or value accepted."""
        return f"to accept it, name the file: --config {self.path}"


def named(path: str) -> Source:
    """Read the file that the user named. Raises UsageError."""
    try:
        fd = os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, error) from None
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        _wait_for_writer(path, fd)
    let_block(fd)
    return Source(path, _content(path, fd), Trust.NAMED)


def found(name: str) -> Source | None:
    """Read the file of that name in the current folder; None if there is none. Raises UsageError."""
    try:
        return _regular(name, Trust.FOUND)
    except PermissionError as error:
        if not os.access(".", os.X_OK):  # as with sudo -u nobody in /root
            return None
        raise _unreadable(name, error) from None


def users_own() -> Source | None:
    """Read the file in the user's own folder; None if there is none. Raises UsageError."""
    try:
        return _regular(str(_of_user()), Trust.USERS)
    except PermissionError:  # HOME may be another user's, as with sudo
        return None


def _of_user() -> Path:
    """Return the path of the user's own file (XDG Base Directory Specification, which ignores relative paths)."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not Path(folder).is_absolute():
        folder = os.path.expanduser("~/.config")  # noqa: PTH111 - Path.expanduser raises without a home
    return Path(folder, "scrapepool", "config.toml")


def _regular(path: str, trust: Trust) -> Source | None:
    """Read a regular file that the user did not name. Raises UsageError, PermissionError."""
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
        raise UsageError(f"{path}: not a regular file, so it is not read as a configuration")
    return Source(path, _content(path, fd), trust, _other_writer(status))


def _content(path: str, fd: int) -> bytes:
    """Read the file to its end, but at most one byte over the limit, and close it."""
    try:
        with open(fd, "rb") as file:
            return file.read(MAX_CONFIG + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _wait_for_writer(path: str, fd: int) -> None:
    """Check that a pipe has data: reading would wait for its writer, and forever if there is none."""
    poller = poll()
    poller.register(fd, IN)
    if not any(event & IN for _, event in poller.poll(1000 * PIPE_TIMEOUT)):
        os.close(fd)
        raise UsageError(f"{path}: nobody writes to this pipe")


def _other_writer(status: os.stat_result) -> str | None:
    """Return who else may have written a file, by the rule that OpenSSH has for its own files."""
    if status.st_uid not in (user_id(), 0):
        return "it belongs to another user"
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid)):
        return "others may write to it"
    return None


def _is_private(group: int) -> bool:
    """Return whether only the user is in a group; most systems create one for each user."""
    import grp  # noqa: PLC0415 - for unusual modes
    import pwd  # noqa: PLC0415

    try:
        user, entry = pwd.getpwuid(user_id()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and entry.gr_name == user.pw_name and not set(entry.gr_mem) - {user.pw_name}


def _unreadable(path: str, error: Exception) -> UsageError:
    return UsageError(f"{path}: cannot be read: {system_reason(error)}")
