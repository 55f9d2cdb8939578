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
from .health import retry, retry_budget
from .health.advertised_limits import AdvertisedLimits
from .health.attribution import MAX_VOUCHED, Blame, RowTest, attribute
from .health.circuit_breaker import (
    AMBIGUOUS_CAUSES,
    GIVEN_UP_FOR,
    SHARED_CAUSES,
    STRAIN_CAUSES,
    UNKNOWN_HOST_PATIENCE,
    Cause,
    Verdict,
    cause_of,
)
from .health.host_health import HostHealth, is_check
from .health.outage import KNOWN_HOST_EVIDENCE, OutageGuard, looks_down, site_of
from .health.proxy_guard import MAY_BE_HOST, ProxyGuard, ProxyRuling
from .http_fallback import falls_back
from .lease import Lease
from .queue.host_queue import HostQueue
from .queue.host_table import HostTable
from .robots import RobotsGate, RobotsVerdict

MAX_REFUNDS = 10
"""Attempts at one target that are given back because of its host, beside those of an outage, which has an end of its
own: what is refused more often than that is counted."""

CHECK_DELAY = 0.5
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


def is_success(result: Result) -> TypeGuard[Fetched | Unchanged]:
    """Whether a result is final as it is and speaks well of its host, which may ask for a pause with it."""
    if isinstance(result, Unchanged):
        return True
    return isinstance(result, Fetched) and not retry.is_retryable(result) and cause_of(result) is None


class FailurePolicy:
    """Judges failures. guard: the run's outage guard. proxy: what failures of its proxies come to.

    retried: retries so far that count against the budget. fallback: whether bare names go on over http.
    """

    def __init__(
        self,
        hosts: HostTable,
        pool: PoolSettings,
        policy: RetryPolicy,
        politeness: PolitenessSettings,
        rng: Callable[[], float],
        *,
        fallback: bool = False,
    ) -> None:
        self.guard: OutageGuard[Suspect] = OutageGuard(policy.max_outage)
        self.proxy = ProxyGuard(self.guard)
        self.retried = 0
        self._isolated = 0  # failures that may be of many hosts at once, and were not
        self._hosts = hosts
        self._policy = policy
        self._max_crawl_delay = politeness.max_crawl_delay
        self._rng = rng
        self._fallback = fallback
        self._adapt = pool.pace == "auto"

    def on_first_response(self, queue: HostQueue) -> None:
        """A host answered, for the first time as far as is known."""
        if not queue.answered:
            queue.answered = True
            self._hosts.unanswered -= queue.out
            self.guard.on_first_response()

    def on_success(self, queue: HostQueue, lease: Lease, responses: int, now: float, *, failed: bool) -> None:
        """Take in answers of a host to a lease; none are news where it never failed and nobody does.

        failed: whether the lease ended in a failure: its answers came before that, and say nothing of the network now.
        """
        if not responses:
            return
        self.on_first_response(queue)
        if self.guard.alert and not failed:
            self.guard.on_response(lease.since)
        if self.proxy.alert:
            self.proxy.on_response(queue.key, now)
        if queue.health is not None:
            self._recover(queue, queue.health, lease, responses, now)

    def _recover(self, queue: HostQueue, health: HostHealth, lease: Lease, responses: int, now: float) -> None:
        """Let answers have their consequences for a host that has failed."""
        slight = health.is_unrestricted
        test = health.test
        earlier = None if lease.attempt is None else lease.attempt.earlier
        if earlier is not None:
            health.passed_again += 1
        if test is not None and lease.since > test.since:
            if earlier is not None:
                self._confirm_rate_limit(queue, health, lease, now)
            elif test.on_other_response():
                queue.end_failure_row()
            else:
                queue.attempts.retry_suspect(queue.key, test.since)
        elif earlier is not None and earlier.tries and health.rate_control is not None:
            if health.rate_control.on_retry_response(earlier.at, now):
                self._mark_rate_limited(queue, health)
            health.limits &= not health.rate_control.is_flaky
        if health.test is None and not health.blamed:
            queue.failures += health.breaker.failed_in_row
        if health.on_response(responses, lease.since, queue.responses):
            queue.health = None
        elif (
            earlier is not None
            and health.rate_control is not None
            and health.rate_control.is_limited
            and not health.limits
        ):
            health.failed_again = 0  # pages failed again because they were refused again
            self._mark_rate_limited(queue, health)
        if not slight:
            queue.update_limits()
            queue.resume_requests(now)

    def on_probe_result(self, queue: HostQueue, lease: Lease, result: Result, now: float) -> None:
        """Take in what a probe of a page that was answered before came to. ``queue`` is placed by the caller."""
        cause = None if isinstance(result, Redirected) else cause_of(result)
        answered = cause is None and not isinstance(result, Failed)
        if answered and self.guard.alert:
            self.guard.on_response(lease.since)
        health = queue.health
        if health is None and (isinstance(result, Redirected) or answered or result.status not in retry.HOST_WIDE):
            return
        health = self._health_of(queue)
        test = health.test
        if answered:
            queue.responses += 1
            if test is None or test.on_other_response():
                health.vouched += 1
                queue.end_failure_row()
            else:
                queue.attempts.retry_suspect(queue.key, test.since)
            queue.update_limits()
            queue.resume_requests(now)
            return
        after = retry.retry_after(result) if isinstance(result, Fetched) else None
        if isinstance(result, Fetched) and result.status in retry.HOST_WIDE:
            if after is not None and after > self._policy.max_park:
                queue.refuse(now + after, None)
                return
            health.test = None  # a page that is refused tells of no other
            if result.status == 503 and after is None:
                if health.blamed:  # by pages in a row before
                    health.breaker.note(Cause.SERVER, _describe(result, Cause.SERVER), result.target.url)
                health.blamed = True
                self._mark_rate_limited(queue, health)
            self._on_refusal(queue, lease, health, after, now)
        elif health.breaker.failed_in_row:
            health.test = None
            health.blamed = True
            if health.rate_control is not None and cause in STRAIN_CAUSES:
                health.rate_control.on_strain(lease.since, now)
            self._update_circuit(queue, health, lease, now)
            queue.update_limits()
        else:
            health.test = None
            queue.update_limits()

    def _mark_rate_limited(self, queue: HostQueue, health: HostHealth) -> None:
        """Note that the host limits requests by a 503 without a wait, unless it has a clear signal, such as 429.

        When that is found out, attempts that may have been lost to the limit are given back.
        """
        if not health.limits and not health.throttles:
            health.limits = True
            queue.attempts.refund("503", MAX_REFUNDS)

    def _confirm_rate_limit(self, queue: HostQueue, health: HostHealth, lease: Lease, now: float) -> None:
        """A page that was refused is answered when it is requested again, alone: the host limits requests."""
        health.test = None
        if health.breaker.cause is Cause.SERVER and not health.throttles:
            self._mark_rate_limited(queue, health)
            if health.rate_control is not None:
                health.rate_control.on_refusal(lease.since, now, out=0, wait=0.0)

    def apply_rate_limit(
        self, queue: HostQueue, lease: Lease, answer: Fetched | Unchanged, now: float, wall: float
    ) -> None:
        """Leave a host alone that asks for it with an answer: it was the last one of what a limit allows.

        Not for longer than ``max_park``, as it is no refusal, and not at all where the pace is fixed.
        """
        after = retry.retry_after(answer)
        if not self._adapt or answer.retry is None:
            return
        if answer.retry.limits:
            if queue.advertised is None:
                queue.advertised = AdvertisedLimits()
            spare = queue.advertised.spare
            came = _received_at(answer, lease, now, wall)
            after = queue.advertised.on_response(answer.retry.limits, lease.since, came, now, answer.elapsed)
            if queue.advertised.spare != spare:
                queue.update_limits()
        if after:
            queue.park(now + min(after, self._policy.max_park))

    def on_latency_alarm(self, queue: HostQueue, lease: Lease, results: Sequence[Result], now: float) -> None:
        """A host's mean latency has risen. Less is asked of it, unless it is the bodies that take their time."""
        first = [result.timings.ttfb for result in results if isinstance(result, Fetched) and result.timings]
        waits = [ttfb for ttfb in first if ttfb is not None]
        if waits and sum(waits) / len(waits) <= queue.latency.alarm:
            return
        health = self._health_of(queue)
        if health.rate_control is not None:
            health.rate_control.on_strain(lease.since, now)
        queue.latency.raise_baseline(queue.tally.mean)
        queue.update_limits()

    def on_robots(  # noqa: PLR0912 - as ``judge``
        self, queue: HostQueue, gate: RobotsGate, verdict: RobotsVerdict, since: float, now: float
    ) -> None:
        """Take in what came of a host's robots.txt. ``queue`` is placed by the caller."""
        queue.note_wait(WaitReason.ROBOTS, since, now)
        queue.tally.asked_robots = True
        if verdict.unreachable is None:
            self._apply_robots(queue, verdict, since)
            self.on_first_response(queue)
            if self.guard.alert:
                self.guard.on_response(since)
            return
        queue.tally.robots = "unreachable"
        failure = verdict.failure
        if failure is not None and failure.proxy is not None:
            ruling = self._rule_on_proxy(failure, queue, since, now, gate.refunds)
            if ruling is ProxyRuling.SOON:
                gate.refunds += 1
                queue.park(now + CHECK_DELAY)
            elif ruling is ProxyRuling.OWN and failure.proxy is ProxyFault.CREDENTIALS:
                queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
            if ruling is not ProxyRuling.OWN or failure.proxy is ProxyFault.CREDENTIALS:
                return
        if failure is not None and _may_be_network(failure):
            if self.report_suspect(Suspect(queue), now):
                self.guard.refunded += 1
                return
        elif self.guard.alert:
            self.guard.on_response(since)
        after = verdict.after or 0.0
        if after > self._policy.max_park:
            queue.refuse(now + after, None)
            return
        ends = self._fallback and falls_back(verdict.failure)  # its bare names need not wait for http
        pause = None if ends else gate.on_failure(self._policy.retries)
        if pause is None and gate.older is not None:
            self._apply_robots(queue, gate.older, since)
        elif pause is None:
            queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
        else:
            queue.park(now + max(pause, after))
            queue.note_wait(WaitReason.ROBOTS, now, now + max(pause, after))

    def _apply_robots(self, queue: HostQueue, verdict: RobotsVerdict, since: float) -> None:
        queue.apply_robots(verdict, self._max_crawl_delay)
        if queue.min_delay:
            queue.not_before = max(queue.not_before, since + queue.min_delay)

    def decide(  # noqa: PLR0911, PLR0912, PLR0915 - the order of the questions is the policy
        self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float, wall: float
    ) -> Outcome | None:
        """The final outcome, or None where the target is asked for again. ``queue`` is placed by the caller."""
        refunds = 0 if lease.attempt is None else lease.attempt.refunds
        if isinstance(outcome, Failed) and outcome.proxy is not None:
            ruling = self._rule_on_proxy(outcome, queue, lease.since, now, refunds)
            if ruling is not ProxyRuling.OWN:
                wait = CHECK_DELAY if ruling is ProxyRuling.SOON else 0.0
                self._retry_later(queue, lease, outcome, wait, now, made=0, refunds=int(ruling is ProxyRuling.SOON))
                return None
        suspect = self._report_to_guard(queue, lease, outcome, now)
        if (
            self.guard.down
            and retry.is_retryable(outcome)
            and cause_of(outcome) is not None
            and not _is_explicit_limit(outcome)
        ):
            self.guard.refunded += 1
            self._retry_later(queue, lease, outcome, 0.0, now, made=0)
            return None
        if outcome.retry is not None and outcome.retry.resolver and refunds < MAX_REFUNDS:
            self._retry_later(
                queue, lease, outcome, retry.backoff(self._policy, refunds + 1, 1.0), now, made=0, refunds=1
            )
            return None
        after = retry.retry_after(outcome)
        host_wide = outcome.status in retry.HOST_WIDE and isinstance(outcome, Fetched)
        if after is not None and after > self._policy.max_park:
            if host_wide:
                queue.refuse(now + after, None)
            return retry.deferred(outcome, lease.host, after, wall) if retry.is_retryable(outcome) else outcome
        cause = cause_of(outcome)
        verdict, whose = Verdict.COUNTED, Blame.PAGE
        if cause is not None:
            whose = self._attribute(queue, lease, outcome, cause, after, now)
            verdict = self._apply_to_host(queue, lease, outcome, cause, whose, after, now)
            if host_wide and verdict is Verdict.COUNTED and self._health_of(queue).is_likely_limited:
                verdict = Verdict.PROBED
        elif queue.health is not None:
            was_open = queue.health.breaker.opened is not None
            queue.health.end_failure_row()
            queue.update_limits()
            if was_open:
                queue.resume_requests(now)
        if not retry.is_retryable(outcome) or verdict is Verdict.GIVEN_UP:
            return outcome
        earlier = None
        if cause is not None:
            health = self._health_of(queue)
            tries = cause in AMBIGUOUS_CAUSES and whose is Blame.UNDECIDED and host_wide and after is None
            test = health.test
            if tries and test is not None and test.since == now:
                after = CHECK_DELAY if test.alone else 0.0
            elif tries and test is not None and lease.since > test.since:
                tries = queue.attempts.find_suspect(queue.key, test.since) is None  # else another page goes next
                after = 0.0 if tries else after
            elif tries and health.wants_check(lease.attempt, now):
                after = CHECK_DELAY
            else:
                tries = False
            if cause in AMBIGUOUS_CAUSES:
                earlier = Earlier(queue.key, queue.responses, now, tries, _failure_code(outcome))
        if verdict is Verdict.PROBED and refunds < MAX_REFUNDS and (self._policy.retries or not host_wide):
            self._retry_later(queue, lease, outcome, after or 0.0, now, made=0, refunds=1, earlier=earlier)
            return None
        if not retry.may_retry(self._policy, _attempts_made(lease, outcome)):
            return outcome
        counts = whose is Blame.HOST and not host_wide and not (_may_be_network(outcome) and queue.answered)
        if counts and (detail := self._budget_exceeded(queue, outcome)):
            return replace(outcome, detail=detail)
        queue.retried += counts
        self.retried += counts
        waits_at, number = self._retry_later(queue, lease, outcome, after, now, earlier=earlier)
        if suspect is not None:
            suspect.waits_at, suspect.number, suspect.counted = waits_at, number, counts
        return None

    def _budget_exceeded(self, queue: HostQueue, outcome: Outcome) -> str | None:
        """What the record says where the retry is beyond a budget, None where it is within both."""
        share = self._policy.retry_budget
        for scope, retried, targets in (
            ("host", queue.retried, max(queue.tally.total, queue.tally.requests)),
            ("run", self.retried, self._hosts.known),
        ):
            if not retry_budget.allows_retry(retried, targets, share):
                return "; ".join(filter(None, (outcome.detail, retry_budget.exhausted_detail(scope, share))))
        return None

    def _attribute(
        self, queue: HostQueue, lease: Lease, outcome: Outcome, cause: Cause, after: float | None, now: float
    ) -> Blame:
        """Whose failure it is. The page is noted as one that failed in a row, unless it has been before."""
        health = self._health_of(queue)
        health.last = queue.responses
        breaker = health.breaker
        earlier = None if lease.attempt is None else lease.attempt.earlier
        ambiguous = cause in AMBIGUOUS_CAUSES and not (after and outcome.status in retry.HOST_WIDE)
        if earlier is None or (queue.answered and not ambiguous):  # in the latter the page has no part
            breaker.note(cause, _describe(outcome, cause), outcome.final_url or outcome.target.url)
        others = earlier is not None and earlier.host == queue.key and earlier.answers < queue.responses
        refused = outcome.status in retry.HOST_WIDE
        health.throttles |= refused and not ambiguous
        if not ambiguous or health.blamed:
            return Blame.HOST
        if refused and earlier is None and health.limits and self._adapt and not health.interval:
            return Blame.HOST
        if earlier is not None and (earlier.tries or (others and health.is_within_limit)):
            health.failed_again += 1
        if earlier is not None and health.rate_control is not None:
            health.rate_control.on_retry_failure(earlier.at)
        if breaker.opened is not None and queue.good is not None:
            return Blame.PAGE if others else Blame.UNDECIDED
        if health.test is not None:
            whose = self._attribute_by_test(queue, lease, health, health.test)
        else:
            whose = attribute(
                breaker.failed_in_row,
                responses=queue.responses,
                failures=queue.failures,
                others_answered=others,
                vouched=health.vouched,
            )
            if whose is Blame.HOST and (queue.good is not None or queue.has_fresh()):
                alone = refused and not health.throttles and health.failed_again <= 2 * health.passed_again
                health.test = RowTest(now, times=3 if alone else 1, alone=alone)
                if alone:
                    queue.park(now + CHECK_DELAY)  # by then a rate limit lets the page pass
                return Blame.UNDECIDED
        if whose is Blame.HOST:
            health.blamed = True
            if refused:
                self._mark_rate_limited(queue, health)
        return whose

    def _attribute_by_test(self, queue: HostQueue, lease: Lease, health: HostHealth, test: RowTest) -> Blame:
        """Whose failure it is while the pages that failed in a row are tested. It may end the test."""
        if lease.since <= test.since:
            return Blame.UNDECIDED  # it was requested before the test began
        is_retry = lease.attempt is not None and lease.attempt.earlier is not None
        if is_retry:
            test.on_page_failure()
        if is_retry or (queue.good is not None and not test.alone):
            return Blame.UNDECIDED
        health.test = None
        return Blame.HOST

    def _apply_to_host(
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
        health = self._health_of(queue)
        refused = outcome.status in retry.HOST_WIDE and isinstance(outcome, Fetched)
        rate_control = health.rate_control
        if whose is Blame.HOST:
            if refused:
                return self._on_refusal(queue, lease, health, after, now)
            if cause in STRAIN_CAUSES and rate_control is not None:
                rate_control.on_strain(lease.since, now)
        elif rate_control is not None and refused and not health.throttles:
            if not is_check(lease.attempt) and rate_control.on_possible_refusal(
                lease.since, now, queue.capacity, limits=health.limits, failed_again=not health.may_refuse
            ):
                queue.park(
                    now + max(CHECK_DELAY, 2 * rate_control.interval)
                )  # by then a token bucket has one for the page's retry
        elif rate_control is not None:
            rate_control.on_response(1)  # no limit kept it back
        verdict = self._update_circuit(queue, health, lease, now)
        queue.update_limits()
        return verdict

    def _rule_on_proxy(self, failure: Failed, queue: HostQueue, since: float, now: float, refunds: int) -> ProxyRuling:
        """What a failure of the proxy means for what was requested; one that may be many hosts' is noted as such."""
        known = queue.answered
        ruling = self.proxy.on_failure(failure, queue.key, now, started=since, known=known, refunds=refunds)
        if ruling is ProxyRuling.SOON and self.report_suspect(Suspect(queue), now):
            ruling = ProxyRuling.REFUNDED
        self.guard.refunded += ruling is ProxyRuling.REFUNDED and self.guard.down
        return ruling

    def _report_to_guard(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float) -> Suspect | None:
        """The failure, where it may be the network's, once the guard has heard of it; an answer ends its alert."""
        weight = KNOWN_HOST_EVIDENCE if _may_be_network(outcome) else self._evidence_of(queue, lease, outcome)
        if weight:
            suspect = Suspect(queue)
            self.report_suspect(suspect, now, weight)
            return suspect
        if self.guard.alert and (cause_of(outcome) is None or _is_explicit_limit(outcome)):
            self.guard.on_response(lease.since)
        return None

    def _evidence_of(self, queue: HostQueue, lease: Lease, outcome: Outcome) -> float:
        """What a failure says for many hosts' failing at once, in powers of ten; 0.0 for nothing.

        Only a page's first one does, of a host that had answered. The seldomer such failures are, the more it says.
        """
        first = lease.attempt is None or lease.attempt.earlier is None
        if cause_of(outcome) not in SHARED_CAUSES or not queue.responses or not first:
            return 0.0
        if retry.retry_after(outcome) is not None:
            return 0.0
        if not self.guard.down:
            self._isolated += 1
        before = max(0, self._isolated - len(self.guard.stretch) - 1)
        return -log10((before + 1) / (self._hosts.done + before + 2))

    def report_suspect(self, suspect: Suspect, now: float, weight: float = KNOWN_HOST_EVIDENCE) -> bool:
        """Take in a failure that may be the network's; True while that counts as down, from this one on at least.

        The host that was asked is placed by the caller. weight: see ``OutageGuard.failed``.
        """
        guard, queue = self.guard, suspect.asked
        if not guard.down:
            new = not (queue.answered or queue.tally.errors or (queue.gate and queue.gate.failures))
            if guard.on_failure(site_of(queue.key), suspect, now, answered=queue.answered, new=new, weight=weight):
                self._refund(queue, now)
        return guard.down

    def _refund(self, current: HostQueue, now: float) -> None:
        """Give back the attempts that the outage cost before it was found out, and what it made of the hosts.

        current: the host that is being settled; placed now, with its last target in nobody's books, it were forgotten.
        """
        for suspect in self.guard.take():
            queue = suspect.asked
            if queue.gate is not None:
                queue.gate.failures = 0
            if queue.health is not None:
                queue.health = None
                queue.update_limits()
                queue.resume_requests(now)
                if queue is not current:
                    self._hosts.place(queue, now)
            if suspect.waits_at is not None and self._hosts.refund(suspect.waits_at, suspect.number, now):
                self.guard.refunded += 1
                queue.retried -= suspect.counted
                self.retried -= suspect.counted

    def _on_refusal(
        self, queue: HostQueue, lease: Lease, health: HostHealth, after: float | None, now: float
    ) -> Verdict:
        """The host refused: it is parked, and gets fewer requests from then on."""
        if queue.advertised is not None:
            queue.advertised.on_refusal(lease.since)
        parked = health.cool_down.on_refusal(after, lease.since, now, most=self._policy.max_park)
        queue.park(now + parked.wait)
        queue.note_wait(WaitReason.RETRY_AFTER if after else WaitReason.PARKED, now, now + parked.wait)
        verdict = Verdict.PROBED  # unless it is the first of its window, it is not this target's fault
        if parked.counts:
            if health.rate_control is not None:
                health.rate_control.on_refusal(
                    lease.since, now, out=queue.out + 1, wait=parked.wait, clear=health.throttles
                )
            verdict = self._update_circuit(queue, health, lease, now)
            if verdict is Verdict.COUNTED and health.cool_down.refused_in_row > 1:
                verdict = Verdict.PROBED  # refused again, with no answer in between: nor is that
        queue.update_limits()
        return verdict

    def _update_circuit(self, queue: HostQueue, health: HostHealth, lease: Lease, now: float) -> Verdict:
        breaker, test = health.breaker, health.test
        if test is not None and lease.since <= test.since:
            return Verdict.COUNTED  # it was requested before the test began, and the test will tell
        breaker.after = self._policy.break_after << min(health.vouched, MAX_VOUCHED)
        was_open = breaker.opened is not None
        answered = queue.answered or health.throttles or breaker.cause is Cause.SERVER  # a refusal is one, too
        patience = self._policy.max_park if answered else min(UNKNOWN_HOST_PATIENCE, self._policy.max_park)
        verdict = breaker.on_failure(lease.since, now, patience=patience)
        if breaker.opened is not None:
            if not was_open:
                health.test = None
                if queue.good is not None and breaker.cause in AMBIGUOUS_CAUSES:
                    breaker.probe_now()  # a page that was answered before will tell
                else:
                    health.blamed = True
            queue.latency.max_lease = 1
            queue.note_wait(WaitReason.CIRCUIT, now, breaker.probe_at)
        if verdict is Verdict.GIVEN_UP:
            queue.refuse(now + GIVEN_UP_FOR, (ErrorKind.CIRCUIT_OPEN, breaker.why()))
            queue.health = None
        return verdict

    def _health_of(self, queue: HostQueue) -> HostHealth:
        if queue.health is None:
            queue.health = HostHealth(queue.max_limit, self._policy.break_after, adapt=self._adapt)
        return queue.health

    def _retry_later(
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
        number = _attempts_made(lease, outcome)
        why = WaitReason.RETRY_AFTER if wait else WaitReason.BACKOFF
        if wait is None:
            wait = retry.backoff(self._policy, number, self._rng())
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
        return self._hosts.delay_attempt(attempt, wait, queue, now, why)


def _received_at(answer: Fetched | Unchanged, lease: Lease, now: float, wall: float) -> float:
    """When a response had come, in monotonic seconds; ``now`` where that is not known.

    wall: Unix time now. What opened a connection first began to be sent later than it ``started``.
    """
    if not answer.reused or answer.started is None:
        return now
    began = now - (wall - answer.started)
    return min(now, began + answer.elapsed) if began >= lease.since else now


def _may_be_network(outcome: Outcome) -> bool:
    """Whether many such failures at once show an outage: of the network, or of a gateway."""
    return looks_down(outcome) or (isinstance(outcome, Failed) and outcome.proxy in MAY_BE_HOST)


def _is_explicit_limit(outcome: Outcome) -> bool:
    """Whether it is its host's own word: it asks for fewer requests, or to wait."""
    return outcome.status == 429 or retry.retry_after(outcome) is not None


def _attempts_made(lease: Lease, outcome: Outcome) -> int:
    """Attempts made; the scheduler goes by its own count where an outcome tells a lower one."""
    return max(outcome.attempts, 1 if lease.attempt is None else lease.attempt.number)


def _failure_code(outcome: Outcome) -> str:
    """The status that a failure came with, or its error."""
    return str(outcome.error) if isinstance(outcome, Failed) else str(outcome.status)


def _describe(outcome: Outcome, cause: Cause) -> str:
    """A failure in a few words, for the records of those that were not asked for because of it."""
    if isinstance(outcome, Failed):
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error
    return f"status {outcome.status}" if outcome.status else cause
