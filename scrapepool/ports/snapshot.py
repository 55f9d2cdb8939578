"""The state of a run at one moment, as views see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from ..frozen import frozen
from ..histogram import LogHistogram
from ..model import HostKey, Outcome, error_of, verdict
from ..schedule.tally import HostRow

if TYPE_CHECKING:
    from ..fail_conditions import Verdict


@frozen
class Example:
    """One URL that failed, as an example of its error."""

    error: str
    host: HostKey
    url: str
    detail: str


@frozen
class Snapshot:
    """The run at one moment: all that a view may know.

    elapsed: seconds since the start.
    done: targets with a final outcome.
    total: targets known so far.
    reading: whether lists are still being read.
    busy: leases in flight.
    workers: most leases that may be in flight.
    parked: targets that wait for a retry.
    bytes: of bodies as received, over all requests.
    outcomes: number of final outcomes by their words.
    errors: number of final outcomes by their errors.
    requests: number of requests sent.
    opened: number of connections opened.
    retried: attempts that were not the last of their target.
    rate: recent final outcomes per second.
    eta: seconds until the end; None if unknown.
    hosts: the rows worth showing, the busiest first.
    host_count: number of hosts known.
    grace: seconds that a stop still waits for what is in flight; None if the run was not asked to stop.
    eta_reason: the host that decides the ETA, and why; None if it is not one host.
    outage: why the whole run waits; None while something goes on.
    hint: how idle workers could be used.
    slowest: the hosts with the highest latencies, only in the last snapshot of a run.
    largest: the hosts with the most URLs, some seconds old; empty if they are not shown.
    checks: the verdicts of ``--fail-if``, only in the last snapshot.
    striking: what is striking about pages that succeeded, one line each; only in the last snapshot.
    processes: worker processes that the requests are divided among; 1 if there are none.
    changes: number of final outcomes by what became of their page; empty without earlier records.
    byte_rate: recent bytes per second, of bodies as received, also of those in flight.
    matching: number of hosts that ``hosts`` could list if it had no limit.
    paused: whether a person has paused the run.
    paused_for: seconds of ``elapsed`` in which it was paused.
    examples: URLs that failed, the last ones first; empty if they are not shown.
    latencies: seconds of all requests, only in the last snapshot.
    saved: seconds that requests over kept connections did not spend on opening one, only in the last snapshot.
    all_hosts: the rows of all hosts that are remembered, only in the last snapshot, and only if they are wanted.
    passed_over: targets that were not begun as earlier records have them, only in the last snapshot.
    """

    elapsed: float
    done: int
    total: int
    reading: bool
    busy: int
    workers: int
    parked: int
    bytes: int
    outcomes: Mapping[str, int]
    errors: Mapping[str, int]
    requests: int
    opened: int
    retried: int
    rate: float
    eta: float | None
    hosts: tuple[HostRow, ...]
    host_count: int
    grace: float | None = None
    eta_reason: str | None = None
    outage: str | None = None
    hint: str | None = None
    slowest: tuple[HostRow, ...] = ()
    largest: tuple[HostRow, ...] = ()
    checks: tuple[Verdict, ...] = ()
    striking: tuple[str, ...] = ()
    processes: int = 1
    changes: Mapping[str, int] = field(default_factory=dict)
    byte_rate: float = 0.0
    matching: int = 0
    paused: bool = False
    paused_for: float = 0.0
    examples: tuple[Example, ...] = ()
    latencies: LogHistogram | None = None
    saved: float = 0.0
    all_hosts: tuple[HostRow, ...] = ()
    passed_over: int = 0

    @property
    def failures(self) -> int:
        """Number of targets that did not succeed; lines that repeat a target do not count."""
        good = self.outcomes.get("ok", 0) + self.outcomes.get("unchanged", 0)
        return self.done - good - self.errors.get("duplicate", 0)

    def without(self, outcomes: Collection[Outcome]) -> Snapshot:
        """Return the same run with these outcomes not final; what was sent and received for them still counts."""
        words, errors = Counter(self.outcomes), Counter(self.errors)
        words.subtract(map(verdict, outcomes))
        errors.subtract(error for error in map(error_of, outcomes) if error is not None)
        return replace(self, done=self.done - len(outcomes), outcomes=+words, errors=+errors)
