"""Opens records by name: ``RecordParts`` reads files, folders of parts, globs and standard input as if they were one.

Decides which files a name stands for, and by their first bytes how each is opened. Whatever reads records that a user
named reads them through this module.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from glob import glob, has_magic
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ListError, UsageError, system_reason
from ..extras import how_to_install
from ..storage.urls import is_storage, join
from .line_shapes import LineShapes
from .record_file import RecordFile

if TYPE_CHECKING:
    from .record_database import RecordDatabase
    from .record_summary import RecordSummary

STDIN = "standard input"

NO_RECORDS: tuple[str, ...] = (
    *(".warc", ".warc.gz", ".warc.zst", ".cdx", ".cdxj", ".cdxj.gz"),
    *("-wal", "-shm", "-journal"),
    *(".log", ".html", ".json", ".txt", ".md", ".tmp"),
)
"""Ends of the names of files that lie beside records: archives and their indexes, what SQLite keeps beside a database,
reports and summaries. They are passed over in folders and globs, but read when they are named, or when the glob ends as
they do (``*.json``)."""

Note = Callable[[str], None]


def name_of(records: str) -> str:
    """Return the name of records in messages."""
    return STDIN if records == "-" else records


class RecordParts:
    """Iterates over the records of all files of some names, in order, with the interface of ``RecordFile``.

    names: see ``record_files``. stdin: standard input, None if it is closed. on_note: receives lines for the user: an
    incomplete last record. without: files that are left out where a name stands for several, with links resolved.
    bodies: whether bodies in Parquet files are read too.
    Raises ListError for a name without files and for files that cannot be read, also during the iteration; UsageError
    for files that hold no records, and for standard input that is named twice.

    files: the names of the files. current_file: of the file that the last record is from. on_note: may be replaced.
    """

    def __init__(
        self,
        names: Sequence[str],
        stdin: BinaryIO | None,
        on_note: Note,
        *,
        without: Collection[Path] = (),
        bodies: bool = False,
    ) -> None:
        if names.count("-") > 1:
            raise UsageError("standard input can be read only once: - is given twice")
        self.files: list[str] = []
        for name in names:
            files = record_files(name, without)
            if not files:
                missing = "the folder holds no record file" if Path(name).is_dir() else "no record file matches"
                raise ListError(name, missing)
            self.files += files
        self.current_file = ""
        self._stdin = stdin
        self.on_note = on_note
        self._bodies = bodies
        self._file: RecordFile | RecordDatabase | None = None

    def __repr__(self) -> str:
        return f"<RecordParts of {len(self.files)} files>"

    def __iter__(self) -> Iterator[RecordSummary]:
        return (summary for file in self.opened() for summary in file)

    @property
    def file(self) -> RecordFile | RecordDatabase | None:
        """The file that was opened last."""
        return self._file

    def current(self) -> dict[str, Any]:
        """Return the complete last record, with the types of its format: cells of CSV are text."""
        assert self._file is not None  # noqa: S101 - see ``RecordFile.current``: only during the iteration
        return self._file.current()

    def with_records(self) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
        """Yield the summary of each record, and the complete record, as ``current`` returns it."""
        return (pair for file in self.opened() for pair in file.with_records())

    def opened(self) -> Iterator[RecordFile | RecordDatabase]:
        """Open the files one after another. Each is read before the next is opened."""
        shapes = LineShapes()
        for name in self.files:
            self.current_file = name
            self._file = file = opened(name, self._stdin, self.on_note, bodies=self._bodies, shapes=shapes)
            yield file
            if file.torn:
                self.on_note(f"{name_of(name)}: the last record is incomplete and was skipped")


def record_files(name: str, without: Collection[Path] = ()) -> list[str]:
    """List the files that a name stands for, in the order of their names; an empty list if there are none.

    name: a file, ``-`` for standard input, a folder, which stands for the files in it that are not hidden or markers,
    or a glob (``results/part-*.jsonl``, ``**`` for folders below), if no file has that name; or the URL of an object or
    a folder in object storage. ``NO_RECORDS`` are the ends of names that both pass over. without: files of a folder or
    a glob that are left out, with links resolved. Raises ListError for a folder that cannot be read.
    """
    if is_storage(name):
        return _stored(name)
    path, ends = Path(name), NO_RECORDS
    try:
        if name != "-" and path.is_dir():
            found = list(path.iterdir())
        elif name != "-" and has_magic(name) and not path.exists():
            ends = tuple(end for end in NO_RECORDS if not name.lower().endswith(end))
            found = list(map(Path, glob(name, recursive=True)))  # noqa: PTH207 - a pattern may be absolute
        else:
            return [name]
        may_hold = (one for one in found if _may_hold(one.name, ends) and one.is_file())
        return sorted(str(one) for one in may_hold if one.resolve() not in without)
    except (OSError, ValueError) as error:
        raise ListError(name, system_reason(error)) from error


def _stored(url: str) -> list[str]:
    from ..storage.objects import Objects  # noqa: PLC0415 - an extra

    stored = Objects(url)
    return [join(url, name) for name in stored.names() if _may_hold(name)] if stored.is_folder() else [url]


def _may_hold(name: str, without: tuple[str, ...] = NO_RECORDS) -> bool:
    return name[0] not in "._" and not name.lower().endswith(without)


def opened(
    records: str, stdin: BinaryIO | None, on_note: Note, *, bodies: bool = False, shapes: LineShapes | None = None
) -> RecordFile | RecordDatabase:
    """Open the records of one file, or of standard input for ``-``.

    The parameters are those of ``RecordParts`` and ``RecordFile``.

    Raises ListError, also while the records are iterated over, and UsageError for a database in a pipe.
    """
    from ..read.formats.detect import PARQUET  # noqa: PLC0415
    from ..read.streams.decompress import decompressed  # noqa: PLC0415
    from ..sqlite_schema import MAGIC  # noqa: PLC0415 - a quick --help needs none of these

    name, pieces = name_of(records), _pieces(records, stdin)
    begins = b""
    while len(begins) < len(MAGIC) and (piece := next(pieces, b"")):
        begins += piece
    pieces = chain([begins], pieces)
    regular = records != "-" and Path(records).is_file()
    if begins.startswith(MAGIC):
        if not regular:
            raise UsageError(f"{name}: a database cannot be read from a pipe; name its file")
        from .record_database import RecordDatabase  # noqa: PLC0415 - few runs need it

        return RecordDatabase(records)
    if begins.startswith(PARQUET):
        source = records if regular else _spooled(name, pieces)
        return RecordFile(name, _parquet_lines(name, source, bodies=bodies), "jsonl", shapes=shapes)
    return RecordFile(name, decompressed(name, pieces, on_note), shapes=shapes)


def _spooled(name: str, pieces: Iterator[bytes]) -> BinaryIO:
    """Copy a stream to a temporary file: Parquet is read from its end."""
    try:
        file = tempfile.TemporaryFile(prefix="scrapepool-")  # noqa: SIM115 - closed with its reader
        file.writelines(pieces)
        file.seek(0)
    except OSError as error:
        raise ListError(name, f"cannot copy it to {tempfile.gettempdir()}: {error.strerror}") from error
    return file


def _parquet_lines(name: str, source: str | BinaryIO, *, bodies: bool) -> Iterator[bytes]:
    from ..record.stores.parquet import lines_of  # noqa: PLC0415 - an extra

    try:
        yield from lines_of(source, bodies=bodies)
    except ImportError as error:
        raise UsageError(f"Parquet needs pyarrow: {how_to_install('parquet')}") from error
    except (OSError, ValueError, TypeError) as error:
        raise ListError(name, system_reason(error)) from error


def _pieces(records: str, stdin: BinaryIO | None) -> Iterator[bytes]:
    from ..read.streams.pieces import object_pieces  # noqa: PLC0415 - as above
    from ..storage.objects import Objects  # noqa: PLC0415 - an extra

    if records == "-":
        if stdin is None:
            raise ListError(STDIN, "is not open")
        yield from object_pieces(stdin)
        return
    if is_storage(records):
        yield from Objects(records).pieces()
        return
    try:
        with open(records, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            yield from object_pieces(stream)
    except (OSError, ValueError) as error:
        raise ListError(records, system_reason(error)) from error
