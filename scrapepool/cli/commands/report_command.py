"""``scrapepool report``: what the records of a run, or of two runs, say together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...text import brief
from ..arguments.file_conflicts import check_not_overwritten, check_read_once
from ..arguments.record_arguments import watched_records
from ..arguments.text_output import write_text
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.text_types import FileName
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...render.report.table import Figures

FORMS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json", ".txt": "text"}
"""The forms by the suffixes of files."""

PIPE_WIDTH = 100
"""Columns of the text where standard output is no terminal."""

EPILOG = """Exit codes: 0 the report was written; 2 wrong usage, or a file that cannot be read; 3 the output cannot be
written."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("records", type=FileName())
@click.argument("other", type=FileName(), required=False)
@click.option(
    "-o",
    "--output",
    type=FileName(),
    metavar="FILE",
    help="Write the report to this file, whose name ends in .html, .md, .json or .txt.  [default: text]",
    cls=GroupedOption,
    group="Output",
)
@click.option("--json", "as_json", is_flag=True, help="Write all figures as JSON.", cls=GroupedOption, group="Output")
def report(records: str, other: str | None, output: str | None, as_json: bool) -> int:
    """Show what the records of a run say together: tables and plots.

    RECORDS is a file that fetch wrote (JSONL, CSV or TSV, also as .gz, a database or Parquet), a folder of such files,
    a glob in quotes, or - for standard input. With a second one, OTHER, both are shown side by side. If a URL failed
    and was fetched again later, the last record counts.
    """
    output = None if output == "-" else output
    form = "json" if as_json else _form_of(output)
    names = [records] if other is None else [records, other]
    check_read_once(names)
    check_not_overwritten(names, output)
    write_text(_made(form, list(map(_figures, names)), output), output)
    return Exit.OK


def _form_of(output: str | None) -> str:
    if output is None:
        return "text"
    suffix = PurePath(output).suffix.lower()
    if suffix not in FORMS:
        raise UsageError(f"--output {brief(output, 500)}: the name must end in .html, .md, .json or .txt")
    return FORMS[suffix]


def _figures(records: str) -> Figures:
    """Read all records and return their figures. Raises ListError, UsageError."""
    from ...report.aggregate import RecordAggregate  # noqa: PLC0415 - a quick --help needs none of these
    from ...report.figures import figures  # noqa: PLC0415
    from ...results.final_records import FinalRecords  # noqa: PLC0415
    from ...results.record_parts import name_of  # noqa: PLC0415

    found = RecordAggregate()
    counted = FinalRecords(watched_records(records, warn))
    for record in counted:
        found.add(record)
    return figures(found, name_of(records), counted.replaced)


def _made(form: str, reports: Sequence[Figures], output: str | None) -> Iterable[str]:
    match form:
        case "json":
            return _json(reports)
        case "md":
            from ...render.report.markdown_page import markdown_page  # noqa: PLC0415 - as above

            return markdown_page(reports)
        case "html":
            from ...render.report.html_page import html_page  # noqa: PLC0415

            return html_page(reports)
        case _:
            return _text(reports, on_terminal=output is None and sys.stdout is not None and sys.stdout.isatty())


def _json(reports: Sequence[Figures]) -> Iterator[str]:
    import json  # noqa: PLC0415 - as above

    from ...text import strict_json  # noqa: PLC0415

    yield strict_json(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1)) + "\n"


def _text(reports: Sequence[Figures], *, on_terminal: bool) -> Iterator[str]:
    from ...render.report.terminal_page import terminal_page  # noqa: PLC0415 - as above

    width = PIPE_WIDTH
    if on_terminal:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or PIPE_WIDTH
        except (OSError, ValueError):
            width = PIPE_WIDTH
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    ascii_only = on_terminal and not encoding.lower().startswith("utf")
    yield terminal_page(reports, width, colours=on_terminal, ascii_only=ascii_only)
