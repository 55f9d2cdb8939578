"""The latency of one host: how much work a lease should hold, and whether the host has become slower.

Decides from the latencies of settled leases. Knows no clock and no queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ..health.adaptive_rate import alarm_threshold
from ..tally import HostTally

LEASE_SECONDS = 0.020
"""Seconds of work that a lease should hold: enough to make the hand-over between two threads (about 50 µs) cheap, short
enough that the host's other slots, a signal and the display do not notice. Hosts on real networks get leases of 1."""

NEAR_LATENCY = 0.025
"""Maximum latency of a nearby host in seconds. After a lease, the connection to a nearby host is watched for stray
bytes (``transport.work.desync``), for about as long as two responses take."""

NEAR_LEASE_SECONDS = 0.25
"""Seconds of work that a lease on a nearby host should hold, so that the watch is a small part of it."""

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

    def __init__(self, *, adapt: bool) -> None:
        self.best = inf
        self.max_lease = 1
        self.baseline = inf if adapt else -inf
        self.alarm = inf

    def __repr__(self) -> str:
        return f"<LatencyEstimate: {self.best:.3f} s at best, alarm at {self.alarm:.3f} s>"

    def update(self, tally: HostTally, elapsed: Sequence[float], unbegun: int) -> bool:
        """Take in the latencies of a settled lease, and how many of its targets were returned; True for an alarm."""
        if not elapsed:
            return False
        count = len(elapsed)
        mean = took = sum(elapsed) / count
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
