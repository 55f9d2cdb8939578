"""Examples of what failed, for a person who looks at a run.

Decides which URLs are kept: the last few of each error, and the last ones of all.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from ...model import Outcome, error_of, verdict
from ...ports import Example, Snapshot, View
from .view_decorator import ViewDecorator

PER_ERROR = 5
"""Examples of each error."""

RECENT = 200
"""Failures of any error, of which the page of a host shows its own."""


class FailureExamples:
    """The last URLs that failed. ``add`` is for one thread, ``taken`` for any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[Example] = deque(maxlen=RECENT)
        self._by_error: dict[str, deque[Example]] = {}

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome that is no success."""
        error = error_of(outcome) or verdict(outcome)
        detail = outcome.detail or str(outcome.status or "")
        example = Example(error, outcome.target.host, outcome.target.url, detail)
        with self._lock:
            self._recent.append(example)
            self._by_error.setdefault(error, deque(maxlen=PER_ERROR)).append(example)

    def taken(self) -> tuple[Example, ...]:
        """Return the examples, the last ones first."""
        with self._lock:
            recent = list(self._recent)
            older = [one for kept in self._by_error.values() for one in reversed(kept)]
        known = set(map(id, recent))
        return (*reversed(recent), *(one for one in older if id(one) not in known))


class ExamplesView(ViewDecorator):
    """Adds the examples to each snapshot."""

    def __init__(self, view: View, examples: FailureExamples) -> None:
        super().__init__(view)
        self._examples = examples

    def show(self, snapshot: Snapshot) -> None:
        """As ``ports.View``."""
        super().show(replace(snapshot, examples=self._examples.taken()))
