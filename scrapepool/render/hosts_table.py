"""The table of hosts in the live display.

Decides its columns, and which of them give way when there is little room. A column has at least the width of what it
usually holds and is there whether it holds something or not, so that columns do not come and go between frames.
Lines are plain ``Text``: a ``rich.table.Table`` of 30 hosts takes 12 to 15 ms per frame, this under 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.text import Text

from ..model import HostKey
from ..plural import counted
from ..ports import HostRow, Snapshot
from ..text import printable
from . import units
from .lines import GAP, cut, spaced

STATE_STYLES = {"ok": "green", "done": "dim", "waiting": "cyan", "given up": "red"}
_OTHER_STATE = "yellow"  # parked, backoff: the host gets no requests for a while

_HOST_LEAST = 12  # columns; a host name that is cut in its middle to these is still recognizable
_HOST_MOST = 28  # columns of a name that are kept free; a longer one gets what other columns leave
_HOST_SHARE = 0.29  # of the width; names get this much before other columns get theirs


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table of hosts.

    rank: columns of a higher rank are left out first.
    width: columns of the terminal that it takes at least.
    cell: the text for a host.
    """

    title: str
    rank: int
    width: int
    cell: Callable[[HostRow], str]


def state_text(row: HostRow) -> str:
    """Write a host's state, and how long it lasts."""
    return row.state if row.until is None else f"{row.state} {units.countdown(row.until)}"


OPTIONAL_COLUMNS = (
    Column("done", 2, 11, lambda row: f"{row.done:,}/{row.total:,}"),
    Column("in flight", 5, 9, lambda row: f"{row.in_flight}/{row.limit}"),
    Column("opened", 10, 6, lambda row: f"{row.opened:,}"),
    Column("idle", 11, 4, lambda row: f"{row.idle}"),
    Column("reuse", 8, 5, lambda row: units.reuse(row.requests, row.opened)),
    Column("p50 ms", 9, 6, lambda row: units.milliseconds(row.p50)),
    Column("p95 ms", 4, 6, lambda row: units.milliseconds(row.p95)),
    Column("delay", 3, 7, lambda row: units.spoken(row.delay) if row.delay else "·"),
    Column("robots", 6, 11, lambda row: row.robots or "·"),
    Column("errors", 1, 6, lambda row: f"{row.errors:,}" if row.errors else "·"),
    Column("state", 0, 17, state_text),
)
"""The columns to the right of the host's name, from left to right."""

_WIDE = 80  # columns of a terminal from which on columns have their usual width; below, each has what it needs


def hosts_table(
    snapshot: Snapshot, width: int, height: int, *, ascii_only: bool = False, chosen: HostKey | None = None
) -> list[Text]:
    """List a header, as many hosts as fit, and how many more there are; nothing if not even one host fits.

    Columns are left out by rank until the table is at most ``width`` wide, then names are cut in their middle.
    chosen: the host with the cursor; the table is scrolled so that it is visible.
    """
    count = max(snapshot.matching or snapshot.host_count, len(snapshot.hosts))
    shown = min(len(snapshot.hosts), height - 1)
    if shown < count:
        shown = min(shown, height - 2)
    if shown < 1:
        return []
    first = _first(snapshot.hosts, shown, chosen)
    rows = snapshot.hosts[first : first + shown]
    mark = "..." if ascii_only else "…"
    cells = {column.title: [column.cell(row) for row in rows] for column in OPTIONAL_COLUMNS}
    if ascii_only:
        cells = {title: [cell.replace("·", "-") for cell in texts] for title, texts in cells.items()}
    widths = {column.title: max(_least(column, width), *map(len, cells[column.title])) for column in OPTIONAL_COLUMNS}
    longest = max(len("host"), *(len(printable(row.host.netloc)) for row in snapshot.hosts))
    columns, name_width = _fitting_columns(widths, longest, width)
    header = set_cell_size("host", name_width) + "".join(_aligned(c.title, c, widths) for c in columns)
    lines = [cut(Text(header, style="bold", no_wrap=True, overflow="crop"), width)]
    for index, row in enumerate(rows):
        name = _name(printable(row.host.netloc), name_width, mark)
        line = _host_line(row, name, [(column, cells[column.title][index]) for column in columns], widths)
        if row.host == chosen:
            line.stylize("reverse")
        lines.append(cut(line, width))
    if more := count - shown:
        lines.append(spaced([(f"{mark} and {counted(more, 'more host')}", "dim")], width))
    return lines


def _fitting_columns(widths: dict[str, int], longest: int, width: int) -> tuple[list[Column], int]:
    """Return the columns that fit beside the names of hosts, and the width of the names. longest: the longest name."""
    columns = list(OPTIONAL_COLUMNS)
    host_width = max(_HOST_LEAST, min(_HOST_MOST, int(width * _HOST_SHARE)))
    while columns and _taken(columns, widths) > width - host_width:
        columns.remove(max(columns, key=lambda column: column.rank))
    return columns, min(max(1, width - _taken(columns, widths)), max(longest, host_width))


def _taken(columns: Sequence[Column], widths: dict[str, int]) -> int:
    return sum(widths[column.title] + len(GAP) for column in columns)


def _least(column: Column, width: int) -> int:
    return column.width if width >= _WIDE else len(column.title)


def _first(rows: Sequence[HostRow], shown: int, chosen: HostKey | None) -> int:
    """Return the number of the first row that is shown, so that the chosen one is in the middle if possible."""
    place = next((number for number, row in enumerate(rows) if row.host == chosen), 0)
    return max(0, min(place - shown // 2, len(rows) - shown))


def _host_line(row: HostRow, name: str, cells: Sequence[tuple[Column, str]], widths: dict[str, int]) -> Text:
    line = Text(name, style="dim" if row.state == "done" else "", no_wrap=True, overflow="crop")
    for column, cell in cells:
        aligned = _aligned(cell, column, widths)
        before, _, after = aligned.partition(cell)
        line.append(before).append(cell, cell_style(row, column.title)).append(after)
    return line


def cell_style(row: HostRow, title: str) -> str | None:
    """Return the style of a cell; None for the line's."""
    match title:
        case "errors":
            return "red" if row.errors else "dim"
        case "delay":
            return None if row.delay else "dim"
        case "robots":
            return "dim" if row.robots in ("ok", "") else "red" if row.robots == "unreachable" else "yellow"
        case "state":
            return STATE_STYLES.get(row.state, _OTHER_STATE)
        case _:
            return None


def _aligned(text: str, column: Column, widths: dict[str, int]) -> str:
    # The state is the last column and is a word, as robots is; all others are numbers.
    if column.title == "state":
        return f"{GAP}{text}"
    return f"{GAP}{text:{'<' if column.title == 'robots' else '>'}{widths[column.title]}}"


def _name(name: str, width: int, mark: str) -> str:
    # Host names are ASCII, so a character is a column. If one is not, set_cell_size keeps the table aligned.
    return set_cell_size(units.middle_cut(name, width, mark), width)
