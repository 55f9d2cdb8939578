"""Record files as arguments of a command: a file, also compressed, a database, or standard input.

Decides how such an argument is opened. Reads nothing yet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..errors import ListError

if TYPE_CHECKING:
    from ..read.database import RecordDatabase
    from ..read.records import RecordFile

STDIN = "standard input"


def name_of(records: str) -> str:
    """What the argument is called in messages."""
    return STDIN if records == "-" else records


def opened(records: str) -> RecordFile | RecordDatabase:
    """The records of a file, or of standard input for ``-``. Raises ListError, while it is iterated over."""
    from ..read.database import RecordDatabase, is_database  # noqa: PLC0415 - a quick --help needs none of these
    from ..read.records import RecordFile  # noqa: PLC0415
    from ..read.streams import decompressed  # noqa: PLC0415

    if is_database(records):
        return RecordDatabase(records)
    name = name_of(records)
    return RecordFile(name, decompressed(name, _pieces(records), note))


def note_torn(records: str, file: RecordFile | RecordDatabase) -> None:
    """Say where a record was not written to its end; known once all were read."""
    if file.torn:
        note(f"{name_of(records)}: the last record is not whole and was passed over")


def note(message: str) -> None:
    """Say something on standard error."""
    click.echo(f"scrapepool: {message}", err=True)


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
