"""A folder of parts: where its files are, how they are locked, and how a finished one gets its name.

Decides that a part is written into a file that readers pass over, and appears under its name when it is complete. In a
local folder that file is beside the parts, so that it survives a kill. In object storage it is a temporary file here,
and what was not uploaded is lost with this process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ...errors import ListError, LockedError, OutputError
from ...folder import Folder
from ...storage.objects import Objects
from ...storage.urls import is_storage
from ..safe_io.durability import sync_folder
from ..safe_io.lock import open_lock
from .object_lock import ObjectLock


class PartFolder(Protocol):
    """A folder of parts. Its methods raise OutputError.

    name: for messages. lasts: whether an unfinished part survives the end of this process.
    """

    name: str
    lasts: bool

    def names(self) -> list[str]:
        """List the names of its files, hidden ones too."""

    def working_path(self, name: str) -> str:
        """Return the path of the file into which the part of this name is written."""

    def publish(self, path: str, name: str) -> None:
        """Give a working file, whose bytes are on the disk, the name of its part. It replaces one of that name."""

    def fetch(self, name: str) -> str:
        """Return the path of a file with a part's bytes. It may be changed, and published again."""

    def discard(self, path: str) -> None:
        """Delete a working file or a copy; a part itself stays."""

    def read(self, name: str) -> bytes | None:
        """Return a small file; None if there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, atomically."""

    def remove(self, name: str) -> None:
        """Delete a file; it may be missing."""

    def delete(self) -> None:
        """Delete the folder with all that is in it, as far as that is possible."""

    def close(self) -> None:
        """Release the lock, and remove temporary files."""


def part_folder(url: str, lock: str | None) -> PartFolder:
    """Open a folder of parts, and create it if it is missing.

    lock: the name of the file to lock, None for none. Raises OutputError, LockedError, UsageError.
    """
    return StoredParts(url, lock) if is_storage(url) else LocalParts(url, lock)


class LocalParts:
    """A folder of this machine, or one that several machines mount."""

    lasts = True

    def __init__(self, path: str, lock: str | None) -> None:
        self.name = path
        self._path = Path(path)
        self._lock_name = lock
        self._lock: int | None = None
        try:
            self._folder = Folder.made(path)
        except (OSError, ValueError) as error:
            raise OutputError.from_error(path, error) from error
        try:
            if lock is not None:
                self._lock = open_lock(self._folder, lock)
        except BaseException as error:
            self._folder.close()
            if isinstance(error, LockedError):
                raise LockedError(path) from None
            if isinstance(error, OSError):
                raise OutputError.from_error(str(error.filename or path), error) from error
            raise

    def __repr__(self) -> str:
        return f"<LocalParts {self.name!r}>"

    def names(self) -> list[str]:
        """As ``PartFolder``."""
        try:
            return sorted(entry.name for entry in os.scandir(self._path) if entry.is_file())
        except OSError as error:
            raise OutputError.from_error(self.name, error) from error

    def working_path(self, name: str) -> str:
        """As ``PartFolder``."""
        return str(self._path / f".{name}")

    def publish(self, path: str, name: str) -> None:
        """As ``PartFolder``."""
        target = str(self._path / name)
        try:
            os.replace(path, target)  # noqa: PTH105
            sync_folder(target)
        except OSError as error:
            raise OutputError.from_error(target, error) from error

    def fetch(self, name: str) -> str:
        """As ``PartFolder``: the part itself."""
        return str(self._path / name)

    def discard(self, path: str) -> None:
        """As ``PartFolder``."""
        if Path(path).name.startswith("."):
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108

    def read(self, name: str) -> bytes | None:
        """As ``PartFolder``."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError.from_error(str(self._path / name), error) from error

    def write(self, name: str, data: bytes) -> None:
        """As ``PartFolder``."""
        beside = self._path / f".{name}.{os.getpid()}-{threading.get_ident()}.writing"
        try:
            beside.write_bytes(data)
        except OSError as error:
            raise OutputError.from_error(str(self._path / name), error) from error
        self.publish(str(beside), name)

    def remove(self, name: str) -> None:
        """As ``PartFolder``."""
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError.from_error(str(self._path / name), error) from error

    def delete(self) -> None:
        """As ``PartFolder``."""
        shutil.rmtree(self._path, ignore_errors=True)

    def close(self) -> None:
        """As ``PartFolder``."""
        if self._lock_name is not None and self._lock is not None:
            with suppress(OSError):
                self._folder.check_is(self._lock_name, self._lock)
                self._folder.remove(self._lock_name)
            os.close(self._lock)
        self._folder.close()


class StoredParts:
    """A folder in object storage. Parts are written into a temporary folder, and uploaded when they are complete."""

    lasts = False

    def __init__(self, url: str, lock: str | None = None) -> None:
        self._objects = Objects(url)
        self.name = self._objects.name
        self._here: str | None = None
        self._lock = None if lock is None else ObjectLock(self._objects, lock)

    def __repr__(self) -> str:
        return f"<StoredParts {self.name!r}>"

    def names(self) -> list[str]:
        """As ``PartFolder``."""
        try:
            return self._objects.names()
        except ListError as error:
            raise OutputError(error.source, error.reason) from error

    def working_path(self, name: str) -> str:
        """As ``PartFolder``."""
        if self._here is None:
            try:
                self._here = tempfile.mkdtemp(prefix="scrapepool-")
            except OSError as error:
                raise OutputError.from_error(tempfile.gettempdir(), error) from error
        return str(Path(self._here) / name)

    def publish(self, path: str, name: str) -> None:
        """As ``PartFolder``. If it cannot be uploaded, the working file stays, and the error names it."""
        try:
            self._objects.upload(path, name)
        except OutputError as error:
            here, self._here = self._here, None
            raise OutputError(error.path, f"{error.reason}; its records are in {here or path}") from error
        self.discard(path)

    def fetch(self, name: str) -> str:
        """As ``PartFolder``: a copy."""
        path = self.working_path(name)
        try:
            with open(path, "wb") as file:  # noqa: PTH123
                file.writelines(self._objects.pieces(name))
        except ListError as error:
            raise OutputError(error.source, error.reason) from error
        except OSError as error:
            raise OutputError.from_error(path, error) from error
        return path

    def discard(self, path: str) -> None:
        """As ``PartFolder``."""
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108

    def read(self, name: str) -> bytes | None:
        """As ``PartFolder``."""
        try:
            return b"".join(self._objects.pieces(name)) if self._objects.is_there(name) else None
        except ListError as error:
            raise OutputError(error.source, error.reason) from error

    def write(self, name: str, data: bytes) -> None:
        """As ``PartFolder``."""
        self._objects.write(name, data)

    def remove(self, name: str) -> None:
        """As ``PartFolder``."""
        if name in self.names():
            self._objects.remove(name)

    def delete(self) -> None:
        """As ``PartFolder``."""
        self._objects.delete()

    def close(self) -> None:
        """As ``PartFolder``."""
        if self._here is not None:
            shutil.rmtree(self._here, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
