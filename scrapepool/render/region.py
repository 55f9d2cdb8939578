"""The region at the bottom of a terminal that is redrawn in place.

Decides how lines replace those of the frame before, also on a terminal that became narrower; ``frame`` decides which
lines these are.
"""

from __future__ import annotations

import os
from typing import IO, TextIO, cast

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from ..ports import Snapshot
from ..text import printable
from .frame import frame
from .keys.view_state import ViewState
from .lines import spaced
from .stderr import Stderr


def terminal(stderr: TextIO) -> Console:
    """Make a console on standard error whose writes never raise; each is one update of the screen."""
    # An exported COLUMNS would be wrong after a resize, so the size is read from the terminal.
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    file = cast("IO[str]", Stderr(stderr, synchronized=True))
    return Console(file=file, force_terminal=True, highlight=False, markup=False, emoji=False, _environ=environ)


class Region:
    """The lines at the bottom of the terminal: drawn, redrawn in place, and removed at the end of ``with``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._drawn: list[int] = []  # the widths of the lines on the screen
        self._drawn_on = 0  # the terminal's width at that time

    def __enter__(self) -> Region:
        self._console.control(Control(ControlType.CARRIAGE_RETURN))  # a key may have been echoed
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._erase_wrapped(self._console.width)
        self._live.stop()

    def draw(
        self, snapshot: Snapshot | None, notes: list[str], state: ViewState | None = None, step: str | None = None
    ) -> None:
        """Print the notes above the region, then draw the snapshot; without one the step alone, if there is one.

        state, step: see ``frame``.
        """
        for note in notes:
            self._console.print(Text(note))
        width, height = self._console.size
        if snapshot is None:
            lines = [] if step is None else [spaced([(printable(step), "cyan")], width)]
        else:
            ascii_only = self._console.options.ascii_only
            lines = frame(snapshot, width, max(1, height - 1), ascii_only=ascii_only, state=state, step=step)
        with self._console:  # one write for both
            self._erase_wrapped(width)
            self._live.update(Group(*lines), refresh=True)
        self._drawn, self._drawn_on = [line.cell_len for line in lines], width

    def _erase_wrapped(self, width: int) -> None:
        """Erase the rows into which lines wrapped when the terminal became narrower: Rich does not know them."""
        if width >= self._drawn_on:
            return
        extra = sum(max(0, -(-columns // max(1, width)) - 1) for columns in self._drawn)
        rows = min(extra, self._console.height)
        erase = (ControlType.ERASE_IN_LINE, 2)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, erase, *((ControlType.CURSOR_UP, 1), erase) * rows))
        self._drawn_on = width
