"""Pages that wait for a process or are processed: which page is next, and how many processes there should be.

Decides what is fair between hosts: they take turns, none has more than half of the processes while others wait, and a
host with a slow page comes after all others. A slow page blocks only its own process: others may be started in its
place. What is slow is measured by the other pages. Knows neither processes nor results; time is an argument.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

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


class WaitingPages(Generic[T]):
    """Jobs by host. The caller holds the lock.

    most: processes, not counting those with slow pages.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._beyond = min(MOST_EXTRA, EXTRA_PER_PROCESS * most)
        self._mean = SLOW_AFTER / SLOW_TIMES  # seconds per page
        self._hosts: dict[object, deque[T]] = {}  # hosts with waiting jobs, in the order of their turns
        self._waiting = 0
        self._working: dict[int, tuple[object, float]] = {}  # host and start time by job number, the oldest first
        self._of_host: Counter[object] = Counter()  # jobs in progress
        self._number = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, host: object, job: T) -> None:
        """Add a job."""
        self._hosts.setdefault(host, deque()).append(job)
        self._waiting += 1

    def take(self, now: float) -> tuple[int, T] | None:
        """Start the next job: its number and the job; None if none may start."""
        host = self._next(now)
        if host is None:
            return None
        jobs = self._hosts.pop(host)
        job = jobs.popleft()
        if jobs:
            self._hosts[host] = jobs  # behind the others
        self._waiting -= 1
        self._number += 1
        self._working[self._number] = (host, now)
        self._of_host[host] += 1
        return self._number, job

    def mark_started(self, number: int, now: float) -> None:
        """Restart the clock of a job that had to wait for its process."""
        host, _ = self._working.pop(number)
        self._working[number] = (host, now)

    def done(self, number: int, now: float) -> None:
        """End a job."""
        host, since = self._working.pop(number)
        self._mean += (min(now - since, SLOW_AFTER) - self._mean) / MEAN_WEIGHT
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]

    def very_slow(self, now: float) -> list[int]:
        """Return the numbers of jobs that are slow whatever the others take."""
        return [number for number, _ in self._older(SLOW_AFTER, now)]

    def allowed(self, now: float) -> int:
        """Return how many processes there may be."""
        return self.most + min(self._beyond, EXTRA_PER_SLOW * sum(1 for _ in self._slow(now)))

    def blocked(self, now: float) -> list[T]:
        """Return the jobs that wait behind a slow job of their own host."""
        return [job for host in {host for _, host in self._slow(now)} for job in self._hosts.get(host, ())]

    def _slow(self, now: float) -> Iterator[tuple[int, object]]:
        return self._older(min(SLOW_AFTER, max(SLOW_FROM, SLOW_TIMES * self._mean)), now)

    def _older(self, seconds: float, now: float) -> Iterator[tuple[int, object]]:
        for number, (host, since) in self._working.items():
            if now - since < seconds:
                return
            yield number, host

    def _next(self, now: float) -> object | None:
        slow = {host for _, host in self._slow(now)}
        share = -(-self.most // 2) if len(self._hosts) > 1 else self.most
        last = None
        for host in self._hosts:
            if host in slow:
                if last is None and self._of_host[host] < self.most + self._beyond - 1:
                    last = host  # one process is kept free for hosts that may follow
            elif self._of_host[host] < share:
                return host
        return last
