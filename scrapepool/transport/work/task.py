"""A task of the event loop, its timers, and its share of the time for computation.

Decides which timeouts are in the heap (those that end before the next sweep), how leases share the time for long
computation, and by how much the deadlines of a task move because other tasks blocked the loop. Runs nothing.
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

MAX_COMPENSATION = 2.0
"""Maximum seconds by which the deadlines of a task move in all: a timeout must hold even on a busy machine."""

SWEEP = 0.25
"""Seconds between two sweeps through all tasks; only timeouts that end before the next sweep are in the heap."""

OTHERS = 15
"""Factor: after a slice of computation, other leases get this many times its duration, if they have anything to do.

So quick responses do not wait for expensive ones. With a quarter of the time for computation instead of a sixteenth,
quick URLs were delayed by 0.7 s on a busy machine, instead of by 0.3 s."""

IDLE_ROUND = 0.00002
"""Seconds; a round of the loop that took less had nothing to do."""


class Chain(Protocol):
    """A sequence of leases for one piece of work."""

    def first(self, resume: Resume) -> RunningLease:
        """Return the first lease."""

    def next(self, done: Done) -> RunningLease | Done:
        """Return what follows the end of a lease: the next lease, or the ``Done`` of the whole chain."""


class Task(Watched):
    """One piece of work on the loop.

    until: monotonic time when its wait ends. due: monotonic time when the loop checks it next.
    queued: the time of its entry in the heap. occupies: it counts as in flight.
    polled: it waits for the next poll only. computes: it waits for its next slice of computation.
    lost: the loop's lost time when the task was last compensated. At first, this includes the time that the caller had
    used before the task began, which the loop may count later.
    compensated: seconds by which its deadlines have moved in total.
    """

    __slots__ = (
        "chain",
        "compensated",
        "computes",
        "due",
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
        self.compensated = 0.0
        self.run: RunningLease | None = None
        self.chain: Chain | None = None
        self.until = self.due = self.queued = inf
        self.occupies = True
        self.polled = self.computes = False

    def compensate(self, lost: float, run: RunningLease) -> None:
        """Move the deadlines of the lease by the time that was lost since the last call. lost: the loop's lost time."""
        seconds = lost - self.lost
        if seconds <= 0:  # the task began while the caller used the thread, for time that is not counted yet
            return
        self.lost = lost
        seconds = min(seconds, MAX_COMPENSATION - self.compensated)
        if seconds > 0:
            self.compensated += seconds
            self.until += seconds
            self.due += seconds
            run.postpone(seconds)


class Timers:
    """The times at which tasks are due.

    next_sweep: monotonic time of the next sweep through all tasks. soonest: when the first task in the heap is due,
    infinite if the heap is empty.
    """

    __slots__ = ("_count", "_heap", "next_sweep", "soonest")

    def __init__(self) -> None:
        self.next_sweep = 0.0
        self.soonest = inf
        self._heap: list[tuple[float, int, Task]] = []
        self._count = 0  # makes each entry unique, so that the heap compares no tasks

    def sweep(self, tasks: Iterable[Task], now: float) -> None:
        """Add all tasks that are due before the next sweep."""
        self.next_sweep = now + SWEEP
        for task in tasks:
            if task.due < self.next_sweep and task.due < task.queued:
                self.add(task)

    def add(self, task: Task) -> None:
        """Add a task that is due before the next sweep."""
        self._count += 1
        task.queued = task.due
        heappush(self._heap, (task.due, self._count, task))
        self.soonest = self._heap[0][0]

    def pop(self, now: float) -> Task | None:
        """Return the next task that is due, None if there is none."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, task = heappop(heap)
            self.soonest = heap[0][0] if heap else inf
            if task.run is not None and at == task.queued:
                task.queued = inf
                return task
        return None


class Computations:
    """The tasks that have long computation to do, and the time that the other tasks must get first.

    queue: the tasks in the order of their next slices.
    """

    __slots__ = ("_owed", "queue")

    def __init__(self) -> None:
        self.queue: deque[Task] = deque()
        self._owed = 0.0  # seconds that the other tasks must get before the next slice

    def pop(self, others: float) -> Task | None:
        """Return the task that gets the next slice; None if the other tasks must get more time first.

        others: seconds that these took in this round; if that is almost none, they have nothing to do.
        """
        self._owed = self._owed - others if others > IDLE_ROUND else 0.0
        return None if self._owed > 0 else self.queue.popleft()

    def took(self, seconds: float) -> None:
        """Record the duration of a slice."""
        self._owed = OTHERS * seconds
