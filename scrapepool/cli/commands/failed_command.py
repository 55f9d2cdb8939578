"""``scrapepool failed``: the URLs of a record file that did not succeed, to fetch them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..arguments.record_arguments import named_records
from ..arguments.text_output import write_text
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.shard_type import SHARD_HELP, ShardType
from ..parameters.text_types import FileName, Names, failure_classes
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...host_share import HostShare

EPILOG = """\b
Classes are statuses (503, 5xx, 500-504), errors of records, deferred, and these groups of errors:
  timeout   connect_timeout, read_timeout, deadline
  network   timeout, and dns, connect_refused, unreachable, tls, proxy, reset
  response  truncated, partial, protocol, decode, too_large, too_many_redirects
  http      http_4xx, http_5xx
A ! excludes: 5xx,!501. Only exclusions: everything else.

\b
To fetch the failures again:
  scrapepool failed out.jsonl --rows | scrapepool fetch - -o again.jsonl
To replace their records in the same file, use retry or fetch --resume."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("records", type=FileName(), nargs=-1, required=True, metavar="RECORDS...")
@click.option(
    "--class",
    "classes",
    type=Names(failure_classes),
    metavar="a,b,c",
    help="Print only these classes, such as timeout,5xx,!501.  [default: all but skipped lines]",
    cls=GroupedOption,
    group="Which",
)
@click.option(
    "--shard",
    type=ShardType(),
    help=f"Print only the URLs of {SHARD_HELP}",
    cls=GroupedOption,
    group="Which",
)
@click.option(
    "--rows",
    is_flag=True,
    help="Print each failure as JSON with its method, data, header fields and other columns, instead of the URL alone.",
    cls=GroupedOption,
    group="How",
)
def failed(records: tuple[str, ...], classes: tuple[str, ...] | None, shard: HostShare | None, rows: bool) -> int:
    """Print the URLs that did not succeed, one per line.

    RECORDS are files that fetch wrote (JSONL, CSV or TSV, also as .gz, databases or Parquet), folders of such files,
    globs, or - for standard input. If a URL has several records, the last one counts.
    """
    from ...failure_classes import parsed  # noqa: PLC0415
    from ...results.failures import failures, row_of_record  # noqa: PLC0415 - a quick --help needs none of these

    chosen = None if classes is None else parsed(classes)
    file = named_records(records)
    row_of = (lambda summary: row_of_record(summary, file.current())) if rows else None
    urls = failures(file, chosen, on_note=warn, row_of=row_of, shard=shard)
    write_text((f"{url}\n" for url in urls), None)
    return Exit.OK
