"""What runs find out about a host and leave for each other, and the store that keeps it.

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
"""Seconds for which a robots.txt is believed (RFC 9309 section 2.4); an older one only where none can be had now."""


@frozen
class HostState:
    """What is known about a host.

    latency: seconds that a request took, 0.0 for unknown. in_flight: requests that it bears, None where it was not
    found to bear less than it was asked. interval: seconds between two starts that it was found to want, 0.0 for none.
    free_at: no start earlier, by its delay. parked_until: no start earlier, by what it asked for.
    dead_since: since when it was down, as far as any run knows; None where it was up.
    robots, robots_at: the last robots.txt that was had, and when; None where there never was one.
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
        """What is known of a host that is begun now; None for nothing."""

    def keep(self, host: HostKey, known: HostState) -> None:
        """Keep what was found out, but for its robots.txt."""

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Keep the robots.txt of a host, which was had now."""


class SharingRun(Protocol):
    """A run that shares hosts with other runs: the scheduler. Times are those of its own clock."""

    def quota_requests(self) -> dict[HostKey, QuotaRequest]:
        """What it has and wants now; ``held`` is what it may begin at most, or what is in flight, if that is more."""

    def host_states(self, now: float) -> dict[HostKey, HostState]:
        """What it has found out of the hosts that it is at."""

    def apply(self, shares: Allocations, now: float) -> None:
        """Keep to the grants. A host that is not among them is not to be asked, unless the run is alone."""
