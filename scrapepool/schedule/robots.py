"""A host's robots.txt, as far as the schedule is concerned: it is asked for first, and what comes of it.

The seam. Where a host's ``HostLimits.robots`` is set, the first ``Lease`` of the host has ``robots=True`` and no
targets; none of its tickets, retries or hops is leased before that one is settled. Whoever fetches it settles it by
``Scheduler.settle_robots(host, verdict, now)``, with one of

* ``RobotsVerdict(rules=…, crawl_delay=…)``: it was had. The host's delay becomes the larger of its own and the crawl
  delay, at most ``max_crawl_delay``. The rules are kept as they are, and given back by ``Scheduler.rules_for(host)``
  for as long as the host has targets: the engine asks them about each path (of the target or of the hop) when it
  looks a ticket up, and settles ``Skipped(error=ROBOTS)`` for what they disallow. Such a settle, with no request, gives
  the host its start back: what was not asked for costs no delay.
* ``RobotsVerdict()``: there is none (404 and the other 4xx but 429): all is allowed, and ``rules_for`` is None.
* ``RobotsVerdict(unreachable="503 Service Unavailable", after=…)``: 5xx, 429, no connection. It is asked for again
  after the breaker's pauses for a host that never answered, then all of the host is refused with
  ``robots_unreachable``. ``failure`` is the ``Failed`` that it was, where there was one: the outage guard is told.

Rules have ``allows(path: str) -> bool``; the scheduler never calls it. Redirects of robots.txt, its size and its age
are the fetcher's. A lease on robots.txt takes a slot, keeps the host's delay and counts as a request, and as no target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model import Failed
from .breaker import FIRST_PAUSE, LONGEST_PAUSE, UNKNOWN


class Rules(Protocol):
    """What a robots.txt allows this program."""

    def allows(self, path: str) -> bool:
        """Whether a path and query, percent-encoded, may be asked for (RFC 9309 section 2.2.2)."""

    def refusing(self, path: str) -> str | None:
        """The pattern that disallows a path and query, None where it may be asked for."""


@dataclass(frozen=True, slots=True)
class RobotsVerdict:
    """What came of a request for robots.txt. See the module.

    rules: None where all is allowed. crawl_delay: seconds. unreachable: why it could not be had, one human line.
    after: seconds that the host asked to wait. failure: the failure without an answer, where it was one.
    """

    rules: Rules | None = None
    crawl_delay: float | None = None
    unreachable: str | None = None
    after: float | None = None
    failure: Failed | None = None


class RobotsGate:
    """What keeps a host's targets back until its robots.txt is settled.

    asked: whether a lease on it is out. since: when that was handed out, in monotonic seconds.
    """

    __slots__ = ("_began", "_pause", "asked", "since")

    def __init__(self) -> None:
        self.asked = False
        self.since = 0.0
        self._began: float | None = None
        self._pause = FIRST_PAUSE

    def failed(self, now: float, retries: int) -> float | None:
        """Seconds until it is asked for again, None where that was enough. retries: 0 for none at all."""
        if self._began is None:
            self._began = now
        if not retries or now >= self._began + UNKNOWN:
            return None
        pause = min(self._pause, LONGEST_PAUSE, max(0.0, self._began + UNKNOWN - now))
        self._pause *= 2
        return pause
