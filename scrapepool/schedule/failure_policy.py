"""What one failing result comes to: for its target, for its host, and for the run.

Decides, with the policies, whether the target is requested again, when, and at whose cost; whether its host gets fewer
requests, is parked, probed or given up; and whether it was the network. A host's own word (429, or a refusal that names
a wait) and what fails before a page is requested are the host's; any other failure is its page's, unless other pages
fail too (``attribution``). Successes never come here. Time, and the dice's throw for the jitter, are arguments or
handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log10
from typing import TypeGuard

from ..model import (
    Attempt,
    Earlier,
    ErrorKind,
    Failed,
    Fetched,
    Outcome,
    ProxyFault,
    Redirected,
    Result,
    Unchanged,
    WaitReason,
)
from ..settings import PolitenessSettings, PoolSettings, RetryPolicy
from .health import retry as again
from .health import retry_budget as budget
from .health.advertised_limits import Quota
from .health.attribution import MOST_VOUCHED, Blame, RowTest, blame
from .health.circuit_breaker import AMBIGUOUS, GIVEN_UP_FOR, SHARED, STRAIN, UNKNOWN, Cause, Verdict, cause_of
from .health.host_health import Trouble, was_checked
from .health.outage import ANSWERED, OutageGuard, looks_down, site_of
from .health.proxy_guard import MAY_BE_THE_HOSTS, ProxyGuard, Ruling
from .http_fallback import falls_back
from .lease import Lease
from .queue.host_queue import HostQueue
from .queue.host_table import Hosts
from .robots import RobotsGate, RobotsVerdict

MOST_REFUNDS = 10
"""Attempts at one target that are given back because of its host, beside those of an outage, which has an end of its
own: what is refused more often than that is counted."""

SOON = 0.5
"""Seconds until a page that was refused, perhaps, is requested again to find out."""


@dataclass(slots=True, repr=False, eq=False)
class Suspect:
    """A failure that may turn out to be the network's: the host that was asked, and where the retry waits, if any.

    counted: whether that was taken off the budget for retries.
    """

    asked: HostQueue
    waits_at: HostQueue | None = None
    number: int = 0
    counted: bool = False


def is_answer(result: Result) -> TypeGuard[Fetched | Unchanged]:
    """Whether a result is final as it is and speaks well of its host, which may ask for a pause with it."""
    if isinstance(result, Unchanged):
        return True
    return isinstance(result, Fetched) and not again.may_help(result) and cause_of(result) is None


class Judge:
    """Judges failures. guard: the run's outage guard. proxy: what failures of its proxies come to.

    retried: retries so far that count against the budget. fallback: whether bare names go on over http.
    """

    def __init__(
        self,
        hosts: Hosts,
        pool: PoolSettings,
        policy: RetryPolicy,
        politeness: PolitenessSettings,
        dice: Callable[[], float],
        *,
        fallback: bool = False,
    ) -> None:
        self.guard: OutageGuard[Suspect] = OutageGuard(policy.max_outage)
        self.proxy = ProxyGuard(self.guard)
        self.retried = 0
        self._scattered = 0  # failures that may be of many hosts at once, and were not
        self._hosts = hosts
        self._policy = policy
        self._max_crawl_delay = politeness.max_crawl_delay
        self._dice = dice
        self._fallback = fallback
        self._adapt = pool.pace == "auto"

    def met(self, queue: HostQueue) -> None:
        """A host answered, for the first time as far as is known."""
        if not queue.answered:
            queue.answered = True
            self._hosts.unproven -= queue.out
            self.guard.met()

    def heard(self, queue: HostQueue, lease: Lease, answers: int, now: float, *, failed: bool) -> None:
        """Take in answers of a host to a lease; none are news where it never failed and nobody does.

        failed: whether the lease ended in a failure: its answers came before that, and say nothing of the network now.
        """
        if not answers:
            return
        self.met(queue)
        if self.guard.alert and not failed:
            self.guard.answered(lease.since)
        if self.proxy.alert:
            self.proxy.answered(queue.key, now)
        if queue.trouble is not None:
            self._answered_in_trouble(queue, queue.trouble, lease, answers, now)

    def _answered_in_trouble(self, queue: HostQueue, trouble: Trouble, lease: Lease, answers: int, now: float) -> None:
        """Let answers have their consequences for a host that has failed."""
        slight = trouble.is_slight
        test = trouble.test
        earlier = None if lease.attempt is None else lease.attempt.earlier
        if earlier is not None:
            trouble.passing += 1
        if test is not None and lease.since > test.since:
            if earlier is not None:
                self._is_limited(queue, trouble, lease, now)
            elif test.other_answered():
                queue.acquit()
            else:
                queue.test_next(test.since)
        elif earlier is not None and earlier.tries and trouble.pace is not None:
            if trouble.pace.retry_answered(earlier.at, now):
                self._limits(queue, trouble)
            trouble.limits &= not trouble.pace.is_flaky
        if trouble.test is None and not trouble.blamed:
            queue.failures += trouble.breaker.row
        if trouble.answered(answers, lease.since, queue.answers):
            queue.trouble = None
        elif earlier is not None and trouble.pace is not None and trouble.pace.is_limited and not trouble.limits:
            trouble.broken = 0  # pages failed again because they were refused again
            self._limits(queue, trouble)
        if not slight:
            queue.set_limits()
            queue.reopen(now)

    def probed(self, queue: HostQueue, lease: Lease, result: Result, now: float) -> None:
        """Take in what a probe of a page that was answered before came to. ``queue`` is placed by the caller."""
        cause = None if isinstance(result, Redirected) else cause_of(result)
        answered = cause is None and not isinstance(result, Failed)
        if answered and self.guard.alert:
            self.guard.answered(lease.since)
        trouble = queue.trouble
        if trouble is None and (isinstance(result, Redirected) or answered or result.status not in again.HOST_WIDE):
            return
        trouble = self._trouble(queue)
        test = trouble.test
        if answered:
            queue.answers += 1
            if test is None or test.other_answered():
                trouble.vouched += 1
                queue.acquit()
            else:
                queue.test_next(test.since)
            queue.set_limits()
            queue.reopen(now)
            return
        after = again.asked_to_wait(result) if isinstance(result, Fetched) else None
        if isinstance(result, Fetched) and result.status in again.HOST_WIDE:
            if after is not None and after > self._policy.max_park:
                queue.refuse(now + after, None)
                return
            trouble.test = None  # a page that is refused tells of no other
            if result.status == 503 and after is None:
                if trouble.blamed:  # by pages in a row before
                    trouble.breaker.note(Cause.SERVER, _words(result, Cause.SERVER), result.target.url)
                trouble.blamed = True
                self._limits(queue, trouble)
            self._refused(queue, lease, trouble, after, now)
        elif trouble.breaker.row:
            trouble.test = None
            trouble.blamed = True
            if trouble.pace is not None and cause in STRAIN:
                trouble.pace.strained(lease.since, now)
            self._break(queue, trouble, lease, now)
            queue.set_limits()
        else:
            trouble.test = None
            queue.set_limits()

    def _limits(self, queue: HostQueue, trouble: Trouble) -> None:
        """Note that the host limits requests by a 503 without a wait, unless it has a clear signal, such as 429.

        When that is found out, attempts that may have been lost to the limit are given back.
        """
        if not trouble.limits and not trouble.throttles:
            trouble.limits = True
            queue.give_attempts_back("503", MOST_REFUNDS)

    def _is_limited(self, queue: HostQueue, trouble: Trouble, lease: Lease, now: float) -> None:
        """A page that was refused is answered when it is requested again, alone: the host limits requests."""
        trouble.test = None
        if trouble.breaker.cause is Cause.SERVER and not trouble.throttles:
            self._limits(queue, trouble)
            if trouble.pace is not None:
                trouble.pace.refused(lease.since, now, out=0, wait=0.0)

    def heed(self, queue: HostQueue, lease: Lease, answer: Fetched | Unchanged, now: float, wall: float) -> None:
        """Leave a host alone that asks for it with an answer: it was the last one of what a limit allows.

        Not for longer than ``max_park``, as it is no refusal, and not at all where the pace is fixed.
        """
        after = again.asked_to_wait(answer)
        if not self._adapt or answer.retry is None:
            return
        if answer.retry.limits:
            if queue.quota is None:
                queue.quota = Quota()
            spare = queue.quota.spare
            came = _came(answer, lease, now, wall)
            after = queue.quota.told(answer.retry.limits, lease.since, came, now, answer.elapsed)
            if queue.quota.spare != spare:
                queue.set_limits()
        if after:
            queue.park(now + min(after, self._policy.max_park))

    def alarmed(self, queue: HostQueue, lease: Lease, results: Sequence[Result], now: float) -> None:
        """A host's mean latency has risen. Less is asked of it, unless it is the bodies that take their time."""
        first = [result.timings.ttfb for result in results if isinstance(result, Fetched) and result.timings]
        waits = [ttfb for ttfb in first if ttfb is not None]
        if waits and sum(waits) / len(waits) <= queue.alarm:
            return
        trouble = self._trouble(queue)
        if trouble.pace is not None:
            trouble.pace.strained(lease.since, now)
        queue.get_used_to()
        queue.set_limits()

    def robots(  # noqa: PLR0912 - as ``judge``
        self, queue: HostQueue, gate: RobotsGate, verdict: RobotsVerdict, since: float, now: float
    ) -> None:
        """Take in what came of a host's robots.txt. ``queue`` is placed by the caller."""
        queue.hold(WaitReason.ROBOTS, since, now)
        queue.row.asked_robots = True
        if verdict.unreachable is None:
            self._obey(queue, verdict, since)
            self.met(queue)
            if self.guard.alert:
                self.guard.answered(since)
            return
        queue.row.robots = "unreachable"
        failure = verdict.failure
        if failure is not None and failure.proxy is not None:
            ruling = self._of_the_proxy(failure, queue, since, now, gate.refunds)
            if ruling is Ruling.SOON:
                gate.refunds += 1
                queue.park(now + SOON)
            elif ruling is Ruling.OWN and failure.proxy is ProxyFault.CREDENTIALS:
                queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
            if ruling is not Ruling.OWN or failure.proxy is ProxyFault.CREDENTIALS:
                return
        if failure is not None and _may_be_the_networks(failure):
            if self.suspect(Suspect(queue), now):
                self.guard.refunded += 1
                return
        elif self.guard.alert:
            self.guard.answered(since)
        after = verdict.after or 0.0
        if after > self._policy.max_park:
            queue.refuse(now + after, None)
            return
        ends = self._fallback and falls_back(verdict.failure)  # its bare names need not wait for http
        pause = None if ends else gate.failed(self._policy.retries)
        if pause is None and gate.older is not None:
            self._obey(queue, gate.older, since)
        elif pause is None:
            queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
        else:
            queue.park(now + max(pause, after))
            queue.hold(WaitReason.ROBOTS, now, now + max(pause, after))

    def _obey(self, queue: HostQueue, verdict: RobotsVerdict, since: float) -> None:
        queue.obey(verdict, self._max_crawl_delay)
        if queue.floor:
            queue.not_before = max(queue.not_before, since + queue.floor)

    def judge(  # noqa: PLR0911, PLR0912, PLR0915 - the order of the questions is the policy
        self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float, wall: float
    ) -> Outcome | None:
        """The final outcome, or None where the target is asked for again. ``queue`` is placed by the caller."""
        refunds = 0 if lease.attempt is None else lease.attempt.refunds
        if isinstance(outcome, Failed) and outcome.proxy is not None:
            ruling = self._of_the_proxy(outcome, queue, lease.since, now, refunds)
            if ruling is not Ruling.OWN:
                wait = SOON if ruling is Ruling.SOON else 0.0
                self._again(queue, lease, outcome, wait, now, made=0, refunds=int(ruling is Ruling.SOON))
                return None
        suspect = self._suspected(queue, lease, outcome, now)
        if self.guard.down and again.may_help(outcome) and cause_of(outcome) is not None and not _is_word(outcome):
            self.guard.refunded += 1
            self._again(queue, lease, outcome, 0.0, now, made=0)
            return None
        if outcome.retry is not None and outcome.retry.resolver and refunds < MOST_REFUNDS:
            self._again(queue, lease, outcome, again.backoff(self._policy, refunds + 1, 1.0), now, made=0, refunds=1)
            return None
        after = again.asked_to_wait(outcome)
        host_wide = outcome.status in again.HOST_WIDE and isinstance(outcome, Fetched)
        if after is not None and after > self._policy.max_park:
            if host_wide:
                queue.refuse(now + after, None)
            return again.deferred(outcome, lease.host, after, wall) if again.may_help(outcome) else outcome
        cause = cause_of(outcome)
        verdict, whose = Verdict.COUNTED, Blame.PAGE
        if cause is not None:
            whose = self._blame(queue, lease, outcome, cause, after, now)
            verdict = self._charge(queue, lease, outcome, cause, whose, after, now)
            if host_wide and verdict is Verdict.COUNTED and self._trouble(queue).seems_limited:
                verdict = Verdict.PROBED
        elif queue.trouble is not None:
            was_open = queue.trouble.breaker.opened is not None
            queue.trouble.row_ended()
            queue.set_limits()
            if was_open:
                queue.reopen(now)
        if not again.may_help(outcome) or verdict is Verdict.GIVEN_UP:
            return outcome
        earlier = None
        if cause is not None:
            trouble = self._trouble(queue)
            tries = cause in AMBIGUOUS and whose is Blame.UNDECIDED and host_wide and after is None
            test = trouble.test
            if tries and test is not None and test.since == now:
                after = SOON if test.alone else 0.0
            elif tries and test is not None and lease.since > test.since:
                tries = queue.next_suspect(test.since) is None  # else another page is requested next
                after = 0.0 if tries else after
            elif tries and trouble.is_checked(lease.attempt, now):
                after = SOON
            else:
                tries = False
            if cause in AMBIGUOUS:
                earlier = Earlier(queue.key, queue.answers, now, tries, _said(outcome))
        if verdict is Verdict.PROBED and refunds < MOST_REFUNDS and (self._policy.retries or not host_wide):
            self._again(queue, lease, outcome, after or 0.0, now, made=0, refunds=1, earlier=earlier)
            return None
        if not again.may_repeat(self._policy, _made(lease, outcome)):
            return outcome
        counts = whose is Blame.HOST and not host_wide and not (_may_be_the_networks(outcome) and queue.answered)
        if counts and (detail := self._beyond_budget(queue, outcome)):
            return replace(outcome, detail=detail)
        queue.retried += counts
        self.retried += counts
        waits_at, number = self._again(queue, lease, outcome, after, now, earlier=earlier)
        if suspect is not None:
            suspect.waits_at, suspect.number, suspect.counted = waits_at, number, counts
        return None

    def _beyond_budget(self, queue: HostQueue, outcome: Outcome) -> str | None:
        """What the record says where the retry is beyond a budget, None where it is within both."""
        share = self._policy.retry_budget
        for scope, retried, targets in (
            ("host", queue.retried, max(queue.row.total, queue.row.requests)),
            ("run", self.retried, self._hosts.known),
        ):
            if not budget.affordable(retried, targets, share):
                return "; ".join(filter(None, (outcome.detail, budget.exhausted(scope, share))))
        return None

    def _blame(
        self, queue: HostQueue, lease: Lease, outcome: Outcome, cause: Cause, after: float | None, now: float
    ) -> Blame:
        """Whose failure it is. The page is noted as one that failed in a row, unless it has been before."""
        trouble = self._trouble(queue)
        trouble.last = queue.answers
        breaker = trouble.breaker
        earlier = None if lease.attempt is None else lease.attempt.earlier
        ambiguous = cause in AMBIGUOUS and not (after and outcome.status in again.HOST_WIDE)
        if earlier is None or (queue.answered and not ambiguous):  # in the latter the page has no part
            breaker.note(cause, _words(outcome, cause), outcome.final_url or outcome.target.url)
        others = earlier is not None and earlier.host == queue.key and earlier.answers < queue.answers
        refused = outcome.status in again.HOST_WIDE
        trouble.throttles |= refused and not ambiguous
        if not ambiguous or trouble.blamed:
            return Blame.HOST
        if refused and earlier is None and trouble.limits and self._adapt and not trouble.interval:
            return Blame.HOST
        if earlier is not None and (earlier.tries or (others and trouble.seems_served)):
            trouble.broken += 1
        if earlier is not None and trouble.pace is not None:
            trouble.pace.retry_failed(earlier.at)
        if breaker.opened is not None and queue.good is not None:
            return Blame.PAGE if others else Blame.UNDECIDED
        if trouble.test is not None:
            whose = self._tested(queue, lease, trouble, trouble.test)
        else:
            whose = blame(
                breaker.row,
                answers=queue.answers,
                failures=queue.failures,
                others_answered=others,
                vouched=trouble.vouched,
            )
            if whose is Blame.HOST and (queue.good is not None or queue.has_fresh()):
                alone = refused and not trouble.throttles and trouble.broken <= 2 * trouble.passing
                trouble.test = RowTest(now, times=3 if alone else 1, alone=alone)
                if alone:
                    queue.park(now + SOON)  # by then a rate limit lets the page pass
                return Blame.UNDECIDED
        if whose is Blame.HOST:
            trouble.blamed = True
            if refused:
                self._limits(queue, trouble)
        return whose

    def _tested(self, queue: HostQueue, lease: Lease, trouble: Trouble, test: RowTest) -> Blame:
        """Whose failure it is while the pages that failed in a row are tested. It may end the test."""
        if lease.since <= test.since:
            return Blame.UNDECIDED  # it was requested before the test began
        is_retry = lease.attempt is not None and lease.attempt.earlier is not None
        if is_retry:
            test.page_failed()
        if is_retry or (queue.good is not None and not test.alone):
            return Blame.UNDECIDED
        trouble.test = None
        return Blame.HOST

    def _charge(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        cause: Cause,
        whose: Blame,
        after: float | None,
        now: float,
    ) -> Verdict:
        """Let a failure have its consequences for the host."""
        trouble = self._trouble(queue)
        refused = outcome.status in again.HOST_WIDE and isinstance(outcome, Fetched)
        pace = trouble.pace
        if whose is Blame.HOST:
            if refused:
                return self._refused(queue, lease, trouble, after, now)
            if cause in STRAIN and pace is not None:
                pace.strained(lease.since, now)
        elif pace is not None and refused and not trouble.throttles:
            if not was_checked(lease.attempt) and pace.suspected(
                lease.since, now, queue.capacity, limits=trouble.limits, broken=not trouble.may_be_refused
            ):
                queue.park(now + max(SOON, 2 * pace.interval))  # by then a token bucket has one for the page's retry
        elif pace is not None:
            pace.answered(1)  # no limit kept it back
        verdict = self._break(queue, trouble, lease, now)
        queue.set_limits()
        return verdict

    def _of_the_proxy(self, failure: Failed, queue: HostQueue, since: float, now: float, refunds: int) -> Ruling:
        """What a failure of the proxy means for what was requested; one that may be many hosts' is noted as such."""
        known = queue.answered
        ruling = self.proxy.failed(failure, queue.key, now, started=since, known=known, refunds=refunds)
        if ruling is Ruling.SOON and self.suspect(Suspect(queue), now):
            ruling = Ruling.REFUNDED
        self.guard.refunded += ruling is Ruling.REFUNDED and self.guard.down
        return ruling

    def _suspected(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float) -> Suspect | None:
        """The failure, where it may be the network's, once the guard has heard of it; an answer ends its alert."""
        weight = ANSWERED if _may_be_the_networks(outcome) else self._weight(queue, lease, outcome)
        if weight:
            suspect = Suspect(queue)
            self.suspect(suspect, now, weight)
            return suspect
        if self.guard.alert and (cause_of(outcome) is None or _is_word(outcome)):
            self.guard.answered(lease.since)
        return None

    def _weight(self, queue: HostQueue, lease: Lease, outcome: Outcome) -> float:
        """What a failure says for many hosts' failing at once, in powers of ten; 0.0 for nothing.

        Only a page's first one does, of a host that had answered. The seldomer such failures are, the more it says.
        """
        first = lease.attempt is None or lease.attempt.earlier is None
        if cause_of(outcome) not in SHARED or not queue.answers or not first:
            return 0.0
        if again.asked_to_wait(outcome) is not None:
            return 0.0
        if not self.guard.down:
            self._scattered += 1
        before = max(0, self._scattered - len(self.guard.stretch) - 1)
        return -log10((before + 1) / (self._hosts.done + before + 2))

    def suspect(self, suspect: Suspect, now: float, weight: float = ANSWERED) -> bool:
        """Take in a failure that may be the network's; True while that counts as down, from this one on at least.

        The host that was asked is placed by the caller. weight: see ``OutageGuard.failed``.
        """
        guard, queue = self.guard, suspect.asked
        if not guard.down:
            new = not (queue.answered or queue.row.errors or (queue.gate and queue.gate.failures))
            if guard.failed(site_of(queue.key), suspect, now, answered=queue.answered, new=new, weight=weight):
                self._forgive(queue, now)
        return guard.down

    def _forgive(self, current: HostQueue, now: float) -> None:
        """Give back the attempts that the outage cost before it was found out, and what it made of the hosts.

        current: the host that is being settled; placed now, with its last target in nobody's books, it were forgotten.
        """
        for suspect in self.guard.take():
            queue = suspect.asked
            if queue.gate is not None:
                queue.gate.failures = 0
            if queue.trouble is not None:
                queue.trouble = None
                queue.set_limits()
                queue.reopen(now)
                if queue is not current:
                    self._hosts.place(queue, now)
            if suspect.waits_at is not None and self._hosts.refund(suspect.waits_at, suspect.number, now):
                self.guard.refunded += 1
                queue.retried -= suspect.counted
                self.retried -= suspect.counted

    def _refused(self, queue: HostQueue, lease: Lease, trouble: Trouble, after: float | None, now: float) -> Verdict:
        """The host refused: it is parked, and gets fewer requests from then on."""
        if queue.quota is not None:
            queue.quota.refused(lease.since)
        parked = trouble.parking.refused(after, lease.since, now, most=self._policy.max_park)
        queue.park(now + parked.wait)
        queue.hold(WaitReason.RETRY_AFTER if after else WaitReason.PARKED, now, now + parked.wait)
        verdict = Verdict.PROBED  # unless it is the first of its window, it is not this target's fault
        if parked.counts:
            if trouble.pace is not None:
                trouble.pace.refused(lease.since, now, out=queue.out + 1, wait=parked.wait, clear=trouble.throttles)
            verdict = self._break(queue, trouble, lease, now)
            if verdict is Verdict.COUNTED and trouble.parking.row > 1:
                verdict = Verdict.PROBED  # refused again, with no answer in between: nor is that
        queue.set_limits()
        return verdict

    def _break(self, queue: HostQueue, trouble: Trouble, lease: Lease, now: float) -> Verdict:
        breaker, test = trouble.breaker, trouble.test
        if test is not None and lease.since <= test.since:
            return Verdict.COUNTED  # it was requested before the test began, and the test will tell
        breaker.after = self._policy.break_after << min(trouble.vouched, MOST_VOUCHED)
        was_open = breaker.opened is not None
        answered = queue.answered or trouble.throttles or breaker.cause is Cause.SERVER  # a refusal is one, too
        patience = self._policy.max_park if answered else min(UNKNOWN, self._policy.max_park)
        verdict = breaker.failed(lease.since, now, patience=patience)
        if breaker.opened is not None:
            if not was_open:
                trouble.test = None
                if queue.good is not None and breaker.cause in AMBIGUOUS:
                    breaker.probe_now()  # a page that was answered before will tell
                else:
                    trouble.blamed = True
            queue.longest = 1
            queue.hold(WaitReason.CIRCUIT, now, breaker.probe_at)
        if verdict is Verdict.GIVEN_UP:
            queue.refuse(now + GIVEN_UP_FOR, (ErrorKind.CIRCUIT_OPEN, breaker.why()))
            queue.trouble = None
        return verdict

    def _trouble(self, queue: HostQueue) -> Trouble:
        if queue.trouble is None:
            queue.trouble = Trouble(queue.most, self._policy.break_after, adapt=self._adapt)
        return queue.trouble

    def _again(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        wait: float | None,
        now: float,
        *,
        made: int = 1,
        refunds: int = 0,
        earlier: Earlier | None = None,
    ) -> tuple[HostQueue, int]:
        """Let the target wait for its next attempt.

        wait: seconds, None for the policy's backoff. made: 0 where the attempt does not count. refunds: 1 where that is
        because of the host. earlier: as of an ``Attempt``.
        """
        number = _made(lease, outcome)
        why = WaitReason.RETRY_AFTER if wait else WaitReason.BACKOFF
        if wait is None:
            wait = again.backoff(self._policy, number, self._dice())
        waited = 0.0 if lease.attempt is None else lease.attempt.waited
        attempt = Attempt(
            outcome.target,
            number + made,
            waited=waited,
            started=outcome.started,
            history=outcome.history,
            refunds=(0 if lease.attempt is None else lease.attempt.refunds) + refunds,
            earlier=earlier,
        )
        return self._hosts.ask_later(attempt, wait, queue, now, why)


def _came(answer: Fetched | Unchanged, lease: Lease, now: float, wall: float) -> float:
    """When a response had come, in monotonic seconds; ``now`` where that is not known.

    wall: Unix time now. What opened a connection first began to be sent later than it ``started``.
    """
    if not answer.reused or answer.started is None:
        return now
    began = now - (wall - answer.started)
    return min(now, began + answer.elapsed) if began >= lease.since else now


def _may_be_the_networks(outcome: Outcome) -> bool:
    """Whether many such failures at once show an outage: of the network, or of a gateway."""
    return looks_down(outcome) or (isinstance(outcome, Failed) and outcome.proxy in MAY_BE_THE_HOSTS)


def _is_word(outcome: Outcome) -> bool:
    """Whether it is its host's own word: it asks for fewer requests, or to wait."""
    return outcome.status == 429 or again.asked_to_wait(outcome) is not None


def _made(lease: Lease, outcome: Outcome) -> int:
    """Attempts made; the scheduler goes by its own count where an outcome tells a lower one."""
    return max(outcome.attempts, 1 if lease.attempt is None else lease.attempt.number)


def _said(outcome: Outcome) -> str:
    """The status that a failure came with, or its error."""
    return str(outcome.error) if isinstance(outcome, Failed) else str(outcome.status)


def _words(outcome: Outcome, cause: Cause) -> str:
    """A failure in a few words, for the records of those that were not asked for because of it."""
    if isinstance(outcome, Failed):
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error
    return f"status {outcome.status}" if outcome.status else cause
