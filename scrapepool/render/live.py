"""The live display on a terminal: a region at the bottom that is redrawn in place.

Decides when to draw and how much of a core that may cost; what is drawn is ``tables``' to decide. The run hands over
frozen snapshots and never waits: a thread of the view's own draws the newest.
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
"""Seconds between two frames at least: five a second are fluent for numbers."""

LONGEST_INTERVAL = 1.0
"""Seconds between two frames at most, however dear a frame is: a display that is slower looks stuck."""

SHARE = 0.015
"""Share of the run's CPU that drawing may take."""

IDLE = 0.1
"""Cores that a run is taken to use at least: one that only waits can afford a frame a second."""

_SMOOTHING = 0.3  # weight of the newest frame's cost in the moving mean
_NOTES = 200  # notes kept for the next frame; more than a screenful at once is not read anyway
_CLOSE_PATIENCE = 2.0  # seconds that the end of a run waits for a terminal that takes nothing


def terminal(stderr: TextIO) -> Console:
    """Make a console on standard error whose writes never raise, each shown as one update of the screen."""
    # An exported COLUMNS would outlast the next resize, so the terminal itself is asked.
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    file = cast("IO[str]", Stderr(stderr, synchronized=True))
    return Console(file=file, force_terminal=True, highlight=False, markup=False, emoji=False, _environ=environ)


class LiveView:
    """Shows the run in a region that is redrawn in place, and leaves the summary; a ``ports.View``.

    console: where to draw; standard error without it. interval: seconds between two frames at least.
    The region is never higher than the terminal less one line, so it does not scroll. While it is up, what is written
    to ``sys.stderr`` appears above it.
    """

    def __init__(self, console: Console | None = None, *, interval: float = INTERVAL) -> None:
        self._console = terminal(sys.stderr) if console is None else console
        self._pace = _Pace(interval)
        # Shared by the run's threads and the view's, under _changed's lock:
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def interval(self) -> float:
        """Seconds between two frames now: longer where a frame is dear."""
        return self._pace.interval

    def show(self, snapshot: Snapshot) -> None:
        """Hand the snapshot to the view's thread; a newer one replaces it before it is drawn."""
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

        Gives up after two seconds on a terminal that takes nothing.
        """
        with self._changed:
            self._closing.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_PATIENCE)
            if self._thread.is_alive():
                return
        if snapshot is not None and _takes_output(self._console, _CLOSE_PATIENCE):
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
                    self._pace.spend(time.thread_time() - began, busy)
                if self._closing.wait(self._pace.interval):
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
    """The lines at the bottom of the terminal: drawn, redrawn over themselves, removed at the end of ``with``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._drawn: list[int] = []  # the widths of the lines on the screen
        self._drawn_on = 0  # the terminal's width then

    def __enter__(self) -> Region:
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._gather_wrapped(self._console.width)
        self._live.stop()

    def draw(self, snapshot: Snapshot | None, notes: list[str]) -> None:
        """Put the notes above the region, then the snapshot into it; None leaves it as it is."""
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
        """Erase the rows that lines were wrapped into when the terminal became narrower: Live does not know of them."""
        if width >= self._drawn_on:
            return
        extra = sum(max(0, -(-columns // max(1, width)) - 1) for columns in self._drawn)
        rows = min(extra, self._console.height)
        erase = (ControlType.ERASE_IN_LINE, 2)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, erase, *((ControlType.CURSOR_UP, 1), erase) * rows))
        self._drawn_on = width


class _Pace:
    """How long to wait between two frames, so that drawing takes ``SHARE`` of the CPU that the run uses.

    A run that waits for slow servers uses a tenth of a core, and its view has to be content with a share of that.
    """

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._cost = 0.0
        self._busy = 1.0
        self.interval = shortest

    def spend(self, seconds: float, busy: float) -> None:
        """Take note of a frame. seconds: of CPU that it took. busy: cores that the process used since the last one."""
        self._cost = seconds if not self._cost else self._cost + _SMOOTHING * (seconds - self._cost)
        self._busy += _SMOOTHING * (busy - self._busy)
        wanted = self._cost / (SHARE * max(self._busy, IDLE))
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
