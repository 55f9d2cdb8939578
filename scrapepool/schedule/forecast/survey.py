"""A survey of the hosts: which ones to show, and which one decides the end of the run.

Decides nothing about the run itself. It costs about half a microsecond per host. So it looks at a bounded number of
hosts, and it looks for those with most work left so seldom that this takes one percent of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest, nsmallest
from itertools import islice
from math import inf

from ...model import HostKey
from ...plural import counted
from ...settings import PoolSettings
from ..health.retry import format_duration
from ..queue.host_queue import HostQueue
from ..tally import HostRow, HostTally, Tally
from .eta import Forecast, at_pace, every, idle_hint
from .host_query import ALL_HOSTS, SORT_KEYS, HostOrder, HostQuery
from .host_report import describe_delay
from .host_status import status_of
from .remaining import NOTHING_LEFT, Remaining, remaining, requests_per_target

MAX_SURVEYED = 50_000
"""Maximum number of hosts in one survey, which takes 25 ms."""

SURVEY_PAUSE = 50e-6
"""Seconds per host between two surveys for the hosts with most work left."""

SURVEY_KEPT = 64
"""Hosts with most work left that are kept until the next survey."""

MAX_CLOSING = 8
"""The same for hosts with hours. How long their work lasts does not only depend on its amount, and costs 50 µs each."""


def _work(queue: HostQueue) -> float:
    return queue.left * queue.seconds_per_target()


def _activity(queue: HostQueue) -> tuple[bool, int]:
    return queue.out > 0, queue.tally.requests


def _why_it_waits(queue: HostQueue, now: float) -> str | None:
    """Return why a host gets no requests for longer than a delay, or None if it may get some."""
    if queue.parked_until > now:
        return f"parked for {format_duration(queue.parked_until - now)}"
    if queue.health is not None and (opened := queue.health.breaker.opened) is not None:
        return f"down for {format_duration(now - opened)}"
    closed = 0.0 if queue.closed_for is None else queue.closed_for(now)
    return f"its window opens in {format_duration(closed)}" if closed else None


class Survey:
    """Reads the scheduler's hosts and changes none of them. hosts: those that were begun; the scheduler owns them."""

    def __init__(self, hosts: Mapping[HostKey, HostQueue], tally: Tally, pool: PoolSettings) -> None:
        self._hosts = hosts
        self._tally = tally
        self._pool = pool
        self._longest: list[HostQueue] = []
        self._each = 0.0  # mean seconds per target, over the hosts that have targets left
        self._robots = 0.0  # robots.txt files still to be requested, beside the targets
        self._due = -inf

    def rows(self, now: float, most: int, query: HostQuery = ALL_HOSTS) -> list[HostRow]:
        """Return the first hosts of a query.

        In the order of activity, hosts with requests out come first, then other begun hosts, then finished ones; the
        busiest of each first.
        """
        if query.order is not HostOrder.ACTIVITY:
            listed = filter(query.matches, islice(self._tally.hosts.values(), MAX_SURVEYED))
            return [self._row(row, now) for row in nsmallest(most, listed, key=SORT_KEYS[query.order])]
        queues = (queue for queue in islice(self._hosts.values(), MAX_SURVEYED) if query.matches(queue.tally))
        rows = [self._row(queue.tally, now) for queue in nlargest(most, queues, key=_activity)]
        if len(rows) < most:
            ended = (row for row in self._tally.hosts.values() if row.host not in self._hosts and query.matches(row))
            rows += [self._row(row, now) for row in self._tally.busiest(most - len(rows), ended)]
        return rows

    def matching(self, query: HostQuery) -> int:
        """Return the number of hosts that a query could list."""
        return sum(map(query.matches, islice(self._tally.hosts.values(), MAX_SURVEYED)))

    def largest(self, now: float, most: int) -> list[HostRow]:
        """Return the hosts with the most targets, first the largest."""
        return [self._row(row, now) for row in self._tally.largest(most)]

    def slowest(self, now: float, most: int) -> list[HostRow]:
        """Return the hosts with the highest mean latency, first the slowest."""
        return [self._row(row, now) for row in self._tally.slowest(most)]

    def forecast(self, now: float, workers: int, *, left: int, out: int, idle: int, spacing: float) -> Forecast:
        """Return what the rest of the run comes to.

        left: targets. out: leases. idle: workers that would have work if there were more.
        spacing: seconds between two starts over all hosts, 0.0 for none.
        """
        mean = self._tally.mean
        if not left:
            return Forecast(0.0, None, "nothing left")
        self._survey(now, mean, left)
        host, queue = self._longest_host(now, mean)
        if not mean or not self._tally.any_fetched:
            waits = None if out or queue is None else _why_it_waits(queue, now)
            if queue is None or waits is None:
                return Forecast(None, None, "nothing has answered yet")
            return Forecast(host.seconds, queue.key, f"{queue.left:,} left, {waits}")
        together = left * self._each / workers
        spaced = (left + self._robots) * spacing
        if spaced > max(host.seconds, together):
            return Forecast(spaced, None, f"{left:,} left at {every(spacing)}")
        if queue is None or host.seconds <= together:
            return Forecast(together, None, f"{left:,} left for {counted(workers, 'worker')}")
        reason = at_pace(queue.left + queue.out, host)
        if (waits := _why_it_waits(queue, now)) is not None:
            reason = f"{reason}, {waits}"
        elif queue.lasts is not None:
            reason = f"{reason}, within its hours"
        hint = describe_delay(queue, now)
        if hint is None:
            hint = idle_hint(idle, workers, paced=host.paced or queue.not_before > now)
        return Forecast(host.seconds, queue.key, reason, hint)

    def _survey(self, now: float, mean: float, left: int) -> None:
        """If the last survey is long ago, find the hosts with most work left, and the mean time per target."""
        if now < self._due:
            return
        begun = list(islice(self._hosts.values(), MAX_SURVEYED))
        self._longest = nlargest(SURVEY_KEPT, begun, key=_work)
        closing = (queue for queue in begun if queue.lasts is not None)
        self._longest += nlargest(MAX_CLOSING, closing, key=_work)
        # The estimate for hosts that got no request yet is the mean of two means. The one over hosts is based on few
        # hosts, and the one over requests is biased towards quick hosts, which respond to more of them.
        rows = [row for row in islice(self._tally.hosts.values(), MAX_SURVEYED) if row.latency]
        asked = [row.latency * requests_per_target(row) for row in rows]
        self._due = now + SURVEY_PAUSE * (len(begun) + len(asked))
        usual = (mean + sum(asked) / len(asked)) / 2 if asked else mean
        had = sum(row.asked_robots for row in rows) / len(rows) if rows else 0.0
        self._robots = had * (self._tally.host_count - self._tally.begun)
        spent, unbegun = 0.0, left + self._robots
        for queue in begun:
            row = queue.tally
            spent += queue.left * (row.latency * requests_per_target(row) or usual)
            unbegun -= queue.left
        self._each = (spent + unbegun * usual) / left

    def _longest_host(self, now: float, mean: float) -> tuple[Remaining, HostQueue | None]:
        """Return the host that needs longest, if all its slots work from now on, and what it needs."""
        longest, decides = NOTHING_LEFT, None
        for queue in self._longest:
            if queue.left and queue.refused_until <= now:
                found = remaining(queue, now, mean)
                if found.seconds > longest.seconds:
                    longest, decides = found, queue
        return longest, decides

    def _row(self, row: HostTally, now: float) -> HostRow:
        queue = self._hosts.get(row.host)
        if queue is None:
            return row.row(in_flight=0, limit=self._pool.per_host, state="done", until=None)
        state, until = status_of(queue, now)
        view = row.row(in_flight=queue.out, limit=queue.limit, state=state, until=until, delay=queue.delay)
        why = describe_delay(queue, now) if queue.health is not None or queue.parked_until > now else None
        return view if why is None else view._replace(held_up=why)
