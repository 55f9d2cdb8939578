"""Estimates a run over some lists: the number of URLs, their hosts, the duration, and what limits it.

Computes the duration of each host from the limits of the scheduler; the longest of hosts, workers and rate is that of
the run. A robots.txt counts as a request: with a page on each of a thousand hosts, it is half of all requests. Sends no
requests: their latency is assumed, and the rules of robots.txt are an argument. Keeps no URLs.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Literal

from ...model import ErrorKind, HostKey, Skipped, Unchanged
from ...overrides import NOTHING
from ...ports import Clock, Ended, HostState
from ...read import TargetList
from ...schedule.sharing.host_state import MAX_ROBOTS_AGE
from ...settings import Settings
from ...window import Window
from ..host_limits import limits_for
from .host_counts import HostCounts

NOTHING_KNOWN = HostState()


@dataclass(slots=True)
class Count:
    """The content of the lists.

    hosts: URLs by host. tickets: of the hosts whose robots.txt is to be asked. duplicates: lines that say what an
    earlier one said. rejects: lines that are no URL, by why. shown: the first of those. of_other_shards: lines that
    were passed over because their hosts are in other shards.
    """

    hosts: HostCounts = field(default_factory=HostCounts)
    tickets: defaultdict[HostKey, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("Q")))
    duplicates: int = 0
    rejects: Counter[ErrorKind] = field(default_factory=Counter)
    shown: list[Skipped] = field(default_factory=list)
    of_other_shards: int = 0


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One host.

    urls: to be asked there. delay: seconds between two starts. per_host: requests at a time. window: when, None for
    always. seconds: from the start of the run to its last answer, were the host alone; infinity beyond some years.
    latency: seconds that a request takes, known or assumed.
    """

    host: HostKey
    urls: int
    delay: float
    per_host: int
    window: Window | None
    seconds: float
    latency: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole run.

    seconds: that it takes at least, and nearly so where nothing fails. decided_by: what takes that long.
    longest: the host that takes longest. hosts: those with most URLs. host_count: hosts that there are.
    """

    urls: int
    host_count: int
    seconds: float
    decided_by: Literal["host", "workers", "rate"]
    longest: HostPlan
    hosts: tuple[HostPlan, ...]


def count(targets: TargetList, shown: int, *, asks: Callable[[HostKey], bool] | None = None) -> Count:
    """Read all lists to their end, and count their URLs. Raises ListError.

    shown: rejected lines to keep. asks: whether a host's robots.txt is to be asked, so that tickets, 8 bytes a URL, are
    kept; None if none is.
    """
    woken = Event()
    targets.wake = woken.set
    found = Count()
    while not targets.exhausted:
        woken.clear()
        batch = targets.poll()
        if batch is None:
            if not targets.exhausted:
                woken.wait()
            continue
        found.hosts.add_all(zip(batch.added, map(len, batch.added.values()), strict=True))
        if asks is not None:
            for host, tickets in batch.added.items():
                if host in found.tickets or asks(host):
                    found.tickets[host].extend(tickets)
        _reject(found, batch.rejected, shown)
    found.of_other_shards = targets.of_other_shards
    return found


def _reject(found: Count, rejected: Iterable[Ended], shown: int) -> None:
    for line in rejected:
        if isinstance(line, Unchanged):  # of a run that knows an earlier one, as no plan does
            continue
        if line.error is ErrorKind.DUPLICATE:
            found.duplicates += 1
            continue
        found.rejects[line.error] += 1
        if len(found.shown) < shown:
            found.shown.append(line)


class HostPlanner:
    """Plans hosts one by one. The parameters are those of ``planned``."""

    def __init__(
        self,
        settings: Settings,
        latency: float,
        clock: Clock,
        crawl_delays: Mapping[HostKey, float],
        known: Mapping[HostKey, HostState],
    ) -> None:
        self._settings = settings
        self._latency = latency
        self._crawl_delays = crawl_delays
        self._known = known
        self._limits = limits_for(settings, clock)
        self._wall, self._now = clock.wall(), clock.monotonic()

    def asks_robots(self, host: HostKey) -> bool:
        """Whether the robots.txt of a host will be requested."""
        found = self._known.get(host, NOTHING_KNOWN)
        return self._limits(host).robots and self._now - found.robots_at >= MAX_ROBOTS_AGE

    def plan(self, host: HostKey, urls: int) -> HostPlan:
        """Plan a host with so many URLs."""
        settings, pool, wall = self._settings, self._settings.pool, self._wall
        own, window = self._limits(host), settings.host_overrides.override_for(host).window
        found = self._known.get(host, NOTHING_KNOWN)
        delay = max(own.delay, self._crawl_delays.get(host, 0.0))
        per_host = own.per_host
        if pool.pace == "auto":
            delay, per_host = max(delay, found.interval), min(per_host, found.in_flight or per_host)
        each = found.latency or self._latency
        parked = max(0.0, found.parked_until - self._now)
        begins = wall + parked
        if parked > settings.retry.max_park:
            needed = begins = 0.0  # its URLs are deferred
        else:
            needed = duration(urls, delay, min(per_host, pool.workers), each)
            if self.asks_robots(host):
                needed += max(delay, each)
        ends = begins + needed if window is None or not needed else window.after(begins, needed)
        return HostPlan(host, urls, delay, per_host, window, max(0.0, ends - wall), each)


def planned(
    hosts: HostCounts,
    settings: Settings,
    *,
    latency: float,
    most: int,
    clock: Clock,
    crawl_delays: Mapping[HostKey, float] | None = None,
    known: Mapping[HostKey, HostState] | None = None,
) -> Plan:
    """Plan a run over so many URLs of each host, of which there must be one.

    latency: seconds that a request takes, above 0. most: hosts to be named. clock: the run would start now.
    crawl_delays: what robots.txt asks of some hosts, in seconds. known: what earlier runs found out.
    """
    crawl_delays, known = crawl_delays or {}, known or {}
    pool, overrides = settings.pool, settings.host_overrides
    planner = HostPlanner(settings, latency, clock, crawl_delays, known)
    asks_robots = planner.asks_robots

    def host_plan(host: HostKey) -> HostPlan:
        return planner.plan(host, hosts[host])

    own = dict.fromkeys(host for host in (*known, *crawl_delays) if host in hosts)
    if overrides:
        own.update(dict.fromkeys(host for host in hosts if overrides.override_for(host) is not NOTHING))
    # All other hosts are treated alike, so the largest of them takes longest.
    usual = next((host for host in hosts.largest(len(own) + 1) if host not in own), None)
    longest = max(map(host_plan, own if usual is None else (*own, usual)), key=lambda plan: plan.seconds)
    asked = sum(map(asks_robots, own)) + (len(hosts) - len(own)) * (usual is not None and asks_robots(usual))
    elsewhere = sum(hosts.get(host, 0) * (found.latency - latency) for host, found in known.items() if found.latency)
    requests = hosts.total + asked
    by_workers = duration(requests, 0.0, pool.workers, latency) + elsewhere / pool.workers
    by_rate = duration(requests, 1 / pool.rate, requests, latency) if pool.rate else 0.0
    seconds = max(longest.seconds, by_workers, by_rate)
    return Plan(
        urls=hosts.total,
        host_count=len(hosts),
        seconds=seconds,
        decided_by="host" if seconds == longest.seconds else "workers" if seconds == by_workers else "rate",
        longest=longest,
        hosts=tuple(map(host_plan, hosts.largest(most))),
    )


def duration(requests: int, delay: float, slots: int, latency: float) -> float:
    """Return the seconds until the last response. slots: requests in flight. delay: seconds between two starts."""
    rounds, rest = divmod(requests - 1, slots)  # before the last request
    return rounds * max(latency, slots * delay) + rest * delay + latency
