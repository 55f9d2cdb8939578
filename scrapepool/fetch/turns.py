"""Many leases on one thread, in turns.

Decides which lease goes on: the one whose reply is there. On a quick network the dearest thing is not the request but
the sleep and the wake for each reply, and the interpreter's lock that goes from thread to thread with them. A thread
that holds many leases finds the next reply waiting as a rule, and never sleeps. Leases on distant hosts gain nothing
from it and have threads of their own.

Leases that only watch their connections come here from all threads: one can wait for many. Those that are about to
connect go to a thread of their own, since looking up a name, connecting and a handshake block, unless the host's last
connection was opened in no time. What is much work, a decompression for example, is done in slices, which take turns
with all other leases: half of the time where those have something to do. What a lease blocks this thread with
nevertheless is no other lease's time: their deadlines move.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from ..ports import Begun, Done, Resting, Source, Unbegun, Work
from ..uptime import monotonic
from .classify import classify
from .exchange import LOOK, ROOM, SLICE
from .fetcher import Fetcher
from .lease_run import LeaseRun

HELD_UP = 0.02
"""Seconds that a step may take before it counts as time taken from the others."""

LONGEST_POLL = 0.05
"""Seconds between two looks at a lease that does not say how long it can wait."""

IDLE = 0.00002
"""Seconds below which a round was of no use to anybody: nothing had come."""

BOTH = select.POLLIN | select.POLLOUT

MANY = 256
"""Answers that are given back together while there is more to do: to wake the engine's thread for each lease costs more
than the lease."""


class _Turn:
    """One lease among many.

    sock, fd: what it waits for. events: of these. until: monotonic time when it has waited long enough. at_work: it
    waits for nothing but its turn.
    """

    __slots__ = ("at_work", "events", "fd", "run", "sock", "until")

    def __init__(self, run: LeaseRun) -> None:
        self.run = run
        run.shares = True
        self.sock: socket.socket | None = None
        self.fd = -1
        self.events = 0
        self.until = 0.0
        self.at_work = False


class Turns:
    """Works leases until there are none.

    give: takes each ``Done``, and before it ``Resting`` and ``Unbegun`` where it is that, several at a time. pass_on:
    takes what is about to connect.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        source: Source,
        give: Callable[[Sequence[Done | Resting | Unbegun]], None],
        pass_on: Callable[[Begun], None],
    ) -> None:
        self._fetcher = fetcher
        self._source = source
        self._give_back = give
        self._pass_on = pass_on
        self._poll, self._second = _poller()
        self._poll.register(source.ear, select.POLLIN)
        self._turns: dict[int, _Turn] = {}  # by descriptor
        self._looks: dict[int, _Turn] = {}  # those of them that are to be told whether anything has come by now
        self._at_work: deque[_Turn] = deque()  # those of them that are amid work in slices
        self._owed = 0.0  # seconds that slices took, and others did not have since
        self._soonest = inf  # no turn has waited long enough before this
        self._now = 0.0  # monotonic; when the last step ended
        self._back: list[Done | Resting | Unbegun] = []  # not given yet
        self._answers = 0  # in these

    def __repr__(self) -> str:
        return f"<Turns {len(self._turns)} leases>"

    def run(self, first: Work | Resting) -> None:
        """Work ``first`` and what the source has meanwhile; come back when nothing is left."""
        source = self._source
        self._begin(first)
        while self._turns:
            looks, self._looks = self._looks, {}
            ready = self._poll.poll(0)
            if self._at_work:  # whose bytes are of no interest before their turns
                ready = [(fd, event) for fd, event in ready if not ((turn := self._turns.get(fd)) and turn.at_work)]
            busy = ready or looks
            if not busy:
                source.listen()  # before the look at what there is, so that nothing comes unheard
            while source.more and (more := source.another()) is not None:
                self._begin(more)
            if self._back and (not busy or self._answers >= MANY):
                self._give()
                if busy:
                    source.make_way()
            self._go_on(ready if busy or self._at_work else self._poll.poll(self._second * self._patience()), looks)
        if self._back:
            self._give()

    def _give(self) -> None:
        back, self._back, self._answers = self._back, [], 0
        self._give_back(back)

    def _begin(self, more: Work | Resting) -> None:
        self._now = monotonic()
        if isinstance(more, LeaseRun):
            self._wait(_Turn(more), more.until)
        elif isinstance(more, Work):
            if self._fetcher.draining:
                self._back.append(Done(more, ()))
            else:
                self._advance(_Turn(LeaseRun(self._fetcher, more, more)), None)

    def _patience(self) -> float:
        """Seconds that may be slept unless something comes; none where nothing is left to wait for."""
        return min(LONGEST_POLL, max(0.0, self._soonest - monotonic())) if self._turns else 0.0

    def _go_on(self, ready: Sequence[tuple[int, int]], looks: dict[int, _Turn]) -> None:
        """Go on with what has come, with what was looked at, and with what has waited long enough."""
        began = self._now = monotonic()
        for fd, _ in ready:
            turn = self._turns.get(fd)
            if turn is not None:
                looks.pop(fd, None)
                self._advance(turn, True)
            elif fd == self._source.ear:
                self._source.heard()
        for turn in looks.values():
            self._advance(turn, False)
        now = self._now
        if now >= self._soonest:
            for turn in [turn for turn in self._turns.values() if turn.until <= now]:
                self._advance(turn, False)
            for turn in self._turns.values():
                if turn.run.stuck_at <= now:
                    self._back.append(turn.run.unbegun())
            self._soonest = min((min(turn.until, turn.run.stuck_at) for turn in self._turns.values()), default=inf)
        if self._at_work:
            self._work_on(self._now - began)

    def _work_on(self, others: float) -> None:
        """One slice of what is much work, unless others have not had as much time since the last.

        others: seconds that they took now; where that is next to none, they have nothing to do.
        """
        self._owed = self._owed - others if others > IDLE else 0.0
        if self._owed > 0:
            return
        began, turn = self._now, self._at_work.popleft()
        turn.at_work = False
        if self._turns.get(turn.fd) is turn:
            self._advance(turn, None)
        self._owed = self._now - began

    def _advance(self, turn: _Turn, ready: bool | None) -> None:
        """One step of a lease, up to its next wait. ready: see ``exchange.Waits``."""
        began, run = self._now, turn.run
        done, until = None, None
        try:
            until = run.going.send(ready)
        except StopIteration as end:
            done = end.value
        except BaseException as error:  # noqa: BLE001 - a bug in one lease's way costs it a record, not the others theirs
            done = self._broken(run, error)
        now = self._now = monotonic()
        if now - began > HELD_UP:
            self._make_up(turn, now - began)
        if done is not None:
            self._forget(turn)
            self._back.append(done)
            self._answers += len(done.results)
        elif run.connecting:
            self._forget(turn)
            run.shares = False
            self._pass_on(run)
        else:
            if run.resting and not run.rested:
                run.rested = True
                self._back.append(run)
            self._wait(turn, until)

    def _wait(self, turn: _Turn, until: float | None) -> None:
        """Let a lease wait for bytes. until: as ``exchange.Waits`` yields it."""
        conn = turn.run.conn
        events = BOTH if until == ROOM else select.POLLIN
        if conn.sock is not turn.sock:  # not by its descriptor: a new one may have the number of the old
            self._forget(turn)
            turn.sock, turn.fd = conn.sock, conn.sock.fileno()
            self._turns[turn.fd] = turn
            self._poll.register(turn.fd, events)
        elif events != turn.events:
            self._poll.modify(turn.fd, events)
        turn.events = events
        if until == LOOK:
            self._looks[turn.fd] = turn
            turn.until = inf
            return
        if until == SLICE:
            self._at_work.append(turn)
            turn.at_work, turn.until = True, inf
            return
        turn.until = until = conn.gives_up_at(self._now) if until is None or until == ROOM else until
        self._soonest = min(self._soonest, until, turn.run.stuck_at)

    def _broken(self, run: LeaseRun, error: BaseException) -> Done:
        first = run.work.attempts[run.given]
        started = time.time() if first.started is None else first.started
        failed = self._fetcher.report.failed(first, classify(error), method=run.method, started=started, elapsed=0.0)
        return Done(run.work, [failed], rested=run.rested)

    def _make_up(self, by: _Turn, seconds: float) -> None:
        for turn in self._turns.values():
            if turn is not by:
                turn.until += seconds
                turn.run.stuck_at += seconds
                if turn.run.conn.deadline is not None:
                    turn.run.conn.deadline += seconds

    def _forget(self, turn: _Turn) -> None:
        if self._turns.get(turn.fd) is turn:
            del self._turns[turn.fd]
            with suppress(KeyError, ValueError, OSError):
                self._poll.unregister(turn.fd)


def _poller() -> tuple[Any, int]:
    """What waits for many descriptors, and what it takes for a second.

    Linux's epoll goes by what has come, poll by what there is: 4 us for each look at 64 connections.
    """
    with suppress(AttributeError, OSError):  # there is none, or no descriptor for one
        return select.epoll(), 1
    return select.poll(), 1000
