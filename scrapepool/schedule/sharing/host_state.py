"""What runs find out about a host and pass on to each other, and the store that keeps it.

Decides how long a robots.txt is valid. Knows neither where the state is kept, nor by which clock: times are monotonic
seconds of this run, and times before it are below its start.
"""

from __future__ import annotations

from math import inf
from typing import Protocol

from ...frozen import frozen
from ...model import HostKey
from ..robots import RobotsVerdict
from .host_quota import Allocations, QuotaRequest

MAX_ROBOTS_AGE = 86_400.0
"""Seconds for which a robots.txt is valid (RFC 9309 section 2.4); an older one is used only if fetching it fails."""


@frozen
class HostState:
    """What is known about a host.

    latency: seconds that a request took, 0.0 for unknown. in_flight: maximum requests in flight that it accepts, None
    if no limit was found. interval: seconds between two starts that it was found to require, 0.0 for none.
    free_at: earliest next start, by its delay. parked_until: earliest next start, by what it asked for.
    dead_since: since when it has been down, as far as any run knows; None if it was up.
    robots, robots_at: the last robots.txt that was fetched, and when; None if there never was one.
    """

    latency: float = 0.0
    in_flight: int | None = None
    interval: float = 0.0
    free_at: float = -inf
    parked_until: float = -inf
    dead_since: float | None = None
    robots: RobotsVerdict | None = None
    robots_at: float = -inf


class HostStateStore(Protocol):
    """The store that keeps the state of hosts between runs. Each call returns at once."""

    def recall(self, host: HostKey, now: float) -> HostState | None:
        """Return what is known about a host whose work begins now, or None."""

    def keep(self, host: HostKey, known: HostState) -> None:
        """Keep what was found out, except for robots.txt."""

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Keep the robots.txt of a host that was fetched now."""


class SharingRun(Protocol):
    """A run that shares hosts with other runs: the scheduler. Times are those of its own clock."""

    def quota_requests(self) -> dict[HostKey, QuotaRequest]:
        """Return what it holds and wants now; ``held`` is the larger of what it may begin and what is in flight."""

    def host_states(self, now: float) -> dict[HostKey, HostState]:
        """Return what it has found out about the hosts that it works on."""

    def apply(self, shares: Allocations, now: float) -> None:
        """Keep to the allocations. Unless the run is alone, other hosts get no requests."""
