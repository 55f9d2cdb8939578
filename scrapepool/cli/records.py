"""Record files as arguments of a command: a file, also compressed, a table, or standard input.

Decides how such an argument is opened. Reads nothing yet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ListError, UsageError

if TYPE_CHECKING:
    from ..read.database import RecordDatabase
    from ..read.records import RecordFile

STDIN = "standard input"


def name_of(records: str) -> str:
    """What the argument is called in messages."""
    return STDIN if records == "-" else records


def opened(records: str) -> RecordFile | RecordDatabase:
    """The records of a file, or of standard input for ``-``. Raises ListError, while it is iterated over."""
    from ..read.database import RecordDatabase  # noqa: PLC0415 - a quick --help needs none of these
    from ..read.formats import PARQUET  # noqa: PLC0415
    from ..read.records import RecordFile  # noqa: PLC0415
    from ..read.streams import decompressed  # noqa: PLC0415
    from ..schema import MAGIC  # noqa: PLC0415

    begins = _first_bytes(records)
    if begins.startswith(MAGIC):
        return RecordDatabase(records)
    if begins.startswith(PARQUET):
        return RecordFile(records, _parquet_lines(records), "jsonl")
    name = name_of(records)
    return RecordFile(name, decompressed(name, _pieces(records), note))


def note_torn(records: str, file: RecordFile | RecordDatabase) -> None:
    """Say where a record was not written to its end; known once all were read."""
    if file.torn:
        note(f"{name_of(records)}: the last record is not whole and was passed over")


def note(message: str) -> None:
    """Say something on standard error."""
    click.echo(f"scrapepool: {message}", err=True)


def _first_bytes(records: str) -> bytes:
    """What tells a table from lines; nothing of what cannot be read, or not twice."""
    try:
        if not Path(records).is_file():
            return b""
        with open(records, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            return stream.read(16)
    except (OSError, ValueError):
        return b""


def _parquet_lines(records: str) -> Iterator[bytes]:
    from ..record.parquet import lines_of  # noqa: PLC0415 - an extra

    try:
        yield from lines_of(records, bodies=False)
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'scrapepool[parquet]'") from error
    except (OSError, ValueError, TypeError) as error:
        raise ListError(records, getattr(error, "strerror", None) or str(error)) from error


def _pieces(records: str) -> Iterator[bytes]:
    from ..read.streams import object_pieces  # noqa: PLC0415

    if records == "-":
        if sys.stdin is None:
            raise ListError(STDIN, "is not open")
        yield from object_pieces(sys.stdin.buffer)
        return
    try:
        with open(records, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            yield from object_pieces(stream)
    except (OSError, ValueError) as error:
        raise ListError(records, getattr(error, "strerror", None) or str(error)) from error
