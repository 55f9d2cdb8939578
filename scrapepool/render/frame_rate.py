"""How long the live display waits between two frames.

Decides what drawing may cost.
"""

from __future__ import annotations

LONGEST_INTERVAL = 1.0
"""Seconds between two frames at most, however much CPU time they take: a slower display looks stuck."""

SHARE = 0.015
"""Share of the run's CPU time that drawing may take."""

LEAST_BUSY = 0.1
"""Cores that a run is assumed to use at least: a run that only waits can afford a frame per second."""

_SMOOTHING = 0.3  # weight of the newest frame's cost in the moving mean


class FrameRate:
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
