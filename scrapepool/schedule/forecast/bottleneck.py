"""Whether this machine limits a run, and not the network: by its CPU, or by a slow consumer of the outcomes.

Decides what can be said about the rest of the run then, since neither a host nor the number of workers limits it. Does
not know what is done with outcomes (extraction, outputs, their readers). Time is an argument.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from ..tally import RATE_WINDOW
from .eta import Forecast

SPARE_CPU = 0.75
"""Share of one core up to which the process has CPU to spare; one interpreter uses little more than one core."""

MOSTLY_HELD = 0.5
"""Share of the time that the run is blocked, from which on the consumer of the outcomes sets the pace."""

SAMPLE_INTERVAL = 1.0
"""Minimum seconds between two samples, so that the display does not flicker."""


class Bottleneck:
    """Since when this machine has limited the run. held: total seconds that the run was blocked; its owner adds to it.

    now, cpu: monotonic time when the run begins, and seconds of CPU used by then.
    """

    def __init__(self, now: float, cpu: float) -> None:
        self.held = 0.0
        self._began = now
        self._before = (now, cpu, 0.0)  # time, CPU and seconds blocked, at the last sample
        self._since = inf

    def __repr__(self) -> str:
        return f"<Bottleneck: held {self.held:.3f} s, here since {self._since:.3f}>"

    def correct(self, forecast: Forecast, now: float, cpu: float, *, left: int, rate: float) -> Forecast:
        """Return the forecast without what does not hold while this machine limits the run, such as idle workers.

        The time left follows from the rate, once it was measured under these conditions; until then it is unknown.
        cpu: seconds used so far. left: targets. rate: final outcomes per second in the last ``RATE_WINDOW`` seconds.
        """
        self._sample(now, cpu)
        if self._since == inf:
            return forecast
        if self._since > max(self._began, now - RATE_WINDOW) or not rate:
            return replace(forecast, seconds=None, host=None, hint=None)
        seconds = left / rate
        if forecast.seconds is not None and forecast.seconds >= seconds:
            return replace(forecast, hint=None)
        return replace(forecast, seconds=seconds, host=None, hint=None)

    def _sample(self, now: float, cpu: float) -> None:
        looked, cpu_before, held_before = self._before
        span = now - looked
        if span < SAMPLE_INTERVAL:
            return
        held = self.held - held_before >= MOSTLY_HELD * span
        if not held and cpu - cpu_before < SPARE_CPU * span:
            self._since = inf
        elif self._since == inf:
            self._since = now if held else looked  # until then, the consumer kept up
        self._before = (now, cpu, self.held)
