"""Whether a run is held up by whoever takes its outcomes: what extracts from pages, outputs, their readers.

Decides what can be said of the rest of the run then, which no host and no worker decides. Knows nothing of what is done
with outcomes; time is an argument.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from .forecast import Forecast
from .tally import RATE_WINDOW

MOSTLY = 0.5
"""Share of the time from which on it is the outcomes' taker that sets the pace, and not the network."""

LOOK = 1.0
"""Seconds between two looks at that share at least, so that what is shown does not flicker."""


class Backpressure:
    """Since when a run is held up. ``held``: seconds altogether, which its owner adds to."""

    def __init__(self, now: float) -> None:
        self.held = 0.0
        self._before = 0.0  # seconds held, at the last look
        self._looked = now
        self._since = inf  # held up since then

    def __repr__(self) -> str:
        return f"<Backpressure: held {self.held:.3f} s, since {self._since:.3f}>"

    def correct(self, forecast: Forecast, now: float, *, left: int, rate: float) -> Forecast:
        """The forecast, but for what does not hold while the run is held up: idle workers are of no use then.

        Its end is told by the rate, once that was measured under these conditions; until then it is not known.
        left: targets. rate: final outcomes a second, over the last ``RATE_WINDOW`` seconds.
        """
        self._look(now)
        if self._since == inf:
            return forecast
        if now - self._since < RATE_WINDOW or not rate:
            return replace(forecast, seconds=None, host=None, hint=None)
        seconds = left / rate
        if forecast.seconds is not None and forecast.seconds >= seconds:
            return replace(forecast, hint=None)
        return replace(forecast, seconds=seconds, host=None, hint=None)

    def _look(self, now: float) -> None:
        span = now - self._looked
        if span < LOOK:
            return
        if self.held - self._before < MOSTLY * span:
            self._since = inf
        elif self._since == inf:
            self._since = self._looked
        self._before, self._looked = self.held, now
