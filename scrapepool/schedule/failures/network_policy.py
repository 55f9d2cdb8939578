"""What a failure means for the network: whether it is down, or a proxy of it, and what an outage gives back.

Decides with the outage guard and the proxy guard. The retries that an outage has cost before it was found out are
refunded, and so is what it made of the hosts. Time is an argument.
"""

from __future__ import annotations

from math import log10

from ...model import Failed, Outcome
from ..health import retry
from ..health.circuit_breaker import SHARED_CAUSES, cause_of
from ..health.outage import KNOWN_HOST_EVIDENCE, OutageGuard, site_of
from ..health.proxy_guard import ProxyGuard, ProxyRuling
from ..lease import Lease
from ..queue.host_queue import HostQueue
from ..queue.host_table import HostTable
from .outcome_facts import is_explicit_limit, may_be_network


class Suspect:
    """A failure that the network may have caused: the host that was requested, and where the retry waits, if any.

    counted: whether the retry was charged to the retry budget.
    """

    __slots__ = ("counted", "number", "requested", "waits_at")

    def __init__(self, requested: HostQueue) -> None:
        self.requested = requested
        self.waits_at: HostQueue | None = None
        self.number = 0
        self.counted = False


class NetworkPolicy:
    """Watches the failures of a run. guard: the outage guard. proxy: the guard of its proxies.

    retried: retries so far that count against the budget of the run.
    """

    def __init__(self, hosts: HostTable, max_outage: float) -> None:
        self.guard: OutageGuard[Suspect] = OutageGuard(max_outage)
        self.proxy = ProxyGuard(self.guard)
        self.retried = 0
        self._isolated = 0  # failures that many hosts could have had at once, and did not
        self._hosts = hosts

    def on_first_response(self, queue: HostQueue) -> None:
        """Note that a host has responded, if it has not before."""
        if not queue.answered:
            queue.answered = True
            self._hosts.unanswered -= queue.out
            self.guard.on_first_response()

    def rule_on_proxy(self, failure: Failed, queue: HostQueue, since: float, now: float, refunds: int) -> ProxyRuling:
        """Decide what a failure of the proxy means for its target; a failure that many hosts have is noted as such."""
        known = queue.answered
        ruling = self.proxy.on_failure(failure, queue.key, now, started=since, known=known, refunds=refunds)
        if ruling is ProxyRuling.SOON and self.report_suspect(Suspect(queue), now):
            ruling = ProxyRuling.REFUNDED
        self.guard.refunded += ruling is ProxyRuling.REFUNDED and self.guard.down
        return ruling

    def report(self, queue: HostQueue, lease: Lease, outcome: Outcome, now: float) -> Suspect | None:
        """Tell the guard about an outcome; return a suspect if the network may have caused it.

        A response, and a failure that the network cannot have caused, end an alert.
        """
        weight = KNOWN_HOST_EVIDENCE if may_be_network(outcome) else self._evidence_of(queue, lease, outcome)
        if weight:
            suspect = Suspect(queue)
            self.report_suspect(suspect, now, weight)
            return suspect
        if self.guard.alert and (cause_of(outcome) is None or is_explicit_limit(outcome)):
            self.guard.on_response(lease.since)
        return None

    def _evidence_of(self, queue: HostQueue, lease: Lease, outcome: Outcome) -> float:
        """Return how much a failure says for a common cause of many hosts' failures, in powers of ten; 0.0 for nothing.

        Only the first failure of a page of a host that has responded counts. It counts for more, the rarer such
        failures are in the run.
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
        """Take in a failure that the network may have caused; return whether the network counts as down now.

        The caller places the host that was requested. weight: see ``OutageGuard.on_failure``.
        """
        guard, queue = self.guard, suspect.requested
        if not guard.down:
            new = not (queue.answered or queue.tally.errors or (queue.gate and queue.gate.failures))
            if guard.on_failure(site_of(queue.key), suspect, now, answered=queue.answered, new=new, weight=weight):
                self._refund(queue, now)
        return guard.down

    def _refund(self, current: HostQueue, now: float) -> None:
        """Refund the attempts that the outage has cost before it was found out, and restore the hosts.

        current: the host that is being settled. Placed now, while its last target is nowhere, it would be forgotten.
        """
        for suspect in self.guard.take_failures():
            queue = suspect.requested
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
