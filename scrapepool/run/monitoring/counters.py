"""Counters of a run beside the engine's own tally: statuses, changes, hosts that were given up, latencies.

Decides which outcome counts where. ``--fail-if``, the metrics file and the summary are computed from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from ...histogram import LogHistogram
from ...model import ERROR_GROUPS, ErrorKind, Failed, HostKey, Outcome
from ...ports import Snapshot, View
from ...read.seen.finished import Finished
from .view_decorator import ViewDecorator

if TYPE_CHECKING:
    from ...fail_conditions import Figures


class Counters:
    """Counts what the engine's own tally does not: statuses, changes, hosts that were given up, latencies.

    wanted: whether anybody asks for more than the changes. compares: whether outcomes say what changed.
    """

    def __init__(self, *, wanted: bool = True, compares: bool = False) -> None:
        self.wanted = wanted
        self.changes: dict[str, int] = {}
        if compares:
            from ...change import Change  # noqa: PLC0415 - for runs that know earlier ones

            self.changes = dict.fromkeys(Change, 0)
        self.statuses: Counter[int | None] = Counter()
        self.down: set[HostKey] = set()
        self.latencies = LogHistogram()

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Count final outcomes."""
        if self.changes:
            for outcome in outcomes:
                if outcome.change is not None:
                    self.changes[outcome.change] += 1
        if not self.wanted:
            return
        self.statuses.update([outcome.status for outcome in outcomes])
        for outcome in outcomes:
            if outcome.elapsed > 0:
                self.latencies.add(outcome.elapsed)
            if type(outcome) is Failed and outcome.error is ErrorKind.CIRCUIT_OPEN:
                self.down.add(outcome.target.host)

    def figures(self, snapshot: Snapshot, finished: Finished) -> Figures:
        """Return the figures of a run for ``--fail-if``. finished: targets that it passed over, which count, too."""
        from ...fail_conditions import (  # noqa: PLC0415 - for runs with --fail-if
            FAILURES,
            HOSTS_DOWN,
            PERCENTILES,
            REJECTED,
            RETRIES,
            Figures,
        )

        outcomes, errors = snapshot.outcomes, snapshot.errors
        duplicates = errors.get(ErrorKind.DUPLICATE, 0)
        counts = {f"status_{status}": number for status, number in self.statuses.items() if status is not None}
        counts |= {name: sum(errors.get(error, 0) for error in group) for name, group in ERROR_GROUPS.items()}
        counts |= {**outcomes, **errors, **self.changes}
        counts[FAILURES] = snapshot.failures + finished.failures
        counts[REJECTED] = sum(errors.get(error, 0) for error in (ErrorKind.INVALID_URL, ErrorKind.UNSUPPORTED_SCHEME))
        counts[HOSTS_DOWN] = len(self.down)
        counts[RETRIES] = snapshot.retried
        return Figures(
            counts,
            {"seconds": snapshot.elapsed, **{name: self.latencies.percentile(at) for name, at in PERCENTILES.items()}},
            targets=snapshot.done - duplicates + finished.passed_over,
            hosts=snapshot.host_count,
            left=inf if snapshot.reading else snapshot.total - snapshot.done,
        )


class ChangesView(ViewDecorator):
    """Adds the counts of changes to each snapshot."""

    def __init__(self, view: View, counted: Counters) -> None:
        super().__init__(view)
        self._counted = counted

    def show(self, snapshot: Snapshot) -> None:
        """As ``ports.View``."""
        super().show(replace(snapshot, changes=dict(self._counted.changes)))
