"""What one failing result means for its target: its final outcome, or another attempt, when, and at whose cost.

Decides in a fixed order: first what the proxy and the network are to blame for, then what the host asks for, then whose
failure it is, then whether a retry is allowed. The other policies of this package apply the same failure to the network
and to the host. Time and the random number for the jitter are arguments or handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...model import Attempt, Earlier, Failed, Fetched, Outcome, WaitReason
from ...settings import PolitenessSettings, PoolSettings, RetryPolicy
from ..health import retry, retry_budget
from ..health.attribution import Blame
from ..health.circuit_breaker import AMBIGUOUS_CAUSES, Cause, Verdict, cause_of
from ..health.proxy_guard import ProxyRuling
from ..health.retry import CHECK_DELAY, MAX_REFUNDS
from ..lease import Lease
from ..queue.host_queue import HostQueue
from ..queue.host_table import HostTable
from .failure_attribution import attribute_failure
from .host_policy import HostPolicy
from .network_policy import NetworkPolicy, Suspect
from .outcome_facts import attempts_made, failure_code, is_explicit_limit, may_be_network
from .robots_policy import RobotsPolicy


class FailurePolicy:
    """Decides about failing results. network, host, robots: what the same results mean for these.

    fallback: whether bare names are requested over http if https fails. rng: returns random numbers in [0, 1).
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
        self.network = NetworkPolicy(hosts, policy.max_outage)
        self.host = HostPolicy(self.network, pool, policy)
        self.robots = RobotsPolicy(self.network, policy, politeness, fallback=fallback)
        self._hosts = hosts
        self._policy = policy
        self._rng = rng

    def on_success(self, queue: HostQueue, lease: Lease, responses: int, now: float, *, failed: bool) -> None:
        """Take in responses to a lease, which are news only if the host has failed or somebody else does.

        failed: whether the lease ended in a failure: its responses came before that, and say nothing of the network
        now.
        """
        if not responses:
            return
        network = self.network
        network.on_first_response(queue)
        if network.guard.alert and not failed:
            network.guard.on_response(lease.since)
        if network.proxy.alert:
            network.proxy.on_response(queue.key, now)
        if queue.health is not None:
            self.host.on_response(queue, queue.health, lease, responses, now)

    def decide(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float, wall: float) -> Outcome | None:
        """Return the final outcome, or None if the target is requested again. The caller places ``queue``."""
        if self._retries_for_proxy(queue, lease, outcome, now):
            return None
        suspect = self.network.report(queue, lease, outcome, now)
        if self._retries_for_network(queue, lease, outcome, now):
            return None
        after = retry.retry_after(outcome)
        if after is not None and after > self._policy.max_park:
            if _is_refusal(outcome):
                queue.refuse(now + after, None)
            return retry.deferred(outcome, lease.host, after, wall) if retry.is_retryable(outcome) else outcome
        cause = cause_of(outcome)
        verdict, whose = Verdict.COUNTED, Blame.PAGE
        if cause is not None:
            health, adapt = self.host.health_of(queue), self.host.adapt
            whose = attribute_failure(queue, health, lease, outcome, cause, after, now, adapt=adapt)
            verdict = self.host.on_failure(queue, lease, outcome, cause, whose, after, now)
            if _is_refusal(outcome) and verdict is Verdict.COUNTED and self.host.health_of(queue).is_likely_limited:
                verdict = Verdict.PROBED
        else:
            self.host.on_served_failure(queue, now)
        if not retry.is_retryable(outcome) or verdict is Verdict.GIVEN_UP:
            return outcome
        earlier = None
        if cause is not None:
            earlier, after = self._check(queue, lease, outcome, cause, whose, after, now)
        free = verdict is Verdict.PROBED and _refunds(lease) < MAX_REFUNDS
        if free and (self._policy.retries or not _is_refusal(outcome)):
            self._retry_later(queue, lease, outcome, after or 0.0, now, made=0, refunds=1, earlier=earlier)
            return None
        return self._retry_in_budget(queue, lease, outcome, whose, suspect, after, earlier, now)

    def _retries_for_proxy(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float) -> bool:
        """Whether the proxy is to blame, so that the target is requested again at no cost."""
        if not isinstance(outcome, Failed) or outcome.proxy is None:
            return False
        ruling = self.network.rule_on_proxy(outcome, queue, lease.since, now, _refunds(lease))
        if ruling is ProxyRuling.OWN:
            return False
        soon = ruling is ProxyRuling.SOON
        self._retry_later(queue, lease, outcome, CHECK_DELAY if soon else 0.0, now, made=0, refunds=int(soon))
        return True

    def _retries_for_network(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float) -> bool:
        """Whether an outage or a name server is to blame, so that the target is requested again at no cost."""
        guard, refunds = self.network.guard, _refunds(lease)
        failed = retry.is_retryable(outcome) and cause_of(outcome) is not None
        if guard.down and failed and not is_explicit_limit(outcome):
            guard.refunded += 1
            self._retry_later(queue, lease, outcome, 0.0, now, made=0)
            return True
        if outcome.retry is not None and outcome.retry.resolver and refunds < MAX_REFUNDS:
            wait = retry.backoff(self._policy, refunds + 1, 1.0)
            self._retry_later(queue, lease, outcome, wait, now, made=0, refunds=1)
            return True
        return False

    def _check(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        cause: Cause,
        whose: Blame,
        after: float | None,
        now: float,
    ) -> tuple[Earlier | None, float | None]:
        """Return what the next attempt should know of this failure, and after how many seconds it should follow.

        A page that may have been refused is requested again soon, before others, to find out whether it was.
        """
        if cause not in AMBIGUOUS_CAUSES:
            return None, after
        health = self.host.health_of(queue)
        test = health.test
        tries = whose is Blame.UNDECIDED and _is_refusal(outcome) and after is None
        if tries and test is not None and test.since == now:
            after = CHECK_DELAY if test.alone else 0.0
        elif tries and test is not None and lease.since > test.since:
            tries = queue.attempts.find_suspect(queue.key, test.since) is None  # else another page goes next
            after = 0.0 if tries else after
        elif tries and health.wants_check(lease.attempt, now):
            after = CHECK_DELAY
        else:
            tries = False
        return Earlier(queue.key, queue.responses, now, tries, failure_code(outcome)), after

    def _retry_in_budget(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        whose: Blame,
        suspect: Suspect | None,
        after: float | None,
        earlier: Earlier | None,
        now: float,
    ) -> Outcome | None:
        """Let the target wait for a retry if the policy and the budgets allow one; else return its outcome."""
        if not retry.may_retry(self._policy, attempts_made(lease, outcome)):
            return outcome
        network = may_be_network(outcome) and queue.answered
        counts = whose is Blame.HOST and not _is_refusal(outcome) and not network
        if counts and (detail := self._budget_exceeded(queue, outcome)):
            return replace(outcome, detail=detail)
        queue.retried += counts
        self.network.retried += counts
        waits_at, number = self._retry_later(queue, lease, outcome, after, now, earlier=earlier)
        if suspect is not None:
            suspect.waits_at, suspect.number, suspect.counted = waits_at, number, counts
        return None

    def _budget_exceeded(self, queue: HostQueue, outcome: Outcome) -> str | None:
        """Return the detail of a record whose retry would exceed a budget, None if it is within both budgets."""
        share = self._policy.retry_budget
        for scope, retried, targets in (
            ("host", queue.retried, max(queue.tally.total, queue.tally.requests)),
            ("run", self.network.retried, self._hosts.known),
        ):
            if not retry_budget.allows_retry(retried, targets, share):
                return "; ".join(filter(None, (outcome.detail, retry_budget.exhausted_detail(scope, share))))
        return None

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
        """Let the target wait for its next attempt; return the queue that it waits in, and its number there.

        wait: seconds, None for the policy's backoff. made: 0 if the attempt does not count. refunds: 1 if that is
        because of the host. earlier: as of an ``Attempt``.
        """
        number = attempts_made(lease, outcome)
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
            refunds=_refunds(lease) + refunds,
            earlier=earlier,
        )
        return self._hosts.delay_attempt(attempt, wait, queue, now, why)


def _refunds(lease: Lease) -> int:
    """Return how many attempts at the target of a lease were refunded."""
    return 0 if lease.attempt is None else lease.attempt.refunds


def _is_refusal(outcome: Outcome) -> bool:
    """Whether a response refuses the request for the whole host."""
    return outcome.status in retry.HOST_WIDE and isinstance(outcome, Fetched)
