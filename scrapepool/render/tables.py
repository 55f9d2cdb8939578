"""The live display as lines of text: a pure function of a snapshot and the terminal's size.

Decides what is shown, what is left out when there is little room, and in which colour. Does not know when or where
it is drawn. Lines are plain ``Text``: a ``rich.table.Table`` of 30 hosts takes 12 to 15 ms per frame, this under 2.
Text from outside is made printable and is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..ports import HostRow, Snapshot
from ..text import printable
from . import units
from .plain import stopping
from .summary import changed, commonest, decided, ordered

OUTCOME_STYLES = {
    "ok": "green",
    "unchanged": "green",
    "http_error": "yellow",
    "failed": "red",
    "skipped": "dim",
    "deferred": "magenta",
}
STATE_STYLES = {"ok": "green", "done": "dim", "waiting": "cyan", "given up": "red"}
_OTHER_STATE = "yellow"  # parked, backoff: the host gets no requests for a while

_GAP = "  "
_BAR_LEAST = 8
_HOST_LEAST = 12  # columns; a host name that is cut in its middle to these can still be told from others
_HOST_SHARE = 0.3  # of the width; names get this much before other columns get theirs

Piece = tuple[str, str]
"""A text and its style."""


def frame(snapshot: Snapshot, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """Lay out the whole display: at most ``height`` lines of at most ``width`` columns.

    ascii_only: for terminals whose encoding has no line drawing.
    """
    head = [
        progress_line(snapshot, width, ascii_only=ascii_only),
        outcomes_line(snapshot, width),
        errors_line(snapshot, width),
    ]
    if (reason := forecast_line(snapshot, width)) is not None:
        head.append(reason)
    foot = [] if snapshot.grace is None else [stopping_line(snapshot, width)]
    head = head[: max(1, height - len(foot))]
    room = height - len(head) - len(foot)
    return [*head, *hosts_table(snapshot, width, room, ascii_only=ascii_only), *foot][: max(0, height)]


def progress_line(snapshot: Snapshot, width: int, *, ascii_only: bool = False) -> Text:
    """Draw a bar, and beside it the progress and rate of the run; pieces without room are left out from the right."""
    done, total = units.count(snapshot.done), units.count(snapshot.total)
    if snapshot.reading:
        pieces = [(done, "bold"), (f"reading the list, {total} so far", "cyan"), (units.rate(snapshot.rate), "")]
    else:
        pieces = [
            (f"{done}/{total}", "bold"),
            (units.share(snapshot.done, snapshot.total), "bold"),
            (units.rate(snapshot.rate), ""),
            (f"ETA {units.clock(snapshot.eta)}", ""),
        ]
    pieces += [
        (f"in flight {snapshot.busy}/{snapshot.workers}", ""),
        (f"{units.clock(snapshot.elapsed)} elapsed", "dim"),
        (units.size(snapshot.bytes), "dim"),
    ]
    beside = _fitting(pieces, width - _BAR_LEAST - len(_GAP))
    room = width - len(_GAP) - _length(beside)
    line = _line(bar(snapshot, room, ascii_only=ascii_only)) if room >= _BAR_LEAST else _line([])
    return _cut(_append(line, beside), width)


def bar(snapshot: Snapshot, width: int, *, ascii_only: bool = False) -> list[Piece]:
    """Draw a bar of ``width`` columns: filled by progress, or with a moving block while the total is unknown."""
    full, rest = ("#", "-") if ascii_only else ("━", "─")
    if snapshot.reading:
        block = max(1, width // 4)
        start = int(snapshot.elapsed * width / 3) % (width - block + 1)
        return [(rest * start, "dim"), (full * block, "cyan"), (rest * (width - block - start), "dim")]
    filled = min(width, width * snapshot.done // snapshot.total) if snapshot.total else 0
    return [(full * filled, "green" if filled == width else "cyan"), (rest * (width - filled), "dim")]


def outcomes_line(snapshot: Snapshot, width: int) -> Text:
    """Count the outcomes, then the connections and their reuse; pieces without room are left out from the right."""
    pieces = [(f"{word} {units.count(number)}", OUTCOME_STYLES[word]) for word, number in ordered(snapshot.outcomes)]
    if snapshot.parked:
        pieces.append((f"parked {units.count(snapshot.parked)}", "yellow"))
    pieces += [(text, "magenta") for text in changed(snapshot.changes)]
    if snapshot.opened:
        pieces.append((f"{units.count(snapshot.opened)} connections", "dim"))
        pieces.append((f"{units.reuse(snapshot.requests, snapshot.opened)} reuse", "dim"))
    return _cut(_append(_line([]), _fitting(pieces, width)), width)


def errors_line(snapshot: Snapshot, width: int) -> Text:
    """List the errors so far, the most frequent first. Without errors the line is empty, so that nothing moves."""
    pieces = [(f"{printable(word)} {units.count(number)}", "red") for word, number in commonest(snapshot.errors)]
    return _cut(_append(_line([]), _fitting(pieces, width)), width)


def forecast_line(snapshot: Snapshot, width: int) -> Text | None:
    """Say what delays the run, or which host decides how long it takes; None if there is nothing to say."""
    if snapshot.trouble is not None:
        return _cut(_line([(printable(snapshot.trouble), "bold yellow")]), width)
    pieces = [(printable(text), "dim") for text in (*decided(snapshot), snapshot.hint) if text is not None]
    return _cut(_append(_line([]), _fitting(pieces, width)), width) if pieces else None


def stopping_line(snapshot: Snapshot, width: int) -> Text:
    """Say what a run that is stopping still waits for, in as many words as there is room for."""
    message = stopping(snapshot)
    if len(message) > width:
        message = f"stopping: {snapshot.busy} in flight; Ctrl-C: now"
    return _cut(_line([(message, "bold yellow")]), width)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table of hosts.

    rank: columns of a higher rank are left out first.
    cell: the text for a host; a column with only empty texts is left out.
    """

    title: str
    rank: int
    cell: Callable[[HostRow], str]


def _state(row: HostRow) -> str:
    return row.state if row.until is None else f"{row.state} {units.countdown(row.until)}"


COLUMNS = (
    Column("done", 2, lambda row: f"{row.done:,}/{row.total:,}"),
    Column("in flight", 5, lambda row: f"{row.in_flight}/{row.limit}"),
    Column("opened", 9, lambda row: f"{row.opened:,}"),
    Column("idle", 10, lambda row: f"{row.idle}"),
    Column("reuse", 7, lambda row: units.reuse(row.requests, row.opened)),
    Column("p50 ms", 8, lambda row: units.milliseconds(row.p50)),
    Column("p95 ms", 4, lambda row: units.milliseconds(row.p95)),
    Column("delay", 3, lambda row: units.spoken(row.delay) if row.delay else ""),
    Column("robots", 6, lambda row: row.robots),
    Column("errors", 1, lambda row: f"{row.errors:,}" if row.errors else "·"),
    Column("state", 0, _state),
)
"""The columns to the right of the host's name, from left to right."""


def hosts_table(snapshot: Snapshot, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """List a header, as many hosts as fit, and how many more there are; nothing if not even one host fits.

    Columns are left out by rank until the table is at most ``width`` wide, then names are cut in their middle.
    """
    shown = min(len(snapshot.hosts), height - 1)
    if shown < snapshot.host_count:
        shown = min(shown, height - 2)
    if shown < 1:
        return []
    rows = snapshot.hosts[:shown]
    mark = "..." if ascii_only else "…"
    names = [printable(row.host.netloc) for row in rows]
    columns = [(column, [column.cell(row) for row in rows]) for column in COLUMNS]
    columns = [(column, texts) for column, texts in columns if any(texts)]
    if ascii_only:
        columns = [(column, [cell.replace("·", "-") for cell in cells]) for column, cells in columns]
    widths = {column.title: max(len(column.title), *map(len, cells)) for column, cells in columns}
    longest = max(len("host"), *map(cell_len, names))
    room = width - min(longest, max(_HOST_LEAST, int(width * _HOST_SHARE)))
    while columns and sum(widths[column.title] + len(_GAP) for column, _ in columns) > room:
        columns.remove(max(columns, key=lambda item: item[0].rank))
    beside = sum(widths[column.title] + len(_GAP) for column, _ in columns)
    name_width = max(1, min(longest, width - beside))

    header = set_cell_size("host", name_width) + "".join(_aligned(c.title, c, widths) for c, _ in columns)
    lines = [_cut(Text(header, style="bold", no_wrap=True, overflow="crop"), width)]
    for index, (row, name) in enumerate(zip(rows, names, strict=True)):
        cells = [(column, cells[index]) for column, cells in columns]
        lines.append(_cut(_host_line(row, _name(name, name_width, mark), cells, widths), width))
    if more := snapshot.host_count - shown:
        hosts = "host" if more == 1 else "hosts"
        lines.append(_cut(_line([(f"{mark} and {units.count(more)} more {hosts}", "dim")]), width))
    return lines


def _host_line(row: HostRow, name: str, cells: Sequence[tuple[Column, str]], widths: dict[str, int]) -> Text:
    line = Text(name, style="dim" if row.state == "done" else "", no_wrap=True, overflow="crop")
    for column, cell in cells:
        aligned = _aligned(cell, column, widths)
        before, _, after = aligned.partition(cell) if cell else (aligned, "", "")
        line.append(before).append(cell, _cell_style(row, column)).append(after)
    return line


def _cell_style(row: HostRow, column: Column) -> str | None:
    match column.title:
        case "errors":
            return "red" if row.errors else "dim"
        case "robots":
            return "dim" if row.robots == "ok" else "red" if row.robots == "unreachable" else "yellow"
        case "state":
            return STATE_STYLES.get(row.state, _OTHER_STATE)
        case _:
            return None


def _aligned(text: str, column: Column, widths: dict[str, int]) -> str:
    # The state is the last column and is a word, as robots is; all others are numbers.
    if column.title == "state":
        return f"{_GAP}{text}"
    return f"{_GAP}{text:{'<' if column.title == 'robots' else '>'}{widths[column.title]}}"


def _name(name: str, width: int, mark: str) -> str:
    # Host names are ASCII, so a character is a column. If one is not, set_cell_size keeps the table aligned.
    return set_cell_size(units.middle_cut(name, width, mark), width)


def _fitting(pieces: Sequence[Piece], width: int) -> list[Piece]:
    """Return as many pieces from the left as fit into ``width``, and always the first one."""
    kept = list(pieces)
    while len(kept) > 1 and _length(kept) > width:
        kept.pop()
    return kept


def _length(pieces: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in pieces) + len(_GAP) * max(0, len(pieces) - 1)


def _line(pieces: Sequence[Piece]) -> Text:
    line = Text(no_wrap=True, overflow="crop")
    for text, style in pieces:
        line.append(text, style)
    return line


def _append(line: Text, pieces: Sequence[Piece]) -> Text:
    for text, style in pieces:
        if line:
            line.append(_GAP)
        line.append(text, style)
    return line


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(0, width))
    return line
