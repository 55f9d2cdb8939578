"""One piece of work on the event loop, and when the loop looks at it next.

Decides which timeouts are in the heap (those that end before the next sweep), how the time for long computation is
shared, and how much of the time that a task lost to others it is given back. Runs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Protocol

from ...ports import Done, Work
from ..net.steps import Resume
from .poller import Watched

if TYPE_CHECKING:
    from .lease import RunningLease

MOST_GIVEN_BACK = 2.0
"""Seconds by which the ends of a lease's waits move in all: a deadline is a deadline, however busy the machine is."""

SWEEP = 0.25
"""Seconds between two looks through all leases for timeouts; only those that end before the next are in the heap."""

OTHERS = 15
"""Times as long as a slice of computation that other leases go on before the next slice, if they have anything to do.

What is quick does not wait for what is dear, which gets all the time that is left. With a quarter of the time for what
is dear, instead of a sixteenth, quick URLs came later by 0.7 s on a busy machine, instead of by 0.3 s."""

IDLE_ROUND = 0.00002
"""Seconds below which a round of the loop had nothing to do."""


class Chain(Protocol):
    """Work that takes several leases, one after another."""

    def first(self, resume: Resume) -> RunningLease:
        """The lease to begin with."""

    def next(self, done: Done) -> RunningLease | Done:
        """What follows on the end of one: another, or the end of all."""


class Task(Watched):
    """One piece of work on the loop.

    until: monotonic time when its wait ends. due: when the loop looks at it next. queued: the time of its entry in the
    heap. occupies: it counts as in flight. polled: it is to be told whether something has come by now. computes: it
    waits for nothing but its turn. lost: the loop's lost time when it was looked at last; at first with what
    the caller had taken of the time that the loop may count later. given_back: how much of it was given back in all.
    """

    __slots__ = (
        "chain",
        "computes",
        "due",
        "given_back",
        "lost",
        "occupies",
        "polled",
        "queued",
        "run",
        "until",
        "work",
    )

    def __init__(self, work: Work, lost: float) -> None:
        super().__init__()
        self.work = work
        self.lost = lost
        self.given_back = 0.0
        self.run: RunningLease | None = None
        self.chain: Chain | None = None
        self.until = self.due = self.queued = inf
        self.occupies = True
        self.polled = self.computes = False

    def give_back(self, lost: float, run: RunningLease) -> None:
        """Give the lease the time that was lost since it was looked at last. lost: the loop's lost time."""
        seconds = lost - self.lost
        if seconds <= 0:  # it began while the caller had the thread, in time that has not been counted yet
            return
        self.lost = lost
        seconds = min(seconds, MOST_GIVEN_BACK - self.given_back)
        if seconds > 0:
            self.given_back += seconds
            self.until += seconds
            self.due += seconds
            run.postpone(seconds)


class Timers:
    """When tasks are due.

    next_sweep: monotonic time of the next look through all of them. soonest: when the first one is due, infinite where
    there is none.
    """

    __slots__ = ("_count", "_heap", "next_sweep", "soonest")

    def __init__(self) -> None:
        self.next_sweep = 0.0
        self.soonest = inf
        self._heap: list[tuple[float, int, Task]] = []
        self._count = 0  # numbers the entries, so that no two tasks are compared

    def sweep(self, tasks: Iterable[Task], now: float) -> None:
        """Take up what is due before the next sweep."""
        self.next_sweep = now + SWEEP
        for task in tasks:
            if task.due < self.next_sweep and task.due < task.queued:
                self.add(task)

    def add(self, task: Task) -> None:
        """Take up a task that is due before the next sweep."""
        self._count += 1
        task.queued = task.due
        heappush(self._heap, (task.due, self._count, task))
        self.soonest = self._heap[0][0]

    def pop(self, now: float) -> Task | None:
        """The next task that is due, if there is one."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, task = heappop(heap)
            self.soonest = heap[0][0] if heap else inf
            if task.run is not None and at == task.queued:
                task.queued = inf
                return task
        return None


class Computations:
    """The tasks that have long computation to do, and how much time they owe the others.

    queue: each is to have a slice after those before it.
    """

    __slots__ = ("_owed", "queue")

    def __init__(self) -> None:
        self.queue: deque[Task] = deque()
        self._owed = 0.0  # seconds that slices took, and others did not have since

    def pop(self, others: float) -> Task | None:
        """The next one to have a slice, unless others have not had ``OTHERS`` times as much since the last.

        others: seconds that they took now; where that is next to none, they have nothing to do.
        """
        self._owed = self._owed - others if others > IDLE_ROUND else 0.0
        return None if self._owed > 0 else self.queue.popleft()

    def took(self, seconds: float) -> None:
        """Take note of how long a slice was."""
        self._owed = OTHERS * seconds
