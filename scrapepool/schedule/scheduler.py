"""Which target is fetched next, and when: a state machine without clocks, dice, threads or sockets, as h11 is.

Decides when something may start at all, the length of leases, and how they are settled; ``hosts`` knows which host is
next, ``judge`` what a failure comes to. Does not know what a ticket stands for, how anything is fetched, or what time
it is: the time is an argument, the decisions are values. One owner, the engine's thread, and so no lock.

Invariants:

1. a host never has more than its limit of leases out, and a lease is one request at a time; none is begun above what
   its pace allows, and only one while its circuit is open or its robots.txt is not settled;
2. two starts on a host are at least its delay apart, also after its queue ran empty: a host is forgotten no earlier;
3. every target gets exactly one final outcome: from ``settle``, or by a ``Refusal``; unless a limit of the run ends it;
4. what waits (a retry, a Retry-After, a delay, a circuit, an outage) holds no place among those in flight and no slot;
5. memory is bounded by what is in flight and 8 bytes a target of what is left: parked attempts by ``MAX_PENDING``, the
   numbers of finished hosts by ``tally.HOSTS_KEPT``, what their robots.txt said by ``robots.HOSTS_KEPT`` and
   ``robots.PATTERNS_KEPT``; all other state of a host goes when it is finished;
6. work-conserving: where a host may be asked now, ``next`` gives it, unless ``MAX_PENDING`` attempts wait already;
   and ``wake_at`` names no time at which ``next`` was asked in vain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf

from ..model import (
    Attempt,
    ErrorKind,
    Failed,
    Fetched,
    HostKey,
    Outcome,
    Redirected,
    Result,
    Skipped,
    Target,
    WaitReason,
)
from ..settings import PolitenessSettings, PoolSettings, RetryPolicy, RunLimits
from .failures.failure_policy import FailurePolicy
from .failures.outcome_facts import is_success
from .forecast.eta import Forecast
from .forecast.survey import Survey
from .health.circuit_breaker import cause_of
from .health.outage import Outage
from .health.retry import format_duration
from .http_fallback import FALLS_BACK, HttpFallback, falls_back
from .lease import Lease, Refusal
from .limits import HostLimits, LimitsFor
from .queue.host_queue import OVERRUN, HostQueue
from .queue.host_state_sync import HostStateSync, host_state_of, quota_request_of
from .queue.host_table import HostTable
from .queue.next_target import avoids_neighbours, prefers_fresh, probes_known_page, retries_suspect, retry_goes_next
from .queue.pending import PendingAttempt
from .queue.trace_recorder import TraceRecorder
from .robots import ROBOTS_FIRST, RobotsVerdict, Rules
from .run_quota import RunQuota
from .sharing.host_quota import Allocations, QuotaRequest
from .sharing.host_state import HostState, HostStateStore
from .tally import HostRow, Tally

MAX_PENDING = 100_000
"""Attempts that may wait at a time, about 1 kB each. While there are as many, only attempts that are due are leased."""

MAX_REFUSAL = 1000
"""Targets in one Refusal at most, so that recording them does not hold up the engine."""


class Scheduler:
    """Hands out leases and takes them back settled.

    queued: fresh targets not on lease. out: targets on lease. in_flight: leases. tally: what happened so far.
    spent: which limit of the run was reached, None while none was; ``next`` gives nothing more from then on.
    dice: throws in [0, 1) for the retries' jitter. politeness: None asks nobody for a robots.txt.
    limits_for: what holds for one host; by default ``pool`` and ``politeness``, for all.
    until: monotonic time at which nothing new begins. histories: whether outcomes tell what led to them.
    memory: what other runs know of hosts; None for nothing. fallback: how bare names go on over http; None if not.
    verifies: whether a page may be requested a second time, to see whether its host is up.
    Every ``now`` is monotonic seconds and never less than before.
    """

    def __init__(
        self,
        pool: PoolSettings,
        retry: RetryPolicy,
        *,
        rng: Callable[[], float],
        politeness: PolitenessSettings | None = None,
        limits: RunLimits | None = None,
        limits_for: LimitsFor | None = None,
        until: float | None = None,
        histories: bool = False,
        memory: HostStateStore | None = None,
        fallback: HttpFallback | None = None,
        verifies: bool = True,
    ) -> None:
        politeness = politeness or PolitenessSettings(robots=False)
        usual = HostLimits(pool.per_host, pool.delay, politeness.robots)
        self.tally = Tally()
        self.queued = self.out = self.in_flight = 0
        self.spent: str | None = None
        self._spacing = 1 / pool.rate if pool.rate else 0.0
        self._next_start = -inf
        self._draining = False
        self._recorder = TraceRecorder() if histories else None
        self._host_states = None if memory is None else HostStateSync(memory, pool, retry, politeness)
        self._hosts = HostTable(
            self.tally,
            pool,
            limits_for or (lambda _: usual),
            self._recorder,
            self._host_states,
            retry.max_park,
        )
        self._fallback = fallback
        self._verifies = verifies
        self._good: Target | None = None  # the last page that was answered, of any host
        self._failure_policy = FailurePolicy(self._hosts, pool, retry, politeness, rng, fallback=fallback is not None)
        self._guard = self._failure_policy.network.guard
        self._proxy = self._failure_policy.network.proxy
        self._probe: Lease | None = None  # the only one that an outage lets out
        self._shortened: dict[int, int] = {}  # by the identity of a lease that is out: how many targets it still has
        run_quota = RunQuota(limits or RunLimits(), until)
        self._run_quota = run_quota if run_quota.watches else None
        self._unbound = self._run_quota is None and not self._spacing  # no limit of the run shortens a lease
        self._now = -inf
        self._survey = Survey(self._hosts.begun, self.tally, pool)

    def __repr__(self) -> str:
        return (
            f"<Scheduler: {self.queued} queued, {self.parked} parked, {self.out} out in {self.in_flight} leases, "
            f"{self._hosts!r}>"
        )

    @property
    def parked(self) -> int:
        """Retries and hops that wait."""
        return self._hosts.parked

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, parked or out."""
        return not (self.queued or self._hosts.parked or self.out)

    @property
    def host_count(self) -> int:
        """Hosts seen so far."""
        return self.tally.host_count

    @property
    def lost(self) -> bool:
        """Whether the proxy wants other credentials; the run ends then, and ``spent`` says so."""
        return self._proxy.over is not None

    @property
    def outage(self) -> Outage | None:
        """The outage of the network under way. From its ``until`` on nothing is given any more: the run should end."""
        return self._guard.outage

    def rules_for(self, host: HostKey) -> Rules | None:
        """What the robots.txt of a host on lease says, None where all is allowed. See ``robots``."""
        queue = self._hosts.begun.get(host)
        return None if queue is None else queue.rules

    def add(self, host: HostKey, tickets: Sequence[int]) -> None:
        """Queue fresh targets of one host, after those it has. Tickets lie in 0 .. 2^64 - 1 and are the caller's."""
        if tickets:
            self.queued += len(tickets)
            self._hosts.add(host, tickets, self._now)

    def next(self, now: float) -> Lease | Refusal | None:  # noqa: PLR0911 - each return is a reason of its own
        """What is to be done now; None where nothing may start. Ask again until None."""
        self._now = now
        hosts = self._hosts
        if self._recorder is not None:
            self._recorder.note_network(now, down=self._guard.down)
        if self._draining or self._is_quota_spent(now):
            return None
        if (hosts.timers and hosts.timers[0][0] <= now) or (hosts.resting and hosts.resting[0][0] <= now):
            hosts.release_due(now)
        while hosts.refusing:
            refusal = self._refuse(hosts.refusing.popleft(), now)
            if refusal is not None:
                return refusal
        if now < self._next_start or self.in_flight >= self._proxy.limit:
            return None
        only_due = (hosts.parked >= MAX_PENDING or self._run_quota is not None) and self._holds_fresh()
        fresh_first = False
        if self._guard.down:
            if not self._may_probe(now):
                return None
            fresh_first = self._guard.probes_fresh
            if fresh_first and (known := self._known_page(now)) is not None:
                return known
        while (queue := self._pick(now, only_due=only_due, fresh_first=fresh_first)) is not None:
            if queue.closed_for is None or not (closed := queue.closed_for(now)):
                return self._lease(queue, now, only_due=only_due)
            queue.not_before = now + closed
            queue.note_wait(WaitReason.WINDOW, now, now + closed)
            hosts.place(queue, now)
        return self.next(now) if hosts.refusing else None  # a host may be refused before it was ever asked

    def _known_page(self, now: float) -> Lease | None:
        """A probe at the page that was answered last, whatever is left of its host; None where that may not be."""
        if self._good is None:
            return None
        queue = self._hosts.queue_of(self._good.host, now)
        if queue.gate is not None or not queue.may_start(now):
            self._hosts.place(queue, now)
            return None
        self._hosts.ready.remove(queue)
        lease = self._probe = Lease(queue.key, (), Attempt(self._good), inf, now, probe=True)
        self.out += 1
        self._begin(queue, lease, now)
        return lease

    def _pick(self, now: float, *, only_due: bool, fresh_first: bool) -> HostQueue | None:
        """Take out the host that is next. An outage is probed by retries and by other targets in turn."""
        hosts = self._hosts
        if only_due:
            return hosts.pick_due()
        if self._guard.down and not fresh_first and (queue := hosts.pick_due()) is not None:
            return queue
        return hosts.pick(self.queued, now, due=not fresh_first)

    def wake_at(self, now: float) -> float | None:
        """When ``next`` could give something with no settle or add before; None for never.

        May be early where what waited was settled otherwise or its host's window is closed, never late, and the same
        time at most once.
        """
        if self._draining or self.spent is not None:
            return None
        hosts, guard, run_quota = self._hosts, self._guard, self._run_quota
        if hosts.refusing:
            return now
        if self.in_flight >= self._proxy.limit:
            return None
        ready = hosts.ready.any_due or (not self._holds_fresh() and hosts.any_now)
        due = now if ready else hosts.next_time()
        if due is None:
            return None
        wake = max(now, due, self._next_start)
        if guard.down:
            if self._probe is not None or guard.is_over(now):
                return None
            wake = max(wake, guard.probe_at)
        return wake if run_quota is None else min(wake, max(now, run_quota.ends_at))

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
        results = results if self._recorder is None else self._recorder.record(lease, results, now, wall)
        tally, hosts = self.tally, self._hosts
        queue = hosts.begun[lease.host]
        row = queue.tally
        size, begun = len(lease), len(results)
        if self._shortened:
            size = self._shortened.pop(id(lease), size)
        self.in_flight -= 1
        self.out -= size
        queue.out -= 1
        hosts.unanswered -= not queue.answered
        row.idle = idle
        if lease.probe:
            return self._settle_probe(queue, lease, results, opened, requests, now)
        queue.retrying -= lease.attempt is not None and lease.attempt.hop is None
        alarmed = self._note_latencies(queue, results, size - begun, opened, requests, now)
        if begun < size:
            self._return_unbegun(queue, lease, begun, size, now)
        done = tally.done
        final: list[Outcome] = []
        others: list[Result] = []  # failures, hops, skips: a fetcher ends a lease at the first
        received = 0
        for result in results:
            if type(result) is Fetched and result.retry is None and result.status is not None and result.status < 400:
                received += result.wire_bytes
                final.append(result)
            elif is_success(result):
                row.errors += tally.count(result)
                final.append(result)
                self._failure_policy.host.apply_rate_limit(queue, lease, result, now, wall)
            else:
                others.append(result)
        tally.count_ok(len(final) - (tally.done - done), received)
        self._note_responses(queue, lease, final, others, now)
        if alarmed:
            self._failure_policy.host.on_latency_alarm(queue, lease, results, now)
        if others:
            final += self._settle_others(queue, lease, others, requests, now, wall)
        if lease is self._probe:
            self._end_outage_probe(begun, now)
        if lease.attempt is None:
            row.done += len(final)
        elif final and (own := tally.hosts.get(lease.attempt.target.host)) is not None:
            own.done += 1
        hosts.place(queue, now)
        return final

    def split(
        self,
        lease: Lease,
        begun: int,
        results: Sequence[Result],
        now: float,
        *,
        wall: float,
        opened: int = 0,
        requests: int = 0,
        idle: int = 0,
    ) -> tuple[list[Outcome], Lease]:
        """Settle what a lease has so far, whose request takes long; and the lease of that request, which goes on.

        begun: how many of its targets, the first so many, were begun; more than there are results. What is not begun
        goes to the front, for the host's other slots. Else as ``settle``.
        """
        final = self.settle(lease, results, now, wall=wall, opened=opened, requests=requests, idle=idle)
        queue = self._hosts.begun[lease.host]
        rest = replace(lease, tickets=queue.take(begun - len(results)))
        size = len(rest)
        self.queued -= size
        if self._run_quota is not None:
            self._run_quota.fresh -= size
        self._hosts.unanswered += not queue.answered
        self.out += size
        self.in_flight += 1
        queue.out += 1
        self._hosts.place(queue, now)
        return final, rest

    def _note_latencies(
        self, queue: HostQueue, results: Sequence[Result], unbegun: int, opened: int, requests: int, now: float
    ) -> bool:
        """Take in how long a lease's requests took; True where the host answers more slowly than it did."""
        elapsed = [result.elapsed for result in results if result.elapsed > 0]
        self.tally.settle(queue.tally, elapsed, opened, requests, now)
        self._hosts.update_typical()
        if any(type(result) is Failed for result in results):  # a timeout says nothing of what the host takes
            elapsed = [result.elapsed for result in results if result.elapsed > 0 and type(result) is not Failed]
        return queue.latency.update(queue.tally, elapsed, unbegun)

    def _note_responses(
        self, queue: HostQueue, lease: Lease, final: Sequence[Outcome], others: Sequence[Result], now: float
    ) -> None:
        """Take in that a host answered, where it did."""
        responses = len(final) + sum(type(result) is Redirected for result in others) if others else len(final)
        queue.responses += responses
        if queue.advertised is not None and queue.advertised.is_over(now):
            queue.update_limits()
        if final and lease.attempt is None and self._verifies:
            last = final[-1]
            if (last.status or 0) < 400 and (last.target.request is None or last.target.request.plain):
                queue.good = self._good = last.target
        if queue.health is not None or not queue.answered or self._guard.alert or self._proxy.alert:
            failed = any(not isinstance(result, Redirected) and cause_of(result) is not None for result in others)
            self._failure_policy.on_success(queue, lease, responses, now, failed=failed)

    def shorten(self, lease: Lease, begun: int, now: float) -> None:
        """Take the targets of a lease back that it will not begin, while the request that it is at goes on.

        begun: how many of its targets, the first so many, it keeps; ``settle`` expects results for these only. The
        others go to the front, for the host's other slots.
        """
        self._now = now
        size = self._shortened.get(id(lease), len(lease))
        if lease.attempt is not None or begun >= size:
            return
        queue = self._hosts.begun[lease.host]
        self._shortened[id(lease)] = begun
        self.out -= size - begun
        self._return_unbegun(queue, lease, begun, size, now)
        self._hosts.place(queue, now)

    def settle_robots(
        self,
        host: HostKey,
        verdict: RobotsVerdict | None,
        now: float,
        *,
        elapsed: float = 0.0,
        opened: int = 0,
        requests: int = 0,
        idle: int = 0,
    ) -> None:
        """Take a lease on a host's robots.txt back; ``robots`` says what the verdict does. None: it was not begun."""
        self._now = now
        queue = self._hosts.begun[host]
        gate = queue.gate
        if gate is None or not gate.asked:
            raise ValueError(f"no lease on the robots.txt of {host} is out")
        self.in_flight -= 1
        queue.out -= 1
        self._hosts.unanswered -= not queue.answered
        queue.tally.idle = idle
        since, gate.asked = gate.since, False
        self.tally.settle(queue.tally, (elapsed,) if elapsed else (), opened, requests, now)
        self._proxy.others = self.in_flight
        if verdict is not None:
            self._failure_policy.robots.on_robots(queue, gate, verdict, since, now)
            if self._host_states is not None and verdict.unreachable is None:
                self._host_states.memory.keep_robots(host, verdict, now)
        if self._probe is not None and self._probe.robots and self._probe.host == host:
            self._end_outage_probe(0 if verdict is None else 1, now)
        self._hosts.place(queue, now)

    def drain(self) -> None:
        """A stop was asked for: ``next`` gives nothing more, ``settle`` goes on as before."""
        self._draining = True

    def rows(self, now: float, most: int) -> list[HostRow]:
        """The hosts worth showing: those with requests out first, and the busiest first among each."""
        return self._survey.rows(now, most)

    def largest(self, now: float, most: int) -> list[HostRow]:
        """The hosts with the most targets, first the largest, of those that work began on."""
        return self._survey.largest(now, most)

    def slowest(self, now: float, most: int) -> list[HostRow]:
        """The hosts with the highest mean latency, first the slowest."""
        return self._survey.slowest(now, most)

    def forecast(self, now: float, workers: int, idle: int | None = None) -> Forecast:
        """How long the rest will take, which host decides that, and why; no ``seconds`` before the first reply.

        idle: workers that would have work if there were more to ask for; None for all that have no lease.
        """
        left = self.queued + self.parked + self.out
        outage = self._guard.outage
        if outage is not None:
            what = f"{outage.why}; waiting" if outage.why else "the network seems down, waiting"
            return Forecast(None, None, f"{what} for {format_duration(now - outage.since)}")
        idle = workers - self.in_flight if idle is None else idle
        return self._survey.forecast(now, workers, left=left, out=self.in_flight, idle=idle, spacing=self._spacing)

    # -- beside other runs; see ``shares`` and ``memory`` ------------------------------------------

    def quota_requests(self) -> dict[HostKey, QuotaRequest]:
        """What this run has and wants of each host that it has begun."""
        return {host: quota_request_of(queue) for host, queue in self._hosts.begun.items()}

    def host_states(self, now: float) -> dict[HostKey, HostState]:
        """What was found out so far of the hosts that have something left."""
        return {host: host_state_of(queue, now) for host, queue in self._hosts.begun.items()}

    def apply(self, shares: Allocations, now: float) -> None:
        """Keep to what other runs leave this one; without a memory there are none."""
        host_states = self._host_states
        if host_states is not None and not (host_states.alone and shares.alone):
            host_states.alone = shares.alone
            for queue in list(self._hosts.begun.values()):
                if host_states.apply(queue, shares, now):
                    self._hosts.place(queue, now)

    # -- the ways out of ``next`` ------------------------------------------------------------------

    def _lease(self, queue: HostQueue, now: float, *, only_due: bool = False) -> Lease:
        size = 1
        if queue.gate is not None:
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
            usual = self._unbound and not queue.is_restricted and not self._guard.down
            tickets = queue.take(queue.lease_length()) if usual else self._take_tickets(queue)
            size = len(tickets)
            self.queued -= size
            lease = Lease(queue.key, tickets, None, OVERRUN * queue.lease_worth, now)
            if self._recorder is not None:
                lease = replace(lease, waits=self._recorder.waits_of_fresh(queue, now))
        self.out += size
        self._begin(queue, lease, now)
        return lease

    def _begin(self, queue: HostQueue, lease: Lease, now: float) -> None:
        """Take note that a lease begins."""
        self._hosts.unanswered += not queue.answered
        queue.note_start(now)
        self.in_flight += 1
        queue.out += 1
        row = queue.tally
        if row.idle:
            row.idle -= 1
        if queue.delay:
            queue.not_before = max(queue.not_before, now + queue.delay)
            queue.started = now
        if self._spacing:
            self._next_start = now + self._spacing
        if self._guard.down:
            self._probe = lease
        self._hosts.place(queue, now)

    def _lease_parked(self, queue: HostQueue, parked: deque[PendingAttempt[HostQueue]], now: float) -> Lease:
        attempt = self._hosts.resume(parked.popleft(), queue, now)
        queue.retrying += attempt.hop is None
        return Lease(queue.key, (), attempt, inf, now)

    def _retries_next(self, queue: HostQueue, now: float) -> bool:
        """Whether a retry goes next, before fresh targets of the host that there may be."""
        if self._guard.down and not self._guard.probes_fresh:
            return True
        if queue.health is not None and queue.health.test is not None and queue.has_fresh():
            return retries_suspect(queue)  # else the same page would use up its attempts before another one tells
        return retry_goes_next(queue, now) and not prefers_fresh(queue)

    def _take_tickets(self, queue: HostQueue) -> tuple[int, ...]:
        """The fresh targets of the next lease, where there is something to heed."""
        if avoids_neighbours(queue):
            tickets = queue.take_last()
        elif prefers_fresh(queue) or self._spacing or self._guard.down:
            tickets = queue.take(1)
        elif self._run_quota is None:
            return queue.take(queue.lease_length())
        else:
            tickets = queue.take(int(min(queue.lease_length(), self._run_quota.fresh)))
        if self._run_quota is not None:
            self._run_quota.fresh -= len(tickets)
        return tickets

    def _refuse(self, queue: HostQueue, now: float) -> Refusal | None:
        queue.refusing = False
        refusal = None
        if queue.refused_until > now:
            most = 1 if self._proxy.refusals else MAX_REFUSAL
            waiting = queue.attempts.take(most)
            fresh = min(queue.fresh, most - len(waiting))
            if self._run_quota is not None:
                fresh = int(min(fresh, self._run_quota.fresh))
                self._run_quota.fresh -= fresh
            tickets = queue.take(fresh) if fresh else ()
            if not tickets and not waiting:
                return None  # what is left of it is beyond the limit of targets, and stays untouched
            self.queued -= len(tickets)
            queue.tally.done += len(tickets)
            for one in waiting:
                if (own := self.tally.hosts.get(one.attempt.target.host)) is not None:
                    own.done += 1
            attempts = tuple(self._hosts.resume(one, queue, now) for one in waiting)
            refusal = queue.refusal_of(tickets, attempts, now)
            if self._proxy.refusals and refusal.error is ErrorKind.PROXY:
                self._proxy.on_refusal(refusal.detail.removesuffix(f"; {ROBOTS_FIRST}"))
            if self._recorder is not None:
                refusal = refusal._replace(waits=self._recorder.waits_of_fresh(queue, now))
        self._hosts.place(queue, now)
        return refusal

    def _is_quota_spent(self, now: float) -> bool:
        """Whether a limit of the run is reached, or its proxy lost; without targets left, what was begun goes on."""
        run_quota = self._run_quota
        if self.spent is None:
            self.spent = self._proxy.over
        if self.spent is None and run_quota is not None:
            run_quota.begin(now)
            self.spent = run_quota.spent(now, self.tally.bytes)
            if not run_quota.fresh and self.queued and not self.parked and not self.out:
                self.spent = run_quota.all_begun()
        return self.spent is not None

    def _holds_fresh(self) -> bool:
        """Whether only attempts that are due may be leased."""
        run_quota = self._run_quota
        return self._hosts.parked >= MAX_PENDING or (run_quota is not None and not run_quota.fresh)

    def _may_probe(self, now: float) -> bool:
        guard = self._guard
        guard.doubt_outage(now)
        return not guard.down or (self._probe is None and now >= guard.probe_at and not guard.is_over(now))

    def _settle_probe(
        self, queue: HostQueue, lease: Lease, results: Sequence[Result], opened: int, requests: int, now: float
    ) -> list[Outcome]:
        """Take a probe back: nobody's outcome."""
        self.tally.settle(queue.tally, (), opened, requests, now)
        if queue.health is not None and queue.health.test is not None:
            queue.health.test.out = False
        for result in results:
            if isinstance(result, Skipped):
                queue.good = None
            else:
                self._failure_policy.host.on_probe_result(queue, lease, result, now)
        if lease is self._probe:
            self._end_outage_probe(len(results), now)
        self._hosts.place(queue, now)
        return []

    # -- the ways into ``settle`` ------------------------------------------------------------------

    def _settle_others(
        self, queue: HostQueue, lease: Lease, others: Sequence[Result], requests: int, now: float, wall: float
    ) -> list[Outcome]:
        """Settle what is neither a success nor another plain answer; the final outcomes."""
        tally, row = self.tally, queue.tally
        final: list[Outcome] = []
        self._proxy.others = self.in_flight
        for result in others:
            if isinstance(result, Redirected):
                self._hosts.put_first(result.attempt, queue, now)
                continue
            if (onward := self._over_http(lease, result)) is not None:
                self._hosts.put_first(onward, queue, now)
                continue
            outcome: Outcome | None = result
            if not isinstance(result, Skipped):
                outcome = self._failure_policy.decide(queue, lease, result, now, wall)
            elif result.error is ErrorKind.ROBOTS:
                row.disallowed += 1
            if outcome is None:
                row.errors += 1
                tally.repeat(result)
                continue
            row.errors += tally.count(outcome)
            final.append(outcome)
        if not requests and len(final) == len(lease) and all(isinstance(outcome, Skipped) for outcome in final):
            self._undo_start(queue, lease)
        return final

    def _over_http(self, lease: Lease, result: Result) -> Attempt | None:
        """What a result goes on with over http; None, as a rule, where it does not."""
        if self._fallback is None or not isinstance(result, Failed) or not falls_back(result):
            return None
        before = lease.attempt or Attempt(result.target)
        attempt = replace(before, started=result.started, history=result.history)
        return self._fallback.over_http(attempt, result.detail, result.elapsed)

    def goes_on(self, attempt: Attempt, refusal: Refusal, now: float) -> bool:
        """Whether a refused attempt goes on over http instead; it is queued there then."""
        onward = None
        if self._fallback is not None and refusal.error in FALLS_BACK:
            onward = self._fallback.over_http(attempt, refusal.detail.removesuffix(f"; {ROBOTS_FIRST}"))
        if onward is None:
            return False
        queue = self._hosts.queue_of(onward.host, now)
        self._hosts.put_first(onward, queue, now)
        self._hosts.place(queue, now)
        if (own := self.tally.hosts.get(attempt.target.host)) is not None:
            own.done -= 1
        return True

    def _undo_start(self, queue: HostQueue, lease: Lease) -> None:
        """A lease of which nothing was asked for costs no delay."""
        if queue.started == lease.since:
            queue.not_before = max(lease.since, queue.parked_until)
        if self._next_start == lease.since + self._spacing:
            self._next_start = lease.since

    def _return_unbegun(self, queue: HostQueue, lease: Lease, begun: int, size: int, now: float) -> None:
        if lease.attempt is not None:
            self._hosts.put_first(lease.attempt, queue, now)
            return
        unbegun = lease.tickets[begun:size]
        queue.give_back(unbegun)
        self.queued += len(unbegun)
        if self._run_quota is not None:
            self._run_quota.fresh += len(unbegun)

    def _end_outage_probe(self, begun: int, now: float) -> None:
        self._probe = None
        if begun and self._guard.down:
            self._guard.on_probe_failure(now)
