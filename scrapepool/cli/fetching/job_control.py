"""Signals that stop or end the process without asking it: the terminal gets its mode and its cursor back first.

Decides what happens at Ctrl-Z (SIGTSTP) and SIGQUIT. ``stop_signals`` decides about those that end a run.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

from ...ports import KeyView
from ...render.keys.keyboard import Keyboard
from .signal_handlers import SignalHandlers

NAMES = ("SIGTSTP", "SIGQUIT")


class JobControl(SignalHandlers):
    """Handles these signals for the time of its block: leaves the terminal, then does what the system does.

    After ``fg`` or ``bg`` the view is shown again. keyboard: None if no keys are read.
    """

    def __init__(self, view: KeyView, keyboard: Keyboard | None) -> None:
        super().__init__(NAMES)
        self._view = view
        self._keyboard = keyboard

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        self._view.suspend()
        if self._keyboard is not None:
            self._keyboard.release()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # the process stops here, until somebody continues it
        signal.signal(number, self._handle)
        if self._keyboard is not None:
            self._keyboard.take()
        self._view.resume()
