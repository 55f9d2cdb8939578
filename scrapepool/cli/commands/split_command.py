"""``scrapepool split``: one list per share of the hosts, for programs and people that start processes themselves."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...host_share import MAX_SHARES
from ...plural import counted
from ...text import without_password
from ..arguments.list_arguments import ListFormats, is_url, source_names, standard_input
from ..exits import Exit
from ..options.input_options import format_options
from ..parameters.completions import files
from ..parameters.grouped_options import GroupedCommand, GroupedOption, is_typed
from ..parameters.quantity_types import Whole
from ..parameters.text_types import FileName
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...run.list_split import SplitResult

ROWS_NAMED = 3
"""Rows that cannot be copied, of which a message names at most so many; all are counted."""

EPILOG = """\b
The files are DIR/shard-1.txt to DIR/shard-N.txt, or .csv, .tsv or .jsonl as the list is. Shard I has the URLs that
fetch --shard I/N would read from the list.

Exit codes: 0 every row was copied; 1 some rows cannot be copied; 2 wrong usage, or no usable URL; 3 a file cannot be
written."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("lists", nargs=-1, shell_complete=files, metavar="[LIST]...")
@click.option("-n", "--shards", type=Whole(1, MAX_SHARES), required=True, cls=GroupedOption, group="Output",
              help="Write this many lists.")  # fmt: skip
@click.option("-o", "--output", type=FileName(), required=True, metavar="DIR", cls=GroupedOption, group="Output",
              help="Write the lists into this folder, which is created; it must hold no shards.")  # fmt: skip
@format_options
@click.pass_context
def split(ctx: click.Context, /, lists: tuple[str, ...], shards: int, output: str, **values: Any) -> int:
    """Divide lists into N lists, each host in one of them.

    LIST is a file as fetch reads it, or - for standard input. Rows are copied as they are, with their other columns and
    the header. Rows without a URL are in the first list.
    """
    from ...read import TargetList  # noqa: PLC0415
    from ...run.list_split import split as divide  # noqa: PLC0415
    from ...settings import InputSettings  # noqa: PLC0415 - a quick --help needs none of these

    settings = InputSettings(
        format=values["input_format"],
        url_field=values["url_field"],
        url_template=values["url_template"],
        base_url=values["base_url"],
        dedupe=False,
    )
    names = _checked(lists, output)
    stdin = standard_input(names, settings)
    notes: list[str] = []
    formats = ListFormats(notes.append if is_typed(ctx, "url_field") else None)
    with closing(
        TargetList(names, settings, stdin=stdin, on_note=notes.append, on_format=formats.add, whole=True)
    ) as targets:
        result = divide(targets, shards, output)
    for note in notes:
        warn(note)
    if not result.files:
        raise UsageError(f"no usable URL in {source_names(names, settings, formats)}")
    return _report(result, output)


def _checked(lists: tuple[str, ...], output: str) -> tuple[str, ...]:
    """Return the lists, or standard input if there are none. Raises UsageError."""
    from ...storage.urls import is_storage  # noqa: PLC0415
    from ..arguments.file_conflicts import check_read_once  # noqa: PLC0415 - as above

    if not lists and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("give a list, for example scrapepool split urls.txt -n 8 -o shards/")
    check_read_once(lists)
    if is_storage(output):
        raise UsageError(f"{without_password(output)}: split writes into a folder of this machine")
    for name in lists:
        if is_url(name):
            url = without_password(name)
            raise UsageError(
                f"{url} is a URL, and split divides lists; download it, as in curl {url} | scrapepool split -"
            )
    return lists or ("-",)


def _report(result: SplitResult, output: str) -> int:
    rows = result.rows
    largest = max(range(len(rows)), key=rows.__getitem__)
    most = f"the largest is shard {largest + 1} with {rows[largest]:,}"
    warn(f"{output}: {counted(sum(rows), 'row')} in {counted(len(rows), 'shard')}; {most}")
    if empty := sum(not number for number in rows):
        warn(f"{output}: shards without a URL, with which fetch would end with exit code 2: {empty:,}")
    if result.no_urls:
        warn(f"{result.files[0]}: rows without a URL, which fetch will report: {result.no_urls:,}")
    if not result.lost:
        return Exit.OK
    shown = ", ".join(result.lost[:ROWS_NAMED])
    warn(f"rows that are too long or have a quote that is not closed are left out: {len(result.lost):,} ({shown})")
    return Exit.SOME_FAILED
