"""What the parts of the scheduler share: the counts of a run, and the objects that know its hosts."""

from __future__ import annotations

from math import inf

from ..model import Target
from .failures.failure_policy import FailurePolicy
from .lease import Lease
from .queue.host_state_sync import HostStateSync
from .queue.host_table import HostTable
from .queue.trace_recorder import TraceRecorder
from .run_quota import RunQuota
from .tally import Tally


class RunState:
    """The state of one run. ``Dispatcher`` and ``Settlement`` change it, on one thread.

    queued: fresh targets that are not on lease. out: targets on lease. in_flight: leases.
    spent: which limit of the run was reached, None before that. quota: None if the run has no limits.
    spacing: seconds between two starts over all hosts. next_start: earliest next start. now: the latest time that was
    passed in. probe: the only lease that is out during an outage. good: the last page that any host served.
    recorder: None if no waits are recorded. host_states: what other runs know of hosts, None for nothing.
    """

    __slots__ = (
        "failure_policy", "good", "guard", "host_states", "hosts", "in_flight", "next_start", "now", "out", "probe",
        "proxy", "queued", "quota", "recorder", "spacing", "spent", "tally",
    )  # fmt: skip

    def __init__(
        self,
        tally: Tally,
        hosts: HostTable,
        failure_policy: FailurePolicy,
        *,
        spacing: float,
        quota: RunQuota | None,
        recorder: TraceRecorder | None,
        host_states: HostStateSync | None,
    ) -> None:
        self.tally = tally
        self.hosts = hosts
        self.failure_policy = failure_policy
        self.guard = failure_policy.network.guard
        self.proxy = failure_policy.network.proxy
        self.queued = self.out = self.in_flight = 0
        self.spent: str | None = None
        self.spacing = spacing
        self.next_start = self.now = -inf
        self.quota = quota
        self.recorder = recorder
        self.host_states = host_states
        self.probe: Lease | None = None
        self.good: Target | None = None
