"""Why a target was not requested sooner: the waits that a record shows.

Decides how the time that a target waited is divided among reasons. It is recorded only if records show it; nothing here
decides what starts when. Time is an argument.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from math import inf

from ...model import Wait, WaitReason
from ...named_tuple import NamedTuple

MAX_SPANS = 64
"""Spans that are kept per host. Older ones are summed up, and count only for waits that began first."""

MIN_WAIT = 0.0005
"""Seconds; a shorter wait is not recorded, since it would be written as 0.000."""


class _Span(NamedTuple):
    why: WaitReason
    since: float
    until: float


class WaitSpans:
    """The spans of time in which a host, or the whole run, started no request, with their reasons. They never overlap.

    All times are monotonic seconds.
    """

    __slots__ = ("_older", "_spans", "_until")

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque()
        self._older: defaultdict[WaitReason, float] = defaultdict(float)
        self._until = -inf

    def __repr__(self) -> str:
        return f"<WaitSpans: {len(self._spans)} spans, the last until {self._until:.3f}>"

    def add(self, why: WaitReason, since: float, until: float) -> None:
        """Record that nothing starts from ``since`` to ``until``. Where an earlier span covers that time, it stays."""
        since = max(since, self._until)
        if until <= since:
            return
        self._until = until
        last = self._spans[-1] if self._spans else None
        if last is not None and last.why is why and last.until == since:
            self._spans[-1] = last._replace(until=until)
            return
        self._spans.append(_Span(why, since, until))
        if len(self._spans) > MAX_SPANS:
            oldest = self._spans.popleft()
            self._older[oldest.why] += oldest.until - oldest.since

    def end(self, why: WaitReason, now: float) -> None:
        """End the current span now, earlier than announced, if it has this reason."""
        if self._spans and self._until > now and self._spans[-1].why is why:
            last = self._spans.pop()
            self._until = max(now, last.since)
            if self._until > last.since:
                self._spans.append(last._replace(until=self._until))

    def within(self, since: float, until: float) -> Iterable[tuple[WaitReason, float]]:
        """Yield the reasons between two times, in order, with their seconds. ``since`` -inf is the beginning."""
        if since == -inf:
            yield from self._older.items()
        for span in self._spans:
            seconds = min(span.until, until) - max(span.since, since)
            if seconds > 0:
                yield span.why, seconds


def divide_wait(seconds: float, reasons: Iterable[tuple[WaitReason, float]], rest: WaitReason) -> tuple[Wait, ...]:
    """Divide a wait of so many seconds among reasons, in their order; ``rest`` is the reason for what they leave."""
    found: dict[WaitReason, float] = {}
    left = seconds
    for why, held in reasons:
        share = min(held, left)
        found[why] = found.get(why, 0.0) + share
        left -= share
    found[rest] = found.get(rest, 0.0) + left
    return tuple(Wait(why, share) for why, share in found.items() if share >= MIN_WAIT)
