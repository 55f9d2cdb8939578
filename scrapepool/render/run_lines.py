"""The lines about the run as a whole at the top and the bottom of the live display.

Decides what they say, and what is left out when there is little room. Each has its place whether it says something or
not, and figures have a fixed width, so that nothing moves from one frame to the next.
"""

from __future__ import annotations

from rich.text import Text

from ..plural import counted
from ..ports import Snapshot
from ..text import printable
from . import units
from .lines import GAP, Piece, append, cut, fitting, joined, length_of, spaced
from .outcome_styles import OUTCOME_STYLES
from .plain import stopping
from .summary import changed, commonest, decided, ordered

_BAR_LEAST = 8
_SHARE_WIDTH = len("100 %")
_RATE_WIDTH = len("1,234/s")
_BYTE_RATE_WIDTH = len("41.2 MB/s")
_CLOCK_WIDTH = len("1:02:03")


def progress_line(snapshot: Snapshot, width: int, *, ascii_only: bool = False) -> Text:
    """Draw a bar, and beside it the progress and rate of the run; pieces without room are left out from the right."""
    done, total = units.count(snapshot.done), units.count(snapshot.total)
    rates = [
        (f"{units.rate(snapshot.rate):>{_RATE_WIDTH}}", ""),
        (f"{units.size(int(snapshot.byte_rate))}/s".rjust(_BYTE_RATE_WIDTH), ""),
    ]
    if snapshot.reading:
        pieces = [(done, "bold"), (f"reading the list, {total} so far", "cyan"), *rates]
    else:
        pieces = [
            (f"{done:>{len(total)}}/{total}", "bold"),
            (f"{units.share(snapshot.done, snapshot.total):>{_SHARE_WIDTH}}", "bold"),
            *rates,
            (f"ETA {units.clock(snapshot.eta):>{_CLOCK_WIDTH}}", ""),
        ]
    if snapshot.paused:
        pieces[-1] = ("paused".rjust(_CLOCK_WIDTH + 4), "bold yellow")
    pieces += [
        (f"in flight {units.in_flight(snapshot.busy, snapshot.workers, snapshot.processes)}", ""),
        (f"{units.clock(snapshot.elapsed)} elapsed", "dim"),
        (units.size(snapshot.bytes), "dim"),
    ]
    if len(pieces[0][0]) > width:
        pieces[0] = (pieces[0][0].lstrip(), "bold")
    beside = fitting(pieces, width - _BAR_LEAST - len(GAP))
    room = width - len(GAP) - length_of(beside)
    line = joined(bar(snapshot, room, ascii_only=ascii_only)) if room >= _BAR_LEAST else joined([])
    return cut(append(line, beside), width)


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
        pieces.append((counted(snapshot.opened, "connection"), "dim"))
        pieces.append((f"{units.reuse(snapshot.requests, snapshot.opened)} reuse", "dim"))
    return spaced(pieces, width)


def errors_line(snapshot: Snapshot, width: int) -> Text:
    """List the errors so far, the most frequent first."""
    pieces = [(f"{printable(word)} {units.count(number)}", "red") for word, number in commonest(snapshot.errors)]
    return spaced(pieces, width)


def forecast_line(snapshot: Snapshot, width: int) -> Text:
    """Say that the run is paused, what delays it, or which host decides how long it takes."""
    if snapshot.paused:
        return spaced([("paused: nothing new begins; p goes on", "bold yellow")], width)
    if snapshot.outage is not None:
        return spaced([(printable(snapshot.outage), "bold yellow")], width)
    pieces = [(printable(text), "dim") for text in (*decided(snapshot), snapshot.hint) if text is not None]
    return spaced(pieces, width)


def stopping_line(snapshot: Snapshot, width: int) -> Text:
    """Say what a run that is stopping still waits for, in as many words as there is room for."""
    message = stopping(snapshot)
    if len(message) > width:
        message = f"stopping: {snapshot.busy} in flight; Ctrl-C: now"
    return spaced([(message, "bold yellow")], width)
