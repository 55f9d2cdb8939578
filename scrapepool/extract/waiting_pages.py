"""Pages that wait for a process or are processed: which page is next, and how many processes there should be.

Decides what is fair between hosts: they take turns, none has more than half of the processes while others wait, and a
host with a slow page comes after all others. A slow page blocks only its own process: others may be started in its
place. What is slow is measured by the other pages. Quick pages go to a process several at a time, since passing one on
costs more than reading it. Knows neither processes nor results; time is an argument.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from ..named_tuple import NamedTuple

T = TypeVar("T")

SLOW_AFTER = 1.0
"""Seconds after which a page counts as slow, whatever the others take."""

SLOW_FROM = 0.2
"""Seconds after which a page counts as slow at the earliest: about as long as a process takes to start."""

SLOW_TIMES = 20
"""A page counts as slow after this many times the mean of the pages so far: at most one page in twenty does."""

MEAN_WEIGHT = 32
"""The number of pages that the mean remembers."""

EXTRA_PER_SLOW = 2
"""Extra processes for each slow page: where there is one, there are more, and the next one would block its process."""

MOST_EXTRA = 8
"""Extra processes at most, started for slow pages. Each needs some 50 MB."""

EXTRA_PER_PROCESS = 3
"""Extra processes at most, per regular process."""

TOGETHER_SECONDS = 0.02
"""Seconds that pages which go to a process together take, as far as the mean tells."""

MOST_TOGETHER = 32
"""Pages that go to a process together at most: half of those that may be out for each."""


class WaitingPages(Generic[T]):
    """Jobs by host. The caller holds the lock.

    most: processes, not counting those with slow pages.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._beyond = min(MOST_EXTRA, EXTRA_PER_PROCESS * most)
        self._mean = SLOW_AFTER / SLOW_TIMES  # seconds per page
        self._hosts: dict[object, deque[tuple[T, bool]]] = {}  # hosts with waiting jobs, in the order of their turns
        self._waiting = 0
        self._working: dict[int, _Working] = {}  # by number, the oldest first
        self._of_host: Counter[object] = Counter()  # processes that have jobs of a host
        self._number = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, host: object, job: T, *, alone: bool = False) -> None:
        """Add a job. alone: it goes to a process without others."""
        self._hosts.setdefault(host, deque()).append((job, alone))
        self._waiting += 1

    def take(self, now: float) -> tuple[int, list[T]] | None:
        """Start the next jobs, for one process: their number and the jobs; None if none may start."""
        slow = {host for _, hosts in self._slow(now) for host in hosts}
        together = max(1, min(MOST_TOGETHER, int(TOGETHER_SECONDS / self._mean)))
        hosts: set[object] = set()
        taken: list[T] = []
        while len(taken) < together and (host := self._next(slow)) is not None:
            job, alone = self._hosts[host][0]
            if alone or host in slow:
                if taken:
                    break
                together = 1
            jobs = self._hosts.pop(host)
            jobs.popleft()
            if jobs:
                self._hosts[host] = jobs  # behind the others
            taken.append(job)
            hosts.add(host)
        if not taken:
            return None
        self._waiting -= len(taken)
        self._number += 1
        self._working[self._number] = _Working(hosts, len(taken), now)
        self._of_host.update(hosts)
        return self._number, taken

    def mark_started(self, number: int, now: float) -> None:
        """Restart the clock of jobs that had to wait for their process."""
        self._working[number] = self._working.pop(number)._replace(since=now)

    def done(self, number: int, now: float) -> None:
        """End jobs."""
        hosts, pages, since = self._working.pop(number)
        self._mean += (min((now - since) / pages, SLOW_AFTER) - self._mean) * min(1.0, pages / MEAN_WEIGHT)
        for host in hosts:
            self._of_host[host] -= 1
            if not self._of_host[host]:
                del self._of_host[host]

    def very_slow(self, now: float) -> list[tuple[int, bool]]:
        """Return the numbers of jobs that are slow whatever the others take, and whether there are several of each."""
        return [(number, self._working[number].pages > 1) for number, _ in self._older(SLOW_AFTER, now)]

    def allowed(self, now: float) -> int:
        """Return how many processes there may be."""
        return self.most + min(self._beyond, EXTRA_PER_SLOW * sum(1 for _ in self._slow(now)))

    def blocked(self, now: float) -> list[T]:
        """Return the jobs that wait behind a slow job of their own host."""
        return [
            job
            for host in {one for _, hosts in self._slow(now) for one in hosts}
            for job, _ in self._hosts.get(host, ())
        ]

    def _slow(self, now: float) -> Iterator[tuple[int, set[object]]]:
        return self._older(min(SLOW_AFTER, max(SLOW_FROM, SLOW_TIMES * self._mean)), now)

    def _older(self, seconds: float, now: float) -> Iterator[tuple[int, set[object]]]:
        for number, (hosts, _, since) in self._working.items():
            if now - since < seconds:
                return
            yield number, hosts

    def _next(self, slow: set[object]) -> object | None:
        share = -(-self.most // 2) if len(self._hosts) > 1 else self.most
        last = None
        for host in self._hosts:
            if host in slow:
                if last is None and self._of_host[host] < self.most + self._beyond - 1:
                    last = host  # one process is kept free for hosts that may follow
            elif self._of_host[host] < share:
                return host
        return last


class _Working(NamedTuple):
    """Jobs that one process has. since: when they began."""

    hosts: set[object]
    pages: int
    since: float
