"""Which target is fetched next, and when: a state machine without clocks, random numbers, threads or sockets, as h11
is.

The scheduler puts its parts together: ``dispatch`` decides what is handed out, ``settlement`` what follows from a lease
that comes back, the host table in ``queue`` which host is next, ``failures`` what a failure means. It does not know
what a ticket stands for, how anything is fetched, or what time it is: the time is an argument, decisions are values.
The engine's thread owns it, so there is no lock.

Invariants:

1. A host never has more leases in flight than its limit, and a lease is one request at a time. None begins above what
   the host's rate controller allows, and only one while its circuit is open. While its robots.txt is not settled, only
   lists are requested beside it.
2. Two starts on a host are at least its delay apart, also after its queue ran empty: a host is forgotten no earlier.
3. Every target gets exactly one final outcome, from ``settle`` or by a ``Refusal``, unless a limit of the run ends it.
4. What waits (a retry, a Retry-After, a delay, a circuit, an outage) holds no slot and does not count as in flight.
5. Memory is bounded by what is in flight, by 12 bytes per target that is left, and by 60 per host that is not begun.
   Pending attempts are bounded by ``dispatch.MAX_PENDING``, the counts of finished hosts by
   ``tally.MAX_FINISHED_HOSTS``, their robots.txt by ``robots.MAX_CACHED_HOSTS`` and ``robots.MAX_CACHED_PATTERNS``. All
   other state of a host goes when it is finished.
6. The scheduler is work-conserving: if a host may be requested now, ``next`` returns a lease on it, unless
   ``MAX_PENDING`` attempts wait already. ``wake_at`` names no time at which ``next`` was called in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..model import Attempt, HostKey, ListTarget
from ..settings import PolitenessSettings, PoolSettings, RetryPolicy, RunLimits
from .dispatch import Dispatcher
from .failures.failure_policy import FailurePolicy
from .forecast.eta import Forecast
from .forecast.host_query import ALL_HOSTS, HostQuery
from .forecast.survey import Survey
from .health.outage import Outage
from .health.retry import format_duration
from .http_fallback import HttpFallback
from .limits import HostLimits, LimitsFor
from .queue.host_state_sync import HostStateSync, host_state_of, quota_request_of
from .queue.host_table import HostTable
from .queue.ticket_chains import TicketSpool
from .queue.trace_recorder import TraceRecorder
from .robots import Rules
from .run_quota import RunQuota
from .run_state import RunState
from .settlement import Settlement
from .sharing.host_quota import Allocations, QuotaRequest
from .sharing.host_state import HostState, HostStateStore
from .tally import HostRow, Tally


class Scheduler:
    """Hands out leases and takes them back settled. Every ``now`` is monotonic seconds and never less than before.

    next, wake_at, drain: see ``Dispatcher``. settle, split, shorten, settle_robots, goes_on: see ``Settlement``. tally:
    what happened so far. rng: returns random numbers in [0, 1) for the jitter of retries. politeness: None if no
    robots.txt is requested. limits_for: returns the limits of one host; by default those of ``pool`` and
    ``politeness``. until: monotonic time from which nothing new begins. histories: whether outcomes tell what led to
    them. memory: what other runs know of hosts, None for nothing. fallback: how bare names are requested over http,
    None if they are not. verifies: whether a page may be requested a second time, to see whether its host is up. spool:
    for the tickets of long lists; None keeps all in memory. prefers: as for ``Ready``.
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
        spool: TicketSpool | None = None,
        prefers: Callable[[HostKey], bool] | None = None,
    ) -> None:
        politeness = politeness or PolitenessSettings(robots=False)
        usual = HostLimits(pool.per_host, pool.delay, politeness.robots)
        self.tally = Tally()
        recorder = TraceRecorder() if histories else None
        host_states = None if memory is None else HostStateSync(memory, pool, retry, politeness)
        limits_for = limits_for or (lambda _: usual)
        self._hosts = HostTable(self.tally, pool, limits_for, recorder, host_states, retry.max_park, spool, prefers)
        policy = FailurePolicy(self._hosts, pool, retry, politeness, rng, fallback=fallback is not None)
        run_quota = RunQuota(limits or RunLimits(), until)
        self._run_quota = run_quota if run_quota.watches else None
        self._run = RunState(
            self.tally,
            self._hosts,
            policy,
            spacing=1 / pool.rate if pool.rate else 0.0,
            quota=self._run_quota,
            recorder=recorder,
            host_states=host_states,
        )
        self._survey = Survey(self._hosts.begun, self.tally, pool)
        dispatcher, settlement = Dispatcher(self._run), Settlement(self._run, fallback, verifies=verifies)
        # Bound and not wrapped, since they are called for each lease.
        self.next, self.wake_at, self.drain = dispatcher.next, dispatcher.wake_at, dispatcher.drain
        self.settle, self.split, self.shorten = settlement.settle, settlement.split, settlement.shorten
        self.settle_robots, self.goes_on = settlement.settle_robots, settlement.goes_on

    def __repr__(self) -> str:
        run = self._run
        counts = f"{run.queued} queued, {self.parked} pending, {run.out} targets out in {run.in_flight} leases"
        return f"<Scheduler: {counts}, {self._hosts!r}>"

    @property
    def queued(self) -> int:
        """Number of fresh targets that are not on lease."""
        return self._run.queued

    @property
    def out(self) -> int:
        """Number of targets on lease."""
        return self._run.out

    @property
    def in_flight(self) -> int:
        """Number of leases."""
        return self._run.in_flight

    @property
    def spent(self) -> str | None:
        """Which limit of the run was reached, None while none was; nothing more is handed out from then on."""
        return self._run.spent

    @property
    def parked(self) -> int:
        """Number of retries and redirect hops that wait."""
        return self._hosts.parked

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, pending or in flight."""
        return not (self._run.queued or self._hosts.parked or self._run.out)

    @property
    def host_count(self) -> int:
        """Number of hosts seen so far."""
        return self.tally.host_count

    @property
    def lost(self) -> bool:
        """Whether the proxy asks for other credentials; the run ends then, and ``spent`` says so."""
        return self._run.proxy.over is not None

    @property
    def outage(self) -> Outage | None:
        """The outage under way, None if there is none. The run should end at its ``until``."""
        return self._run.guard.outage

    def rules_for(self, host: HostKey) -> Rules | None:
        """Return what the robots.txt of a host on lease allows, None if it allows everything. See ``robots``."""
        queue = self._hosts.begun.get(host)
        return None if queue is None else queue.rules

    def add(self, host: HostKey, tickets: Sequence[int]) -> None:
        """Queue fresh targets of one host. The caller chooses the tickets, numbers in 0 .. 2^64 - 1."""
        if tickets:
            self._run.queued += len(tickets)
            self._hosts.add(host, tickets, self._run.now)

    def add_list(self, target: ListTarget, now: float) -> None:
        """Queue a list, before all targets of its host and without regard to robots.txt."""
        hosts = self._run.hosts
        queue = hosts.queue_of(target.host, now)
        hosts.put_first(Attempt(target), queue, now)
        hosts.place(queue, now)

    def rows(self, now: float, most: int, query: HostQuery = ALL_HOSTS) -> list[HostRow]:
        """Return the first hosts of a query."""
        return self._survey.rows(now, most, query)

    def matching(self, query: HostQuery) -> int:
        """Return the number of hosts that a query could list, or of all hosts if it names none."""
        return self._survey.matching(query) if query.containing else self.host_count

    def largest(self, now: float, most: int) -> list[HostRow]:
        """Return the active and finished hosts with the most targets, the largest first."""
        return self._survey.largest(now, most)

    def slowest(self, now: float, most: int) -> list[HostRow]:
        """Return the hosts with the highest mean latency, the slowest first."""
        return self._survey.slowest(now, most)

    def forecast(self, now: float, workers: int, idle: int | None = None) -> Forecast:
        """Return how long the rest will take, which host decides that, and why; no ``seconds`` before the first
        response.

        idle: workers that would have work if there were more; None for all that have no lease.
        """
        left = self._run.queued + self.parked + self._run.out
        outage = self._run.guard.outage
        if outage is not None:
            what = f"{outage.why}; waiting" if outage.why else "the network seems down, waiting"
            return Forecast(None, None, f"{what} for {format_duration(now - outage.since)}")
        idle = workers - self._run.in_flight if idle is None else idle
        return self._survey.forecast(
            now, workers, left=left, out=self._run.in_flight, idle=idle, spacing=self._run.spacing
        )

    # -- beside other runs; see ``sharing`` --------------------------------------------------------

    def quota_requests(self) -> dict[HostKey, QuotaRequest]:
        """Return what this run holds and wants of each active host."""
        return {host: quota_request_of(queue) for host, queue in self._hosts.begun.items()}

    def host_states(self, now: float) -> dict[HostKey, HostState]:
        """Return what this run has found out about the active hosts."""
        return {host: host_state_of(queue, now) for host, queue in self._hosts.begun.items()}

    def apply(self, shares: Allocations, now: float) -> None:
        """Keep to what other runs leave to this one; without a memory there are no other runs."""
        host_states = self._run.host_states
        if host_states is not None and not (host_states.alone and shares.alone):
            host_states.alone = shares.alone
            for queue in list(self._hosts.begun.values()):
                if host_states.apply(queue, shares, now):
                    self._hosts.place(queue, now)
