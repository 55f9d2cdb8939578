"""Records as CSV: a header row, then one row a record, in UTF-8 (RFC 4180, rows ending in a bare newline).

Decides how a record that has lists and objects in it lies flat: ``redirects`` joined by spaces (no URL has one),
``timings`` as five dotted columns, ``headers`` and ``input`` as JSON. The columns follow from the settings alone, so
the header row can be written before the first record; what an outcome has not is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any

from ..settings import OutputSettings
from ..text import printable
from ..url import plain
from .fields import GET, TIMINGS, chosen_fields, selection
from .form import Form
from .jsonl import json_text


def csv_form(settings: OutputSettings, method: str = GET) -> Form:
    """Records as rows under a header row. Raises UsageError for fields that there are not."""
    fields = chosen_fields(settings, method)
    select = selection(settings, method)
    row = _spelling()
    return Form(lambda outcome: row(cells(select(outcome), fields)), head=row(columns(fields)))


def columns_of(settings: OutputSettings, method: str) -> list[str]:
    """Name the columns of a run's header row. Raises UsageError for fields that there are not."""
    return columns(chosen_fields(settings, method))


def columns(fields: Sequence[str]) -> list[str]:
    """Name the columns of the header row."""
    return [
        column
        for field in fields
        for column in ([f"timings.{step}" for step in TIMINGS] if field == "timings" else [field])
    ]


def cells(record: dict[str, Any], fields: Sequence[str]) -> list[str]:
    """Lay a record out as one row, as ``columns(fields)`` names it."""
    row: list[str] = []
    for field in fields:
        value = record.get(field)
        if field == "timings":
            row += [_cell((value or {}).get(step)) for step in TIMINGS]
        elif field == "redirects":
            row.append(printable(" ".join(value or ())))
        elif field == "body":
            row.append(value or "")  # the one cell that may hold line ends
        elif field == "url" and isinstance(value, str):
            row.append(printable(plain(value)))  # so that it is found again as the same URL
        else:
            row.append(_cell(value))
    return row


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            return printable(json_text(value))
        case _:
            return printable(str(value))


class _Row:
    """The file of a ``csv.writer``: gives the row back, as bytes, to who called ``writerow``."""

    @staticmethod
    def write(row: str) -> bytes:
        # The writer quotes a cell for the characters of its line end, so that is CR LF until here.
        return f"{row[:-2]}\n".encode("utf-8", "backslashreplace")


def _spelling() -> Callable[[Sequence[str]], bytes]:
    writer: Any = csv.writer(_Row(), lineterminator="\r\n")
    spelling: Callable[[Sequence[str]], bytes] = writer.writerow
    return spelling
