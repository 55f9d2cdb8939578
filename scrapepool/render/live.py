"""The live display on a terminal: a region at the bottom that is redrawn in place.

Decides when to draw and how much CPU time that may cost; ``tables`` decides what is drawn. The run hands over frozen
snapshots and never waits: a thread of the view draws the newest one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from typing import IO, TextIO, cast

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from ..ports import Snapshot
from ..text import printable
from .stderr import Stderr
from .summary import summary_text
from .tables import OUTCOME_STYLES, frame

INTERVAL = 0.2
"""Seconds between two frames at least: five frames per second are enough for numbers."""

LONGEST_INTERVAL = 1.0
"""Seconds between two frames at most, however much CPU time they take: a slower display looks stuck."""

SHARE = 0.015
"""Share of the run's CPU time that drawing may take."""

LEAST_BUSY = 0.1
"""Cores that a run is assumed to use at least: a run that only waits can afford a frame per second."""

_SMOOTHING = 0.3  # weight of the newest frame's cost in the moving mean
_NOTES = 200  # notes kept for the next frame: nobody reads more than a screenful at once
_CLOSE_TIMEOUT = 2.0  # seconds that the end of a run waits for a blocked terminal


def terminal(stderr: TextIO) -> Console:
    """Make a console on standard error whose writes never raise; each is one update of the screen."""
    # An exported COLUMNS would be wrong after a resize, so the size is read from the terminal.
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    file = cast("IO[str]", Stderr(stderr, synchronized=True))
    return Console(file=file, force_terminal=True, highlight=False, markup=False, emoji=False, _environ=environ)


class LiveView:
    """A ``ports.View`` that shows the run in a region that is redrawn in place, and at the end the summary.

    console: where to draw; by default standard error. interval: seconds between two frames at least.
    The region is at least one line lower than the terminal, so it does not scroll. Text that is written to
    ``sys.stderr`` meanwhile appears above it.
    """

    def __init__(self, console: Console | None = None, *, interval: float = INTERVAL) -> None:
        self._console = terminal(sys.stderr) if console is None else console
        self._frame_rate = _FrameRate(interval)
        # Shared by the threads of the run and of the view, under the lock of _changed:
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def interval(self) -> float:
        """Seconds between two frames now; longer if frames take much CPU time."""
        return self._frame_rate.interval

    def show(self, snapshot: Snapshot) -> None:
        """Hand the snapshot to the view's thread, unless a newer one replaces it before it is drawn."""
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify()
        self._start()

    def note(self, message: str) -> None:
        """Show the message above the region."""
        with self._changed:
            self._notes.append(printable(message))
            self._changed.notify()
        self._start()

    def close(self, snapshot: Snapshot | None) -> None:
        """Remove the region and print the summary of ``snapshot``, nothing for None.

        Gives up after two seconds if the terminal is blocked.
        """
        with self._changed:
            self._closing.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)
            if self._thread.is_alive():
                return
        if snapshot is not None and _takes_output(self._console, _CLOSE_TIMEOUT):
            self._console.print(coloured_summary(snapshot, self._console.width), end="")

    def _start(self) -> None:
        with self._changed:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._draw_until_closed, name="scrapepool-view", daemon=True)
                self._thread.start()

    def _draw_until_closed(self) -> None:
        before, cpu_before = time.monotonic(), time.process_time()
        with Region(self._console) as region:
            while True:
                snapshot, notes = self._take()
                if _takes_output(self._console):
                    began = time.thread_time()
                    region.draw(snapshot, notes)
                    now, cpu = time.monotonic(), time.process_time()
                    busy = (cpu - cpu_before) / max(now - before, 0.001)
                    before, cpu_before = now, cpu
                    self._frame_rate.spend(time.thread_time() - began, busy)
                if self._closing.wait(self._frame_rate.interval):
                    region.draw(None, self._take()[1])
                    return

    def _take(self) -> tuple[Snapshot | None, list[str]]:
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot is not None or self._notes or self._closing.is_set())
            snapshot, self._snapshot = self._snapshot, None
            notes = list(self._notes)
            self._notes.clear()
            return snapshot, notes


class Region:
    """The lines at the bottom of the terminal: drawn, redrawn in place, and removed at the end of ``with``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._drawn: list[int] = []  # the widths of the lines on the screen
        self._drawn_on = 0  # the terminal's width at that time

    def __enter__(self) -> Region:
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._gather_wrapped(self._console.width)
        self._live.stop()

    def draw(self, snapshot: Snapshot | None, notes: list[str]) -> None:
        """Print the notes above the region, then draw the snapshot; None leaves the region as it is."""
        for note in notes:
            self._console.print(Text(note))
        if snapshot is None:
            return
        width, height = self._console.size
        lines = frame(
            snapshot,
            width,
            max(1, height - 1),
            ascii_only=self._console.options.ascii_only,
        )
        with self._console:  # one write for both
            self._gather_wrapped(width)
            self._live.update(Group(*lines), refresh=True)
        self._drawn, self._drawn_on = [line.cell_len for line in lines], width

    def _gather_wrapped(self, width: int) -> None:
        """Erase the rows into which lines wrapped when the terminal became narrower: Rich does not know them."""
        if width >= self._drawn_on:
            return
        extra = sum(max(0, -(-columns // max(1, width)) - 1) for columns in self._drawn)
        rows = min(extra, self._console.height)
        erase = (ControlType.ERASE_IN_LINE, 2)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, erase, *((ControlType.CURSOR_UP, 1), erase) * rows))
        self._drawn_on = width


class _FrameRate:
    """How long to wait between two frames, so that drawing takes ``SHARE`` of the run's CPU time.

    A run that waits for slow servers uses a tenth of a core, so its display gets only a share of that.
    """

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._cost = 0.0
        self._busy = 1.0
        self.interval = shortest

    def spend(self, seconds: float, busy: float) -> None:
        """Record a frame. seconds: its CPU time. busy: cores that the process used since the last frame."""
        self._cost = seconds if not self._cost else self._cost + _SMOOTHING * (seconds - self._cost)
        self._busy += _SMOOTHING * (busy - self._busy)
        wanted = self._cost / (SHARE * max(self._busy, LEAST_BUSY))
        self.interval = max(self._shortest, min(LONGEST_INTERVAL, wanted))


def coloured_summary(snapshot: Snapshot, width: int) -> Text:
    """Colour the summary's titles and outcomes."""
    text = Text(summary_text(snapshot, width), no_wrap=True, overflow="ignore")
    text.highlight_regex(r"(?m)^\w+", "bold")
    for word, style in OUTCOME_STYLES.items():
        text.highlight_regex(rf"(?m)(?<= ){word} [\d,]+(?=  |$)", style)
    return text


def _takes_output(console: Console, timeout: float = 0.0) -> bool:
    file: object = console.file
    return not isinstance(file, Stderr) or file.ready(timeout)
