"""The live display on a terminal: a region at the bottom that is redrawn in place.

Decides when to draw and how much CPU time that may cost; ``frame`` decides what is drawn. The run hands over frozen
snapshots and never waits: a thread of the view draws the newest one.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque

from rich.console import Console
from rich.text import Text

from ..ports import Controls, Snapshot
from ..ports.controls import MOST_ROWS, USUAL_ROWS
from ..text import printable
from .frame import last_top
from .frame_rate import FrameRate
from .keys.view_state import Command, Page, ViewState, changed_workers, press
from .outcome_styles import OUTCOME_STYLES
from .region import Region, terminal
from .stderr import Stderr
from .summary import summary_text

INTERVAL = 0.2
"""Seconds between two frames at least: five frames per second are enough for numbers."""

_AFTER_A_KEY = 0.1  # seconds between two frames while a person waits for the effect of a key
_AWAITED = 0.5  # seconds for which a person does
_NOTES = 200  # notes kept for the next frame: nobody reads more than a screenful at once
_AROUND_A_PAGE = 3  # lines around a page: progress, keys, and the one below the region
_SUSPEND_TIMEOUT = 1.0  # seconds that Ctrl-Z waits for a blocked terminal
_BACKGROUND_CHECK = 0.5  # seconds between two looks whether this job has the terminal again
_CLOSE_TIMEOUT = 2.0  # seconds that the end of a run waits for a blocked terminal


class LiveView:
    """A ``ports.KeyView`` that shows the run in a region that is redrawn in place, and at the end the summary.

    console: where to draw; by default standard error. interval: seconds between two frames at least.
    The region is at least one line lower than the terminal, so it does not scroll. Text that is written to
    ``sys.stderr`` meanwhile appears above it. While another job of the shell has the terminal, only notes are shown.
    """

    def __init__(self, console: Console | None = None, *, interval: float = INTERVAL) -> None:
        self._console = terminal(sys.stderr) if console is None else console
        self._frame_rate = FrameRate(interval)
        # Shared by the threads of the run, of the keys and of the view, under the lock of _changed:
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None  # not drawn yet
        self._last: Snapshot | None = None
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._step: str | None = None
        self._controls: Controls | None = None
        self._state = ViewState()
        self._urgent = False  # something must be drawn at once
        self._awaited_until = float("-inf")  # monotonic time until which a person waits for the effect of a key
        self._suspended = False
        self._hidden = threading.Event()  # the region is not on the terminal
        self._hidden.set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def interval(self) -> float:
        """Seconds between two frames now; longer if frames take much CPU time, shorter after a key."""
        return _AFTER_A_KEY if self._is_awaited() else self._frame_rate.interval

    def show(self, snapshot: Snapshot) -> None:
        """Hand the snapshot to the view's thread, unless a newer one replaces it before it is drawn."""
        with self._changed:
            self._snapshot = self._last = snapshot
            self._changed.notify()
        self._start()

    def note(self, message: str) -> None:
        """Show the message above the region."""
        with self._changed:
            self._notes.append(printable(message))
            self._changed.notify()
        self._start()

    def step(self, line: str | None, seconds: float) -> None:  # noqa: ARG002 - it is in the line
        """Show the step below the run, or alone before the first snapshot."""
        with self._changed:
            self._step = line
            self._urgent = True
            self._changed.notify()
        self._start()

    def steer(self, controls: Controls) -> None:
        """As ``ports.KeyView``."""
        with self._changed:
            self._controls = controls

    def press(self, key: str) -> None:
        """As ``ports.KeyView``. The frame that shows what it did comes at once."""
        with self._changed:
            controls, snapshot = self._controls, self._last
            if controls is None:
                return
            if snapshot is None:  # earlier records are read, so there is nothing to look at yet
                if key == "q":
                    controls.stop()
                return
            lines = max(1, self._console.height - _AROUND_A_PAGE)
            end = last_top(snapshot, self._state, lines)
            self._state, command = press(self._state, key, [row.host for row in snapshot.hosts], lines, end)
            controls.query = self._state.query
            controls.rows = MOST_ROWS if self._state.page in (Page.HOSTS, Page.HOST) else USUAL_ROWS
            if command is not None:
                _obey(command, controls, snapshot)
            self._urgent = True
            self._awaited_until = time.monotonic() + _AWAITED
            self._changed.notify()
        controls.wake()

    def suspend(self) -> None:
        """As ``ports.KeyView``. Gives up after a second if the terminal is blocked."""
        with self._changed:
            self._suspended = True
            self._changed.notify()
        self._hidden.wait(_SUSPEND_TIMEOUT)

    def resume(self) -> None:
        """As ``ports.KeyView``."""
        with self._changed:
            self._suspended, self._urgent = False, True
            self._changed.notify()

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

    # -- on the view's thread ---------------------------------------------------------------------

    def _draw_until_closed(self) -> None:
        while not self._closing.is_set():
            if not self._is_hidden():
                with Region(self._console) as region:
                    self._hidden.clear()
                    self._draw(region)
                self._hidden.set()
            while self._is_hidden() and not self._closing.is_set():
                self._print_notes()
                with self._changed:
                    self._changed.wait_for(lambda: not self._suspended or self._closing.is_set(), _BACKGROUND_CHECK)
        self._print_notes()

    def _draw(self, region: Region) -> None:
        """Draw until the view is closed or hidden."""
        before, cpu_before = time.monotonic(), time.process_time()
        while True:
            self._await_change()
            if self._closing.is_set() or self._is_hidden():
                return
            if _takes_output(self._console):
                began = time.thread_time()
                self._draw_frame(region)
                now, cpu = time.monotonic(), time.process_time()
                busy = (cpu - cpu_before) / max(now - before, 0.001)
                before, cpu_before = now, cpu
                self._frame_rate.spend(time.thread_time() - began, busy)
            with self._changed:
                self._changed.wait_for(self._must_draw_now, self._frame_rate.interval)

    def _draw_frame(self, region: Region) -> None:
        with self._changed:
            snapshot, self._snapshot = self._last, None
            notes, state, step = self._take_notes(), self._state, self._step
            steered, self._urgent = self._controls is not None, False
        region.draw(snapshot, notes, state if steered else None, step)

    def _await_change(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot is not None or self._notes or self._must_draw_now())

    def _must_draw_now(self) -> bool:
        awaited = self._snapshot is not None and self._is_awaited()
        return self._urgent or awaited or self._suspended or self._closing.is_set()

    def _is_awaited(self) -> bool:
        return time.monotonic() < self._awaited_until

    def _is_hidden(self) -> bool:
        file: object = self._console.file
        return self._suspended or (isinstance(file, Stderr) and file.in_background())

    def _take_notes(self) -> list[str]:
        notes = list(self._notes)
        self._notes.clear()
        return notes

    def _print_notes(self) -> None:
        with self._changed:
            notes = [] if self._suspended else self._take_notes()
        for note in notes:
            if _takes_output(self._console):
                self._console.print(Text(note))


def _obey(command: Command, controls: Controls, snapshot: Snapshot) -> None:
    match command:
        case Command.PAUSE:
            controls.paused = not controls.paused
        case Command.STOP:
            controls.stop()
        case Command.MORE | Command.FEWER:
            workers = snapshot.workers if controls.workers is None else controls.workers
            controls.workers = changed_workers(workers, command, controls.most_workers)


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
