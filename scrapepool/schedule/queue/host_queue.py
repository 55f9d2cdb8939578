"""One host: what is left of it, what is out, and from when it may be asked again.

Decides the order inside a host and how long a lease may be. Does not know other hosts, nor who
is next among them; knows time only as an argument.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import NamedTuple, Self

from ...model import Attempt, ErrorKind, HostKey, Target, WaitReason
from ..health.adaptive_rate import alarm_threshold
from ..health.advertised_limits import AdvertisedLimits
from ..health.attribution import MIN_PAGES
from ..health.circuit_breaker import AMBIGUOUS_CAUSES, Cause
from ..health.host_health import HostHealth
from ..health.retry import wait_detail
from ..lease import Refusal
from ..limits import HostLimits
from ..robots import RobotsGate, RobotsVerdict, Rules
from ..tally import HostTally
from .wait_spans import WaitSpans

LEASE_SECONDS = 0.020
"""Seconds of work that a lease should be worth: enough to make the hand-over between two threads (about 50 µs) cheap,
short enough that a host's other slots, a signal and the display do not notice. Real networks get leases of 1."""

NEAR_LATENCY = 0.025
"""Seconds that an answer of a nearby host takes at most. After a lease the connection to one is watched for what may
still come (``transport.work.desync``), for about as long as two answers take."""

NEAR_LEASE_SECONDS = 0.25
"""Seconds of work that a lease on a nearby host should be worth, so that the watching is a small part of it."""

TAIL_SHARE = 8
"""A lease takes one of ``limit / TAIL_SHARE`` parts of what its host has left, and at most half of it, so that the
other slots have something to do at the end. With one of ``limit * 2`` parts, 8,000 URLs of 50 quick hosts took 1.8
times as long, in leases of a few targets."""

OVERRUN = 2.5
"""Times its worth that a lease may take before what it has not begun is given back: hosts slow down."""

MAX_LEASE = 64
"""Targets in one lease at most; measured: 4 gave 1.7 times the throughput of 1 on loopback, 16 2.2, 64 3.2."""

MAX_PENDING_PER_HOST = 1000
"""Attempts of one host's targets that may wait at a time. A host that has as many gets no fresh targets: so many
failures say that it is in trouble, and each holds about a kilobyte, where a fresh target holds 8 bytes."""

RETRY_PRIORITY_AFTER = 900.0
"""Seconds from when a retry is due until it goes before targets that were never requested."""

RETRY_SHARE = 4
"""One slot of so many, and one at least, is for retries while the host has targets that were never requested: pages
that hang must not take all slots again."""

COMPACT_AFTER = 512
"""Tickets taken before the front of the array is cut off, and then only where they are half of it: O(1) amortised."""

MEAN_WEIGHT = 8
"""Targets that the mean latency remembers: a settle of n of them moves it by n / (n + 8) of the way."""


class PendingAttempt(NamedTuple):
    """An attempt that waits.

    since: when it began to. due: from when it may be leased. owner: the queue that the target came from, None where
    that is forgotten by now. why: what it waits for until ``due``. Times are monotonic seconds.
    """

    attempt: Attempt
    since: float
    due: float
    owner: HostQueue | None
    why: WaitReason = WaitReason.TURN


def _refunded(parked: PendingAttempt, said: str, most: int) -> PendingAttempt:
    """Return the attempt with its number set back, where its page failed with ``said``; see ``give_attempts_back``."""
    attempt = parked.attempt
    back = min(attempt.number - 1, most - attempt.refunds)
    if attempt.earlier is None or attempt.earlier.said != said or back <= 0:
        return parked
    return parked._replace(attempt=replace(attempt, number=attempt.number - back, refunds=attempt.refunds + back))


def _failed_at(parked: PendingAttempt) -> float:
    """Return when the page failed last, in monotonic seconds; negative infinity for never."""
    earlier = parked.attempt.earlier
    return -inf if earlier is None else earlier.at


def _failed_here(parked: PendingAttempt, host: HostKey, since: float) -> bool:
    """Whether the page failed at ``host`` and not after ``since``."""
    earlier = parked.attempt.earlier
    return earlier is not None and earlier.host == host and earlier.at <= since


class HostQueue:
    """The state of one host that was asked for something, owned by the scheduler.

    limit: leases at a time, now; ``most`` where nothing is amiss. share: as many as other runs leave us.
    delay: seconds between two starts, now; ``floor`` at least. closed_for: seconds from a time until its window opens,
    None for a host without one. lasts: how long so many seconds of its open time take, None likewise.
    tickets, head: fresh targets; those before ``head`` are taken.
    due: attempts that go before any fresh target: redirects' hops, and what was handed back. again: retries, which go
    after the fresh targets. waiting: retries whose time is to come, by number. retrying: retries out.
    out: leases out. owed: attempts of this host's targets that wait, here or at a host that they were redirected to.
    not_before: no start earlier. parked_until: what a refusal made of that. started: when the last one was.
    refused_until: all is refused earlier; ``refusal`` says as what, None for a deferral.
    ready_since: when it could be requested from, the last time.
    longest: targets in the next lease at most. best: seconds a target took in the best lease.
    bucket: place in ``Ready``, -1 for none. timer: number of the timer that will look at it again, 0 for none.
    refusing, resting: whether it stands in the queue of that name.
    answered: whether it has in this run. answers: pages that were. failures: pages that failed when they were first
    requested, while others were answered. good: the last page that was answered, None while none was.
    retried: retries that counted. calm, alarm: the lowest mean latency so far,
    and that from which it has risen, infinite where the pace is fixed. trouble: what failures made of it, or None.
    quota: what it says is left of its rate limits, None where it says nothing.
    gate: what keeps targets back until robots.txt is settled, None from then on. rules: what that said.
    holds: when it was not asked, and why; None where no histories are told.
    """

    __slots__ = (
        "again",
        "alarm",
        "answered",
        "baseline",
        "best",
        "bucket",
        "closed_for",
        "delay",
        "due",
        "failures",
        "floor",
        "gate",
        "good",
        "head",
        "health",
        "key",
        "lasts",
        "limit",
        "longest",
        "most",
        "not_before",
        "out",
        "parked_until",
        "pending",
        "quota",
        "ready_since",
        "refusal",
        "refused_until",
        "refusing",
        "responses",
        "resting",
        "retried",
        "retrying",
        "row",
        "rules",
        "share",
        "started",
        "tickets",
        "timer",
        "wait_spans",
        "waiting",
    )  # fmt: skip

    def __init__(
        self, key: HostKey, row: HostTally, tickets: array[int], limits: HostLimits, *, adapt: bool = True
    ) -> None:
        self.key = key
        self.row = row
        self.limit = self.most = self.share = limits.per_host
        self.delay = self.floor = limits.delay
        self.closed_for = limits.closed_for
        self.lasts = limits.lasts
        self.tickets = tickets
        self.head = 0
        self.due: deque[PendingAttempt] | None = None
        self.again: deque[PendingAttempt] | None = None
        self.waiting: dict[int, PendingAttempt] | None = None
        self.out = self.retrying = 0
        self.pending = 0
        self.not_before = self.parked_until = self.refused_until = self.started = self.ready_since = -inf
        self.refusal: tuple[ErrorKind, str] | None = None
        self.longest = 1
        self.best = inf
        self.bucket = -1
        self.timer = 0
        self.refusing = self.resting = False
        self.responses = max(0, row.done - row.errors)
        self.answered = self.responses > 0
        self.failures = self.retried = 0
        self.good: Target | None = None
        self.baseline = inf if adapt else -inf
        self.alarm = inf
        self.health: HostHealth | None = None
        self.quota: AdvertisedLimits | None = None
        self.gate: RobotsGate | None = None
        self.rules: Rules | None = None
        self.wait_spans: WaitSpans | None = None
        if limits.robots:
            self.gate = RobotsGate()
            self.limit = 1

    def __repr__(self) -> str:
        due, waiting = len(self.due or ()) + len(self.again or ()), len(self.waiting or ())
        return f"<HostQueue {self.key}: {self.fresh} fresh, {due} due, {waiting} waiting, {self.out}/{self.limit} out>"

    def __lt__(self, other: Self) -> bool:
        """Never asked: every timer has a number of its own. Here so that the type checker knows heaps of timers."""
        return NotImplemented

    @property
    def fresh(self) -> int:
        """Targets that were never leased, or were handed back unbegun."""
        return len(self.tickets) - self.head

    @property
    def left(self) -> int:
        """Targets and attempts that are not on lease."""
        fresh = len(self.tickets) - self.head
        return fresh + len(self.due or ()) + len(self.again or ()) + len(self.waiting or ())

    def has_work(self) -> bool:
        """Whether something could be leased now, were it not for limits and times."""
        return bool(self.due or self.again) or self.has_fresh()

    def has_fresh(self) -> bool:
        """Whether fresh targets could be."""
        return self.head < len(self.tickets) and self.pending < MAX_PENDING_PER_HOST

    def next_is_retry(self, now: float) -> bool:
        """Whether a retry is what goes next, before fresh targets that there may be."""
        if not self.again:
            return False
        earlier = self.again[0].attempt.earlier
        if not self.has_fresh() or (earlier is not None and earlier.tries):
            return True
        return self.again[0].due + RETRY_PRIORITY_AFTER <= now and self.retrying < max(1, self.limit // RETRY_SHARE)

    def may_start(self, now: float) -> bool:
        """Whether neither times nor limits keep it back."""
        return self.out < self.limit and max(self.not_before, self.refused_until) <= now

    def is_finished(self) -> bool:
        """Whether nothing is left, out or owed."""
        if self.out or self.pending or self.due or self.again or self.waiting:
            return False
        return self.head == len(self.tickets)

    def seconds_per_target(self) -> float:
        """Seconds that a target takes this host, all its slots at work; 0.0 where that is unknown."""
        return max(self.delay, self.row.mean / (self.limit or 1))

    @property
    def capacity(self) -> float:
        """Requests a second that it would serve, slots and latency alone considered; infinite where that is unknown."""
        return self.most / self.row.mean if self.row.mean else inf

    @property
    def is_restricted(self) -> bool:
        """Whether failures have made more of it than a note."""
        return self.health is not None and not self.health.is_unrestricted

    @property
    def lease_worth(self) -> float:
        """Seconds of work that a lease on it should be worth: no long ones while it refuses or fails."""
        return NEAR_LEASE_SECONDS if self.best <= NEAR_LATENCY and not self.is_restricted else LEASE_SECONDS

    def lease_length(self) -> int:
        """How many fresh targets the next lease should have.

        By the host's best while all is well: what the last ones took may be this program's own doing, and ``longest``
        follows those.
        """
        if self.longest == 1 or self.delay:
            return 1
        share = -(-self.fresh // max(2, self.limit // TAIL_SHARE))
        expected = self.row.mean if self.is_restricted else self.best
        return max(1, min(int(self.lease_worth / expected), self.longest, share))

    def on_latencies(self, elapsed: Sequence[float], unbegun: int) -> bool:
        """Take the latencies of a settled lease in, and how many of its targets came back unbegun; True for alarm."""
        if not elapsed:
            return False
        count = len(elapsed)
        mean = took = sum(elapsed) / count
        row = self.row
        if row.mean:
            mean = row.mean + (mean - row.mean) * count / (count + MEAN_WEIGHT)
        row.mean = mean
        self.best = min(self.best, took)
        if unbegun:
            self.longest = count
        elif self.longest < 2 * count:
            self.longest = min(2 * count, MAX_LEASE)
        if mean < self.baseline:
            self.baseline = mean
            self.alarm = alarm_threshold(mean)
        return mean > self.alarm

    def raise_baseline(self) -> None:
        """Take half of a risen latency for the new calm one: one that stays is no sign of strain."""
        self.baseline = (self.baseline + self.row.mean) / 2
        self.alarm = alarm_threshold(self.baseline)

    def update_limits(self) -> None:
        """Work out ``limit`` and ``delay`` anew, after a change of ``health``, ``gate``, ``floor`` or ``share``."""
        health = self.health
        if health is None:
            self.limit, self.delay = self.most, self.floor
        else:
            self.limit, self.delay = health.limit(self.most), max(self.floor, health.interval)
            self.not_before = max(self.not_before, health.probe_at)
        if self.gate is not None:
            self.limit = 1
        if self.quota is not None and self.quota.spare < self.limit:
            self.limit = int(self.quota.spare)
        self.limit = min(self.limit, self.share)

    def apply_robots(self, verdict: RobotsVerdict, max_crawl_delay: float) -> None:
        """Keep to a robots.txt that was had, and let the targets go."""
        self.gate, self.row.robots = None, "ok"
        self.rules = verdict.rules
        self.floor = max(self.floor, min(verdict.crawl_delay or 0.0, max_crawl_delay))
        self.update_limits()

    def note_wait(self, why: WaitReason, since: float, until: float) -> None:
        """Take note of why nothing is asked meanwhile, where histories are told."""
        if self.wait_spans is not None:
            self.wait_spans.add(why, since, until)

    def resume_requests(self, now: float) -> None:
        """Wait for no probe and no longer delay any more, only for what the parking and the delay ask for now."""
        if self.wait_spans is not None:
            self.wait_spans.end(WaitReason.CIRCUIT, now)
            self.wait_spans.add(WaitReason.PARKED, now, self.parked_until)
        self.not_before = max(self.parked_until, self.started + self.delay)
        self.timer = 0

    def delay_start(self, free_at: float) -> None:
        """Start nothing before ``free_at``: somebody else's last start is less than the delay ago."""
        self.started = max(self.started, free_at - self.delay)
        self.not_before = max(self.not_before, free_at)

    def note_start(self, now: float) -> None:
        """Take note that it is requested from now, and could have been before: that time says nothing of its limit."""
        if self.health is not None and self.health.rate_control is not None and self.ready_since > -inf:
            self.health.rate_control.on_request(now, self.ready_since)

    def park(self, until: float) -> None:
        """Start nothing before ``until``."""
        self.parked_until = max(self.parked_until, until)
        self.not_before = max(self.not_before, until)

    def honour_wait(self, until: float, now: float, max_park: float) -> None:
        """Heed what the host asked for before this run: park it, refuse it where that is more than ``max_park``."""
        if until - now > max_park:
            self.refuse(until, None)
        elif until > now:
            self.park(until)
            self.note_wait(WaitReason.PARKED, now, until)

    @property
    def prefers_fresh(self) -> bool:
        """Whether the next should be a fresh target, before the due, and there is one.

        A host that is down must not use up one target's attempts, and a broken page is no broken host.
        """
        return self.health is not None and self.health.breaker.prefers_fresh and self.has_fresh()

    @property
    def probes_known_page(self) -> bool:
        """Whether a page that it answered before is to tell whether it is up. A host that refuses is left alone."""
        health = self.health
        if health is None:
            return False
        if health.test is not None:
            return not health.test.out and not (health.test.page_next and self.again)
        if health.breaker.cause is Cause.THROTTLED:
            return False
        return health.breaker.opened is not None or (health.blamed and health.cool_down.refused_in_row > 0)

    @property
    def avoids_neighbours(self) -> bool:
        """Whether pages that are next to each other in the list may be broken, and the last one not.

        While the host counts as down, every second time only: the broken ones may be the last.
        """
        if self.health is None:
            return False
        breaker = self.health.breaker
        turn = breaker.opened is None or breaker.failed_in_row % 2 == 1
        return breaker.cause in AMBIGUOUS_CAUSES and breaker.failed_in_row >= MIN_PAGES and turn and self.has_fresh()

    @property
    def retries_suspect(self) -> bool:
        """Whether a page that failed is to be requested again, to see whether it is broken."""
        return self.health is not None and self.health.test is not None and self.health.test.page_next

    def find_suspect(self, since: float) -> PendingAttempt | None:
        """Return the retry whose page failed last before ``since``: the one that a test requests next."""
        retries = (*(self.again or ()), *(self.waiting or {}).values())
        suspects = [parked for parked in retries if _failed_here(parked, self.key, since)]
        return max(suspects, key=_failed_at, default=None)

    def retry_suspect(self, since: float) -> None:
        """Move the retry of another page that failed before ``since`` to the front, if one waits."""
        parked = self.find_suspect(since)
        if parked is None or (earlier := parked.attempt.earlier) is None:
            return
        if self.again and parked in self.again:
            self.again.remove(parked)
        elif self.waiting:
            del self.waiting[next(number for number, other in self.waiting.items() if other is parked)]
        attempt = replace(parked.attempt, earlier=earlier._replace(tries=True))
        self.add_retry(parked._replace(attempt=attempt))

    def end_failure_row(self) -> None:
        """The pages that failed in a row are broken, and the host is well."""
        if self.health is not None:
            self.failures += self.health.breaker.failed_in_row
            self.health.end_failure_row()

    def refusal_of(self, tickets: tuple[int, ...], attempts: tuple[Attempt, ...], now: float) -> Refusal:
        """The refusal of some of its targets."""
        if self.refusal is not None:
            error, detail = self.refusal
            return Refusal(self.key, tickets, attempts, detail, error=error)
        wait = self.refused_until - now
        return Refusal(self.key, tickets, attempts, wait_detail(self.key, wait), not_before=wait)

    def refuse(self, until: float, refusal: tuple[ErrorKind, str] | None) -> None:
        """Refuse all that is left, and what comes before ``until``."""
        self.refused_until = max(self.refused_until, until)
        self.refusal = refusal

    def take(self, count: int) -> tuple[int, ...]:
        """The next ``count`` tickets, or as many as there are."""
        head, tickets = self.head, self.tickets
        taken = (tickets[head],) if count == 1 else tuple(tickets[head : head + count])
        head += len(taken)
        if head == len(tickets):
            self.tickets, head = array("Q"), 0
        elif head >= COMPACT_AFTER and 2 * head >= len(tickets):
            del tickets[:head]
            head = 0
        self.head = head
        return taken

    def take_last(self) -> tuple[int, ...]:
        """The last ticket, which has least to do with those that failed; there must be one."""
        taken = (self.tickets.pop(),)
        if self.head == len(self.tickets):
            self.tickets, self.head = array("Q"), 0
        return taken

    def give_back(self, tickets: Sequence[int]) -> None:
        """Put tickets before all others, in their order."""
        front = max(0, self.head - len(tickets))
        self.tickets[front : self.head] = array("Q", tickets)
        self.head = front

    def put_first(self, parked: PendingAttempt) -> None:
        """Put an attempt before everything else: a redirect's hop, or what was handed back."""
        if self.due is None:
            self.due = deque()
        self.due.appendleft(parked)

    def add_retry(self, parked: PendingAttempt) -> None:
        """Put a retry after all others that may go."""
        if self.again is None:
            self.again = deque()
        earlier = parked.attempt.earlier
        if earlier is None or earlier.tries:  # what failed was not the page, as far as is known
            self.again.appendleft(parked)
        else:
            self.again.append(parked)

    def delay_attempt(self, number: int, parked: PendingAttempt) -> None:
        """Let an attempt wait under a number until ``come_due``."""
        if self.waiting is None:
            self.waiting = {}
        self.waiting[number] = parked

    def cancel(self, number: int) -> PendingAttempt | None:
        """Take out the attempt that waits under a number, None where it no longer does."""
        return self.waiting.pop(number, None) if self.waiting is not None else None

    def release(self, number: int) -> bool:
        """Let the attempt of that number go next; False where it no longer waits."""
        if self.waiting is None or number not in self.waiting:
            return False
        self.add_retry(self.waiting.pop(number))
        return True

    def refund_attempts(self, said: str, most: int) -> None:
        """Stop counting the attempts so far of waiting pages that failed with ``said``, up to ``most`` per page."""
        if self.again:
            self.again = deque(_refunded(parked, said, most) for parked in self.again)
        if self.waiting:
            self.waiting = {number: _refunded(parked, said, most) for number, parked in self.waiting.items()}

    def take_pending(self, most: int) -> list[PendingAttempt]:
        """Up to ``most`` attempts, due or not, to be refused."""
        taken: list[PendingAttempt] = []
        for ready in (self.due, self.again):
            while ready and len(taken) < most:
                taken.append(ready.popleft())
        while self.waiting and len(taken) < most:
            taken.append(self.waiting.pop(next(iter(self.waiting))))
        return taken

    def state(self, now: float) -> tuple[str, float | None]:  # noqa: PLR0911 - a table of words, the first that fits
        """The word that a view shows, and the seconds until it changes where that is known."""
        if self.refused_until > now:
            return ("deferred", self.refused_until - now) if self.refusal is None else ("given up", None)
        finished, gate = self.is_finished(), self.gate
        if gate is not None and not finished and (gate.asked or gate.failures or self.may_start(now)):
            return "robots", self.not_before - now if self.not_before > now else None
        health = self.health
        if health is not None and health.breaker.opened is not None and not finished:
            return ("half-open", None) if self.out else ("circuit open", max(0.0, self.not_before - now))
        if self.parked_until > now and not finished:
            return "parked", self.parked_until - now
        if health is not None and (health.interval or self.limit < self.most) and not finished:
            return "slowed", None
        if not self.out and self.has_work() and self.not_before > now:
            return "waiting", self.not_before - now
        if not self.limit and not finished:
            return "shared", None
        if not self.out and not self.has_work() and self.waiting:
            return "backoff", max(0.0, min(parked.due for parked in self.waiting.values()) - now)
        return ("done" if finished else "ok"), None
