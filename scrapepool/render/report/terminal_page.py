"""A report as text: with bars and colours on a terminal, plain in a pipe.

Decides what is drawn with how many columns. All text out of records is made printable and is never parsed as markup.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ...plural import counted
from ...text import printable
from .. import units
from ..outcome_styles import OUTCOME_STYLES
from .all_tables import all_tables
from .list_tables import ranked_hosts
from .table import SIDES, Cell, Figures, Table, more_rows

BAR = 20
"""Columns of the longest bar."""

WIDEST = 140
"""Columns that a table takes at most: a wider one is hard to read along its rows."""

HOST_TABLES = {"busiest", "failing", "slow"}
NARROW_COLUMNS = {"host", "URLs", "failures", "p50", "p95"}
"""The columns of hosts that a narrow terminal shows; the other forms have all."""

DROPPED = {
    "examples": {"status", "took", "size"},
    "slowest": {"status", "size", "detail"},
    "largest": {"status", "took", "detail"},
}
"""The columns of URLs that a narrow terminal does not show, so that a URL has room."""

_SPARKS = "▁▂▃▄▅▆▇█"
_ASCII_SPARKS = "_.-=+*#@"
_FAILING = {"failures", "failing", "failed"}


def terminal_page(reports: Sequence[Figures], width: int, *, colours: bool, ascii_only: bool = False) -> str:
    """Return the whole page with lines of at most ``width`` columns.

    colours: whether to style text, as far as the terminal can. ascii_only: for an encoding without block characters.
    """
    page = io.StringIO()
    console = Console(
        file=page,
        width=max(20, min(width, WIDEST)),
        force_terminal=colours,
        no_color=None if colours else True,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        safe_box=True,
    )
    for side, one in zip(SIDES, reports, strict=False):
        name = units.middle_cut(printable(str(one["records"])), console.width - 30, "...")
        title = f"{side}: {name}" if len(reports) > 1 else name
        console.print(Text(f"{title}: {counted(one['count'], 'record')}", style="bold", overflow="fold"))
    for table in all_tables(reports, ranked_hosts(reports)):
        if table.key.startswith("timeline"):
            for line in _sparklines(
                reports[table.key.endswith("B")], table.title, console.width, ascii_only=ascii_only
            ):
                console.print(line)
        else:
            console.print()
            console.print(Text(table.title, style="bold"))
            if table.note:
                console.print(Text(table.note, style="dim"))
            console.print(_drawn(table, console.width, ascii_only=ascii_only))
            if more := more_rows(len(table.rows) - table.most, "row"):
                console.print(Text(more, style="dim"))
    console.print(Text("\nscrapepool explain RECORDS URL shows what happened to one URL.", style="dim"))
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def _drawn(table: Table, width: int, *, ascii_only: bool) -> RichTable:
    shown = table.rows[: table.most]
    columns = table.columns
    places = list(range(len(columns)))
    if table.key in HOST_TABLES and (width < 100 or "URLs A" in columns):
        places = [place for place in places if columns[place].removesuffix(" A").removesuffix(" B") in NARROW_COLUMNS]
    if width < 100 and (dropped := DROPPED.get(table.key.partition("-")[0])) is not None:
        places = [place for place in places if columns[place] not in dropped]
    drawn = RichTable(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
        show_header=any(columns),
    )
    for place in places:
        name = columns[place]
        bars = any(row[place].share is not None for row in shown)
        number = name in table.numbers and not bars
        drawn.add_column(Text(name), justify="right" if number else "left", no_wrap=number or bars, overflow="fold")
    for row in shown:
        drawn.add_row(
            *(_text(row[place], columns[place], row[0].text, width, ascii_only=ascii_only) for place in places)
        )
    return drawn


def _text(cell: Cell, column: str, first: str, width: int, *, ascii_only: bool) -> Text:
    shown = printable(cell.text)
    if cell.host is not None:
        shown = units.middle_cut(shown, max(20, width // 3), "..." if ascii_only else "…")
    if cell.share is not None:
        return _bar(
            cell.share, shown, ascii_only=ascii_only, style="red" if column in _FAILING else "cyan", width=width
        )
    style = OUTCOME_STYLES.get(first, "") if column == "outcome" else ""
    if column.split(" ", maxsplit=1)[0] in _FAILING and cell.value:
        style = "red"
    return Text(shown, style=style, overflow="fold")


def _bar(part: float, shown: str, *, ascii_only: bool, style: str, width: int) -> Text:
    """Draw a bar behind a share; a share above 0 has at least a part of a column."""
    room = BAR if width >= 80 else BAR // 2
    eighths = max(round(part * room * 8), 1 if part > 0 else 0)
    full, more = divmod(min(eighths, room * 8), 8)
    drawn = "#" * (full + (more >= 4)) if ascii_only else "█" * full + (" ▏▎▍▌▋▊▉"[more] if more else "")
    return Text.assemble(f"{shown:>6} ", (drawn, style), overflow="crop")


def _sparklines(one: Figures, title: str, width: int, *, ascii_only: bool) -> Iterator[Text]:
    """Draw what was started when: a line of URLs per second, of failures, and of the worst p95."""
    found = one["timeline"]
    room = max(10, width - 34)
    steps = -(-len(found["ok"]) // room)
    span = steps * found["step"]
    done = [sum(pair) for pair in zip(found["ok"], found["failed"], found["skipped"], strict=True)]
    lines = [
        ("URLs/s", [sum(done[at : at + steps]) / span for at in range(0, len(done), steps)], units.rate),
        ("failed/s", [sum(found["failed"][at : at + steps]) / span for at in range(0, len(done), steps)], units.rate),
        (
            "p95",
            [max((v or 0.0 for v in found["p95"][at : at + steps]), default=0.0) for at in range(0, len(done), steps)],
            units.spoken,
        ),
    ]
    yield Text()
    yield Text(f"{title}, {units.spoken(span)} per column", style="bold")
    for name, values, show in lines:
        most = max(values)
        if most > 0:
            style = "red" if name == "failed/s" else "cyan"
            drawn = _spark(values, most, _ASCII_SPARKS if ascii_only else _SPARKS)
            yield Text.assemble(f"{name:<9} ", (drawn, style), f"  up to {show(most)}")


def _spark(values: Sequence[float], most: float, marks: str) -> str:
    return "".join(
        " " if value <= 0 else marks[min(len(marks) - 1, int(value / most * len(marks)))] for value in values
    )
