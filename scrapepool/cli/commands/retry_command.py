"""``scrapepool retry``: fetches again what failed, by the records alone.

Decides which rows these are, and that their records replace the old ones in the same file unless another output is
named. The run itself is that of ``fetch``; ``resume`` appends its records.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ...errors import UsageError
from ...text import strict_json
from ..arguments.record_arguments import named_records
from ..config.opening_notes import opening_notes
from ..exits import Exit
from ..options import fetch_options, settings_from
from ..options.ineffective_options import check_effective, without_ineffective
from ..options.start_options import with_cron
from ..parameters.files_read import files_read
from ..parameters.grouped_options import GroupedCommand, GroupedOption, is_typed
from ..parameters.text_types import FileName, Names, failure_classes
from ..standard_streams import warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...results.record_database import RecordDatabase
    from ...results.record_file import RecordFile
    from ...results.record_parts import RecordParts
    from ...results.record_summary import RecordSummary
    from ...settings import Settings
    from ...settings.setting_values import OutputSettingsValues

EPILOG = """Give the options of the first run again, such as --data, --header, --body and --save-dir: records hold only
what its row set for itself. The old records stay in RECORDS until the end of the run, so that a run that is stopped
loses nothing. Exit codes are those of fetch."""

OUTPUTS = ("output", "sqlite", "parquet", "template")
"""Parameters that name where records go."""

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests usually have a body. Records do not hold one that ``--data`` set for the whole run."""

URL = "\N{SYMBOL FOR START OF HEADING}url"
"""The key of the URL in the rows, which no column has."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("records", type=FileName())
@click.option(
    "--class",
    "classes",
    type=Names(failure_classes),
    metavar="a,b,c",
    help="Fetch only these classes again, such as timeout,5xx,!501.  [default: all but skipped lines]",
    cls=GroupedOption,
    group="Which",
)
@fetch_options
@click.pass_context
def retry(ctx: click.Context, /, records: str, classes: tuple[str, ...] | None, **values: Any) -> int:
    """Fetch again what failed, each row with its own request.

    A row keeps its method, data, header fields and columns.

    RECORDS is a file that fetch wrote, or - for standard input. The new records replace the old ones in RECORDS (JSONL,
    CSV, TSV or a database); with -o, --sqlite or --parquet they go there instead. A folder or glob needs these.
    """
    from ...settings import InputSettings  # noqa: PLC0415 - a quick --help needs none of these
    from ..fetching.invocation import Invocation  # noqa: PLC0415
    from .fetch_command import run  # noqa: PLC0415

    _check_options(ctx)
    values = with_cron(ctx, values | {"resume": None})
    settings = settings_from(without_ineffective(ctx, values))
    notes = opening_notes(ctx, values)
    rows = _Rows(settings, given=ctx.get_parameter_source("method") is not ParameterSource.DEFAULT)
    with tempfile.TemporaryDirectory(prefix="scrapepool-") as folder:
        path = str(Path(folder, f"failures of {os.path.basename(records)}"))  # noqa: PTH119 - any text
        parts = named_records([records])
        number = rows.write(path, parts, classes)
        if not number:
            warn(f"{records}: nothing to fetch again")
            return Exit.SOME_FAILED if rows.left_out else Exit.OK
        shard = settings.input.shard
        settings = replace(settings, input=InputSettings(format="jsonl", url_field=URL, shard=shard)).with_(
            request={"method": rows.method},
            output={"lists": rows.lists, **_in_place(records, parts.file, values, settings)},
        )
        check_effective(ctx, settings)
        since = parts.file.whole if parts.file is not None else 0
        code = run([path], settings, Invocation(files_read(ctx, values, settings), notes))
    if settings.output.resume and settings.output.file is not None:
        from ...run.outputs.resume import drop_replaced  # noqa: PLC0415 - as above

        drop_replaced(settings.output.file, since)
    return code


def _check_options(ctx: click.Context) -> None:
    """Refuse options on the command line that are about lists, or about what is done with old records."""
    for param in ctx.command.params:
        if not is_typed(ctx, param.name or ""):
            continue
        if param.name == "resume":
            raise UsageError("retry needs no --resume: it goes on with RECORDS, and --class says what is fetched again")
        if getattr(param, "group", None) == "Input" and param.name != "shard":
            raise UsageError(f"retry takes its rows from RECORDS; {param.opts[-1]} is about lists")


class _Rows:
    """The rows of failures, written as a list. given: whether the user chose the method.

    method: of the run. lists: whether records name the lists. left_out: whether some failures cannot be fetched again.
    """

    def __init__(self, settings: Settings, *, given: bool) -> None:
        self.method = settings.request.method
        self.lists = self.left_out = False
        self._given = given
        self._has_data = settings.request.data is not None
        self._headers = frozenset(name.lower() for name, _ in settings.request.headers)

    def write(self, path: str, file: RecordParts, classes: tuple[str, ...] | None) -> int:
        """Write the rows of what failed; return how many there are. Raises UsageError, ListError."""
        from ...failure_classes import parsed  # noqa: PLC0415 - as above
        from ...results.failures import failures  # noqa: PLC0415

        rows = failures(
            file,
            None if classes is None else parsed(classes),
            on_note=self._note,
            row_of=lambda summary: self._row(summary, file.current()),
        )
        number = 0
        with Path(path).open("w", encoding="ascii") as output:
            for row in rows:
                output.write(f"{row}\n")
                number += 1
        return number

    def _note(self, text: str) -> None:
        self.left_out = True
        warn(text)

    def _row(self, summary: RecordSummary, record: Mapping[str, Any]) -> str | None:
        """Return the row of a failure; None if its record does not tell the whole request."""
        from ...results.failures import columns_of_row, own_request  # noqa: PLC0415 - as above

        if not self._is_of_run(summary):
            return None
        request = own_request(summary, record, self._headers)
        if request is None:
            return None
        name, line = record.get("list") or None, str(record.get("line"))
        self.lists |= "list" in record
        request["place"] = [int(line) if line.isdecimal() else None, name]
        return strict_json(json.dumps({**columns_of_row(record), URL: summary.url, "request": request}))

    def _is_of_run(self, summary: RecordSummary) -> bool:
        """Return whether a record is of a run with this method.

        The first failure decides the method if the user did not.
        """
        if summary.apart is not None and summary.apart.method:
            return True
        if not self._given:
            self.method, self._given = summary.method, True
        if summary.method == self.method and self.method in BODY_METHODS and not self._has_data:
            raise UsageError(
                f"{summary.url} was requested with {summary.method} and the --data of its run, which records do not "
                f"hold; give --method {summary.method} and --data again"
            )
        return summary.method == self.method


def _in_place(
    records: str, file: RecordFile | RecordDatabase | None, values: Mapping[str, Any], settings: Settings
) -> OutputSettingsValues:
    """Return the output settings by which records are written into RECORDS; none if another output is named."""
    from ...results.record_database import RecordDatabase  # noqa: PLC0415 - as above
    from ...run.outputs.resume import RETRY  # noqa: PLC0415

    if records == "-":
        return {}
    if any(values[name] is not None for name in OUTPUTS):
        same = settings.output.file is not None and Path(settings.output.file).is_file()
        return {"resume": RETRY} if same and Path(str(settings.output.file)).samefile(records) else {}
    if isinstance(file, RecordDatabase):
        return {"sqlite": records, "resume": RETRY}
    if file is None or not Path(records).is_file() or not _is_plain(records):
        raise UsageError(f"{records} cannot be added to; name another file for the new records with -o")
    return {"path": records, "format": settings.output.format or file.form, "resume": RETRY}


def _is_plain(records: str) -> bool:
    """Return whether a file holds records as text, and is neither compressed nor Parquet."""
    from ...read.formats.detect import PARQUET  # noqa: PLC0415 - as above
    from ...read.streams.decompress import MAGIC, is_compressed  # noqa: PLC0415

    with Path(records).open("rb") as file:
        head = file.read(MAGIC)
    return not is_compressed(head) and not head.startswith(PARQUET)
