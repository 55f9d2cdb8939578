"""robots.txt in the schedule: it is requested first, and this is what its result means for the host's targets.

If ``HostLimits.robots`` of a host is set, the first ``Lease`` of the host has ``robots=True`` and no targets. None of
its tickets, retries or hops is leased before that lease is settled. The transport's result is given to
``Scheduler.settle_robots(host, verdict, now)``, and is one of

* ``RobotsVerdict(rules=…, crawl_delay=…)``: the file was fetched. The host's delay becomes its own or the crawl delay,
  whichever is larger, at most ``max_crawl_delay``. ``Scheduler.rules_for(host)`` returns the rules while the host has
  targets: the engine checks the path of each target or hop when it looks a ticket up, and settles
  ``Skipped(error=ROBOTS)`` for what they disallow. Since that sends no request, it gives the host its start back: a
  skipped page costs no delay.
* ``RobotsVerdict()``: there is no file (404 and every other 4xx except 429). All is allowed; ``rules_for`` is None.
* ``RobotsVerdict(unreachable="503 Service Unavailable", after=…)``: 5xx, 429, or no connection. The file is requested
  again as often as a URL (``retries``), after the pauses of the circuit breaker. Then all targets of the host are
  refused: with ``robots_unreachable``, or with the failure itself if the host could not be reached at all. ``failure``
  is that ``Failed``, if the host itself did not respond; the outage guard gets it, too.

A verdict is kept after the host's last target, within bounds, so that a host that occurs again later in the list is not
requested again. Rules have ``allows(path: str) -> bool``; the scheduler never calls it. The fetcher decides about
redirects, size and age. A lease on robots.txt takes a slot, keeps the host's delay, and counts as a request but not as
a target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from ..model import ErrorKind, Failed, HostKey
from ..named_tuple import NamedTuple
from .health.circuit_breaker import FIRST_PROBE_DELAY, MAX_PROBE_DELAY
from .health.retry import MAX_DOUBLINGS

MAX_CACHED_HOSTS = 10_000
"""Maximum number of finished hosts whose robots.txt is kept, in case the list has more URLs of them."""

MAX_CACHED_PATTERNS = 100_000
"""Maximum number of patterns in all of these files, of about 400 bytes each."""

ROBOTS_FIRST = "the request was for robots.txt"
"""End of the detail of a refused target if its host could not be reached for robots.txt."""

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
"""Failures before a request was sent: they say nothing about robots.txt, and each URL would fail in the same way."""


class Rules(Protocol):
    """What a robots.txt allows this program."""

    def allows(self, path: str) -> bool:
        """Return whether a percent-encoded path and query may be requested (RFC 9309 section 2.2.2)."""

    def refusing(self, path: str) -> str | None:
        """Return the pattern that disallows a path and query, or None if it may be requested."""

    def patterns(self) -> Iterable[tuple[str, bool]]:
        """Yield the patterns, and whether each of them allows."""


class RobotsVerdict(NamedTuple):
    """The result of a request for robots.txt; see the module.

    rules: None if all is allowed. crawl_delay: seconds. unreachable: why the file could not be fetched, in one line.
    after: seconds that the host asked to wait. failure: the failure, if the host itself did not respond.
    agent: the product token for which the rules hold, in lower case; empty for any.
    """

    rules: Rules | None = None
    crawl_delay: float | None = None
    unreachable: str | None = None
    after: float | None = None
    failure: Failed | None = None
    agent: str = ""

    def refusal(self) -> tuple[ErrorKind, str]:
        """Return the error and the detail for the targets of a host whose robots.txt stays ``unreachable``."""
        failure = self.failure
        if failure is not None and (failure.error in UNREACHABLE_ERRORS or failure.unsent):
            return failure.error, "; ".join(filter(None, (failure.detail, ROBOTS_FIRST)))
        return ErrorKind.ROBOTS_UNREACHABLE, f"robots.txt could not be fetched: {self.unreachable}"


class RobotsGate:
    """Holds a host's targets back until its robots.txt is settled.

    asked: whether a lease on it is out. since: monotonic time of that lease.
    failures: number of failed requests, except those that the network caused. refunds: number of failures that a limit
    of the proxy may have caused. older: the verdict of another run, which is obeyed if the file cannot be fetched now
    (RFC 9309 section 2.4).
    """

    __slots__ = ("asked", "failures", "older", "refunds", "since")

    def __init__(self) -> None:
        self.asked = False
        self.since = 0.0
        self.failures = self.refunds = 0
        self.older: RobotsVerdict | None = None

    def on_failure(self, retries: int) -> float | None:
        """Return seconds until the next request, or None after the last one. retries: as for a URL."""
        self.failures += 1
        if self.failures > retries:
            return None
        return min(math.ldexp(FIRST_PROBE_DELAY, min(self.failures - 1, MAX_DOUBLINGS)), MAX_PROBE_DELAY)


class RobotsCache:
    """The verdicts of finished hosts; when there are too many, the oldest are dropped."""

    def __init__(self, hosts: int = MAX_CACHED_HOSTS, patterns: int = MAX_CACHED_PATTERNS) -> None:
        self._verdicts: dict[HostKey, tuple[RobotsVerdict, int]] = {}
        self._hosts = hosts
        self._patterns = patterns
        self._held = 0

    def __repr__(self) -> str:
        return f"<RobotsCache of {len(self._verdicts)} hosts, {self._held} patterns>"

    def keep(self, host: HostKey, verdict: RobotsVerdict) -> None:
        """Keep the verdict of a host, for ``take``."""
        size = 0 if verdict.rules is None else sum(1 for _ in verdict.rules.patterns())
        self._verdicts[host] = verdict, size
        self._held += size
        while len(self._verdicts) > self._hosts or self._held > self._patterns:
            self.take(next(iter(self._verdicts)))

    def take(self, host: HostKey) -> RobotsVerdict | None:
        """Remove and return the verdict of a host, or None if it is not known."""
        verdict, size = self._verdicts.pop(host, (None, 0))
        self._held -= size
        return verdict
