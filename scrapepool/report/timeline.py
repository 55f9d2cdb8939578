"""What happened when: records by the time at which they were started.

Decides how wide the steps are: as narrow as they can be, with at most ``MOST_STEPS`` of them over the whole time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..histogram import LogHistogram

MOST_STEPS = 480
"""Steps of the timeline at most: more than a screen can show as columns."""

STEPS = 16
"""Buckets per power of two in the histogram of a step of time: its percentiles are at most 6 % too high."""

SECOND = len("2026-11-30T10:54:26")


class TimeStep:
    """The records of one step: counts by how they ended, bytes as received, and latencies."""

    __slots__ = ("bytes", "failed", "latency", "ok", "skipped")

    def __init__(self) -> None:
        self.ok = self.failed = self.skipped = self.bytes = 0
        self.latency = LogHistogram(STEPS)

    def merge(self, other: TimeStep) -> None:
        """Add the records of another step."""
        self.ok += other.ok
        self.failed += other.failed
        self.skipped += other.skipped
        self.bytes += other.bytes
        self.latency.merge(other.latency)


class Timeline:
    """The steps by number; step ``n`` begins at ``n * width`` seconds (Unix time).

    width: seconds of a step. first, last: the earliest and the latest time, None without any.
    """

    def __init__(self) -> None:
        self.width = 1
        self.steps: dict[int, TimeStep] = {}
        self.first: float | None = None
        self.last: float | None = None
        self._text = ""
        self._seconds: float | None = None

    def seconds(self, started: Any) -> float | None:
        """Return the Unix time of a record's ``started``, in whole seconds; None if it has none."""
        if not isinstance(started, str):
            return None
        text = started[:SECOND]
        if text != self._text:
            self._text = text
            try:
                self._seconds = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
            except (ValueError, OverflowError):
                self._seconds = None
        return self._seconds

    def at(self, when: float) -> TimeStep:
        """Return the step of a time, to be added to at once."""
        if self.first is None or self.last is None:
            self.first = self.last = when
        elif when < self.first:
            self.first = when
        elif when > self.last:
            self.last = when
        while self.last // self.width - self.first // self.width >= MOST_STEPS:
            self._widen()
        number = int(when // self.width)
        step = self.steps.get(number)
        if step is None:
            step = self.steps[number] = TimeStep()
        return step

    def _widen(self) -> None:
        self.width *= 2
        narrow, self.steps = self.steps, {}
        for number, step in narrow.items():
            if (wide := self.steps.get(number // 2)) is None:
                self.steps[number // 2] = step
            else:
                wide.merge(step)
