"""The source of time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The source of time for everything that is given one."""

    def monotonic(self) -> float:
        """Return seconds that never jump; their zero has no meaning."""

    def wall(self) -> float:
        """Return Unix seconds."""

    def cpu(self) -> float:
        """Return the seconds of CPU time that this process has used."""


class SystemClock:
    """The clocks of the machine."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    cpu = staticmethod(time.process_time)
