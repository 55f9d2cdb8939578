"""``scrapepool failed``: the URLs of a record file that did not succeed, for another run."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from ..errors import ListError
from .exits import Exit
from .grouped import GroupedCommand, GroupedOption
from .types import FileName, Names

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 1000  # lines in one write

EPILOG = """\b
Classes are the errors of records, deferred, and groups of them:
  timeout   connect_timeout, read_timeout, deadline
  network   timeout, and dns, connect_refused, unreachable, tls, proxy, reset
  response  truncated, protocol, decode, too_large, too_many_redirects
  http      http_4xx, http_5xx

\b
To run the failures again:
  scrapepool failed out.jsonl | scrapepool fetch - -o again.jsonl
To have them replaced in the same file, use fetch --resume."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("records", type=FileName())
@click.option(
    "--class",
    "classes",
    type=Names(),
    metavar="a,b,c",
    help="Only these.  [default: all but skipped lines]",
    cls=GroupedOption,
    subject="Which",
)
def failed(records: str, classes: tuple[str, ...] | None) -> int:
    """Print the URLs that did not succeed, one a line.

    RECORDS is what fetch wrote (JSONL, CSV or TSV, also as .gz, or a database), or - for standard input. The last
    record of a URL counts.
    """
    from ..read.database import RecordDatabase, is_database  # noqa: PLC0415
    from ..read.failures import errors_of, failures  # noqa: PLC0415 - a quick --help needs none of these
    from ..read.records import RecordFile  # noqa: PLC0415
    from ..read.streams import decompressed  # noqa: PLC0415
    from ..record.output import Output  # noqa: PLC0415

    slugs = None if classes is None else errors_of(classes)
    name = "standard input" if records == "-" else records
    file: RecordFile | RecordDatabase
    if is_database(records):
        file = RecordDatabase(records)
    else:
        file = RecordFile(name, decompressed(name, _pieces(records), _note))
    urls = failures(file, slugs)
    output = Output(None)
    while lines := [f"{url}\n".encode() for url in islice(urls, AT_ONCE)]:
        output.write(lines)
    if file.torn:
        _note(f"{name}: the last record is not whole and was passed over")
    return Exit.OK


def _pieces(records: str) -> Iterator[bytes]:
    from ..read.streams import object_pieces  # noqa: PLC0415

    if records == "-":
        if sys.stdin is None:
            raise ListError("standard input", "is not open")
        yield from object_pieces(sys.stdin.buffer)
        return
    try:
        with open(records, "rb") as stream:  # noqa: PTH123 - a Path of its own would say no more
            yield from object_pieces(stream)
    except OSError as error:
        raise ListError(records, error.strerror or str(error)) from error


def _note(message: str) -> None:
    click.echo(f"scrapepool: {message}", err=True)
