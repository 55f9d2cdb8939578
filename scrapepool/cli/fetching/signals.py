"""Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second stops it, the third ends the process.

Decides which signals stop a run and with what exit code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from ...engine import Stop
from ..exits import Exit

CODES = {"SIGINT": Exit.INTERRUPT, "SIGTERM": Exit.TERMINATE, "SIGHUP": Exit.HANGUP}


class Signals:
    """Installs signal handlers for the time of a run, and restores the previous ones at its end.

    exit_code: the exit code for the first signal that was received, None before.
    before_exit: is called before the third signal ends the process.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.before_exit: Callable[[], None] = lambda: None
        self._before: dict[int, Any] = {}
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        for name in CODES:
            number = getattr(signal, name, None)
            # A signal that the parent made us ignore stays ignored: nohup and shells with & rely on it.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

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
