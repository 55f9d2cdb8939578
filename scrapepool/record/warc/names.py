"""The files of an archive: how they are called, and how they are opened.

Decides what is another's file, and which archive that is there would be lost. Reads and writes nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ...errors import OutputError, UsageError
from ...owned_file import open_own
from ...settings import WarcSettings
from ..safe_io.lock import is_ours, lock, open_locked

PRIVATE = 0o600
"""Mode of a file that is made: it holds requests as they were sent, with credentials."""

INDEX = ".cdxj"


class ArchiveNames:
    """The names of an archive's files by their numbers. path: of the first one, which ends in .warc or .warc.gz."""

    def __init__(self, path: str) -> None:
        at = len(path) - len(".warc.gz" if path.lower().endswith(".gz") else ".warc")
        self.stem, self.suffix = path[:at], path[at:]

    @property
    def compressed(self) -> bool:
        """Whether the files are gzip."""
        return self.suffix.lower().endswith(".gz")

    def file(self, number: int) -> str:
        """Path of a file."""
        return self._numbered(number) + self.suffix

    def index(self, number: int) -> str:
        """Path of a file's index."""
        return self._numbered(number) + INDEX

    def _numbered(self, number: int) -> str:
        return f"{self.stem}-{number:05}" if number else self.stem


def archive_of_shard(path: str, number: int) -> str:
    """Return the name of the archive of one shard of a run on a cluster: ``crawl-shard-00042.warc.gz``."""
    names = ArchiveNames(path)
    return f"{names.stem}-shard-{number:05}{names.suffix}"


def check_archive(settings: WarcSettings) -> None:
    """See that no archive of that name would be lost. Raises UsageError, LockedError where another run writes it."""
    path = settings.path
    assert path is not None  # noqa: S101 - else there is none to check
    try:
        check_new(ArchiveNames(path), indexed=settings.cdx)
    except UsageError:
        with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 - a Path of its own would say no more
            lock(file.fileno(), path, shared=True)
        raise


def check_new(names: ArchiveNames, *, indexed: bool) -> None:
    """See that no archive is there, and no index where one is ``indexed``. Raises UsageError."""
    kinds = {names.file(0): "archive", names.file(1): "archive"} | ({names.index(0): "index"} if indexed else {})
    for name, kind in kinds.items():
        if os.path.isfile(name) and os.path.getsize(name):  # noqa: PTH113, PTH202
            does = "--resume appends to it, --overwrite replaces it, and another name keeps both"
            raise UsageError(f"{name}: there is an {kind} already: {does}")


def open_first(path: str) -> int:
    """Open and lock a file for reading and appending. Raises OSError, LockedError, OutputError for what is no file."""
    if not is_ours(path):
        raise OutputError(path, "an archive is a regular file")
    return open_locked(path, read=True, mode=PRIVATE)


def open_next(path: str) -> int:
    """Open a file whose name the archive makes, which is no link. Raises OSError, ForeignFileError."""
    return open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)


def remove_empty(path: str) -> None:
    """Remove a file that was made for nothing."""
    with suppress(OSError):
        if not os.path.getsize(path):  # noqa: PTH202
            os.unlink(path)  # noqa: PTH108
