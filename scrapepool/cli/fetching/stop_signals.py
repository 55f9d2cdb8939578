"""Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second stops it, the third ends the process.

Decides which signals stop a run and with what exit code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from ...engine import Stop
from ..exits import Exit
from .signal_handlers import SignalHandlers

CODES = {"SIGINT": Exit.INTERRUPT, "SIGTERM": Exit.TERMINATE, "SIGHUP": Exit.HANGUP}


class StopSignals(SignalHandlers):
    """Installs signal handlers for the time of a run, and restores the previous ones at its end.

    exit_code: the exit code for the first signal that was received, None before.
    before_exit: is called before the third signal ends the process.
    """

    def __init__(self, stop: Stop) -> None:
        super().__init__(CODES)
        self._stop = stop
        self.before_exit: Callable[[], None] = lambda: None
        self.exit_code: int | None = None

    def stop_once(self) -> None:
        """Stop the run as a first Ctrl-C does; later calls do nothing. May be called from any thread."""
        if self.exit_code is None and not self._stop.requested:
            self.exit_code = Exit.INTERRUPT
            self._stop.request()

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        if self.exit_code is None:
            self.exit_code = CODES[signal.Signals(number).name]
        if self._stop.now:
            self.before_exit()
            os._exit(self.exit_code)  # something is stuck; records are written whole, so that this tears none
        self._stop.request()
