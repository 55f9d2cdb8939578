"""The tables of a report, without any form, and the numbers in their cells.

Decides how a number is spelled, and the order in which cells are sorted. Text is raw: forms make it safe.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...plural import counted
from ...text import printable
from .. import units

Figures = Mapping[str, Any]
"""The figures of one report: see ``scrapepool.report.figures``."""

SIDES = ("A", "B")
"""The names of two reports that are compared."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    text: as people read it. value: by which it is sorted; None for the text. share: the length of its bar, from 0 to 1;
    None for no bar. host: the host that it names. url: the URL that it names. explain: the command that says what
    happened to this URL.
    """

    text: str
    value: float | None = None
    share: float | None = None
    host: str | None = None
    url: str | None = None
    explain: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    key: its name in links and for charts. columns: their titles; those of numbers are in ``numbers``. note: a sentence
    below the title. most: rows that a form without sorting shows at most.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    most: int = 10
    numbers: frozenset[str] = field(default_factory=frozenset)


def titles_for(title: str, reports: Sequence[Figures]) -> tuple[str, ...]:
    """Return the title of a column for each report."""
    return (title,) if len(reports) == 1 else tuple(f"{title} {side}" for side in SIDES)


def key_of_side(key: str, side: str) -> str:
    """Return the key of a table of one side; side: as ``titles_for("", reports)`` gives it."""
    return key + side.replace(" ", "-")


def table(
    key: str, title: str, columns: Iterable[str], rows: Iterable[tuple[Cell, ...]], note: str = "", most: int = 10
) -> Table:
    """Make a table; a column is one of numbers if all its cells have a value or are empty."""
    columns, rows = tuple(columns), list(rows)
    numbers = frozenset(
        name
        for place, name in enumerate(columns)
        if rows and all(row[place].value is not None or not row[place].text for row in rows)
    )
    return Table(key, title, columns, rows, note, most, numbers)


def text_cell(text: str) -> Cell:
    """Show a text."""
    return Cell(text)


def count_cell(number: int) -> Cell:
    """Show a count."""
    return Cell(units.count(number), number)


def share_cell(part: int, whole: int) -> Cell:
    """Show a share, with a bar."""
    of = part / whole if whole else 0.0
    return Cell(units.precise_share(part, whole), of, share=of)


def size_cell(number: int | None) -> Cell:
    """Show bytes."""
    return Cell("", None) if number is None else Cell(units.size(number), number)


def seconds_cell(value: float | None) -> Cell:
    """Show a duration: in milliseconds below a second."""
    if value is None:
        return Cell("", None)
    return Cell(units.latency(value), value)


def host_cell(host: str) -> Cell:
    """Show a host, without the scheme that nearly all have."""
    return Cell(host.removeprefix("https://"), host=host)


def url_cell(example: Figures, report: Figures) -> Cell:
    """Show a URL, with the command that says what happened to it."""
    url = str(example["url"])
    return Cell(url, url=url, explain=explain(str(report["records"]), example))


def explain(records: str, example: Figures) -> str | None:
    """Return the command that explains a URL; None if there is none that a shell would read as it is meant."""
    url = str(example["url"])
    if "cut" in example or printable(url) != url or printable(records) != records or records == "standard input":
        return None
    dashes = "-- " if records.startswith("-") or url.startswith("-") else ""
    return f"scrapepool explain {dashes}{shlex.quote(records)} {shlex.quote(url)}"


def more_rows(number: int, noun: str) -> str:
    """Say how many more there are; nothing for none."""
    return f"and {counted(number, f'more {noun}')}" if number > 0 else ""
