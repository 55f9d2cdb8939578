"""Which target is fetched next, and when: a state machine without clocks, dice, threads or sockets, as h11 is.

Decides the order of hosts and targets, the length of leases, retries, parking and refusals. Does
not know what a ticket stands for, how anything is fetched, or what time it is: the time is an
argument, the decisions are values. One owner, the engine's thread, and so no lock.

Invariants:

1. a host never has more than its limit of leases out, and a lease is one request at a time;
2. two starts on a host are at least its delay apart, also after its queue ran empty: a host is forgotten no earlier;
3. every target gets exactly one final outcome: from ``settle``, or by a ``Refusal``;
4. what waits (a retry, a Retry-After, a delay) holds no worker and no slot;
5. memory is bounded by what is in flight and 8 bytes a target of what is left: parked attempts by ``MAX_PARKED``,
   the numbers of finished hosts by ``tally.HOSTS_KEPT``, all other state of a host goes when it is finished;
6. work-conserving: where a host may be asked now, ``next`` gives it, unless ``MAX_PARKED`` attempts wait already;
   and ``wake_at`` names no time at which ``next`` was asked in vain.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from math import inf

from ..model import Attempt, HostKey, Outcome, Redirected, Result
from ..settings import PoolSettings, RetryPolicy
from . import retry as again
from .host_queue import HostQueue, Parked
from .lease import Lease, Refusal
from .ready import DUE, WARM, Backlog, Ready, octave
from .survey import Survey
from .tally import HostRow, Tally

BUDGET = 0.05
"""Seconds after which a worker hands back what it has not begun of a lease: the mean may have been far off."""

MAX_PARKED = 100_000
"""Attempts that may wait at a time, about 1 kB each. While there are as many, only attempts that are due are leased."""

REFUSED_AT_ONCE = 1000
"""Targets in one Refusal at most, so that recording them does not hold up the engine."""

DEFAULT_MEAN = 0.1
"""Seconds that a request is taken to last before any was measured: a usual page over a usual line."""

CRITICAL_SHARE = 16
"""A host is critical when its own work is at least this part of all that the workers have left: late enough to keep
most of a long run warm, early enough to find out in time that a host is slow. Simulated lists of 300 hosts of unknown
speed ended within 1.06 of the bound at 4, 1.04 at 8, 1.03 at 16, and no better at 32."""


class Scheduler:
    """Hands out leases and takes them back settled.

    queued: fresh targets not on lease. parked: retries and hops that wait. out: targets on lease.
    in_flight: leases. tally: what happened so far. dice: throws in [0, 1) for the retries' jitter.
    Every ``now`` is monotonic seconds and never less than the one before.
    """

    def __init__(self, pool: PoolSettings, retry: RetryPolicy, *, dice: Callable[[], float]) -> None:
        self.tally = Tally()
        self.queued = self.parked = self.out = self.in_flight = 0
        self._pool = pool
        self._policy = retry
        self._dice = dice
        self._spacing = 1 / pool.rate if pool.rate else 0.0
        self._next_start = -inf
        self._draining = False
        self._hosts: dict[HostKey, HostQueue] = {}
        self._backlog = Backlog()
        self._ready = Ready()
        self._refusing: deque[HostQueue] = deque()
        self._timers: list[tuple[float, int, HostQueue]] = []
        self._resting: list[tuple[float, int, HostQueue]] = []
        self._numbers = 0
        self._now = -inf
        self._survey = Survey(self._hosts, self.tally, pool)
        self._weigh()

    def __repr__(self) -> str:
        return (
            f"<Scheduler: {self.queued} queued, {self.parked} parked, {self.out} out in {self.in_flight} leases, "
            f"{len(self._hosts)} hosts begun, {len(self._backlog)} not>"
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, parked or out."""
        return not (self.queued or self.parked or self.out)

    @property
    def host_count(self) -> int:
        """Hosts seen so far."""
        return self.tally.host_count

    def add(self, host: HostKey, tickets: Sequence[int]) -> None:
        """Queue fresh targets of one host, after those it has. Tickets lie in 0 .. 2^64 - 1 and are the caller's."""
        if not tickets:
            return
        self.queued += len(tickets)
        queue = self._hosts.get(host)
        if queue is not None:
            queue.tickets.extend(tickets)
            queue.row.total += len(tickets)
            self._place(queue, self._now)
            return
        if host not in self._backlog and host not in self.tally.hosts:
            self.tally.host_count += 1
        self._backlog.add(host, tickets)

    def next(self, now: float) -> Lease | Refusal | None:
        """What is to be done now; None where nothing may start. Ask again until None."""
        self._now = now
        if self._draining:
            return None
        if self._timers and self._timers[0][0] <= now:
            self._ring(now)
        if self._resting and self._resting[0][0] <= now:
            self._forget(now)
        while self._refusing:
            refusal = self._refuse(self._refusing.popleft(), now)
            if refusal is not None:
                return refusal
        if now < self._next_start:
            return None
        ready = self._ready
        if self.parked >= MAX_PARKED and not ready.any_due:
            return None
        while True:
            unbegun = self._backlog.longest()
            bucket = ready.best(int(self.queued * self._horizon).bit_length(), unbegun)
            if bucket is None:
                if unbegun < 0:
                    return None
                queue = self._queue_of(self._backlog.first(unbegun))
                bucket = unbegun
            else:
                queue = ready.pop(bucket)
            fitting = self._bucket(queue)
            if fitting == bucket:
                return self._lease(queue, now)
            ready.put(queue, fitting)  # its length, or the run's measure of length, changed since it was put there

    def wake_at(self, now: float) -> float | None:
        """When ``next`` could give something with no settle or add before; None for never.

        May be early where what waited was settled otherwise, never late, and the same time at most once.
        """
        if self._draining:
            return None
        if self._refusing:
            return now
        if self._ready.any_due or (self.parked < MAX_PARKED and (self._ready or self._backlog)):
            return max(now, self._next_start)
        while self._timers:
            time, number, queue = self._timers[0]
            if number == queue.timer or (queue.waiting and number in queue.waiting):
                return max(now, self._next_start, time)
            heappop(self._timers)
        return None

    def settle(
        self,
        lease: Lease,
        results: Sequence[Result],
        now: float,
        *,
        wall: float,
        opened: int = 0,
        requests: int = 0,
        idle: int = 0,
    ) -> list[Outcome]:
        """Take a lease back; the final outcomes among its results.

        results: in the lease's order; where they are fewer, the rest goes back to the front unbegun. wall: Unix time.
        opened, requests: connections opened and requests sent for it. idle: connections to the host unused now.
        """
        self._now = now
        tally = self.tally
        queue = self._hosts[lease.host]
        row = queue.row
        size, begun = len(lease), len(results)
        self.in_flight -= 1
        self.out -= size
        queue.out -= 1
        row.idle = idle
        elapsed = [result.elapsed for result in results if result.elapsed > 0]
        queue.learn(elapsed, size - begun)
        tally.settle(row, elapsed, opened, requests, now)
        self._weigh()
        if begun < size:
            self._take_back(queue, lease, begun, now)
        final: list[Outcome] = []
        for result in results:
            if isinstance(result, Redirected):
                self._hop(queue, result.attempt, now)
                continue
            row.bytes += result.wire_bytes
            outcome = result if result.retry is None else self._judge(queue, lease, result, now, wall)
            if outcome is None:
                row.errors += 1
                tally.repeat(result)
                continue
            if tally.count(outcome):
                row.errors += 1
            final.append(outcome)
        if lease.attempt is None:
            row.done += len(final)
        elif final and (own := tally.hosts.get(lease.attempt.target.host)) is not None:
            own.done += 1
        self._place(queue, now)
        return final

    def drain(self) -> None:
        """A stop was asked for: ``next`` gives nothing more, ``settle`` goes on as before."""
        self._draining = True

    def rows(self, now: float, most: int) -> list[HostRow]:
        """The hosts worth showing: those with requests out first, and the busiest first among each."""
        return self._survey.rows(now, most)

    def slowest(self, now: float, most: int) -> list[HostRow]:
        """The hosts with the highest mean latency, first the slowest."""
        return self._survey.slowest(now, most)

    def eta(self, now: float, workers: int) -> float | None:
        """Seconds left: what the longest host needs, or what all workers need together; None before the first reply."""
        left = self.queued + self.parked + self.out
        if not left or not self.tally.mean:
            return None if left else 0.0
        return max(left * self.tally.mean / workers, left * self._spacing, self._survey.longest(now))

    # What follows is private: first the ways out of ``next``, then those into ``settle``, then what both need.

    def _lease(self, queue: HostQueue, now: float) -> Lease:
        if queue.due:
            parked = queue.due.popleft()
            self._owe(parked.owner, queue, now, -1)
            lease = Lease(queue.key, (), self._resumed(parked, now), BUDGET)
            size = 1
        else:
            tickets = queue.take(1 if self._spacing else queue.lease_length())
            size = len(tickets)
            self.queued -= size
            lease = Lease(queue.key, tickets, None, BUDGET)
        self.out += size
        self.in_flight += 1
        queue.out += 1
        row = queue.row
        if row.idle:
            row.idle -= 1
        if queue.delay:
            queue.not_before = max(queue.not_before, now + queue.delay)
        if self._spacing:
            self._next_start = now + self._spacing
        self._place(queue, now)
        return lease

    def _refuse(self, queue: HostQueue, now: float) -> Refusal | None:
        queue.refusing = False
        refusal = None
        if queue.refused_until > now:
            parked = queue.take_parked(REFUSED_AT_ONCE)
            tickets = queue.take(min(queue.fresh, REFUSED_AT_ONCE - len(parked))) if queue.fresh else ()
            self.queued -= len(tickets)
            queue.row.done += len(tickets)
            for one in parked:
                self._owe(one.owner, queue, now, -1)
                if (own := self.tally.hosts.get(one.attempt.target.host)) is not None:
                    own.done += 1
            if tickets or parked:
                wait = queue.refused_until - now
                attempts = tuple(self._resumed(one, now) for one in parked)
                detail = again.request_to_wait(queue.key, wait)
                refusal = Refusal(queue.key, tickets, attempts, detail, not_before=wait)
        self._place(queue, now)
        return refusal

    def _ring(self, now: float) -> None:
        """Let all come due whose time has come."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, number, queue = heappop(timers)
            if number == queue.timer:
                queue.timer = 0
            elif not queue.come_due(number):
                continue
            self._place(queue, now)

    def _take_back(self, queue: HostQueue, lease: Lease, begun: int, now: float) -> None:
        if lease.attempt is None:
            queue.give_back(lease.tickets[begun:])
            self.queued += len(lease.tickets) - begun
        else:
            self._hop(queue, lease.attempt, now)

    def _hop(self, origin: HostQueue, attempt: Attempt, now: float) -> None:
        """Queue an attempt that may go at once, first at its host, which ``origin`` led to."""
        owner = origin if attempt.target.host == origin.key else self._hosts.get(attempt.target.host)
        queue = origin if attempt.host == origin.key else self._queue_of(attempt.host)
        queue.ask_first(Parked(attempt, now, now, owner))
        self._owe(owner, origin, now)
        if queue is not origin:
            self._place(queue, now)

    def _judge(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float, wall: float) -> Outcome | None:
        """The final outcome, or None where the target is asked for again; parks or refuses the host meanwhile."""
        after = again.asked_to_wait(outcome)
        host_wide = outcome.status in again.HOST_WIDE
        if after is not None and after > self._policy.max_park:
            if host_wide:
                queue.refused_until = max(queue.refused_until, now + after)
            return again.deferred(outcome, lease.host, after, wall)
        if after is not None and host_wide:
            queue.parked_until = max(queue.parked_until, now + after)
            queue.not_before = max(queue.not_before, queue.parked_until)
        last = lease.attempt
        made = max(outcome.attempts, 1 if last is None else last.number)
        if not again.may_repeat(self._policy, made):
            return outcome
        wait = after if after is not None else again.backoff(self._policy, made, self._dice())
        waited = 0.0 if last is None else last.waited
        attempt = Attempt(outcome.target, made + 1, waited=waited, started=outcome.started)
        owner = queue if attempt.host == queue.key else self._queue_of(attempt.host)
        self._numbers += 1
        owner.ask_later(self._numbers, Parked(attempt, now, now + wait, owner))
        heappush(self._timers, (now + wait, self._numbers, owner))
        self._owe(owner, queue, now)
        return None

    def _owe(self, owner: HostQueue | None, current: HostQueue, now: float, change: int = 1) -> None:
        """Count one attempt more that waits, or one fewer. current: the host that the caller will place itself."""
        self.parked += change
        if owner is not None:
            owner.owed += change
            if owner is not current:
                self._place(owner, now)

    @staticmethod
    def _resumed(parked: Parked, now: float) -> Attempt:
        return replace(parked.attempt, waited=parked.attempt.waited + (now - parked.since))

    def _place(self, queue: HostQueue, now: float) -> None:
        """Put a host where its next turn will be found: refused, ready, on a timer, resting, or forgotten."""
        if queue.refused_until > now and queue.left:
            self._ready.remove(queue)
            if not queue.refusing:
                queue.refusing = True
                self._refusing.append(queue)
        elif queue.has_work() and queue.out < queue.limit:
            if queue.not_before <= now:
                self._ready.put(queue, self._bucket(queue))
                return
            self._ready.remove(queue)
            if not queue.timer:
                self._numbers += 1
                queue.timer = self._numbers
                heappush(self._timers, (queue.not_before, queue.timer, queue))
        else:
            self._ready.remove(queue)
            if queue.is_finished():
                self._rest(queue, now)

    def _rest(self, queue: HostQueue, now: float) -> None:
        """Forget a finished host, as soon as it is owed no delay."""
        until = max(queue.not_before, queue.refused_until)
        if until > now:
            if not queue.resting:
                queue.resting = True
                self._numbers += 1
                heappush(self._resting, (until, self._numbers, queue))
        elif self._hosts.get(queue.key) is queue:
            del self._hosts[queue.key]
            self.tally.release(queue.row)

    def _forget(self, now: float) -> None:
        resting = self._resting
        while resting and resting[0][0] <= now:
            queue = heappop(resting)[2]
            queue.resting = False
            if queue.is_finished():
                self._rest(queue, now)

    def _queue_of(self, host: HostKey) -> HostQueue:
        """The state of a host, begun where it was not."""
        queue = self._hosts.get(host)
        if queue is None:
            tickets: array[int] = self._backlog.pop(host)
            if not tickets and host not in self.tally.hosts:
                self.tally.host_count += 1
            row = self.tally.claim(host)
            row.total += len(tickets)
            queue = self._hosts[host] = HostQueue(host, row, tickets, self._pool.per_host, self._pool.delay)
        return queue

    def _bucket(self, queue: HostQueue) -> int:
        if queue.due:
            return DUE
        pace = queue.pace() if queue.row.mean else self._typical
        length = octave((len(queue.tickets) - queue.head) * pace / self._typical)
        return WARM + length if queue.row.idle else length

    def _weigh(self) -> None:
        """Measure anew what a target of a typical host takes it, and what the workers have left, in such targets."""
        mean = self.tally.mean or DEFAULT_MEAN
        self._typical = max(self._pool.delay, mean / self._pool.per_host)
        self._horizon = 4 * mean / self._typical / self._pool.workers / CRITICAL_SHARE  # 4: see ``octave``
