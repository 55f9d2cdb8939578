"""The queue of one host: its targets, its leases in flight, its limits, and when it may be requested again.

Decides how many targets a lease holds, and which limits hold now. Knows no other host, nor which host is next. Time is
an argument. This file is long because all decisions about one host read the same state.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf
from typing import Self

from ...model import Attempt, ErrorKind, HostKey, Target, WaitReason
from ..health.advertised_limits import AdvertisedLimits
from ..health.host_health import HostHealth
from ..health.retry import wait_detail
from ..lease import Refusal
from ..limits import HostLimits
from ..robots import RobotsGate, RobotsVerdict, Rules
from ..tally import HostTally
from .latency import LEASE_SECONDS, NEAR_LATENCY, RESTRICTED_LEASE_SECONDS, LatencyEstimate
from .pending import PendingAttempts
from .wait_spans import WaitSpans

TAIL_SHARE = 8
"""A lease on a nearby host takes one of ``limit / TAIL_SHARE`` parts of what its host has left, and at most half of it,
so that the other slots have something to do at the end. With one of ``limit * 2`` parts, 8,000 URLs of 50 quick hosts
took 1.8 times as long, in leases of a few targets. A lease on a distant host takes one of ``limit`` parts, since each
target counts at the end, and one target if the host has refused or failed anything, so that few are refused."""

OVERRUN = 2.5
"""A lease may take so many times its worth before its unbegun targets are returned, since hosts become slower."""

MAX_PENDING_PER_HOST = 1000
"""Maximum number of pending attempts of one host's targets. A host with as many gets no fresh targets: it fails too
often, and a pending attempt takes about a kilobyte, a fresh target 8 bytes."""

COMPACT_AFTER = 512
"""Number of taken tickets before the front of the array is cut off, if they are at least half of it: O(1) amortised."""


class HostQueue:
    """The state of one active host. The scheduler owns it. All times are monotonic seconds.

    limit: maximum number of leases in flight, now; ``max_limit`` if nothing restricts it. allocated: as many as other
    runs leave to this one. delay: seconds between two starts, now; at least ``min_delay``. closed_for: returns the
    seconds from a time until the host's window opens; None without a window. lasts: returns how long so many seconds of
    open time take; None likewise. tickets, head: fresh targets; those before ``head`` are taken. repeats: how many of
    them, the first so many, are requested again, see ``repeat``. attempts: the attempts that wait here; ``NO_ATTEMPTS``
    before the first. pending: the attempts of this host's targets that wait, here or at
    a host that they were redirected to. out: leases in flight. retrying: retries in flight. retried: retries that
    counted against the budget. not_before: no start earlier. parked_until: the same, because of a refusal. started:
    when the last request started. refused_until: everything is refused earlier. refusal: as which error, None for a
    deferral. ready_since: since when the host could have been requested. bucket: place in ``Ready``, -1 for none.
    timer: number of the next timer, 0 for none. refusing, expiring: whether the host is in that queue of ``HostTable``.
    answered: whether the host has responded in this run. responses: pages that it served. failures: pages that failed
    on their first request while others were served. good: the last page that it served. latency: estimate of its
    latency. health: what failures have shown, None if there were none. advertised: the rate limits that its responses
    name, None if they name none. gate: holds targets back until robots.txt is settled, None from then on. rules: what
    robots.txt allows. wait_spans: when and why it got no requests, None if not recorded.
    """

    __slots__ = (
        "advertised", "allocated", "answered", "attempts", "bucket", "closed_for", "delay", "expiring", "failures",
        "gate", "good", "head", "health", "key", "lasts", "latency", "limit", "max_limit", "min_delay", "not_before",
        "out", "parked_until", "pending", "ready_since", "refusal", "refused_until", "refusing", "repeats", "responses",
        "retried", "retrying", "rules", "started", "tally", "tickets", "timer", "wait_spans",
    )  # fmt: skip

    def __init__(
        self, key: HostKey, tally: HostTally, tickets: array[int], limits: HostLimits, adapt: bool = True
    ) -> None:
        self.key = key
        self.tally = tally
        self.limit = self.max_limit = self.allocated = limits.per_host
        self.delay = self.min_delay = limits.delay
        self.closed_for = limits.closed_for
        self.lasts = limits.lasts
        self.tickets = tickets
        self.head = self.repeats = 0
        self.attempts = NO_ATTEMPTS
        self.pending = self.out = self.retrying = self.retried = 0
        self.not_before = self.parked_until = self.refused_until = self.started = self.ready_since = -inf
        self.refusal: tuple[ErrorKind, str] | None = None
        self.bucket = -1
        self.timer = 0
        self.refusing = self.expiring = False
        self.responses = max(0, tally.done - tally.errors)
        self.answered = self.responses > 0
        self.failures = 0
        self.good: Target | None = None
        self.latency = LatencyEstimate(adapt)
        self.health: HostHealth | None = None
        self.advertised: AdvertisedLimits | None = None
        self.gate: RobotsGate | None = None
        self.rules: Rules | None = None
        self.wait_spans: WaitSpans | None = None
        if limits.robots:
            self.gate = RobotsGate()

    def __repr__(self) -> str:
        left = f"{self.fresh} fresh, {len(self.attempts)} pending"
        return f"<HostQueue {self.key}: {left}, {self.out}/{self.limit} in flight>"

    def __lt__(self, other: Self) -> bool:
        """Exist for the type checker of heaps; never called, since each timer has a number of its own."""
        return NotImplemented

    # -- what is left ------------------------------------------------------------------------------

    @property
    def fresh(self) -> int:
        """Number of targets that were never leased, or were returned unbegun."""
        return len(self.tickets) - self.head

    @property
    def left(self) -> int:
        """Number of targets and attempts that are not on lease."""
        return len(self.tickets) - self.head + len(self.attempts)

    def own_attempts(self) -> PendingAttempts[HostQueue]:
        """Return its attempts to add one to them."""
        if self.attempts is NO_ATTEMPTS:
            self.attempts = PendingAttempts()
        return self.attempts

    def has_work(self) -> bool:
        """Whether something could be leased now if limits and times allowed it."""
        attempts = self.attempts
        if self.gate is not None and self.gate.asked:
            return bool(attempts.lists)
        if self.head < len(self.tickets) and self.pending < MAX_PENDING_PER_HOST:
            return True
        return bool(attempts.urgent or attempts.retries or attempts.lists)

    def has_fresh(self) -> bool:
        """Whether a fresh target could be leased."""
        return self.head < len(self.tickets) and self.pending < MAX_PENDING_PER_HOST

    def is_finished(self) -> bool:
        """Whether nothing is left, in flight or pending."""
        if self.out or self.pending or self.head != len(self.tickets):
            return False
        attempts = self.attempts
        return attempts is NO_ATTEMPTS or not attempts

    def take(self, count: int) -> tuple[int, ...]:
        """Take the next ``count`` tickets, or as many as there are."""
        head, tickets = self.head, self.tickets
        taken = (tickets[head],) if count == 1 else tuple(tickets[head : head + count])
        head += len(taken)
        if head == len(tickets):
            self.tickets, head = array("Q"), 0
        elif head >= COMPACT_AFTER and 2 * head >= len(tickets):
            del tickets[:head]
            head = 0
        self.head = head
        if self.repeats:
            self.repeats = max(0, self.repeats - len(taken))
        return taken

    def take_last(self) -> tuple[int, ...]:
        """Take the last ticket, which has least to do with those that failed; there must be one."""
        taken = (self.tickets.pop(),)
        if self.head == len(self.tickets):
            self.tickets, self.head = array("Q"), 0
        return taken

    def give_back(self, tickets: Sequence[int]) -> None:
        """Put tickets before all others, in their order."""
        front = max(0, self.head - len(tickets))
        self.tickets[front : self.head] = array("Q", tickets)
        self.head = front
        if self.repeats:
            self.repeats += len(tickets)

    def repeat(self, tickets: Sequence[int]) -> None:
        """Put tickets before all others that a slow response kept from their end; their leases hold nothing else.

        So no slow response comes behind them again, and their end verifies them.
        """
        self.give_back(tickets)
        self.repeats = self.repeats or len(tickets)

    # -- how much at a time ------------------------------------------------------------------------

    def seconds_per_target(self) -> float:
        """Return the seconds that the host takes per target with all slots in use; 0.0 for unknown."""
        return max(self.delay, self.tally.mean / (self.limit or 1))

    @property
    def capacity(self) -> float:
        """Requests per second that slots and latency alone would allow; infinite for unknown."""
        return self.max_limit / self.tally.mean if self.tally.mean else inf

    @property
    def is_restricted(self) -> bool:
        """Whether failures restrict the host."""
        return self.health is not None and not self.health.is_unrestricted

    @property
    def lease_worth(self) -> float:
        """Seconds for which a lease may hold its first response: little while the host refuses or fails."""
        return RESTRICTED_LEASE_SECONDS if self.is_restricted else LEASE_SECONDS

    def lease_length(self) -> int:
        """Return how many fresh targets the next lease should hold.

        The best latency counts while the host is healthy, since the latest latencies may be of this program's own
        making, and ``max_lease`` follows them.
        """
        latency = self.latency
        if latency.max_lease == 1 or self.delay:
            return 1
        expected = self.tally.mean if self.is_restricted else latency.best
        if expected > NEAR_LATENCY:
            share = self.fresh // self.limit if self.health is None else 1
        else:
            share = -(-self.fresh // max(2, self.limit // TAIL_SHARE))
        length = max(1, min(1 + int(self.lease_worth / expected), latency.max_lease, share))
        return min(length, self.repeats) if self.repeats else length

    # -- limits and times --------------------------------------------------------------------------

    def may_start(self, now: float) -> bool:
        """Whether neither limits nor times prevent a start."""
        return self.out < self.limit and max(self.not_before, self.refused_until) <= now

    def update_limits(self) -> None:
        """Compute ``limit`` and ``delay`` after a change of ``health``, ``gate``, ``min_delay`` or ``allocated``."""
        health = self.health
        if health is None:
            self.limit, self.delay = self.max_limit, self.min_delay
        else:
            self.limit, self.delay = health.limit(self.max_limit), max(self.min_delay, health.interval)
            self.not_before = max(self.not_before, health.probe_at)
        if self.advertised is not None and self.advertised.spare < self.limit:
            self.limit = int(self.advertised.spare)
        self.limit = min(self.limit, self.allocated)

    def apply_robots(self, verdict: RobotsVerdict, max_crawl_delay: float) -> None:
        """Keep to a robots.txt that was fetched, and let the targets go."""
        self.gate, self.tally.robots = None, "ok"
        self.rules = verdict.rules
        self.min_delay = max(self.min_delay, min(verdict.crawl_delay or 0.0, max_crawl_delay))
        self.update_limits()

    def resume_requests(self, now: float) -> None:
        """Wait for no probe any more, only for the cool-down and the delay that hold now."""
        if self.wait_spans is not None:
            self.wait_spans.end(WaitReason.CIRCUIT, now)
            self.wait_spans.add(WaitReason.PARKED, now, self.parked_until)
        self.not_before = max(self.parked_until, self.started + self.delay)
        self.timer = 0

    def delay_start(self, free_at: float) -> None:
        """Start nothing before ``free_at``, since another run started a request less than the delay ago."""
        self.started = max(self.started, free_at - self.delay)
        self.not_before = max(self.not_before, free_at)

    def note_start(self, now: float) -> None:
        """Note that a request starts now, and since when one could have started: unused time says nothing of limits."""
        if self.health is not None and self.health.rate_control is not None and self.ready_since > -inf:
            self.health.rate_control.on_request(now, self.ready_since)

    def note_wait(self, why: WaitReason, since: float, until: float) -> None:
        """Record why the host gets no requests in the meantime, if waits are recorded."""
        if self.wait_spans is not None:
            self.wait_spans.add(why, since, until)

    def park(self, until: float) -> None:
        """Start nothing before ``until``."""
        self.parked_until = max(self.parked_until, until)
        self.not_before = max(self.not_before, until)

    def honour_wait(self, until: float, now: float, max_park: float) -> None:
        """Honour a wait that the host asked an earlier run for: park it, or refuse it if that exceeds ``max_park``."""
        if until - now > max_park:
            self.refuse(until, None)
        elif until > now:
            self.park(until)
            self.note_wait(WaitReason.PARKED, now, until)

    # -- failures ----------------------------------------------------------------------------------

    def end_failure_row(self) -> None:
        """Note that the pages that failed in a row are broken, and that the host is healthy."""
        if self.health is not None:
            self.failures += self.health.breaker.failed_in_row
            self.health.end_failure_row()

    def refuse(self, until: float, refusal: tuple[ErrorKind, str] | None) -> None:
        """Refuse everything that is left, and what is added before ``until``."""
        self.refused_until = max(self.refused_until, until)
        self.refusal = refusal

    @property
    def refuses_lists(self) -> bool:
        """Whether a refusal holds for lists as well: not if it is because of robots.txt, which is not for lists."""
        return self.refusal is None or self.refusal[0] is not ErrorKind.ROBOTS_UNREACHABLE

    @property
    def left_to_refuse(self) -> int:
        """Number of targets and attempts that a refusal holds for."""
        return self.left if self.refuses_lists else self.left - self.attempts.list_count

    def refusal_of(self, tickets: tuple[int, ...], attempts: tuple[Attempt, ...], now: float) -> Refusal:
        """Return the refusal of some of its targets."""
        if self.refusal is not None:
            error, detail = self.refusal
            return Refusal(self.key, tickets, attempts, detail, error=error)
        wait = self.refused_until - now
        return Refusal(self.key, tickets, attempts, wait_detail(self.key, wait), not_before=wait)


NO_ATTEMPTS: PendingAttempts[HostQueue] = PendingAttempts()
"""Stands in for the attempts of all hosts that never had any, and stays empty: most hosts never need an object of their
own."""
