"""The latency of one host: how much work a lease should hold, and whether the host has become slower.

Decides from the latencies of settled leases. Knows no clock and no queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ..health.adaptive_rate import alarm_threshold
from ..tally import HostTally

LEASE_SECONDS = 0.25
"""Seconds for which a lease may hold its first response, until it ends with its last. Long leases make the scheduler's
work cheap (at 100 ms, three targets cost 0.73 of the CPU time of one), and the watch for stray bytes after each
(``transport.work.desync``) a small part of it. A kill costs the responses that leases hold, besides those in flight."""

NEAR_LATENCY = 0.025
"""Maximum latency of a nearby host in seconds."""

RESTRICTED_LEASE_SECONDS = 0.020
"""The same while the host refuses or fails."""

MAX_LEASE = 64
"""Maximum number of targets in one lease. On loopback, 4 gave 1.7 times the throughput of 1, 16 gave 2.2, 64 3.2."""

MEAN_WEIGHT = 8
"""Targets that the mean latency remembers: a settle of n of them moves it by n / (n + 8) of the way."""


class LatencyEstimate:
    """What settled leases tell of a host's latency.

    best: seconds per target in the best lease. max_lease: maximum number of targets in the next lease.
    baseline: the lowest mean latency so far. alarm: the mean latency from which the host counts as slower; infinite if
    the rate is fixed.
    """

    __slots__ = ("alarm", "baseline", "best", "max_lease")

    def __init__(self, adapt: bool) -> None:
        self.best = inf
        self.max_lease = 1
        self.baseline = inf if adapt else -inf
        self.alarm = inf

    def __repr__(self) -> str:
        return f"<LatencyEstimate: {self.best:.3f} s at best, alarm at {self.alarm:.3f} s>"

    def update(self, tally: HostTally, elapsed: Sequence[float], unbegun: int, delayed: float = 0.0) -> bool:
        """Take in the latencies of a settled lease, and how many of its targets were returned; True for an alarm.

        delayed: seconds by which these may be too long together, since this process was busy.
        """
        count, together = len(elapsed), sum(elapsed) - delayed
        if together <= 0:
            return False
        mean = took = together / count
        if tally.mean:
            mean = tally.mean + (mean - tally.mean) * count / (count + MEAN_WEIGHT)
        tally.mean = mean
        self.best = min(self.best, took)
        if unbegun:
            self.max_lease = count
        elif self.max_lease < 2 * count:
            self.max_lease = min(2 * count, MAX_LEASE)
        if mean < self.baseline:
            self.baseline = mean
            self.alarm = alarm_threshold(mean)
        return mean > self.alarm

    def raise_baseline(self, mean: float) -> None:
        """Move the baseline half of the way to a risen latency: a latency that stays high is no sign of strain."""
        self.baseline = (self.baseline + mean) / 2
        self.alarm = alarm_threshold(self.baseline)
