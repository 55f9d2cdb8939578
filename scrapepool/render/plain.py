"""Progress as plain lines, for files, pipes and dumb terminals: one every ten seconds, then the summary.

Decides what a line shows. Does not import Rich, so that a run without a live display starts quickly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TextIO

from ..plural import counted
from ..ports import Snapshot
from ..text import printable
from . import units
from .stderr import Stderr
from .summary import changed, decided, ordered, summary_text

LINE_INTERVAL = 10.0
"""Seconds between two lines: often enough to see that a run makes progress, and 360 lines per hour in a log."""

SUMMARY_TIMEOUT = 1.0
"""Seconds that the summary waits for a slow reader of standard error."""


def local_time() -> str:
    """Return the local time of day."""
    return time.strftime("%H:%M:%S")


class PlainView:
    """A ``ports.View`` that writes a line to ``stream`` at most every ``every`` seconds of the run.

    every: ``math.inf`` writes no progress, only notes and the summary. summary: whether to write one. clock: returns
    the time of day. If the stream is closed or blocked, lines are lost, and the run goes on.
    """

    interval = 1.0  # seconds between two snapshots, so that a stop is reported within one second

    def __init__(
        self,
        stream: TextIO,
        *,
        every: float = LINE_INTERVAL,
        summary: bool = True,
        clock: Callable[[], str] = local_time,
    ) -> None:
        self._stderr = Stderr(stream)
        self._summary = summary
        self._every = every
        self._clock = clock
        self._next = self._step_next = every
        self._draining = False

    def show(self, snapshot: Snapshot) -> None:
        """Write a line if one is due, and when the run begins to stop."""
        if snapshot.grace is not None and not self._draining:
            self._draining = True
            self._line(stopping(snapshot))
        elif snapshot.elapsed >= self._next:
            self._next = math.floor(snapshot.elapsed / self._every + 1) * self._every
            self.progress(snapshot)

    def progress(self, snapshot: Snapshot) -> None:
        """Write the line that is due."""
        self._line(f"{self._clock()}  {progress(snapshot)}")

    def note(self, message: str) -> None:
        """Write the message as one line."""
        self._line(printable(message))

    def step(self, line: str | None, seconds: float) -> None:
        """Write what the step does, as often as progress. Its first line comes after ``every`` seconds."""
        if line is None:
            self._step_next = self._every
        elif seconds >= self._step_next:
            self._step_next = math.floor(seconds / self._every + 1) * self._every
            self._line(f"{self._clock()}  {line}")

    def close(self, snapshot: Snapshot | None) -> None:
        """Write the summary of ``snapshot``, nothing for None."""
        if snapshot is not None and self._summary and self._stderr.ready(SUMMARY_TIMEOUT):
            self._stderr.write(summary_text(snapshot, self._stderr.width()))

    def _line(self, line: str) -> None:
        if self._stderr.ready():
            self._stderr.write(f"{line}\n")


def progress(snapshot: Snapshot) -> str:
    """Write the state of the run as one line."""
    done, total = units.count(snapshot.done), units.count(snapshot.total)
    if snapshot.reading:
        pieces = [done, f"reading the list, {total} so far", units.rate(snapshot.rate)]
    else:
        pieces = [f"{done}/{total} ({units.share(snapshot.done, snapshot.total)})", units.rate(snapshot.rate)]
        if snapshot.eta is not None:
            pieces.append(f"ETA {units.clock(snapshot.eta)}{', '.join(('', *decided(snapshot)))}")
    pieces.append(f"in flight {units.in_flight(snapshot.busy, snapshot.workers, snapshot.processes).lstrip()}")
    if snapshot.parked:
        pieces.append(f"parked {units.count(snapshot.parked)}")
    pieces += [f"{word} {units.count(number)}" for word, number in ordered(snapshot.outcomes)]
    pieces += changed(snapshot.changes)
    pieces.append(units.size(snapshot.bytes))
    pieces += [text for text in (snapshot.outage, snapshot.hint) if text is not None]
    return "  ".join(pieces)


def stopping(snapshot: Snapshot) -> str:
    """Say what a stopping run still waits for, how long at most, and how to stop it at once."""
    doing = f"waiting for {counted(snapshot.busy, 'request')}" if snapshot.busy else "finishing received responses"
    left = math.ceil(max(0.0, (snapshot.grace or 0.0) - 0.1))  # the clock has moved since the grace began
    return f"stopping: {doing}, up to {left} s; press Ctrl-C again to stop now"
