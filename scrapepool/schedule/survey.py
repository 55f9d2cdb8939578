"""Looks over the hosts for those worth showing, and for the one that decides the end of the run.

Decides nothing about the run itself. Costs about half a microsecond a host, so it looks at a bounded
number of them, and at those with most left only as often as keeps that a hundredth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest
from itertools import islice
from math import inf

from ..model import HostKey
from ..settings import PoolSettings
from .forecast import Forecast, at_pace, every, idle_hint
from .host_queue import HostQueue
from .retry import spell
from .tally import HostRow, HostTally, Tally

SURVEY_MOST = 50_000
"""Hosts looked at in one survey: 25 ms."""

SURVEY_PAUSE = 50e-6
"""Seconds a host, between two surveys of those with most left."""

SURVEY_KEPT = 64
"""Hosts kept as those with most left, until the next survey."""


def _activity(queue: HostQueue) -> tuple[bool, int]:
    return queue.out > 0, queue.row.requests


def _why_it_waits(queue: HostQueue, now: float) -> str | None:
    """Why a host is asked nothing for some time, where that is longer than a delay; None where it may be asked."""
    if queue.parked_until > now:
        return f"parked for {spell(queue.parked_until - now)}"
    closed = 0.0 if queue.closed_for is None else queue.closed_for(now)
    return f"its window opens in {spell(closed)}" if closed else None


class Survey:
    """Views of the scheduler's hosts; it changes none of them. hosts: the begun ones, owned by the scheduler."""

    def __init__(self, hosts: Mapping[HostKey, HostQueue], tally: Tally, pool: PoolSettings) -> None:
        self._hosts = hosts
        self._tally = tally
        self._pool = pool
        self._longest: list[HostQueue] = []
        self._due = -inf

    def rows(self, now: float, most: int) -> list[HostRow]:
        """Hosts with requests out first, then the other begun ones, then the ended; the busiest first among each."""
        begun = nlargest(most, islice(self._hosts.values(), SURVEY_MOST), key=_activity)
        rows = [self._row(queue.row, now) for queue in begun]
        if len(rows) < most:
            ended = (row for row in self._tally.hosts.values() if row.host not in self._hosts)
            rows += [self._row(row, now) for row in self._tally.busiest(most - len(rows), ended)]
        return rows

    def slowest(self, now: float, most: int) -> list[HostRow]:
        """The hosts with the highest mean latency, first the slowest."""
        return [self._row(row, now) for row in self._tally.slowest(most)]

    def forecast(self, now: float, workers: int, *, left: int, busy: int, spacing: float) -> Forecast:
        """What the rest of the run comes to.

        left: targets. busy: workers with work. spacing: seconds between two starts over all hosts, 0.0 for none.
        """
        mean = self._tally.mean
        if not left:
            return Forecast(0.0, None, "nothing left")
        seconds, queue = self._longest_host(now)
        if not mean:
            waits = None if busy or queue is None else _why_it_waits(queue, now)
            if queue is None or waits is None:
                return Forecast(None, None, "nothing has answered yet")
            return Forecast(seconds, queue.key, f"{queue.left:,} left, {waits}")
        together = left * mean / workers
        if left * spacing > max(seconds, together):
            return Forecast(left * spacing, None, f"{left:,} left at {every(spacing)}")
        if queue is None or seconds <= together:
            return Forecast(together, None, f"{left:,} left for {workers} workers")
        delay, mean, of_host = queue.delay, queue.row.mean or mean, queue.left + queue.out
        limit = queue.limit or 1  # none while it is another run's turn
        reason = at_pace(of_host, delay, limit, mean)
        if (waits := _why_it_waits(queue, now)) is not None:
            reason = f"{reason}, {waits}"
        hint = idle_hint(workers - busy, workers, paced=delay >= mean / limit)
        return Forecast(seconds, queue.key, reason, hint)

    def _longest_host(self, now: float) -> tuple[float, HostQueue | None]:
        """The host with most left, and the seconds that it needs, were all its slots at work from now on."""
        if now >= self._due:
            begun = islice(self._hosts.values(), SURVEY_MOST)
            self._longest = nlargest(SURVEY_KEPT, begun, key=lambda queue: queue.left * queue.pace())
            self._due = now + SURVEY_PAUSE * min(len(self._hosts), SURVEY_MOST)
        longest, decides = 0.0, None
        for queue in self._longest:
            if queue.left and queue.refused_until <= now:
                needed = max(queue.not_before - now, 0.0) + (queue.left + queue.out) * queue.pace()
                if needed > longest:
                    longest, decides = needed, queue
        return longest, decides

    def _row(self, row: HostTally, now: float) -> HostRow:
        queue = self._hosts.get(row.host)
        if queue is None:
            return row.row(in_flight=0, limit=self._pool.per_host, state="done", until=None)
        state, until = queue.state(now)
        return row.row(in_flight=queue.out, limit=queue.limit, state=state, until=until, delay=queue.delay)
