"""Records as CSV: a header row, then one row a record, in UTF-8 (RFC 4180, rows ending in a bare newline).

Decides how a record that has lists and objects in it lies flat: ``redirects`` joined by spaces (no URL has one),
``timings`` as five dotted columns, ``headers`` and ``input`` as JSON. The columns follow from the settings alone, so
the header row can be written before the first record; what an outcome has not is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..model import Outcome
from ..settings import OutputSettings
from ..text import printable
from ..url import plain
from .fields import GET, TIMINGS, chosen_fields, selection
from .jsonl import json_text
from .output import Output, never


class CsvSink:
    """Writes one row a record under a header row; a ``ports.Sink``. Parameters and errors are ``JsonlSink``'s."""

    def __init__(
        self,
        path: str | None,
        settings: OutputSettings,
        *,
        method: str = GET,
        fd: int | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> None:
        self._fields = chosen_fields(settings, method)
        self._select = selection(settings, method)
        self._rows: list[bytes] = []
        self._writer = _writer(self._rows)
        self._output = Output(path, fd=fd, should_stop=should_stop, fsync=settings.fsync)
        if not self._output.size:
            self._writer.writerow(columns(self._fields))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes' rows in one go. Raises OutputError, BrokenPipeError for a reader that left."""
        for outcome in outcomes:
            self._writer.writerow(cells(self._select(outcome), self._fields))
        self._flush()

    def close(self) -> None:
        """Finish the file; one without a record has its header row. Raises OutputError."""
        try:
            self._flush()
        finally:
            self._output.close()

    def _flush(self) -> None:
        rows = self._rows.copy()
        self._rows.clear()
        self._output.write(rows)


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


class _Writer(Protocol):
    def writerow(self, row: Sequence[str], /) -> object: ...


class _Rows:
    """The file of a ``csv.writer``, which hands it one whole row a call."""

    def __init__(self, rows: list[bytes]) -> None:
        self._rows = rows

    def write(self, row: str) -> None:
        # The writer quotes a cell for the characters of its line end, so that is CR LF until here.
        self._rows.append(f"{row[:-2]}\n".encode("utf-8", "backslashreplace"))


def _writer(rows: list[bytes]) -> _Writer:
    return csv.writer(_Rows(rows), lineterminator="\r\n")
