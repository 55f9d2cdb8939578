"""Record files as arguments of a command: a file, also compressed, a database or table, or standard input.

Decides by the first bytes how such an argument is opened.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ...errors import ListError, UsageError
from ...extras import how_to_install
from ...storage.urls import is_storage, join
from ...text import printable
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...results.record_database import RecordDatabase
    from ...results.record_file import RecordFile
    from ...results.record_summary import RecordSummary

STDIN = "standard input"

COUNT_EVERY = 1.0
"""Seconds between two updates of the number of records read."""

CLOCK_EVERY = 1000
"""Records between two looks at the clock."""


def name_of(records: str) -> str:
    """Return the name of the argument in messages."""
    return STDIN if records == "-" else records


def opened(records: str, on_note: Callable[[str], None] | None = None) -> RecordFile | RecordDatabase:
    """Open the records of a file, or of standard input for ``-``. on_note: gets messages; ``warn``.

    Raises ListError, also while the records are iterated over, and UsageError for a database in a pipe.
    """
    from ...read.formats.detect import PARQUET  # noqa: PLC0415
    from ...read.streams.decompress import decompressed  # noqa: PLC0415
    from ...results.record_database import RecordDatabase  # noqa: PLC0415 - a quick --help needs none of these
    from ...results.record_file import RecordFile  # noqa: PLC0415
    from ...sqlite_schema import MAGIC  # noqa: PLC0415

    name, pieces = name_of(records), _pieces(records)
    begins = b""
    while len(begins) < len(MAGIC) and (piece := next(pieces, b"")):
        begins += piece
    pieces = chain([begins], pieces)
    regular = records != "-" and Path(records).is_file()
    if begins.startswith(MAGIC):
        if not regular:
            raise UsageError(f"{name}: a database cannot be read from a pipe; name its file")
        return RecordDatabase(records)
    if begins.startswith(PARQUET):
        return RecordFile(name, _parquet_lines(name, records if regular else _spooled(name, pieces)), "jsonl")
    return RecordFile(name, decompressed(name, pieces, on_note or warn))


def watched_records(
    records: str, on_note: Callable[[str], None], without: Collection[Path] = ()
) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
    """Yield every record of a file, of standard input for ``-``, or of all files in a folder, in the order of names.

    without: files of a folder that are left out. Values have the types of the format: cells of CSV are text. A terminal
    shows how many records were read. Raises as ``opened`` does.
    """
    counter = _Counter(name_of(records)) if sys.stderr.isatty() else None
    try:
        files = record_files(records, without)
        if not files:
            raise ListError(records, "the folder holds no record file")
        for name in files:
            file = opened(name, on_note)
            for pair in file.with_records():
                yield pair
                if counter is not None:
                    counter.count()
            note_torn(name, file, on_note)
    finally:
        if counter is not None:
            counter.end()


class _Counter:
    """Shows on one line of the terminal how many records were read, and removes the line at the end."""

    def __init__(self, name: str) -> None:
        self._name = printable(name)
        self._read = 0
        self._due = time.monotonic() + COUNT_EVERY
        self._shown = False

    def count(self) -> None:
        self._read += 1
        if not self._read % CLOCK_EVERY and time.monotonic() >= self._due:
            self._due, self._shown = time.monotonic() + COUNT_EVERY, True
            click.echo(f"\r{self._name}: {self._read:,} records read", err=True, nl=False)

    def end(self) -> None:
        if self._shown:
            click.echo("\r\033[K", err=True, nl=False)


def record_files(records: str, without: Collection[Path] = ()) -> list[str]:
    """List the record files of an argument: the file itself, or those of a folder that are not hidden or markers.

    without: files of the folder that are left out, with links resolved. Raises ListError.
    """
    if is_storage(records):
        from ...storage.objects import Objects  # noqa: PLC0415 - an extra

        stored = Objects(records)
        if not stored.is_folder():
            return [records]
        return [join(records, name) for name in stored.names() if name[0] not in "._"]
    if records == "-" or not Path(records).is_dir():
        return [records]
    try:
        files = [path for path in Path(records).iterdir() if path.name[0] not in "._" and path.is_file()]
        return sorted(str(path) for path in files if path.resolve() not in without)
    except OSError as error:
        raise ListError(records, error.strerror or str(error)) from error


def note_torn(records: str, file: RecordFile | RecordDatabase, on_note: Callable[[str], None] | None = None) -> None:
    """Report an incomplete last record. Call it after all records were read."""
    if file.torn:
        (on_note or warn)(f"{name_of(records)}: the last record is incomplete and was skipped")


def _spooled(name: str, pieces: Iterator[bytes]) -> BinaryIO:
    """Copy a stream to a temporary file: Parquet is read from its end."""
    try:
        file = tempfile.TemporaryFile(prefix="scrapepool-")  # noqa: SIM115 - closed with its reader
        file.writelines(pieces)
        file.seek(0)
    except OSError as error:
        raise ListError(name, f"cannot copy it to {tempfile.gettempdir()}: {error.strerror}") from error
    return file


def _parquet_lines(name: str, source: str | BinaryIO) -> Iterator[bytes]:
    from ...record.stores.parquet import lines_of  # noqa: PLC0415 - an extra

    try:
        yield from lines_of(source, bodies=False)
    except ImportError as error:
        raise UsageError(f"Parquet needs pyarrow: {how_to_install('parquet')}") from error
    except (OSError, ValueError, TypeError) as error:
        raise ListError(name, getattr(error, "strerror", None) or str(error)) from error


def _pieces(records: str) -> Iterator[bytes]:
    from ...read.streams.pieces import object_pieces  # noqa: PLC0415
    from ...storage.objects import Objects  # noqa: PLC0415 - as above

    if records == "-":
        if sys.stdin is None:
            raise ListError(STDIN, "is not open")
        yield from object_pieces(sys.stdin.buffer)
        return
    if is_storage(records):
        yield from Objects(records).pieces()
        return
    try:
        with open(records, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            yield from object_pieces(stream)
    except (OSError, ValueError) as error:
        raise ListError(records, getattr(error, "strerror", None) or str(error)) from error
