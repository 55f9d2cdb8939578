"""What the result of a request for robots.txt means for its host.

Decides whether the host's targets may go, whether robots.txt is requested again, or whether the host is refused. Time
is an argument.
"""

from __future__ import annotations

from ...model import Failed, ProxyFault, WaitReason
from ...settings import PolitenessSettings, RetryPolicy
from ..health.circuit_breaker import GIVEN_UP_FOR
from ..health.proxy_guard import ProxyRuling
from ..health.retry import CHECK_DELAY
from ..http_fallback import falls_back
from ..queue.host_queue import HostQueue
from ..robots import RobotsGate, RobotsVerdict
from .network_policy import NetworkPolicy, Suspect
from .outcome_facts import may_be_network


class RobotsPolicy:
    """Applies verdicts on robots.txt. fallback: whether bare names are requested over http if https fails."""

    def __init__(
        self, network: NetworkPolicy, policy: RetryPolicy, politeness: PolitenessSettings, *, fallback: bool
    ) -> None:
        self._network = network
        self._policy = policy
        self._max_crawl_delay = politeness.max_crawl_delay
        self._fallback = fallback

    def on_robots(self, queue: HostQueue, gate: RobotsGate, verdict: RobotsVerdict, since: float, now: float) -> None:
        """Take in the verdict on a host's robots.txt. The caller places ``queue``."""
        queue.note_wait(WaitReason.ROBOTS, since, now)
        queue.tally.asked_robots = True
        if verdict.unreachable is None:
            self._apply(queue, verdict, since)
            self._network.on_first_response(queue)
            if self._network.guard.alert:
                self._network.guard.on_response(since)
            return
        queue.tally.robots = "unreachable"
        if self._is_proxy_fault(queue, gate, verdict, since, now) or self._is_outage(
            queue, verdict.failure, since, now
        ):
            return
        after = verdict.after or 0.0
        if after > self._policy.max_park:
            queue.refuse(now + after, None)
            return
        ends = self._fallback and falls_back(verdict.failure)  # its bare names need not wait for http
        pause = None if ends else gate.on_failure(self._policy.retries)
        if pause is None and gate.older is not None:
            self._apply(queue, gate.older, since)
        elif pause is None:
            queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
        else:
            queue.park(now + max(pause, after))
            queue.note_wait(WaitReason.ROBOTS, now, now + max(pause, after))

    def _is_proxy_fault(
        self, queue: HostQueue, gate: RobotsGate, verdict: RobotsVerdict, since: float, now: float
    ) -> bool:
        """Whether the proxy failed and not the host, which is then requested again or refused."""
        failure = verdict.failure
        if failure is None or failure.proxy is None:
            return False
        ruling = self._network.rule_on_proxy(failure, queue, since, now, gate.refunds)
        if ruling is ProxyRuling.SOON:
            gate.refunds += 1
            queue.park(now + CHECK_DELAY)
        elif ruling is ProxyRuling.OWN and failure.proxy is ProxyFault.CREDENTIALS:
            queue.refuse(now + GIVEN_UP_FOR, verdict.refusal())
        return ruling is not ProxyRuling.OWN or failure.proxy is ProxyFault.CREDENTIALS

    def _is_outage(self, queue: HostQueue, failure: Failed | None, since: float, now: float) -> bool:
        """Whether the network counts as down; a failure that is the host's own ends an alert."""
        guard = self._network.guard
        if failure is not None and may_be_network(failure):
            if self._network.report_suspect(Suspect(queue), now):
                guard.refunded += 1
                return True
        elif guard.alert:
            guard.on_response(since)
        return False

    def _apply(self, queue: HostQueue, verdict: RobotsVerdict, since: float) -> None:
        """Keep to a robots.txt, whose request counts as a start."""
        queue.apply_robots(verdict, self._max_crawl_delay)
        if queue.min_delay:
            queue.not_before = max(queue.not_before, since + queue.min_delay)
