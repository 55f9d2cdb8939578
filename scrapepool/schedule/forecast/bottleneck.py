"""Whether this machine limits a run, and not the network: its CPU, or whoever takes the outcomes and blocks the run.

Decides what is known of the rest of the run then, since no host and no number of workers limits it. Knows nothing of
what is done with outcomes (extraction, outputs, their readers). Time is an argument.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from ..tally import RATE_WINDOW
from .eta import Forecast

SPARE_CPU = 0.75
"""Share of a core up to which the process has CPU to spare; one interpreter can use little more than one."""

MOSTLY_HELD = 0.5
"""Share of the time from which on it is the outcomes' taker that sets the pace."""

SAMPLE_INTERVAL = 1.0
"""Seconds between two looks at the shares at least, so that what is shown does not flicker."""


class Bottleneck:
    """Since when the pace is set here. ``held``: seconds held up altogether, which its owner adds to.

    now, cpu: when the run begins, and the seconds of CPU used by then.
    """

    def __init__(self, now: float, cpu: float) -> None:
        self.held = 0.0
        self._began = now
        self._before = (now, cpu, 0.0)  # time, CPU and seconds held, at the last look
        self._since = inf

    def __repr__(self) -> str:
        return f"<Bottleneck: held {self.held:.3f} s, here since {self._since:.3f}>"

    def correct(self, forecast: Forecast, now: float, cpu: float, *, left: int, rate: float) -> Forecast:
        """The forecast, but for what does not hold while the pace is set here: idle workers are of no use then.

        The end is told by the rate, once that was measured under these conditions; until then it is not known.
        cpu: seconds used so far. left: targets. rate: final outcomes a second, over the last ``RATE_WINDOW`` seconds.
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
            self._since = now if held else looked  # until it held up, the taker had room for what came
        self._before = (now, cpu, self.held)
