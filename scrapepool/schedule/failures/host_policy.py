"""What results mean for their host: its circuit, its rate, its cool-down, and whether it limits requests.

Decides with the policies of ``health``. The host's own word (429, or a refusal that names a wait) and failures before a
page is requested are the host's; any other failure is its page's, unless other pages fail too; see
``failure_attribution``. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...model import ErrorKind, Failed, Fetched, Outcome, Redirected, Result, Unchanged, WaitReason
from ...settings import PoolSettings, RetryPolicy
from ..health import retry
from ..health.advertised_limits import AdvertisedLimits
from ..health.attribution import MAX_VOUCHED, Blame
from ..health.circuit_breaker import (
    AMBIGUOUS_CAUSES,
    GIVEN_UP_FOR,
    STRAIN_CAUSES,
    UNKNOWN_HOST_PROBING,
    Cause,
    Verdict,
    cause_of,
)
from ..health.host_health import HostHealth, is_check
from ..health.retry import CHECK_DELAY
from ..lease import Lease
from ..queue.host_queue import HostQueue
from .failure_attribution import confirm_rate_limit, mark_rate_limited
from .network_policy import NetworkPolicy
from .outcome_facts import describe, received_at


class HostPolicy:
    """Applies results to the health of hosts. adapt: whether rates follow what hosts allow."""

    def __init__(self, network: NetworkPolicy, pool: PoolSettings, policy: RetryPolicy) -> None:
        self.adapt = pool.pace == "auto"
        self._network = network
        self._policy = policy

    def health_of(self, queue: HostQueue) -> HostHealth:
        """Return the health of a host, from its first failure on."""
        if queue.health is None:
            queue.health = HostHealth(queue.max_limit, self._policy.break_after, adapt=self.adapt)
        return queue.health

    def on_response(self, queue: HostQueue, health: HostHealth, lease: Lease, responses: int, now: float) -> None:
        """Apply responses to a lease of a host that has failed before."""
        slight = health.is_unrestricted
        test = health.test
        earlier = None if lease.attempt is None else lease.attempt.earlier
        if earlier is not None:
            health.passed_again += 1
        if test is not None and lease.since > test.since:
            if earlier is not None:
                confirm_rate_limit(queue, health, lease, now)
            elif test.on_other_response():
                queue.end_failure_row()
            else:
                queue.attempts.retry_suspect(queue.key, test.since)
        elif earlier is not None and earlier.tries and health.rate_control is not None:
            if health.rate_control.on_retry_response(earlier.at, now):
                mark_rate_limited(queue, health)
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
            mark_rate_limited(queue, health)
        if not slight:
            queue.update_limits()
            queue.resume_requests(now)

    def on_probe_result(self, queue: HostQueue, lease: Lease, result: Result, now: float) -> None:
        """Take in the result of a probe at a page that was served before. The caller places ``queue``."""
        cause = None if isinstance(result, Redirected) else cause_of(result)
        answered = cause is None and not isinstance(result, Failed)
        if answered and self._network.guard.alert:
            self._network.guard.on_response(lease.since)
        health = queue.health
        if health is None and (isinstance(result, Redirected) or answered or result.status not in retry.HOST_WIDE):
            return
        health = self.health_of(queue)
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
        self._on_probe_failure(queue, health, lease, result, cause, now)

    def _on_probe_failure(
        self, queue: HostQueue, health: HostHealth, lease: Lease, result: Result, cause: Cause | None, now: float
    ) -> None:
        """Take in a probe that failed or was refused."""
        after = retry.retry_after(result) if isinstance(result, Fetched) else None
        if isinstance(result, Fetched) and result.status in retry.HOST_WIDE:
            if after is not None and after > self._policy.max_park:
                queue.refuse(now + after, None)
                return
            health.test = None  # a page that is refused tells of no other
            if result.status == 503 and after is None:
                if health.blamed:  # by pages in a row before
                    health.breaker.note(Cause.SERVER, describe(result, Cause.SERVER), result.target.url)
                health.blamed = True
                mark_rate_limited(queue, health)
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

    def apply_rate_limit(
        self, queue: HostQueue, lease: Lease, response: Fetched | Unchanged, now: float, wall: float
    ) -> None:
        """Pause a host whose response asks for it, since the request was the last one that a limit allowed.

        The pause is no longer than ``max_park``, since it is no refusal. If the rate is fixed, there is none.
        """
        after = retry.retry_after(response)
        if not self.adapt or response.retry is None:
            return
        if response.retry.limits:
            if queue.advertised is None:
                queue.advertised = AdvertisedLimits()
            spare = queue.advertised.spare
            came = received_at(response, lease, now, wall)
            after = queue.advertised.on_response(response.retry.limits, lease.since, came, now, response.elapsed)
            if queue.advertised.spare != spare:
                queue.update_limits()
        if after:
            queue.park(now + min(after, self._policy.max_park))

    def on_latency_alarm(self, queue: HostQueue, lease: Lease, results: Sequence[Result], now: float) -> None:
        """Send fewer requests to a host whose mean latency has risen, unless its bodies take the time."""
        first = [result.timings.ttfb for result in results if isinstance(result, Fetched) and result.timings]
        waits = [ttfb for ttfb in first if ttfb is not None]
        if waits and sum(waits) / len(waits) <= queue.latency.alarm:
            return
        health = self.health_of(queue)
        if health.rate_control is not None:
            health.rate_control.on_strain(lease.since, now)
        queue.latency.raise_baseline(queue.tally.mean)
        queue.update_limits()

    def on_failure(
        self,
        queue: HostQueue,
        lease: Lease,
        outcome: Outcome,
        cause: Cause,
        whose: Blame,
        after: float | None,
        now: float,
    ) -> Verdict:
        """Apply a failure to the health of its host, and return what it means for the target."""
        health = self.health_of(queue)
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

    def on_served_failure(self, queue: HostQueue, now: float) -> None:
        """Take in a failure that does not concern the host: it shows that the host is up."""
        if queue.health is None:
            return
        was_open = queue.health.breaker.opened is not None
        queue.health.end_failure_row()
        queue.update_limits()
        if was_open:
            queue.resume_requests(now)

    def _on_refusal(
        self, queue: HostQueue, lease: Lease, health: HostHealth, after: float | None, now: float
    ) -> Verdict:
        """Start a cool-down after a refusal, and send fewer requests from then on."""
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
        """Tell the circuit breaker about a failure, and give the host up if it says so."""
        breaker, test = health.breaker, health.test
        if test is not None and lease.since <= test.since:
            return Verdict.COUNTED  # it was requested before the test began, and the test will tell
        breaker.after = self._policy.break_after << min(health.vouched, MAX_VOUCHED)
        was_open = breaker.opened is not None
        answered = queue.answered or health.throttles or breaker.has_status
        probing = self._policy.max_park if answered else min(UNKNOWN_HOST_PROBING, self._policy.max_park)
        verdict = breaker.on_failure(lease.since, now, probing=probing)
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
