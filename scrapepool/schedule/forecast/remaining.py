"""How long one host still needs, apart from workers that are busy elsewhere.

Decides by what the host has shown so far: its latency, how often its targets are requested again, its limits and its
hours. Knows nothing of other hosts. Time is an argument.
"""

from __future__ import annotations

from ...named_tuple import NamedTuple
from ..health.circuit_breaker import UNKNOWN_HOST_PROBING
from ..queue.host_queue import HostQueue
from ..tally import HostTally

PRIOR_TARGETS = 20
"""Prior for the requests per target: this many targets with one request each, so that first failures count little."""

MAX_PER_TARGET = 4.0
"""Maximum requests per target; a host that fails more often is down, and will recover or be given up."""


class Remaining(NamedTuple):
    """What one host still needs.

    requests: expected number, retries included. each: seconds per request. slots: requests in flight.
    delay: seconds between two starts. seconds: time until its last target ends.
    """

    requests: float
    each: float
    slots: int
    delay: float
    seconds: float

    @property
    def paced(self) -> bool:
        """Whether the delay decides the time, and not the duration of requests."""
        return self.delay >= self.each / self.slots


NOTHING_LEFT = Remaining(0.0, 0.0, 1, 0.0, 0.0)


def requests_per_target(row: HostTally) -> float:
    """Return the requests per target of a host: more than one if targets fail, almost none if it was given up."""
    return min(MAX_PER_TARGET, (row.requests - row.asked_robots + PRIOR_TARGETS) / (row.done + PRIOR_TARGETS))


def remaining(queue: HostQueue, now: float, mean: float) -> Remaining:
    """Return what a host still needs. mean: seconds per request over other hosts, for a host without responses."""
    row, health = queue.tally, queue.health
    rate_control = None if health is None else health.rate_control
    expected = queue.max_limit if rate_control is None else rate_control.expected
    slots = max(1, min(expected, queue.allocated or queue.max_limit))
    each = row.latency or mean
    interval = 0.0 if rate_control is None else rate_control.steady
    delay = max(queue.min_delay, interval)
    requests = float(queue.left + queue.out)
    if not interval:  # an interval that was found by refusals prevents further ones
        requests *= max(1.0, requests_per_target(row))
    seconds = requests * max(delay, each / slots)
    start = max(queue.not_before, now)
    opened = None if health is None else health.breaker.opened
    if opened is not None and queue.answered:
        start = max(start, 2 * now - opened)  # estimate: it stays down for as long again
    elif opened is not None:
        seconds = min(seconds, UNKNOWN_HOST_PROBING)  # by then it has responded, or is given up
    if queue.lasts is not None:
        return Remaining(requests, each, slots, delay, start - now + queue.lasts(start, seconds))
    return Remaining(requests, each, slots, delay, start - now + seconds)
