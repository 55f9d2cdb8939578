"""What is handed out next: a lease, a refusal, or nothing before a certain time.

Decides when something may start at all, and what a lease holds. The host table knows which host is next. Time is an
argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import inf

from ..model import (
    Attempt,
    ErrorKind,
    WaitReason,
)
from .lease import Lease, Refusal
from .queue.host_queue import OVERRUN, HostQueue
from .queue.next_target import avoids_neighbours, prefers_fresh, probes_known_page, retries_suspect, retry_goes_next
from .queue.pending import PendingAttempt
from .robots import ROBOTS_FIRST
from .run_state import RunState

MAX_PENDING = 100_000
"""Maximum number of pending attempts, of about 1 kB each. While there are as many, only due attempts are leased."""

MAX_REFUSAL = 1000
"""Maximum number of targets in one Refusal, so that recording them does not hold up the engine."""


class Dispatcher:
    """Hands out leases and refusals of one run."""

    def __init__(self, run: RunState) -> None:
        self._run = run
        self._draining = False
        self._unbound = run.quota is None and not run.spacing  # no limit of the run shortens a lease

    def next(self, now: float) -> Lease | Refusal | None:  # noqa: PLR0911 - each return is a reason of its own
        """Return what to do now, None if nothing may start. Call again until None."""
        run = self._run
        run.now = now
        hosts = run.hosts
        if run.recorder is not None:
            run.recorder.note_network(now, down=run.guard.down)
        if self._draining or ((run.quota is not None or run.proxy.over is not None) and self._is_quota_spent(now)):
            return None
        if (hosts.timers and hosts.timers[0][0] <= now) or (hosts.expiring and hosts.expiring[0][0] <= now):
            hosts.release_due(now)
        while hosts.refusing:
            refusal = self._refuse(hosts.refusing.popleft(), now)
            if refusal is not None:
                return refusal
        if now < run.next_start or run.in_flight >= run.proxy.limit:
            return None
        only_due = (hosts.parked >= MAX_PENDING or run.quota is not None) and self._holds_fresh()
        fresh_first = False
        if run.guard.down:
            if not self._may_probe(now):
                return None
            fresh_first = run.guard.probes_fresh
            if fresh_first and (known := self._known_page(now)) is not None:
                return known
        usual = not only_due and not run.guard.down
        while (
            queue := hosts.pick(run.queued, now)
            if usual
            else self._pick(now, only_due=only_due, fresh_first=fresh_first)
        ) is not None:
            if queue.closed_for is None or not (closed := queue.closed_for(now)):
                return self._lease(queue, now, only_due=only_due)
            queue.not_before = now + closed
            queue.note_wait(WaitReason.WINDOW, now, now + closed)
            hosts.place(queue, now)
        return self.next(now) if hosts.refusing else None  # a host may be refused before it was ever asked

    def _known_page(self, now: float) -> Lease | None:
        """Return a probe of the page that was served last; None if its host may not start."""
        run = self._run
        if run.good is None:
            return None
        queue = run.hosts.queue_of(run.good.host, now)
        if queue.gate is not None or not queue.may_start(now):
            run.hosts.place(queue, now)
            return None
        run.hosts.ready.remove(queue)
        lease = run.probe = Lease(queue.key, (), Attempt(run.good), inf, now, probe=True)
        run.out += 1
        self._begin(queue, lease, now)
        return lease

    def _pick(self, now: float, *, only_due: bool, fresh_first: bool) -> HostQueue | None:
        """Take out the host that is next. Retries and other targets probe an outage in turn."""
        run = self._run
        hosts = run.hosts
        if only_due:
            return hosts.pick_due()
        if run.guard.down and not fresh_first and (queue := hosts.pick_due()) is not None:
            return queue
        return hosts.pick(run.queued, now, due=not fresh_first)

    def wake_at(self, now: float) -> float | None:
        """Return when ``next`` could return something without a settle or add before; None for never.

        May be early where what waited was settled otherwise or its host's window is closed, never late, and the same
        time at most once.
        """
        run = self._run
        if self._draining or run.spent is not None:
            return None
        hosts, guard, run_quota = run.hosts, run.guard, run.quota
        if hosts.refusing:
            return now
        if run.in_flight >= run.proxy.limit:
            return None
        ready = hosts.ready.any_due or (not self._holds_fresh() and hosts.any_now)
        due = now if ready else hosts.next_time()
        if due is None:
            return None
        wake = max(now, due, run.next_start)
        if guard.down:
            if run.probe is not None or guard.is_over(now):
                return None
            wake = max(wake, guard.probe_at)
        return wake if run_quota is None else min(wake, max(now, run_quota.ends_at))

    def _lease(self, queue: HostQueue, now: float, *, only_due: bool = False) -> Lease:
        run = self._run
        size = 1
        if lists := queue.attempts.lists:
            lease = self._lease_parked(queue, lists, now)
            size = 0
        elif queue.gate is not None:
            queue.gate.asked, queue.gate.since, queue.tally.robots = True, now, "asked"
            lease = Lease(queue.key, (), None, inf, now, robots=True)
            size = 0
        elif queue.good is not None and probes_known_page(queue):
            lease = Lease(queue.key, (), Attempt(queue.good), inf, now, probe=True)
            if queue.health is not None and queue.health.test is not None:
                queue.health.test.out = True
        elif (urgent := queue.attempts.urgent) and (only_due or not prefers_fresh(queue)):
            lease = self._lease_parked(queue, urgent, now)
        elif (retries := queue.attempts.retries) and (only_due or self._retries_next(queue, now)):
            lease = self._lease_parked(queue, retries, now)
        else:
            usual = self._unbound and (queue.health is None or not queue.is_restricted) and not run.guard.down
            tickets = queue.take(queue.lease_length()) if usual else self._take_tickets(queue, now)
            size = len(tickets)
            run.queued -= size
            lease = Lease(queue.key, tickets, None, OVERRUN * queue.lease_worth, now)
            if run.recorder is not None:
                lease = replace(lease, waits=run.recorder.waits_of_fresh(queue, now))
        run.out += size
        self._begin(queue, lease, now)
        return lease

    def _begin(self, queue: HostQueue, lease: Lease, now: float) -> None:
        """Count a lease that begins."""
        run = self._run
        run.hosts.unanswered += not queue.answered
        if queue.health is not None:
            queue.note_start(now)
        run.in_flight += 1
        queue.out += 1
        row = queue.tally
        if row.idle:
            row.idle -= 1
        if queue.delay:
            queue.not_before = max(queue.not_before, now + queue.delay)
            queue.started = now
        if run.spacing:
            run.next_start = now + run.spacing
        if run.guard.down:
            run.probe = lease
        run.hosts.place(queue, now)

    def _lease_parked(self, queue: HostQueue, parked: deque[PendingAttempt[HostQueue]], now: float) -> Lease:
        run = self._run
        attempt = run.hosts.resume(parked.popleft(), queue, now)
        queue.retrying += attempt.hop is None
        return Lease(queue.key, (), attempt, inf, now)

    def _retries_next(self, queue: HostQueue, now: float) -> bool:
        """Whether a retry goes next, before fresh targets of the host that there may be."""
        run = self._run
        if run.guard.down and not run.guard.probes_fresh:
            return True
        if queue.health is not None and queue.health.test is not None and queue.has_fresh():
            return retries_suspect(queue)  # else the same page would use up its attempts before another one tells
        return retry_goes_next(queue, now) and not prefers_fresh(queue)

    def _take_tickets(self, queue: HostQueue, now: float) -> tuple[int, ...]:
        """Take the fresh targets of the next lease, if the run or the host is restricted."""
        run = self._run
        one_by_one = run.spacing or run.guard.down or (run.quota is not None and run.quota.limits_bytes)
        if avoids_neighbours(queue):
            tickets = queue.take_last()
        elif prefers_fresh(queue) or one_by_one:
            tickets = queue.take(1)
        elif run.quota is None:
            return queue.take(queue.lease_length())
        else:
            in_time = 1 + (run.quota.ends_at - now) / queue.latency.best
            tickets = queue.take(int(min(queue.lease_length(), run.quota.fresh, in_time)))
        if run.quota is not None:
            run.quota.fresh -= len(tickets)
        return tickets

    def _refuse(self, queue: HostQueue, now: float) -> Refusal | None:
        run = self._run
        queue.refusing = False
        refusal = None
        if queue.refused_until > now:
            most = 1 if run.proxy.refusals else MAX_REFUSAL
            waiting = queue.attempts.take(most, lists=queue.refuses_lists)
            fresh = min(queue.fresh, most - len(waiting))
            if run.quota is not None:
                fresh = int(min(fresh, run.quota.fresh))
                run.quota.fresh -= fresh
            tickets = queue.take(fresh) if fresh else ()
            if not tickets and not waiting:
                return None  # what is left of it is beyond the limit of targets, and stays untouched
            run.queued -= len(tickets)
            queue.tally.done += len(tickets)
            for one in waiting:
                own = run.tally.hosts.get(one.attempt.target.host)
                if own is not None and not one.attempt.of_list:
                    own.done += 1
            attempts = tuple(run.hosts.resume(one, queue, now) for one in waiting)
            refusal = queue.refusal_of(tickets, attempts, now)
            if run.proxy.refusals and refusal.error is ErrorKind.PROXY:
                run.proxy.on_credentials_refused(refusal.detail.removesuffix(f"; {ROBOTS_FIRST}"))
            if run.recorder is not None:
                refusal = refusal._replace(waits=run.recorder.waits_of_fresh(queue, now))
        run.hosts.place(queue, now)
        return refusal

    def _is_quota_spent(self, now: float) -> bool:
        """Whether a limit of the run is reached, or its proxy lost; without targets left, what was begun goes on."""
        run = self._run
        run_quota = run.quota
        if run.spent is None:
            run.spent = run.proxy.over
        if run.spent is None and run_quota is not None:
            run_quota.begin(now)
            run.spent = run_quota.spent(now, run.tally.bytes)
            if not run_quota.fresh and run.queued and not run.hosts.parked and not run.out:
                run.spent = run_quota.all_begun()
        return run.spent is not None

    def _holds_fresh(self) -> bool:
        """Whether only attempts that are due may be leased."""
        run = self._run
        run_quota = run.quota
        return run.hosts.parked >= MAX_PENDING or (run_quota is not None and not run_quota.fresh)

    def _may_probe(self, now: float) -> bool:
        run = self._run
        guard = run.guard
        guard.doubt_outage(now)
        return not guard.down or (run.probe is None and now >= guard.probe_at and not guard.is_over(now))

    def drain(self) -> None:
        """Stop handing out: ``next`` returns None from now on, ``settle`` goes on as before."""
        self._draining = True
