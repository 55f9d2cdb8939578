"""What a run may spend: time, bytes, targets; and how fast it may spend bytes.

Decides from counts and from the time, which is an argument, whether anything new may begin. What is in flight is let
finish, so bytes and time are passed by as much as that takes.
"""

from __future__ import annotations

from math import inf

from ..settings import RunLimits
from .retry import spell

BURST = 1.0
"""Seconds of bandwidth that may be saved up: large pieces are evened out, an idle minute is not made up."""


class Spending:
    """What is left to a run. until: monotonic time at which nothing new may begin, None for none.

    may_start: no request earlier than that, for the bandwidth's sake. fresh: targets that may still be begun.
    """

    def __init__(self, limits: RunLimits, until: float | None = None) -> None:
        self._limits = limits
        self._began: float | None = None
        self._until = inf if until is None else until
        self._saved = 0.0
        self._at = 0.0
        self.may_start = -inf
        self.fresh: float = inf if limits.targets is None else limits.targets

    @property
    def watches(self) -> bool:
        """Whether any limit is set."""
        limits = self._limits
        asked = (limits.max_time, limits.max_bytes, limits.targets, limits.bandwidth)
        return self._until < inf or any(limit is not None for limit in asked)

    def begin(self, now: float) -> None:
        """The run starts, unless it has."""
        if self._began is None:
            self._began = self._at = now
            if self._limits.bandwidth is not None:
                self._saved = self._limits.bandwidth * BURST

    @property
    def ends_at(self) -> float:
        """The monotonic time at which nothing new may begin."""
        if self._limits.max_time is None or self._began is None:
            return self._until
        return min(self._until, self._began + self._limits.max_time)

    def receive(self, size: int, now: float) -> None:
        """Take bytes off the bandwidth: a token bucket, below zero by what was in flight."""
        bandwidth = self._limits.bandwidth
        if bandwidth is not None and size:
            self._saved = min(bandwidth * BURST, self._saved + (now - self._at) * bandwidth) - size
            self._at = now
            self.may_start = now - self._saved / bandwidth if self._saved < 0 else -inf

    def spent(self, now: float, received: int) -> str | None:
        """Why nothing new may begin, None while something may; received: bytes so far."""
        limits = self._limits
        if now >= self._until:
            return "the time set by --until has come"
        if limits.max_time is not None and self._began is not None and now >= self._began + limits.max_time:
            return f"--max-time {spell(limits.max_time) if limits.max_time >= 60 else f'{limits.max_time:g} s'} is over"
        if limits.max_bytes is not None and received >= limits.max_bytes:
            return f"--max-bytes {limits.max_bytes:,} were received"
        return None

    def all_begun(self) -> str:
        """What ``Scheduler.spent`` says when the last of ``targets`` has ended."""
        return f"--limit {self._limits.targets:,} targets were fetched"
