"""``--fail-if`` and ``--fail-fast``: judges the counters of one run.

Decides when a run that is certain to fail is stopped. ``fail_conditions`` decides what an expression means.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from ...ports import Snapshot
from ...read.seen.finished import Finished
from ...settings import AlarmSettings
from .counters import Counters

if TYPE_CHECKING:
    from ...fail_conditions import Check, Verdict

FAIL_CHECK_INTERVAL = 0.5
"""Seconds between two looks at whether a run is certain to fail."""


class Alarm:
    """Evaluates the checks of ``--fail-if`` during a run and at its end.

    counted: has counted all outcomes so far. finished: targets that the run passes over. certain: the check that is
    sure to fail, None while there is none. clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: AlarmSettings,
        counted: Counters,
        finished: Finished,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.certain: Check | None = None
        self._checks = settings.checks
        self._fast = settings.fail_fast
        self._finished = finished
        self._clock = clock
        self._looked = -inf
        self._counted = counted

    def look(self, snapshot: Callable[[], Snapshot]) -> Check | None:
        """Return the check that is certain to fail, once, if the run is to stop for it.

        snapshot: gives the run at this moment.
        """
        if not self._fast or self.certain is not None or (now := self._clock()) - self._looked < FAIL_CHECK_INTERVAL:
            return None
        from ...fail_conditions import is_certain  # noqa: PLC0415 - for runs with --fail-if

        self._looked = now
        figures = self._counted.figures(snapshot(), self._finished)
        self.certain = next((check for check in self._checks if is_certain(check, figures)), None)
        return self.certain

    def checked(self, last: Snapshot) -> Snapshot:
        """Return the last snapshot of a run with the counts of changes and the verdicts of all checks."""
        last = replace(last, changes=dict(self._counted.changes))
        if not self._checks:
            return last
        from ...fail_conditions import judged  # noqa: PLC0415 - for runs with --fail-if

        figures = self._counted.figures(last, self._finished)
        verdicts = (judged(check, figures) for check in self._checks)
        return replace(last, checks=tuple(map(self._sure, verdicts)))

    def _sure(self, verdict: Verdict) -> Verdict:
        return replace(verdict, holds=verdict.holds or verdict.check == self.certain)
