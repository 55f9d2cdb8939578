"""Folders that other users may write to. A folder is opened once, and everything in it by its descriptor.

Decides that no link is followed below an open folder; ``owned_file`` decides which file in it is ours. A platform
without ``dir_fd`` uses paths instead of descriptors; a link that replaces a file between the check and the opening
is then not detected.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

from .fallbacks import CLOEXEC, DIRECTORY, LOOK_UP, NOFOLLOW
from .owned_file import ForeignFileError, check_own, check_owner, open_own, open_waiting

HAS_DIR_FD = {os.open, os.stat, os.unlink, os.rename, os.link, os.mkdir, os.rmdir} <= os.supports_dir_fd

_FOLDER = DIRECTORY | NOFOLLOW | CLOEXEC
_SEARCHED = LOOK_UP | _FOLDER
"""Flags for a folder in which names are looked up, but which is not listed, so that it need not be readable."""


def make_folder(path: str) -> None:
    """Create the folder that a user names, unless it is there. Raises OSError, ValueError."""
    try:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None


class Folder:
    """An open folder. Names in it have one part, and links are never followed. May be used by many threads.

    path: for messages.
    on_full: see ``open_own``.
    """

    def __init__(self, path: str, flags: int = _SEARCHED, *, parent: Folder | None = None, name: str = "") -> None:
        self.path = path
        self.on_full: Callable[[], None] = lambda: None
        self._fd: int | None = None
        if parent is None:
            opened = os.open(path, flags & ~NOFOLLOW)  # the user who names it may name a link
        else:
            opened = open_waiting(parent.at(name), flags, 0, parent.dir_fd, parent.on_full)
        if HAS_DIR_FD:
            self._fd = opened
        else:
            os.close(opened)
        self._found = self.stat() if parent is None else None

    def __repr__(self) -> str:
        return f"<Folder {self.path!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def made(cls, path: str) -> Self:
        """Open the folder that a user names, and create it if it is missing. Raises OSError, ValueError."""
        make_folder(path)
        return cls(path)

    def close(self) -> None:
        """Close the folder."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    @property
    def dir_fd(self) -> int | None:
        """The descriptor for calls of ``os``, which go with ``at``."""
        return self._fd

    def at(self, name: str) -> str:
        """Return a name in the folder as calls of ``os`` need it."""
        return self.path_of(name) if self._fd is None else name

    def path_of(self, name: str) -> str:
        """Return a name with the path of the folder before it."""
        return os.path.join(self.path, name)  # noqa: PTH118

    def check_in_place(self) -> None:
        """Raise ForeignFileError unless the path of the folder still leads to it."""
        try:
            found = os.stat(self.path)  # noqa: PTH116
        except OSError as error:
            raise ForeignFileError(self.path, "the folder was moved or deleted during the run") from error
        if self._found is None or not os.path.samestat(found, self._found):
            raise ForeignFileError(self.path, "the folder was replaced by another one during the run")

    def private(self, name: str, mode: int = 0o700) -> Folder:
        """Open a folder in this one that only this program writes to; create it with a mode if it is missing.

        Raises ForeignFileError for a link or another user's folder, OSError.
        """
        flags = os.O_RDONLY | _FOLDER
        try:
            os.mkdir(self.at(name), mode, dir_fd=self._fd)
            made = True
        except FileExistsError:
            made = False
        folder = self._within(name, flags)
        try:
            if not made:
                check_owner(folder.stat(), folder.at(""), folder.dir_fd, folder.path)
        except BaseException:
            folder.close()
            raise
        return folder

    @contextmanager
    def below(self, names: Sequence[str], *, make: bool = True) -> Iterator[Folder]:
        """Open a folder below this one, and close it after the block. make: create each part that is missing.

        Raises ForeignFileError for a part that is a link, NotADirectoryError for one that is a file, OSError.
        """
        folder = self
        try:
            for name in names:
                outer, folder = folder, folder._searched(name, make=make)
                if outer is not self:
                    outer.close()
            yield folder
        finally:
            if folder is not self:
                folder.close()

    def _searched(self, name: str, *, make: bool) -> Folder:
        try:
            return self._within(name, _SEARCHED)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):
            os.mkdir(self.at(name), dir_fd=self._fd)
        return self._within(name, _SEARCHED)

    def _within(self, name: str, flags: int) -> Folder:
        try:
            if not HAS_DIR_FD and stat.S_ISLNK(self.stat(name).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.path_of(name))
            return Folder(self.path_of(name), flags, parent=self, name=name)
        except OSError as error:
            found = self.stat(name)
            if stat.S_ISLNK(found.st_mode):
                to = os.readlink(self.at(name), dir_fd=self._fd)
                raise ForeignFileError(
                    self.path_of(name), f"it is a link to {to}, and links are not followed"
                ) from error
            raise OSError(error.errno, error.strerror, self.path_of(name)) from error

    # -- files -------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """List the names of everything in the folder."""
        return os.listdir(self.path if self._fd is None else self._fd)  # noqa: PTH208

    def stat(self, name: str = "") -> os.stat_result:
        """Return the status of a name, of a link itself, or of the folder without a name. Raises OSError."""
        if not name:
            return os.stat(self.path if self._fd is None else self._fd)  # noqa: PTH116
        return os.stat(self.at(name), dir_fd=self._fd, follow_symlinks=False)

    def check(self, name: str, *, names: bool = False) -> os.stat_result:
        """Check that a file is ours and return its status. names: see ``open_own``. Raises OSError."""
        found = self.stat(name)
        check_own(found, self.at(name), self._fd, self.path, names=names)
        return found

    def check_is(self, name: str, fd: int) -> None:
        """Raise ForeignFileError unless a name still refers to an open file, and no other name does."""
        found, opened = self.stat(name), os.fstat(fd)
        if not os.path.samestat(found, opened):
            raise ForeignFileError(self.path_of(name), "it was replaced during the run")
        check_own(opened, self.at(name), self._fd, self.path)

    def open(self, name: str, flags: int, mode: int = 0o666, *, names: bool = False) -> int:
        """Open a file that is ours; see ``open_own``."""
        return open_own(
            self.at(name), flags, mode, dir_fd=self._fd, folder=self.path, names=names, on_full=self.on_full
        )

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file. Raises OSError."""
        fd = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)

    def remove(self, name: str) -> None:
        """Delete a file. Raises OSError."""
        os.unlink(self.at(name), dir_fd=self._fd)

    def remove_folder(self, name: str) -> None:
        """Delete an empty folder. Raises OSError."""
        os.rmdir(self.at(name), dir_fd=self._fd)

    def replace(self, name: str, folder: Folder, new: str) -> None:
        """Move a file to a name in a folder, and replace a file that has it. Raises OSError."""
        os.replace(self.at(name), folder.at(new), src_dir_fd=self._fd, dst_dir_fd=folder.dir_fd)

    def link(self, name: str, folder: Folder, new: str) -> None:
        """Give a file a second name in a folder. Raises FileExistsError, OSError."""
        follow = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
        os.link(self.at(name), folder.at(new), src_dir_fd=self._fd, dst_dir_fd=folder.dir_fd, **follow)

    def move(self, name: str, folder: Folder, new: str) -> None:
        """Move a file to a name in a folder, and never replace another file. Raises FileExistsError, OSError."""
        try:
            self.link(name, folder, new)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.close(folder.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            self.replace(name, folder, new)
        else:
            self.remove(name)
