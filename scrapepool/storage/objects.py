"""Reads and writes objects by their URLs. fsspec is an extra, and is imported here alone.

Decides how the errors of fsspec and of its many libraries become one sentence. Each library finds its credentials by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import ListError, OutputError, UsageError
from ..extras import how_to_install
from ..text import brief, printable, without_password, without_passwords

PIECE = 1024 * 1024
"""Bytes per read; fsspec reads ahead more than that."""

ATOMIC = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"})
"""Schemes of which an object has its old or its new content, and is never half written."""

SHOWN = 300
"""Characters of a library's message that are shown."""

REASONS = {
    "FileNotFoundError": "there is no such object or bucket",
    "NoCredentialsError": "no credentials were found for it; set them as its library reads them",
    "PermissionError": "access is denied: {}",
}
"""What the messages of some errors do not say clearly, by the name of the error."""


class Objects:
    """One kind of storage, opened by the URL of one of its objects or folders.

    url: as the user gave it. Raises UsageError if a package is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = printable(without_password(url))
        try:
            import fsspec  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(f"{self.name} needs fsspec: {how_to_install('storage')}") from error
        try:
            found, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise UsageError(f"{self.name}: {_first_line(error)}") from error
        except Exception as error:
            raise UsageError(f"{self.name}: {reason_of(error)}") from error
        self._files: Any = found
        self._path: str = path.rstrip("/")

    def __repr__(self) -> str:
        return f"<Objects {self.name!r}>"

    def pieces(self, name: str = "") -> Iterator[bytes]:
        """Read an object piece by piece. Raises ListError."""
        with self._reading(name), self._files.open(self._at(name), "rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def is_there(self, name: str = "") -> bool:
        """Whether there is an object or a folder. Raises ListError."""
        with self._reading(name):
            return bool(self._files.exists(self._at(name)))

    def is_folder(self) -> bool:
        """Whether the URL is a folder, and no object. Raises ListError."""
        with self._reading(""):
            return bool(self._files.isdir(self._path))

    def names(self) -> list[str]:
        """List the objects of the folder, sorted; those of its folders are left out. Raises ListError."""
        with self._reading(""):
            try:
                found = self._files.ls(self._path, detail=True)
            except FileNotFoundError:
                return []
            return sorted(entry["name"].rsplit("/", 1)[-1] for entry in found if entry["type"] == "file")

    def write(self, name: str, data: bytes) -> None:
        """Write a small object, atomically. Raises OutputError."""
        with self._writing(name):
            self._placed(name, lambda path: self._files.pipe_file(path, data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a small object unless there is one; return whether it was written. Raises OutputError.

        Storage that knows no conditional requests is asked before, so that another process may come between the two.
        """
        try:
            if not self._is_atomic():
                self._files.makedirs(self._path, exist_ok=True)
            self._files.pipe_file(self._at(name), data, mode="create")
        except Exception:  # noqa: BLE001 - libraries do not agree on how they say that there is one, or that they cannot
            with self._writing(name):
                if self._files.exists(self._at(name)):
                    return False
                self._files.pipe_file(self._at(name), data)
        return True

    def upload(self, file: str, name: str = "") -> None:
        """Write a local file as an object, atomically. Raises OutputError."""
        with self._writing(name):
            self._placed(name, lambda path: self._files.put_file(file, path))

    def remove(self, name: str) -> None:
        """Delete an object. Raises OutputError."""
        with self._writing(name):
            self._files.rm_file(self._at(name))

    def delete(self) -> None:
        """Delete the folder with all that is in it, as far as that is possible."""
        with suppress(Exception):
            self._files.rm(self._path, recursive=True)

    def _placed(self, name: str, write: Callable[[str], object]) -> None:
        """Write an object at once where the storage does so, else under another name that is renamed then."""
        path = self._at(name)
        if self._is_atomic():
            write(path)
            return
        folder, _, last = path.rpartition("/")
        self._files.makedirs(folder, exist_ok=True)
        beside = f"{folder}/.{last}.writing"
        write(beside)
        self._files.mv(beside, path)

    def _is_atomic(self) -> bool:
        protocol = getattr(self._files, "protocol", "")
        return not ATOMIC.isdisjoint((protocol,) if isinstance(protocol, str) else protocol)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}" if name else self._path

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise ListError(self._shown(name), reason_of(error)) from error

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise OutputError(self._shown(name), reason_of(error)) from error

    def _shown(self, name: str) -> str:
        return f"{self.name.rstrip('/')}/{name}" if name else self.name


def reason_of(error: BaseException) -> str:
    """Say in one line what went wrong. Messages of libraries may be long, and may hold passwords."""
    kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in REASONS), "")
    return REASONS.get(kind, "{}").format(_first_line(error) or type(error).__name__)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return brief(printable(without_passwords(lines[0])), SHOWN)
