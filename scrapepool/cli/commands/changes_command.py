"""``scrapepool changes``: the differences between two record files."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from ...change import Difference
from ...errors import UsageError
from ...text import brief
from ..arguments.record_arguments import watched_records
from ..arguments.text_output import write_text
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.text_types import FileName, Names
from ..standard_streams import warn

if TYPE_CHECKING:
    from ...render.change_formats import Overview
    from ...results.comparison import Comparison

FORMATS = ("text", "jsonl", "csv", "md", "html")

EPILOG = """\b
Kinds of changes:
  new          OLD has no record of the URL
  changed      the page differs, by its digest if both records have one
  gone         the status is now 404 or 410
  back         the page succeeds again after it was gone or failed
  left_list    NEW has no record of the URL
  failing      the URL fails now and did not before
  redirecting  redirects lead to another URL than before
  slower       the page took twice as long, and at least a second longer

Exit codes: 0 no changes; 1 some changes; 2 wrong usage, or a file that cannot be read; 3 the output cannot be
written."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("old", type=FileName())
@click.argument("new", type=FileName())
@click.option(
    "--only",
    type=Names(),
    metavar="a,b,c",
    help="List only these kinds of changes; the exit code ignores all others.  [default: all]",
    cls=GroupedOption,
    group="Which",
)
@click.option(
    "-o",
    "--output",
    type=FileName(),
    help="Write changes to this file; - is standard output.  [default: standard output]",
    cls=GroupedOption,
    group="Output",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Write changes in this format.  [default: by the file's suffix, else text]",
    cls=GroupedOption,
    group="Output",
)
def changes(old: str, new: str, only: tuple[str, ...] | None, output: str | None, form: str | None) -> int:
    """Compare the records of two runs and list what changed.

    OLD and NEW are files that fetch wrote (JSONL, CSV or TSV, also as .gz, a database or Parquet), or folders or globs
    of such files; one of them can be - for standard input. If a URL has several records, the last one counts.
    """
    from ...render.change_formats import FORMS  # noqa: PLC0415 - a quick --help needs none of these
    from ...results.comparison import Comparison  # noqa: PLC0415

    kinds = _kinds(only)
    output = None if output == "-" else output
    form = form or _form_of(output)
    _check_files(old, new, output)
    with Comparison() as comparison:
        _read(comparison, old, new)
        overview = _overview(comparison, old, new, kinds)
        write_text(FORMS[form](overview, comparison.entries(overview.counts)), output)
    if comparison.unknown:
        warn(f"pages that could not be compared, as a record has no sha256: {comparison.unknown:,}")
    some = any(overview.counts.values())
    if output is not None and some:
        warn(f"{output}: {overview.counted()}")
    return Exit.SOME_FAILED if some else Exit.OK


def _kinds(only: tuple[str, ...] | None) -> list[Difference]:
    if only is None:
        return list(Difference)
    for name in only:
        if name not in set(Difference):
            raise UsageError(f"--only: unknown kind of change: {brief(name)}; choose from {', '.join(Difference)}")
    if not only:
        raise UsageError("--only names no kind of change")
    return [one for one in Difference if one in only]


def _form_of(output: str | None) -> str:
    from ...render.change_formats import CHANGE_SUFFIXES  # noqa: PLC0415 - as above

    if output is None:
        return "text"
    suffix = PurePath(output).suffix.lower()
    if suffix not in CHANGE_SUFFIXES:
        raise UsageError(
            f"--output {brief(output, 500)}: the name must end in {', '.join(CHANGE_SUFFIXES)}; with --format, "
            "any name is accepted"
        )
    return CHANGE_SUFFIXES[suffix]


def _check_files(old: str, new: str, output: str | None) -> None:
    """Refuse to read standard input twice, and to overwrite a file that is read. Raises UsageError."""
    from ...results.record_parts import record_files  # noqa: PLC0415
    from ..arguments.file_conflicts import check_not_overwritten, check_read_once  # noqa: PLC0415 - as above

    check_read_once([old, new])
    check_not_overwritten([*record_files(old), *record_files(new)], output)


def _read(comparison: Comparison, old: str, new: str) -> None:
    from ...record.safe_io.unfinished_mark import is_unfinished  # noqa: PLC0415
    from ...results.comparison import NEW, OLD  # noqa: PLC0415
    from ...results.record_parts import record_files  # noqa: PLC0415 - as above

    comparison.add(OLD, watched_records(old, warn))
    comparison.add(NEW, watched_records(new, warn))
    complete = new == "-" or not any(map(is_unfinished, record_files(new)))
    if not complete:
        warn(
            f"{new} is from an unfinished run: URLs without a record in it are not listed as left_list; "
            "continue the run with fetch --resume"
        )
    comparison.compare(complete=complete)


def _overview(comparison: Comparison, old: str, new: str, kinds: list[Difference]) -> Overview:
    from ...render.change_formats import Overview  # noqa: PLC0415
    from ...results.record_parts import name_of  # noqa: PLC0415 - as above

    counts = {one: comparison.counts[one] for one in kinds}
    before, now = comparison.targets
    return Overview(name_of(old), name_of(new), before, now, counts, comparison.same, comparison.unknown)
