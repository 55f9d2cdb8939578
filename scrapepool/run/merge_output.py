"""Writes merged records as a file of any format: ``merge``.

Decides the format by the suffix. The file appears when it is complete; what was there before stays until then.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath

from ..errors import OutputError, UsageError
from ..extras import how_to_install
from ..record.safe_io.atomic_replace import replaced
from ..record.safe_io.output import Output
from ..results.merged_records import MergedRecords
from ..text import brief

BATCH = 1000
"""Records in one write."""

MERGE_SUFFIXES = {
    "": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
"""The format that the suffix of a file means."""


def merged_format(output: str | None, named: str | None) -> str:
    """Return the format to write. output: the file, None for standard output. named: by the user. Raises UsageError."""
    form = named or ("jsonl" if output is None else MERGE_SUFFIXES.get(PurePath(output).suffix.lower()))
    if form is None:
        name = brief(str(output), 500)
        raise UsageError(
            f"--output {name}: the name must end in {', '.join(filter(None, MERGE_SUFFIXES))}, or --format is needed"
        )
    if form == "parquet":
        from ..record.stores.parquet import has_pyarrow  # noqa: PLC0415 - an extra

        if not has_pyarrow():
            raise UsageError(f"Parquet needs pyarrow: {how_to_install('parquet')}")
    if output is None and form in ("parquet", "sqlite"):
        raise UsageError(f"--format {form} cannot go to standard output; name a file with --output")
    return form


def write_merged(merged: MergedRecords, form: str, output: str | None) -> None:
    """Write the records that count. output: the file, None for standard output. Raises OutputError, BrokenPipeError."""
    if output is None:
        standard = Output(None)
        for lines in _lines(merged, form):
            standard.write([lines])
        return
    if form == "sqlite":
        from ..record.stores.sqlite_records import write_database  # noqa: PLC0415 - rarely needed

        write_database(merged.records(), output)
        return
    with replaced(output) as file:
        if form != "parquet":
            file.writelines(_lines(merged, form))
            return
        from ..record.stores.parquet import write_parquet  # noqa: PLC0415 - an extra

        try:
            write_parquet(merged.records(), file)
        except TypeError as error:  # some of pyarrow's errors are of this type
            raise OutputError(output, str(error)) from error


def _lines(merged: MergedRecords, form: str) -> Iterator[bytes]:
    """Yield the records that count as they are written, many at a time."""
    if form == "jsonl":
        return merged.lines()
    from ..record.formats.csv import DELIMITERS, record_rows  # noqa: PLC0415 - for tables

    rows = record_rows(merged.records(), merged.fields, merged.data, delimiter=DELIMITERS[form])
    return iter(lambda: b"".join(islice(rows, BATCH)), b"")
