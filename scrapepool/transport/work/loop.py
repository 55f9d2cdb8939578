"""The event loop: it runs many leases on one thread.

Decides which lease continues: one that can read or write, that is connected, or whose timeout has passed. A lease is a
generator (``steps``) and needs no thread while it waits, so that thousands can be in flight. Long computation, such as
decompression, is done in slices, which get a sixteenth of the time while other leases have something to do. If a step
still takes long, the deadlines of the other leases move by that time.

Only ``wake`` may be called from other threads. This file is long because its methods share the state of the loop.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from ...fallbacks import IN, OUT
from ...model import ErrorKind, Failed
from ...ports import Done, Unbegun, Work
from ...running_clock import monotonic
from ..errors import FetchError
from ..net.steps import POLL_NOW, ROOM, SLICE, Watch
from .context import LeaseContext
from .lease import RunningLease
from .poller import Poller
from .task import Chain, Computations, Task, Timers
from .wakeup import WakeupPipe

SLOW_STEP = 0.02
"""Seconds; if a step takes longer, the deadlines of the other leases are compensated."""

TIMER_SLACK = 0.0005
"""Seconds by which a wait may end too early, because of the resolution of the system's clocks."""


class Loop:
    """Runs leases. Implements ``ports.Transport``.

    context: the context of leases on targets. chain: returns the chain of leases for special work, None for most work.
    in_flight: number of leases in flight, without those that are quarantined or hang.
    """

    processes = 1

    def __init__(self, context: LeaseContext, chain: Callable[[Work], Chain | None] = lambda _: None) -> None:
        self._context = context
        self._chain = chain
        self.in_flight = 0
        self._poller: Poller[Task] = Poller()
        self._wakeup = WakeupPipe()
        self._poller.add(self._wakeup.fd)
        self._watched = -1  # see ``watch``
        self._tasks: dict[Task, None] = {}
        self._polled: list[Task] = []
        self._computing = Computations()
        self._resumed: deque[Task] = deque()  # any thread may append
        self._timers = Timers()
        self._polled_at = 0.0
        self._now = monotonic()
        self._lost = 0.0  # seconds for which the thread was blocked, in total
        self._left_at = self._now  # monotonic time when ``wait`` returned last
        self._back: list[Done | Unbegun] = []
        self._was_quarantined = False  # a lease was quarantined since ``wait`` returned

    def __repr__(self) -> str:
        return f"<Loop {len(self._tasks)} leases, {self.in_flight} in flight>"

    # -- what the engine calls --------------------------------------------------------------------------

    @property
    def receiving(self) -> int:
        """As ``ports.Transport``."""
        exchanges = [run.exchange for run in self._context.state.live.values()]
        return sum(exchange.body.wire for exchange in exchanges if exchange is not None and exchange.body is not None)

    def submit(self, work: Work) -> None:
        """Begin work, and run it up to its first wait."""
        self._catch_up()
        task = Task(work, self._lost)
        self._tasks[task] = None
        self.in_flight += 1
        resume = partial(self._resume, task)
        try:
            task.chain = self._chain(work)
            task.run = RunningLease(self._context, work, resume) if task.chain is None else task.chain.first(resume)
        except KeyboardInterrupt:
            self._end(task, Done(work, ()))
            raise
        except BaseException as error:  # noqa: BLE001 - a bug fails one target, not the run
            self._end(task, _done_by_bug(work, error, 0))
        else:
            lost = self._lost
            self._advance(task, None)
            self._left_at += self._lost - lost  # the others are compensated for a slow step already
        task.lost = self._lost + self._now - self._left_at

    def wait(self, timeout: float | None) -> list[Done | Unbegun]:
        """Run the leases until one ends, ``timeout`` seconds have passed (None for no limit), or ``wake`` was called.

        Also return, with an empty list, when a lease no longer counts as in flight, so that another may begin.
        """
        self._catch_up()
        end = inf if timeout is None else self._now + timeout
        woken = False
        while True:
            woken |= self._run_round(end if not self._back else 0.0)
            if self._back or woken or self._was_quarantined or self._now >= end:
                back, self._back = self._back, []
                self._was_quarantined = False
                self._left_at = self._now
                return back

    def wake(self) -> None:
        """End a ``wait`` early. May be called from any thread and from a signal handler."""
        self._wakeup.wake()

    def watch(self, fd: int) -> None:
        """End each ``wait`` while this descriptor is readable, too."""
        self._watched = fd
        self._poller.add(fd)

    def discount_hanging(self) -> None:
        """Stop counting leases as in flight that have had no byte for much longer than their hosts usually take.

        Those that have had one since, or an address, count again.
        """
        self._catch_up()
        now = self._now
        for task in self._tasks:
            if task.run is None or task.run.quarantined:
                continue
            task.compensate(self._lost, task.run)
            if task.run.hangs(now) is task.occupies:
                task.occupies = not task.occupies
                self.in_flight += 1 if task.occupies else -1

    def drain(self) -> None:
        """Begin no further request; those in flight continue."""
        self._context.drain()

    def abort(self) -> None:
        """Abort every connection, so that every lease ends."""
        self._context.abort()
        for task in list(self._tasks):
            self._now = monotonic()
            if task in self._tasks:
                self._advance(task, False)
            if task in self._tasks:
                self._interrupt(task)

    # -- one round ---------------------------------------------------------------------------------

    def _run_round(self, end: float) -> bool:
        """Poll once, run all tasks that can continue, and return whether ``wake`` was called.

        end: monotonic time until which the poll may sleep if there is nothing to do.
        """
        polled, self._polled = self._polled, []
        began = now = self._now
        if now >= self._timers.next_sweep:
            self._timers.sweep(self._tasks, now)
        sleep = 0.0 if polled or self._computing.queue or self._resumed else self._soonest(end) - now
        events = self._poller.poll(max(0.0, sleep) if sleep != inf else -1)
        polled_before, self._polled_at = self._polled_at, monotonic()
        self._now = self._polled_at
        if sleep > 0 and self._now - now > TIMER_SLACK:  # the poll slept, so nothing was there before
            began = polled_before = self._now
        self._context.state.lag = self._now - polled_before
        if polled:
            self._handle_silence(polled, events)
        woken = self._handle_events(events)
        for _ in range(len(self._resumed)):  # a task that is resumed meanwhile runs in the next round
            task = self._resumed.popleft()
            if task.fd < 0 and task in self._tasks:
                self._advance(task, True)
        if self._timers.soonest <= self._now + TIMER_SLACK:
            self._expire()
        if self._computing.queue:
            self._compute(self._now - began)
        return woken

    def _soonest(self, end: float) -> float:
        """Return when there is something to do if no event comes before; ``end`` at the latest."""
        timers = self._timers
        soonest = min(end, timers.next_sweep) if self._tasks else end
        return min(soonest, timers.soonest)

    def _handle_silence(self, polled: Sequence[Task], events: Sequence[tuple[int, int]]) -> None:
        """Run the tasks that waited for this poll only and have no event.

        They come before the tasks with events, so that servers have requests while responses are handled here.
        """
        readable = {fd for fd, _ in events}
        for task in polled:
            if task.polled and task.fd not in readable:
                task.polled = False
                self._advance(task, False)

    def _handle_events(self, events: Sequence[tuple[int, int]]) -> bool:
        """Run the tasks whose descriptors have events; return whether ``wake`` was called."""
        woken = False
        by_fd, this_round = self._poller.by_fd, self._poller.round
        for fd, _ in events:
            task = by_fd.get(fd)
            if task is None:
                if fd == self._wakeup.fd:
                    woken |= self._wakeup.drain()
                elif fd == self._watched:
                    woken = True
                else:
                    self._poller.check_idle(fd)
            elif not task.computes and task.round != this_round:
                task.polled = False
                self._advance(task, True)
        return woken

    def _resume(self, task: Task) -> None:
        """Run a task in the next round. May be called from any thread."""
        self._resumed.append(task)
        self._wakeup.interrupt()

    def _compute(self, others: float) -> None:
        """Run one slice of computation, if it is time for one. others: seconds that all else took in this round."""
        began, task = self._now, self._computing.pop(others)
        if task is None:
            return
        if task.computes:
            task.computes = False
            self._advance(task, True, computed=True)
        self._computing.took(self._now - began)

    # -- time --------------------------------------------------------------------------------------

    def _expire(self) -> None:
        """Run the tasks whose waits are over, and take from stuck leases the targets that they have not begun."""
        timers = self._timers
        while (task := timers.pop(self._now + TIMER_SLACK)) is not None:
            run = task.run
            assert run is not None  # noqa: S101 - the heap returns no task that has ended
            task.compensate(self._lost, run)
            now = self._now + TIMER_SLACK
            if run.stuck_at <= now:
                if (unbegun := run.unbegun()) is not None:
                    self._back.append(unbegun)
                task.due = min(task.until, run.stuck_at)
            if task.until <= now:
                task.computes = task.polled = False
                self._advance(task, False)
            elif task.due < timers.next_sweep:
                timers.add(task)

    def _catch_up(self) -> None:
        """Compensate for the time that the caller used the thread, before a new lease begins."""
        now = self._now = monotonic()
        if now - self._left_at > SLOW_STEP:
            self._compensate(None, now - self._left_at)
            self._left_at = now

    def _compensate(self, by: Task | None, seconds: float) -> None:
        """Count time for which a task, or the caller if None, blocked the thread. The other tasks are compensated."""
        self._lost += seconds
        if by is not None:
            by.lost += seconds

    # -- one step ----------------------------------------------------------------------------------

    def _advance(self, task: Task, event: bool | None, *, computed: bool = False) -> None:
        """Run one step of a lease, up to its next wait. event: see ``steps.Steps``.

        computed: the step is a slice, which is short; if it took long, the machine is busy with something else.
        """
        began, run = self._now, task.run
        assert run is not None  # noqa: S101 - no list contains a task that has ended
        if task.lost < self._lost:
            task.compensate(self._lost, run)
        wanted: float | Watch | None = None
        done: Done | None = None
        try:
            wanted = run.steps.send(event)
        except StopIteration as end:
            done = end.value
        except KeyboardInterrupt:  # the caller handles no signals
            self._poller.unwatch(task)
            self._end(task, Done(task.work, ()))
            raise
        except BaseException as error:  # noqa: BLE001 - a bug fails one target, not the other leases
            done = _done_by_bug(run.work, error, run.given)
        now = self._now = monotonic()
        if now - began > SLOW_STEP and not computed:
            self._compensate(task, now - began)
        if done is not None:
            self._finish(task, done)
            return
        if wanted is None or wanted == POLL_NOW:
            conn = run.conn
            if conn.sock is not task.sock or task.events != IN:
                self._poller.watch(task, conn.sock, IN)
            if wanted is None:
                until, deadline = now + conn.read_timeout, conn.deadline
                task.until = until if deadline is None or until < deadline else deadline
            else:
                task.until = inf
                task.polled = True
                self._polled.append(task)
        else:
            self._wait_for(task, run, wanted, now)
        stuck_at = run.stuck_at
        task.due = due = task.until if task.until < stuck_at else stuck_at
        if due < self._timers.next_sweep and due < task.queued:
            self._timers.add(task)

    def _wait_for(self, task: Task, run: RunningLease, wanted: float | Watch, now: float) -> None:
        if isinstance(wanted, Watch):
            task.until = wanted.until
            self._poller.watch_all(task, wanted.sockets)
            return
        conn = run.conn
        events = IN | OUT if wanted == ROOM else IN
        if conn.sock is not task.sock or task.events != events:
            self._poller.watch(task, conn.sock, events)
        if wanted == ROOM:
            task.until = conn.wait_deadline(now)
        elif wanted == SLICE:
            task.until = inf if conn.deadline is None else conn.deadline
            task.computes = True
            self._computing.queue.append(task)
        else:
            task.until = wanted
            if run.quarantined and task.occupies:
                task.occupies = False
                self.in_flight -= 1
                self._was_quarantined = True

    def _interrupt(self, task: Task) -> None:
        """End a lease that waits for something other than its connection."""
        run = task.run
        assert run is not None  # noqa: S101 - as above
        done = Done(run.work, ())
        try:
            run.steps.throw(FetchError(ErrorKind.INTERRUPTED, "the run was stopped"))
        except StopIteration as end:
            done = end.value
        except FetchError:  # the lease has begun no attempt
            pass
        else:
            run.steps.close()
        self._finish(task, done)

    def _finish(self, task: Task, done: Done) -> None:
        """Handle the end of a lease: end its work, or begin the next lease of its chain."""
        assert task.run is not None  # noqa: S101 - as above
        run = task.run
        self._poller.keep(task, getattr(run, "conn", None), getattr(run, "pool", None), run.desync)
        if task.chain is not None:
            try:
                following = task.chain.next(done)
            except BaseException as error:  # noqa: BLE001 - as above
                following = _done_by_bug(task.work, error, 0)
            if isinstance(following, RunningLease):
                task.run = following
                self._advance(task, None)
                return
            done = following
        self._end(task, done)

    def _end(self, task: Task, done: Done) -> None:
        del self._tasks[task]
        if task.occupies:
            self.in_flight -= 1
        task.run = task.chain = None  # the heap may still contain the task
        task.computes = task.polled = False
        self._back.append(done)


def _done_by_bug(work: Work, error: BaseException, given: int) -> Done:
    """Return the ``Done`` of work that met a bug. given: number of its results that were returned before."""
    if not work.attempts:
        return Done(work, ())
    attempt = work.attempts[given]
    detail = f"a bug in scrapepool: {type(error).__name__}: {error}"
    known = {**attempt.ended(detail), "attempts": attempt.number, "started": attempt.started or time.time()}
    return Done(work, [Failed(**known, error=ErrorKind.INTERNAL)])
