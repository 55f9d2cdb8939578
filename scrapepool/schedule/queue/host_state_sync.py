"""What of the state that other runs left a run takes over when a host first appears, and what it leaves behind.

Decides that a learned pace goes on where it was; that a host is left alone for as long as it asked to be, whoever
asked it; that one that was down is probed before it is asked in earnest. Does not know where the state is kept.
"""

from __future__ import annotations

from math import inf

from ...model import ErrorKind, WaitReason
from ...settings import PolitenessSettings, PoolSettings, RetryPolicy
from ..health.host_health import Trouble
from ..sharing.host_quota import NOTHING, Claim, Shares
from ..sharing.host_state import ROBOTS_AGE, Known, Memory
from .host_queue import HostQueue


class Recollection:
    """Applies a memory to hosts as they come and go, and the shares of a run that is not alone.

    alone: whether every host is this run's own. waiting: hosts that wait for a share, at most.
    """

    def __init__(self, memory: Memory, pool: PoolSettings, policy: RetryPolicy, politeness: PolitenessSettings) -> None:
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
            queue.share = 0
            self.waiting += 1
        if known is None:
            queue.set_limits()
            return
        queue.row.mean = queue.row.mean or known.latency
        if queue.gate is not None and known.robots is not None:
            if now - known.robots_at < ROBOTS_AGE:
                queue.obey(known.robots, self._max_crawl_delay)
            else:
                queue.gate.older = known.robots
        slowed = self._adapt and (known.in_flight is not None or known.interval > 0)
        if slowed or known.dead_since is not None:
            trouble = queue.trouble = Trouble(queue.most, self._policy.break_after, adapt=self._adapt)
            if slowed and trouble.pace is not None:
                trouble.pace.resume(known.in_flight, known.interval, now)
            if known.dead_since is not None:
                trouble.breaker.reopen(now)
        queue.set_limits()
        queue.await_start(known.free_at)
        queue.leave_alone(known.parked_until, now, self._policy.max_park)

    def end(self, queue: HostQueue, now: float) -> None:
        """Keep what was found out of a host of which nothing is left."""
        self.memory.keep(queue.key, known_of(queue, now))
        self.waiting -= not queue.share

    def share(self, queue: HostQueue, shares: Shares, now: float) -> bool:
        """Give a host its share; whether that changes anything, so that the caller places it."""
        grant = shares.grants.get(queue.key, NOTHING)
        before, not_before = queue.share, queue.not_before
        queue.share = queue.most if shares.alone else grant.slots
        self.waiting += (not queue.share) - (not before)
        queue.await_start(grant.free_at)
        queue.park(grant.parked_until)
        queue.hold(WaitReason.PARKED, now, grant.parked_until)
        if queue.share == before and queue.not_before == not_before:
            return False
        queue.set_limits()
        return True


def known_of(queue: HostQueue, now: float) -> Known:
    """What a run found out of a host, but for its robots.txt."""
    pace = None if queue.trouble is None else queue.trouble.pace
    deferred = queue.refused_until > now and queue.refusal is None
    given_up = queue.refused_until > now and queue.refusal is not None and queue.refusal[0] is ErrorKind.CIRCUIT_OPEN
    dead = given_up or (queue.trouble is not None and queue.trouble.breaker.opened is not None)
    return Known(
        latency=queue.row.latency,
        in_flight=None if pace is None or pace.limit == pace.most else pace.limit,
        interval=0.0 if pace is None else pace.steady,
        free_at=queue.started + queue.delay if queue.delay else -inf,
        parked_until=max(queue.parked_until, queue.refused_until) if deferred else queue.parked_until,
        dead_since=now if dead else None,
    )


def claim_of(queue: HostQueue) -> Claim:
    """What a run has and wants of a host: if nothing more, then that the delay since its last start is kept."""
    wants = min(queue.most, queue.left + queue.out)
    free_at = queue.started + queue.delay if queue.delay else -inf
    return Claim(queue.most, wants, max(queue.share, queue.out), queue.delay, free_at, queue.parked_until)
