"""Records as CSV or TSV: a header row, then one row per record, in UTF-8 (RFC 4180, but rows end with a line feed).

Decides how lists and objects are flattened: ``redirects`` are joined by spaces (no URL contains one), ``timings``,
``tls`` and ``data`` become dotted columns, ``hops``, ``headers``, ``input`` and lists become JSON. The columns follow
from the settings, so the header row can be written before the first record; a missing value is an empty cell. With
``--safe-csv``, cells that a spreadsheet would run as formulas are escaped.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ...record_fields import TIMINGS, TLS_FACTS
from ...settings import OutputSettings
from ...text import printable
from ...url import plain
from .fields import GET, chosen_fields, selection
from .jsonl import json_text
from .serializer import Serializer

Cell = str | int | float | None


BOM = b"\xef\xbb\xbf"
"""By which Excel knows that a file is UTF-8."""

DELIMITERS = {"csv": ",", "tsv": "\t"}

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell that a spreadsheet runs as a formula begins with (OWASP, CSV Injection); the last are full-width."""


def csv_serializer(settings: OutputSettings, method: str = GET, *, delimiter: str = ",") -> Serializer:
    """Records as rows under a header row. Raises UsageError for fields that there are not."""
    fields = chosen_fields(settings, method)
    select = selection(settings, method)
    row = _spelling(delimiter)
    data = settings.data
    head = (BOM if settings.csv_bom else b"") + row(columns(fields, data))
    if settings.safe_csv:
        return Serializer(lambda outcome: row([defused(cell) for cell in cells(select(outcome), fields, data)]), head)
    return Serializer(lambda outcome: row(cells(select(outcome), fields, data)), head)


def record_rows(
    records: Iterable[dict[str, Any]], fields: Sequence[str], data: Sequence[str], *, delimiter: str = ","
) -> Iterator[bytes]:
    """Yield records as rows under a header row. data: the keys of the field of that name."""
    row = _spelling(delimiter)
    yield row(columns(fields, data))
    for record in records:
        yield row(cells(record, fields, data))


def defused(cell: Cell) -> Cell:
    """Put an apostrophe before what a spreadsheet would run: it takes the rest for text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def columns_of(settings: OutputSettings, method: str) -> list[str]:
    """Name the columns of a run's header row. Raises UsageError for fields that there are not."""
    return columns(chosen_fields(settings, method), settings.data)


def columns(fields: Sequence[str], data: Sequence[str] = ()) -> list[str]:
    """Name the columns of the header row. data: the keys of the field of that name."""
    parts = {"timings": TIMINGS, "tls": TLS_FACTS, "data": data}
    return [
        column
        for field in fields
        for column in ([f"{field}.{part}" for part in parts[field]] if field in parts else [field])
    ]


def cells(record: dict[str, Any], fields: Sequence[str], data: Sequence[str] = ()) -> list[Cell]:
    """Lay a record out as one row, as ``columns(fields, data)`` names it. Numbers are left for the writer to spell."""
    row: list[Cell] = []
    for field in fields:
        value = record.get(field)
        if field in ("timings", "tls"):
            entries = value or {}
            row += [entries.get(name, "") for name in (TIMINGS if field == "timings" else TLS_FACTS)]
        elif field == "data":
            values = value or {}
            row += [_text_cell(values.get(name)) for name in data]
        elif field == "redirects":
            row.append(printable(" ".join(value)) if value else "")
        elif field == "body":
            row.append(value or "")
        elif field == "url" and isinstance(value, str):
            row.append(printable(plain(value)))  # so that it is found again as the same URL
        elif field.startswith("data."):
            row.append(_text_cell(value))
        else:
            row.append(_cell(value))
    return row


def _cell(value: Any) -> Cell:
    if value is None:
        return value
    match value:
        case str():
            return value if value.isprintable() else printable(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case _:
            return printable(json_text(value))


def _text_cell(value: Any) -> Cell:
    """Return a value out of a page: its line ends stay, whatever else could act on a terminal does not."""
    return "\n".join(map(printable, value.split("\n"))) if isinstance(value, str) else _cell(value)


class _Row:
    """The file of a ``csv.writer``: gives the row back, as bytes, to who called ``writerow``."""

    @staticmethod
    def write(row: str) -> bytes:
        # The writer quotes a cell for the characters of its line end, so that is CR LF until here.
        return f"{row[:-2]}\n".encode("utf-8", "backslashreplace")


def _spelling(delimiter: str) -> Callable[[Sequence[Cell]], bytes]:
    writer: Any = csv.writer(_Row(), delimiter=delimiter, lineterminator="\r\n")
    spelling: Callable[[Sequence[Cell]], bytes] = writer.writerow
    return spelling
