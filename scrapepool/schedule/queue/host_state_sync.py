"""What a run takes over from other runs when a host becomes active, and what it leaves for them.

A rate that another run has learned goes on where it was. A host that asked for a pause gets it, whoever was asked. A
host that was down is probed first. This module does not know where the state is kept.
"""

from __future__ import annotations

from math import inf

from ...model import ErrorKind, WaitReason
from ...settings import PolitenessSettings, PoolSettings, RetryPolicy
from ..health.host_health import HostHealth
from ..sharing.host_quota import NO_ALLOCATION, Allocations, QuotaRequest
from ..sharing.host_state import MAX_ROBOTS_AGE, HostState, HostStateStore
from .host_queue import HostQueue


class HostStateSync:
    """Applies a memory to hosts as they come and go, and the shares of a run that is not alone.

    alone: whether every host is this run's own. waiting: hosts that wait for a share, at most.
    """

    def __init__(
        self, memory: HostStateStore, pool: PoolSettings, policy: RetryPolicy, politeness: PolitenessSettings
    ) -> None:
        self.memory = memory
        self.alone = False
        self.waiting = 0
        self._adapt = pool.pace == "auto"
        self._policy = policy
        self._max_crawl_delay = politeness.max_crawl_delay

    def begin(self, queue: HostQueue, now: float) -> None:
        """Take over what is known of a host of which nothing was asked yet."""
        known = self.memory.recall(queue.key, now)
        if not self.alone:
            queue.allocated = 0
            self.waiting += 1
        if known is None:
            queue.update_limits()
            return
        queue.tally.mean = queue.tally.mean or known.latency
        if queue.gate is not None and known.robots is not None:
            if now - known.robots_at < MAX_ROBOTS_AGE:
                queue.apply_robots(known.robots, self._max_crawl_delay)
            else:
                queue.gate.older = known.robots
        slowed = self._adapt and (known.in_flight is not None or known.interval > 0)
        if slowed or known.dead_since is not None:
            health = queue.health = HostHealth(queue.max_limit, self._policy.break_after, adapt=self._adapt)
            if slowed and health.rate_control is not None:
                health.rate_control.resume(known.in_flight, known.interval, now)
            if known.dead_since is not None:
                health.breaker.reopen(now)
        queue.update_limits()
        queue.delay_start(known.free_at)
        queue.honour_wait(known.parked_until, now, self._policy.max_park)

    def end(self, queue: HostQueue, now: float) -> None:
        """Keep what was found out of a host of which nothing is left."""
        self.memory.keep(queue.key, host_state_of(queue, now))
        self.waiting -= not queue.allocated

    def apply(self, queue: HostQueue, shares: Allocations, now: float) -> bool:
        """Give a host its share; whether that changes anything, so that the caller places it."""
        grant = shares.grants.get(queue.key, NO_ALLOCATION)
        before, not_before = queue.allocated, queue.not_before
        queue.allocated = queue.max_limit if shares.alone else grant.slots
        self.waiting += (not queue.allocated) - (not before)
        queue.delay_start(grant.free_at)
        queue.park(grant.parked_until)
        queue.note_wait(WaitReason.PARKED, now, grant.parked_until)
        if queue.allocated == before and queue.not_before == not_before:
            return False
        queue.update_limits()
        return True


def host_state_of(queue: HostQueue, now: float) -> HostState:
    """What a run found out of a host, but for its robots.txt."""
    rate_control = None if queue.health is None else queue.health.rate_control
    deferred = queue.refused_until > now and queue.refusal is None
    given_up = queue.refused_until > now and queue.refusal is not None and queue.refusal[0] is ErrorKind.CIRCUIT_OPEN
    dead = given_up or (queue.health is not None and queue.health.breaker.opened is not None)
    return HostState(
        latency=queue.tally.latency,
        in_flight=None if rate_control is None or rate_control.limit == rate_control.most else rate_control.limit,
        interval=0.0 if rate_control is None else rate_control.steady,
        free_at=queue.started + queue.delay if queue.delay else -inf,
        parked_until=max(queue.parked_until, queue.refused_until) if deferred else queue.parked_until,
        dead_since=now if dead else None,
    )


def quota_request_of(queue: HostQueue) -> QuotaRequest:
    """What a run has and wants of a host: if nothing more, then that the delay since its last start is kept."""
    wants = min(queue.max_limit, queue.left + queue.out)
    free_at = queue.started + queue.delay if queue.delay else -inf
    held = max(queue.allocated, queue.out)
    return QuotaRequest(queue.max_limit, wants, held, queue.delay, free_at, queue.parked_until)
