"""The table of all hosts that have something left: which may be requested now, which later, and what waits.

A host is in exactly one place: ready, on a timer, being refused, expiring, or with nothing to do. The table decides
which host comes next, and keeps and counts pending attempts and the robots.txt of finished hosts. It does not know why
a host is limited or refused: that stands in its ``HostQueue``. Time is an argument. The file exceeds 300 lines, since a
host must move from one place to another in one step.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from math import inf, log2

from ...model import Attempt, HostKey, WaitReason
from ...settings import PoolSettings
from ..limits import LimitsFor
from ..robots import RobotsCache, RobotsVerdict
from ..tally import Tally
from .backlog import Backlog
from .host_queue import MAX_PENDING_PER_HOST, HostQueue
from .host_state_sync import HostStateSync
from .next_target import RETRY_PRIORITY_AFTER
from .pending import PendingAttempt
from .ready import BUSY, COLD, DUE, LAST, NEW, OCTAVES, UNPROVEN, WARM, Ready, octave
from .ticket_chains import TicketSpool
from .trace_recorder import TraceRecorder
from .wait_spans import WaitSpans

DEFAULT_LATENCY = 0.1
"""Seconds that a request is taken to last before any was measured: a usual page over a usual line."""

CRITICAL_SHARE = 16
"""A host is critical when its own work is at least this part of all that the workers have left: late enough to keep
most of a long run warm, early enough to find out in time that a host is slow. Simulated lists of 300 hosts of unknown
speed ended within 1.06 of the bound at 4, 1.04 at 8, 1.03 at 16, and no better at 32."""


EXPLORED_FROM = 20
"""Targets from which on a host is begun early, as it may have a Crawl-delay or limit requests."""

EXPLORED_INTERVAL = 1.0
"""Seconds per request that such a host is assumed to ask for, until its robots.txt and its responses are known."""

EXPLORED_PAGES = 32
"""Pages that are fetched early, one at a time, of a host with ``EXPLORED_FROM`` targets, as it may limit requests.

Only requests show that, and one that allows a request per second is longer than most. With 12 pages, simulated runs of
300 hosts ended within 1.17 of the bound, with 32 within 1.02."""

MAX_WAITING_HOSTS = 1000
"""Hosts that are begun and wait until another run leaves them a share, at most. Each costs about a kilobyte."""


class HostTable:
    """All hosts. begun: the active ones. parked: number of pending attempts. known: number of targets ever added.

    unanswered: leases in flight on hosts that have not answered yet. timers: heap of the times at which ``release_due``
    must look at a host. expiring: the same for finished hosts, which are kept until their delay is over. recorder:
    records histories, None for none. host_states: shares the state of hosts with other runs, None for no other runs.
    spool: where tickets are kept that do not fit into memory. prefers: as for ``Ready``.
    """

    def __init__(
        self,
        tally: Tally,
        pool: PoolSettings,
        limits_for: LimitsFor,
        recorder: TraceRecorder | None = None,
        host_states: HostStateSync | None = None,
        max_park: float = inf,
        spool: TicketSpool | None = None,
        prefers: Callable[[HostKey], bool] | None = None,
    ) -> None:
        self.begun: dict[HostKey, HostQueue] = {}
        self.ready = Ready(prefers)
        self.backlog = Backlog(spool)
        self.refusing: deque[HostQueue] = deque()
        self.parked = self.known = self.unanswered = 0
        self._tally = tally
        self._pool = pool
        self._limits_for = limits_for
        self._max_park = max_park
        self._explored = octave(EXPLORED_FROM)
        self._recorder = recorder
        self.host_states = host_states
        self._adapt = pool.pace == "auto"
        self.timers: list[tuple[float, int, HostQueue]] = []
        self.expiring: list[tuple[float, int, HostQueue]] = []
        self._numbers = 0
        self._critical = 0  # the octave from which on a host was critical, last time
        self._robots = RobotsCache()
        self._measure()

    def __repr__(self) -> str:
        return f"<HostTable: {len(self.begun)} begun, {len(self.backlog)} not, {self.parked} attempts parked>"

    def add(self, host: HostKey, tickets: Sequence[int], now: float) -> None:
        """Queue fresh targets of one host, after those that it has."""
        self.known += len(tickets)
        queue = self.begun.get(host)
        if queue is not None:
            queue.tickets.extend(tickets)
            queue.tally.total += len(tickets)
            self.place(queue, now)
            return
        if self.backlog.add(host, tickets) and host not in self._tally.hosts:
            self._tally.host_count += 1

    def queue_of(self, host: HostKey, now: float) -> HostQueue:
        """Return the queue of a host, which becomes active if it was not."""
        queue = self.begun.get(host)
        return self._begin(host, self.backlog.pop(host), now) if queue is None else queue

    def _begin(self, host: HostKey, tickets: array[int], now: float) -> HostQueue:
        """Make a host active that was not, and return its queue."""
        if not tickets and host not in self._tally.hosts:
            self._tally.host_count += 1
        row = self._tally.claim(host)
        row.total += len(tickets)
        limits = self._limits_for(host)
        queue = self.begun[host] = HostQueue(host, row, tickets, limits, self._adapt)
        if queue.gate is not None and (verdict := self._robots.take(host)) is not None:
            queue.apply_robots(verdict, max_crawl_delay=inf)  # it was cut to that before
        if self._recorder is not None:
            queue.wait_spans = WaitSpans()
        if self.host_states is not None:
            self.host_states.begin(queue, now)
        if limits.parked_until > now:
            queue.honour_wait(limits.parked_until, now, self._max_park)
        return queue

    def pick(self, queued: int, now: float, *, due: bool = True) -> HostQueue | None:
        """Take out the host that is next; None if no host may be requested now.

        queued: fresh targets of all hosts. due: False to pass over what is due, as long as there is anything else.
        """
        ready = self.ready
        if ready.retriable:
            first = next(iter(ready.retriable))
            if first.attempts.retries and first.attempts.retries[0].due + RETRY_PRIORITY_AFTER <= now and due:
                ready.remove(first)
                return first
        new = self.unanswered < max(1, self._pool.workers // 2)
        if self._is_stale:
            self._measure()
        while True:
            unbegun = weight = self.backlog.longest() if self.host_states is None or self.may_begin else -1
            critical = self._critical = int(queued * self._horizon).bit_length()
            if unbegun >= self._explored:
                weight = max(unbegun, min(unbegun + self._exploring, critical + 2, OCTAVES - 1))  # robots.txt first
            bucket = ready.best(critical, weight, new=new, due=due) if ready else None
            if bucket is None:
                if unbegun < 0:
                    return None
                queue = self._begin(*self.backlog.pop_first(unbegun), now)
                if not queue.may_start(now):
                    self.place(queue, now)
                    continue
                if queue.gate is not None:
                    return queue
                bucket = NEW + unbegun
            else:
                queue = ready.first(bucket)
                bucket = queue.bucket
                ready.remove(queue)
            fitting = self._bucket(queue)
            if fitting == bucket:
                return queue
            ready.put(queue, fitting)  # its length, or the run's measure of length, changed since it was put there

    def pick_due(self) -> HostQueue | None:
        """Take out a host with an attempt that may go, whatever fresh targets there are; None if there is none."""
        return self.ready.pop_due()

    def place(self, queue: HostQueue, now: float) -> None:
        """Move a host to the place where its next turn is found."""
        if queue.refused_until > now and queue.left_to_refuse:
            self.ready.remove(queue)
            if not queue.refusing:
                queue.refusing = True
                self.refusing.append(queue)
        elif queue.out < queue.limit and queue.has_work():
            if queue.not_before <= now:
                if queue.bucket < 0:
                    queue.ready_since = now
                self.ready.put(queue, self._bucket(queue))
                return
            self.ready.remove(queue)
            if not queue.timer:
                queue.timer = self._number()
                heappush(self.timers, (queue.not_before, queue.timer, queue))
        else:
            if queue.bucket >= 0 or self.ready.retriable:
                self.ready.remove(queue)
            if not queue.out and queue.is_finished():
                self._expire(queue, now)

    def release_due(self, now: float) -> None:
        """Release delayed hosts and attempts that are due, and forget finished hosts whose delay is over."""
        timers = self.timers
        while timers and timers[0][0] <= now:
            _, number, queue = heappop(timers)
            if number == queue.timer:
                queue.timer = 0
            elif not queue.attempts.release(number):
                continue
            self.place(queue, now)
        expiring = self.expiring
        while expiring and expiring[0][0] <= now:
            queue = heappop(expiring)[2]
            queue.expiring = False
            if queue.is_finished():
                self._expire(queue, now)

    def next_time(self) -> float | None:
        """Return when the next host comes due that is not ready now, None for never."""
        while self.timers:
            time, number, queue = self.timers[0]
            if number == queue.timer or (queue.attempts.delayed and number in queue.attempts.delayed):
                return time
            heappop(self.timers)
        return None

    @property
    def done(self) -> int:
        """Targets that have their outcome."""
        return self._tally.done

    @property
    def may_begin(self) -> bool:
        """Whether hosts may be begun: not while too many wait for their share."""
        return self.host_states is None or self.host_states.waiting < MAX_WAITING_HOSTS

    @property
    def any_now(self) -> bool:
        """Whether ``pick`` has something to look at."""
        return bool(self.ready or (self.backlog and self.may_begin))

    # -- attempts that wait ------------------------------------------------------------------------

    def put_first(self, attempt: Attempt, origin: HostQueue, now: float) -> None:
        """Queue an attempt that may go at once, first at its host, which ``origin`` led to and its caller places."""
        owner = origin if attempt.target.host == origin.key else self.begun.get(attempt.target.host)
        queue = origin if attempt.host == origin.key else self.queue_of(attempt.host, now)
        queue.own_attempts().put_first(PendingAttempt(attempt, now, now, owner))
        self.count_pending(attempt, owner, origin, now)
        if queue is not origin:
            self.place(queue, now)

    def delay_attempt(
        self, attempt: Attempt, wait: float, origin: HostQueue, now: float, why: WaitReason = WaitReason.BACKOFF
    ) -> tuple[HostQueue, int]:
        """Let an attempt wait at its host; where, and under which number. ``origin`` is placed by its caller."""
        owner = origin if attempt.host == origin.key else self.queue_of(attempt.host, now)
        number = self._number()
        owner.own_attempts().delay(number, PendingAttempt(attempt, now, now + wait, owner, why))
        heappush(self.timers, (now + wait, number, owner))
        self.count_pending(attempt, owner, origin, now)
        return owner, number

    def refund(self, queue: HostQueue, number: int, now: float) -> bool:
        """Give the attempt that waits under a number back, to be made again at once; False if it no longer waits."""
        pending = queue.attempts.cancel(number)
        if pending is None:
            return False
        attempt = replace(pending.attempt, number=pending.attempt.number - 1)
        queue.attempts.add_retry(pending._replace(attempt=attempt, due=now))
        self.place(queue, now)
        return True

    def resume(self, pending: PendingAttempt[HostQueue], current: HostQueue, now: float) -> Attempt:
        """The attempt that waited, which is leased or refused now. ``current`` is placed by its caller."""
        self.count_pending(pending.attempt, pending.owner, current, now, -1)
        waited = pending.attempt.waited + (now - pending.since)
        if self._recorder is None:
            return replace(pending.attempt, waited=waited)
        steps = self._recorder.waits_of_attempt(current, pending, now)
        return replace(pending.attempt, waited=waited, history=(*(pending.attempt.history or ()), *steps))

    def count_pending(
        self, attempt: Attempt, owner: HostQueue | None, current: HostQueue, now: float, change: int = 1
    ) -> None:
        """Count one more pending attempt, or one fewer. current: the host that the caller places itself."""
        if not attempt.of_list:
            self.parked += change
        if owner is not None:
            owner.pending += change
            if owner is not current:
                self.place(owner, now)

    # -- measures ----------------------------------------------------------------------------------

    def update_typical(self) -> None:
        """Measure the typical host again before the next decision: latencies were added to the tally."""
        self._is_stale = True

    def _measure(self) -> None:
        """Update how long a target of a typical host takes, and how much work the workers have left in such targets."""
        self._is_stale = False
        mean = self._tally.mean or DEFAULT_LATENCY
        self._typical = max(self._pool.delay, mean / self._pool.per_host)
        self._horizon = 4 * mean / self._typical / self._pool.workers / CRITICAL_SHARE  # 4: see ``octave``
        self._exploring = max(0, int(log2(EXPLORED_INTERVAL / self._typical)))

    def _bucket(self, queue: HostQueue) -> int:
        if queue.attempts.urgent or queue.attempts.lists:
            return DUE
        fresh = len(queue.tickets) - queue.head
        if not fresh or queue.pending >= MAX_PENDING_PER_HOST:
            return LAST
        if self._is_stale:
            self._measure()
        typical, per_target = self._typical, queue.tally.mean / (queue.limit or 1)
        if not per_target:
            per_target = typical
        if per_target < queue.delay:  # noqa: PLR1730 - max() is a call for each placing
            per_target = queue.delay
        length = octave(fresh * per_target / typical)
        if queue.responses < EXPLORED_PAGES and fresh >= EXPLORED_FROM and not queue.out:
            explored = octave(fresh * max(per_target, EXPLORED_INTERVAL) / typical)
            length = max(length, min(explored, self._critical + 1))  # but not before those that surely decide the end
        if not queue.answered:
            return length + (UNPROVEN if queue.out else NEW)
        return length + (WARM if queue.tally.idle else BUSY if queue.out else COLD)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _expire(self, queue: HostQueue, now: float) -> None:
        """Forget a finished host as soon as its delay is over."""
        until = max(queue.not_before, queue.refused_until)
        if until > now:
            if not queue.expiring:
                queue.expiring = True
                heappush(self.expiring, (until, self._number(), queue))
        elif self.begun.get(queue.key) is queue:
            if self.host_states is not None:
                self.host_states.end(queue, now)
            if queue.gate is None and queue.tally.robots:
                self._robots.keep(queue.key, RobotsVerdict(queue.rules, queue.min_delay))
            del self.begun[queue.key]
            self._tally.release(queue.tally)
