"""How long one host still needs, apart from workers that are busy elsewhere.

Decides by what the host has shown so far: its latency, how often its targets are requested again, its limits and its
hours. Knows nothing of other hosts. Time is an argument.
"""

from __future__ import annotations

from typing import NamedTuple

from ..health.circuit_breaker import UNKNOWN_HOST_PATIENCE
from ..queue.host_queue import HostQueue
from ..tally import HostTally

PRIOR_TARGETS = 20
"""Targets taken to have needed one request each, beside those that were seen: the first failures say little."""

MAX_PER_TARGET = 4.0
"""Requests a target at most; a host that fails more is down for a while, and will be up again or given up."""


class Remaining(NamedTuple):
    """What one host still needs.

    requests: expected, repeats included. each: seconds that one takes. slots: requests in flight.
    delay: seconds between two starts. seconds: until its end, from now on.
    """

    requests: float
    each: float
    slots: int
    delay: float
    seconds: float

    @property
    def paced(self) -> bool:
        """Whether it is the delay that decides, and not how long requests take."""
        return self.delay >= self.each / self.slots


NOTHING_LEFT = Remaining(0.0, 0.0, 1, 0.0, 0.0)


def requests_per_target(row: HostTally) -> float:
    """Requests that a target of a host takes: more than one where it fails, next to none where it was given up."""
    return min(MAX_PER_TARGET, (row.requests - row.asked_robots + PRIOR_TARGETS) / (row.done + PRIOR_TARGETS))


def remaining(queue: HostQueue, now: float, mean: float) -> Remaining:
    """What a host still needs. mean: seconds that a request takes elsewhere, for a host that was not asked yet."""
    row, health = queue.tally, queue.health
    rate_control = None if health is None else health.rate_control
    expected = queue.max_limit if rate_control is None else rate_control.expected
    slots = max(1, min(expected, queue.allocated or queue.max_limit))
    each = row.latency or mean
    interval = 0.0 if rate_control is None else rate_control.steady
    delay = max(queue.min_delay, interval)
    requests = float(queue.left + queue.out)
    if not interval:  # which was found by refusals, and ends them
        requests *= max(1.0, requests_per_target(row))
    seconds = requests * max(delay, each / slots)
    start = max(queue.not_before, now)
    opened = None if health is None else health.breaker.opened
    if opened is not None and queue.answered:
        start = max(start, 2 * now - opened)  # it will be down for as long as it was already, as far as anybody knows
    elif opened is not None:
        seconds = min(seconds, UNKNOWN_HOST_PATIENCE)  # by then it has answered, or it is given up
    if queue.lasts is not None:
        return Remaining(requests, each, slots, delay, start - now + queue.lasts(start, seconds))
    return Remaining(requests, each, slots, delay, start - now + seconds)
