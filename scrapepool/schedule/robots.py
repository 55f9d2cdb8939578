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
  as often as a URL is (``retries``), after the breaker's pauses, then all of the host is refused: with
  ``robots_unreachable``, or with the failure itself where the host could not be asked for anything. ``failure`` is the
  ``Failed`` that it was, where the host itself did not answer: the outage guard is told.

What was had is kept when the host is done with, as far as there is room, so that a host which the list comes back to is
not asked again. Rules have ``allows(path: str) -> bool``; the scheduler never calls it. Redirects of robots.txt, its
size and its age are the fetcher's. A lease on robots.txt takes a slot, keeps the host's delay and counts as a request,
and as no target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ..model import ErrorKind, Failed, HostKey
from .health.circuit_breaker import FIRST_PROBE_DELAY, MAX_PROBE_DELAY
from .health.retry import MAX_DOUBLINGS

MAX_CACHED_HOSTS = 10_000
"""Hosts that are done with and whose robots.txt is kept, should the list come back to them: as of their numbers."""

MAX_CACHED_PATTERNS = 100_000
"""Patterns in these robots.txt together, of about 400 bytes each."""

ROBOTS_FIRST = "the request was for robots.txt"
"""What the detail of a refused target ends with whose host could not be asked for anything."""

UNREACHABLE_ERRORS = frozenset(
    {
        ErrorKind.DNS,
        ErrorKind.CONNECT_REFUSED,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.UNREACHABLE,
        ErrorKind.TLS,
        ErrorKind.PROXY,
    }
)
"""Failures before anything could be asked for: they say nothing of robots.txt, and each URL would end the same way."""


class Rules(Protocol):
    """What a robots.txt allows this program."""

    def allows(self, path: str) -> bool:
        """Whether a path and query, percent-encoded, may be asked for (RFC 9309 section 2.2.2)."""

    def refusing(self, path: str) -> str | None:
        """The pattern that disallows a path and query, None where it may be asked for."""

    def patterns(self) -> Iterable[tuple[str, bool]]:
        """What they consist of: patterns, and whether each allows."""


class RobotsVerdict(NamedTuple):
    """What came of a request for robots.txt. See the module.

    rules: None where all is allowed. crawl_delay: seconds. unreachable: why it could not be had, one human line.
    after: seconds that the host asked to wait. failure: the host's own failure to answer, where it was one.
    agent: the product token that it holds for, in lower case; empty for any.
    """

    rules: Rules | None = None
    crawl_delay: float | None = None
    unreachable: str | None = None
    after: float | None = None
    failure: Failed | None = None
    agent: str = ""

    def refusal(self) -> tuple[ErrorKind, str]:
        """As what the targets of a host end that stays ``unreachable``, and the detail of their records."""
        failure = self.failure
        if failure is not None and (failure.error in UNREACHABLE_ERRORS or failure.unsent):
            return failure.error, "; ".join(filter(None, (failure.detail, ROBOTS_FIRST)))
        return ErrorKind.ROBOTS_UNREACHABLE, f"robots.txt could not be fetched: {self.unreachable}"


class RobotsGate:
    """What keeps a host's targets back until its robots.txt is settled.

    asked: whether a lease on it is out. since: when that was handed out, in monotonic seconds.
    failures: how often it could not be had, but for those that were the network's. refunds: how often that may have
    been for a limit of the proxy.
    older: one that another run had, to be obeyed where none can be had (RFC 9309 section 2.4).
    """

    __slots__ = ("asked", "failures", "older", "refunds", "since")

    def __init__(self) -> None:
        self.asked = False
        self.since = 0.0
        self.failures = self.refunds = 0
        self.older: RobotsVerdict | None = None

    def on_failure(self, retries: int) -> float | None:
        """Seconds until it is asked for again, None where that was enough. retries: as of a URL."""
        self.failures += 1
        if self.failures > retries:
            return None
        return min(math.ldexp(FIRST_PROBE_DELAY, min(self.failures - 1, MAX_DOUBLINGS)), MAX_PROBE_DELAY)


class RobotsCache:
    """The robots.txt of hosts that are done with; when there are too many, the first ones go."""

    def __init__(self, hosts: int = MAX_CACHED_HOSTS, patterns: int = MAX_CACHED_PATTERNS) -> None:
        self._verdicts: dict[HostKey, tuple[RobotsVerdict, int]] = {}
        self._hosts = hosts
        self._patterns = patterns
        self._held = 0

    def __repr__(self) -> str:
        return f"<RobotsCache of {len(self._verdicts)} hosts, {self._held} patterns>"

    def keep(self, host: HostKey, verdict: RobotsVerdict) -> None:
        """Keep what a host's robots.txt said, for ``take``."""
        size = 0 if verdict.rules is None else sum(1 for _ in verdict.rules.patterns())
        self._verdicts[host] = verdict, size
        self._held += size
        while len(self._verdicts) > self._hosts or self._held > self._patterns:
            self.take(next(iter(self._verdicts)))

    def take(self, host: HostKey) -> RobotsVerdict | None:
        """What a host's robots.txt said, which is not kept any more; None where it is not known."""
        verdict, size = self._verdicts.pop(host, (None, 0))
        self._held -= size
        return verdict
