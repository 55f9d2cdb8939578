"""Whether a failure is attributed to its page or to its host, and whether the host limits requests.

Decides from the host's health, which it updates: which pages failed in a row, and the test that finds out whether they
are broken (``health.attribution``). Time is an argument.
"""

from __future__ import annotations

from ...model import Earlier, Outcome
from ..health import retry
from ..health.attribution import Blame, RowTest, attribute
from ..health.circuit_breaker import AMBIGUOUS_CAUSES, Cause
from ..health.host_health import HostHealth
from ..health.retry import CHECK_DELAY, MAX_REFUNDS
from ..lease import Lease
from ..queue.host_queue import HostQueue
from .outcome_facts import describe


def mark_rate_limited(queue: HostQueue, health: HostHealth) -> None:
    """Note that the host limits requests by a 503 without a wait, unless it has a clear signal, such as 429.

    Attempts that may have been lost to the limit are refunded then.
    """
    if not health.limits and not health.throttles:
        health.limits = True
        queue.attempts.refund("503", MAX_REFUNDS)


def confirm_rate_limit(queue: HostQueue, health: HostHealth, lease: Lease, now: float) -> None:
    """Note that the host limits requests: a page that it refused is served when it is requested again, alone."""
    health.test = None
    if health.breaker.cause is Cause.SERVER and not health.throttles:
        mark_rate_limited(queue, health)
        if health.rate_control is not None:
            health.rate_control.on_refusal(lease.since, now, out=0, wait=0.0)


def attribute_failure(
    queue: HostQueue,
    health: HostHealth,
    lease: Lease,
    outcome: Outcome,
    cause: Cause,
    after: float | None,
    now: float,
    *,
    adapt: bool,
) -> Blame:
    """Attribute a failure, and note its page as one that failed in a row unless it was noted before.

    after: seconds that the host asked to wait. adapt: whether the rate follows what the host allows.
    """
    health.last = queue.responses
    breaker = health.breaker
    earlier = None if lease.attempt is None else lease.attempt.earlier
    ambiguous = cause in AMBIGUOUS_CAUSES and not (after and outcome.status in retry.HOST_WIDE)
    if earlier is None or (queue.answered and not ambiguous):  # in the latter case the page plays no part
        breaker.note(cause, describe(outcome, cause), outcome.final_url or outcome.target.url)
    others = earlier is not None and earlier.host == queue.key and earlier.answers < queue.responses
    refused = outcome.status in retry.HOST_WIDE
    health.throttles |= refused and not ambiguous
    if not ambiguous or health.blamed:
        return Blame.HOST
    if refused and earlier is None and health.limits and adapt and not health.interval:
        return Blame.HOST
    if earlier is not None:
        _note_failed_again(health, earlier, within_limit=others and health.is_within_limit)
    if breaker.opened is not None and queue.good is not None:
        return Blame.PAGE if others else Blame.UNDECIDED
    if health.test is not None:
        whose = _attribute_by_test(queue, lease, health, health.test)
    else:
        whose = _attribute_by_row(queue, health, now, refused=refused, others=others)
    if whose is Blame.HOST:
        health.blamed = True
        if refused:
            mark_rate_limited(queue, health)
    return whose


def _note_failed_again(health: HostHealth, earlier: Earlier, *, within_limit: bool) -> None:
    """Note that a page failed again, which shows that it is broken if the host did not limit requests then."""
    if earlier.tries or within_limit:
        health.failed_again += 1
    if health.rate_control is not None:
        health.rate_control.on_retry_failure(earlier.at)


def _attribute_by_row(queue: HostQueue, health: HostHealth, now: float, *, refused: bool, others: bool) -> Blame:
    """Attribute a failure by the number of pages that failed in a row; where it may be the host's, a test begins.

    refused: whether the status may be a refusal. others: whether other pages were served since the page failed before.
    """
    whose = attribute(
        health.breaker.failed_in_row,
        responses=queue.responses,
        failures=queue.failures,
        others_answered=others,
        vouched=health.vouched,
    )
    if whose is not Blame.HOST or not (queue.good is not None or queue.has_fresh()):
        return whose
    alone = refused and not health.throttles and health.failed_again <= 2 * health.passed_again
    health.test = RowTest(now, times=3 if alone else 1, alone=alone)
    if alone:
        queue.park(now + CHECK_DELAY)  # by then a rate limit lets the page pass
    return Blame.UNDECIDED


def _attribute_by_test(queue: HostQueue, lease: Lease, health: HostHealth, test: RowTest) -> Blame:
    """Attribute a failure while the pages that failed in a row are tested; this may end the test."""
    if lease.since <= test.since:
        return Blame.UNDECIDED  # it was requested before the test began
    is_retry = lease.attempt is not None and lease.attempt.earlier is not None
    if is_retry:
        test.on_page_failure()
    if is_retry or (queue.good is not None and not test.alone):
        return Blame.UNDECIDED
    health.test = None
    return Blame.HOST
