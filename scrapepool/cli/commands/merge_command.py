"""``scrapepool merge``: the records of several runs or shards in one file."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ...errors import ListError, UsageError
from ...plural import counted
from ...text import without_password
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.text_types import FileName
from ..standard_streams import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...results.record_parts import RecordParts

SHARDS_NAMED = 5
"""Incomplete shards that a message names at most."""

FORMATS = ("jsonl", "csv", "tsv", "parquet", "sqlite")

EPILOG = """\b
To join the shards of a run, whatever started them:
  scrapepool merge 'parts/*.jsonl' -o out.jsonl
The result can be resumed, compared and reported on as the records of one run.

Exit codes: 0 merged; 2 wrong usage, or a file that cannot be read; 3 the output cannot be written."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("parts", type=FileName(), nargs=-1, required=True, metavar="PARTS...")
@click.option("-o", "--output", type=FileName(), cls=GroupedOption, group="Output",
              help="Write the records to this file, which replaces one that is there; - is standard output.  "
              "[default: standard output]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), cls=GroupedOption, group="Output",
              help="Write records in this format.  [default: by the file's suffix, else jsonl]")  # fmt: skip
def merge(parts: tuple[str, ...], output: str | None, form: str | None) -> int:
    """Merge records into one file, with the last record of each URL.

    PARTS are files that fetch wrote (JSONL, CSV or TSV, also as .gz, databases or Parquet), folders of such files,
    globs, or - for standard input. Later files win. Where the line numbers of several lists collide, records get the
    name of their file as list.
    """
    from ...results.merged_records import MergedRecords  # noqa: PLC0415
    from ...results.record_parts import RecordParts  # noqa: PLC0415
    from ...run.merge_output import merged_format, write_merged  # noqa: PLC0415 - a quick --help needs none of these

    output = None if output == "-" else output
    without = _checked(parts, output)
    form = merged_format(output, form)
    with ExitStack() as opened:
        stdin = opened.enter_context(_spooled(sys.stdin.buffer)) if "-" in parts and sys.stdin is not None else None
        records = RecordParts(parts, stdin, warn, without=without, bodies=True)
        _check_parts(parts, records)
        merged = opened.enter_context(MergedRecords(records))
        merged.read()
        if stdin is not None:
            stdin.seek(0)
        records.on_note = lambda _: None  # the same was reported during the first reading
        write_merged(merged, form, output)
    files, replaced = len(records.files), merged.total - merged.kept
    name = "standard output" if output is None else output
    warn(f"{name}: {counted(merged.kept, 'record')}; files read: {files:,}; replaced by later records: {replaced:,}")
    if merged.names_lists:
        warn(f"{name}: the same line numbers stand for different URLs, so list names the file that a record is from")
    return Exit.OK


def _checked(parts: tuple[str, ...], output: str | None) -> set[Path]:
    """Refuse to overwrite a part. Return the files of folders that are no parts. Raises UsageError."""
    from ...storage.urls import is_folder, is_storage  # noqa: PLC0415
    from ..arguments.file_conflicts import check_not_overwritten  # noqa: PLC0415 - as above

    if output is None:
        return set()
    if is_storage(output) or is_folder(output):
        raise UsageError(f"{without_password(output)}: merge writes one file of this machine")
    check_not_overwritten(parts, output)
    return {Path(output).resolve()}


def _check_parts(parts: Sequence[str], records: RecordParts) -> None:
    """Report parts of runs that are not complete. Raises ListError for a file that cannot be read twice."""
    from ...record.safe_io.unfinished_mark import is_unfinished  # noqa: PLC0415
    from ...storage.urls import is_storage  # noqa: PLC0415 - as above

    for folder in parts:
        if missing := _incomplete_shards(folder):
            shown = ", ".join(missing[:SHARDS_NAMED]) + (", …" if len(missing) > SHARDS_NAMED else "")
            warn(f"{folder} does not hold all records of its run; shards that are not complete: {shown}")
    for name in records.files:
        if name == "-" or is_storage(name):
            continue
        if Path(name).exists() and not Path(name).is_file():
            raise ListError(name, "is no regular file, and parts are read twice; pipe it into merge -")
        if is_unfinished(name):
            warn(
                f"{name} is from an unfinished run: URLs without a record are missing; continue it with fetch --resume"
            )


def _incomplete_shards(folder: str) -> list[str]:
    """Name the shards that are not complete in a folder that runs of ``fetch`` wrote."""
    from ...record.parts.part_names import ABOUT, incomplete_shards  # noqa: PLC0415 - as above

    try:
        about = json.loads(Path(folder, ABOUT).read_bytes())
        names = [path.name for path in Path(folder).iterdir()]
    except (OSError, ValueError):  # a file, another folder, or one that is not to be read
        return []
    return incomplete_shards(names, about) if isinstance(about, dict) else []


def _spooled(stdin: BinaryIO) -> BinaryIO:
    """Copy standard input to a temporary file, because parts are read twice. Raises ListError."""
    from ...results.record_parts import STDIN  # noqa: PLC0415 - as above

    file = tempfile.TemporaryFile(prefix="scrapepool-")  # noqa: SIM115 - closed by the caller
    try:
        shutil.copyfileobj(stdin, file)
        file.seek(0)
    except OSError as error:
        raise ListError(STDIN, f"cannot copy it to {tempfile.gettempdir()}: {error.strerror}") from error
    return file
