"""How long one host still needs: what its end depends on, but for workers that are busy elsewhere.

Decides by what the host showed so far: how long it takes, how often it has to be asked again, how hard it may be asked,
when it may be asked at all. Knows nothing of other hosts; time is an argument.
"""

from __future__ import annotations

from typing import NamedTuple

from ..health.circuit_breaker import UNKNOWN
from ..queue.host_queue import HostQueue
from ..tally import HostTally

PRIOR = 20
"""Targets taken to have needed one request each, beside those that were seen: the first failures say little."""

MOST_AGAIN = 4.0
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


NOTHING = Remaining(0.0, 0.0, 1, 0.0, 0.0)


def again(row: HostTally) -> float:
    """Requests that a target of a host takes: more than one where it fails, next to none where it was given up."""
    return min(MOST_AGAIN, (row.requests - row.asked_robots + PRIOR) / (row.done + PRIOR))


def remaining(queue: HostQueue, now: float, mean: float) -> Remaining:
    """What a host still needs. mean: seconds that a request takes elsewhere, for a host that was not asked yet."""
    row, trouble = queue.row, queue.trouble
    pace = None if trouble is None else trouble.pace
    slots = max(1, min(queue.most if pace is None else pace.expected, queue.share or queue.most))
    each = row.latency or mean
    interval = 0.0 if pace is None else pace.steady
    delay = max(queue.floor, interval)
    requests = float(queue.left + queue.out)
    if not interval:  # which was found by refusals, and ends them
        requests *= max(1.0, again(row))
    seconds = requests * max(delay, each / slots)
    start = max(queue.not_before, now)
    opened = None if trouble is None else trouble.breaker.opened
    if opened is not None and queue.answered:
        start = max(start, 2 * now - opened)  # it will be down for as long as it was already, as far as anybody knows
    elif opened is not None:
        seconds = min(seconds, UNKNOWN)  # by then it has answered, or it is given up
    if queue.lasts is not None:
        return Remaining(requests, each, slots, delay, start - now + queue.lasts(start, seconds))
    return Remaining(requests, each, slots, delay, start - now + seconds)
