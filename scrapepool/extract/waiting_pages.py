"""Pages that wait for a process, and those that are worked on: which is next, and how many processes there should be.

Decides what is fair between hosts: they take turns, none has more than half of the processes while others wait, and one
whose page takes long goes behind all others. A page that takes long also keeps its own process only: another may be
begun in its place. Knows neither processes nor what is found on a page; time is an argument.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

SLOW_AFTER = 1.0
"""Seconds after which a page takes long: a hundred times what most take."""

MOST_EXTRA = 8
"""Processes at most that are begun in the place of those whose pages take long; each holds some 50 MB."""

EXTRA_PER_PROCESS = 3
"""The same, for each process that there should be."""


class WaitingPages(Generic[T]):
    """Jobs by host. Used under its owner's lock.

    most: processes, but for those whose pages take long. working: the jobs that are worked on, by their numbers.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._beyond = min(MOST_EXTRA, EXTRA_PER_PROCESS * most)
        self._hosts: dict[object, deque[T]] = {}  # those that have something waiting, in the order of their turns
        self._waiting = 0
        self._working: dict[int, tuple[object, float]] = {}  # host and since when, the oldest first
        self._of_host: Counter[object] = Counter()  # of these
        self._number = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, host: object, job: T) -> None:
        """Add a job."""
        self._hosts.setdefault(host, deque()).append(job)
        self._waiting += 1

    def take(self, now: float) -> tuple[int, T] | None:
        """The next job, and the number under which it is worked on; None where none may begin."""
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
        """The work on the job of that number begins only now: it had no process until then."""
        host, _ = self._working.pop(number)
        self._working[number] = (host, now)

    def done(self, number: int) -> None:
        """The job of that number is worked on no more."""
        host, _ = self._working.pop(number)
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]

    def slow(self, now: float) -> list[int]:
        """The numbers of the jobs that take long."""
        return [number for number, _ in self._slow(now)]

    def allowed(self, now: float) -> int:
        """How many processes there should be at most."""
        return self.most + min(self._beyond, sum(1 for _ in self._slow(now)))

    def blocked(self, now: float) -> list[T]:
        """The jobs that wait behind one of their own host that takes long."""
        return [job for host in {host for _, host in self._slow(now)} for job in self._hosts.get(host, ())]

    def _slow(self, now: float) -> Iterator[tuple[int, object]]:
        for number, (host, since) in self._working.items():
            if now - since < SLOW_AFTER:
                return
            yield number, host

    def _next(self, now: float) -> object | None:
        slow = {host for _, host in self._slow(now)}
        share = -(-self.most // 2) if len(self._hosts) > 1 else self.most
        last = None
        for host in self._hosts:
            if host in slow:
                if last is None and self._of_host[host] < self.most + self._beyond - 1:
                    last = host  # one process is left to others that may come
            elif self._of_host[host] < share:
                return host
        return last
