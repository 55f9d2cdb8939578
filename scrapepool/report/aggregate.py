"""Adds up records, one by one, in memory that does not grow with their number.

Decides what is counted, and what is taken from a record whose fields have unexpected types: nothing. Knows neither
files nor how figures are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..histogram import LogHistogram
from ..record_fields import TIMINGS
from .examples import (
    LONGEST_DETAIL,
    LONGEST_URL,
    CappedCounter,
    Example,
    Top,
    number_of,
    text_of,
)
from .hosts import FAILING, HostFigures, HostTable
from .timeline import Timeline

MOST_WORDS = 200
"""Different errors that are counted: far more than there are slugs."""

MOST_TYPES = 500
"""Different content types that are counted."""

MOST_DESTINATIONS = 5000
"""Different redirects that are counted."""

EXAMPLES_PER_ERROR = 5
"""Examples per error, each of another host where there are so many hosts."""

MOST_ATTEMPTS = 20
"""Attempts of a URL above which they are counted as so many."""

TOP = 20
"""Slowest, and largest, pages that are kept."""

GOOD = frozenset({"ok", "unchanged"})
STATUSES = range(100, 1000)


class StepTime:
    """How long one step of a request took. count: requests that had it. seconds: of all of them together."""

    __slots__ = ("count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0


class RecordAggregate:
    """What records say together. Call ``add`` for each record, as JSON values; the attributes are counts so far.

    sizes: the histogram of decoded bytes. timings: by the steps of a request. wire, decoded: bytes of all bodies.
    requested: records of URLs that were requested. reused: those of them whose last request went over a connection that
    had served before. waited: seconds that URLs were parked between attempts. redirected: URLs that were redirected.
    """

    def __init__(self) -> None:
        self.count = self.requested = self.reused = self.redirected = 0
        self.wire = self.decoded = 0
        self.waited = 0.0
        self.outcomes = CappedCounter(MOST_WORDS)
        self.errors = CappedCounter(MOST_WORDS)
        self.examples: dict[str, list[Example]] = {}
        self.statuses: dict[int, int] = {}
        self.changes = CappedCounter(MOST_WORDS)
        self.types = CappedCounter(MOST_TYPES)
        self.type_bytes: dict[str, int] = {}
        self._kinds: dict[str, str] = {}  # by content types as records have them
        self.attempts: dict[int, int] = {}
        self.sizes = LogHistogram()
        self.timings = {step: StepTime() for step in TIMINGS}
        self.hops: dict[int, int] = {}
        self.moves = CappedCounter(MOST_DESTINATIONS)  # from an origin to another one
        self.destinations = CappedCounter(MOST_DESTINATIONS)
        self.hosts = HostTable()
        self.timeline = Timeline()
        self.slowest, self.largest = Top(TOP), Top(TOP)

    def __repr__(self) -> str:
        return f"<RecordAggregate of {self.count} records, {len(self.hosts.hosts)} hosts>"

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        get = record.get
        url = get("url")
        if type(url) is not str:
            url = str(url)
        outcome = self.outcomes.add(str(get("outcome")))
        error = self._error(record, outcome)
        status = get("status")
        status = status if type(status) is int and status in STATUSES else None
        elapsed = number_of(get("elapsed"))
        size, wire = int(number_of(get("bytes"))), int(number_of(get("wire_bytes")))
        host = self.hosts.of(self.hosts.origin(url))

        self.count += 1
        self.wire += wire
        self.decoded += size
        host.count += 1
        host.bytes += wire
        host.outcomes[outcome] = host.outcomes.get(outcome, 0) + 1
        if status is not None:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            host.statuses[status] = host.statuses.get(status, 0) + 1
        if elapsed:
            host.latency.add(elapsed)
        if outcome == "ok":
            self.sizes.add(size)
            self._add_type(get("content_type"), wire)
        if (waited := get("waited")) and type(waited) is float:
            self.waited += number_of(waited)
        if (change := get("change")) is not None:
            self.changes.add(str(change)[:LONGEST_DETAIL])
        self._add_attempts(record)
        self._add_time(record, outcome, elapsed, wire)
        if (
            error is not None
            or elapsed > self.slowest.least
            or elapsed > host.slowest.least
            or size > self.largest.least
        ):
            self._add_example(self._example(record, url, host.host, outcome, status, error, elapsed, size), host)
        if redirects := get("redirects"):
            self._add_redirects(redirects, get("final_url"), host.host)

    def latency(self) -> LogHistogram:
        """Return the histogram of the seconds that the last attempts of all URLs took."""
        return self.hosts.latency()

    def _error(self, record: Mapping[str, Any], outcome: str) -> str | None:
        error = record.get("error")
        if error is None:
            if outcome not in FAILING:
                return None
            error = outcome
        return self.errors.add(str(error)[:LONGEST_DETAIL])

    def _add_type(self, content_type: Any, wire: int) -> None:
        if not isinstance(content_type, str):
            return
        kind = self._kinds.get(content_type)
        if kind is None:
            kind = content_type.partition(";")[0].strip().lower()[:LONGEST_DETAIL]
            if len(self._kinds) < MOST_TYPES and len(content_type) < LONGEST_DETAIL:
                self._kinds[content_type] = kind
        kind = self.types.add(kind)
        self.type_bytes[kind] = self.type_bytes.get(kind, 0) + wire

    def _add_attempts(self, record: Mapping[str, Any]) -> None:
        attempts = record.get("attempts")
        if type(attempts) is not int or attempts < 1:
            return
        self.requested += 1
        attempts = min(attempts, MOST_ATTEMPTS)
        self.attempts[attempts] = self.attempts.get(attempts, 0) + 1
        if record.get("reused") is True:
            self.reused += 1
        if isinstance(timings := record.get("timings"), dict):
            for step, spent in self.timings.items():
                if (given := timings.get(step)) is not None and (seconds := number_of(given)) > 0:
                    spent.count += 1
                    spent.seconds += seconds

    def _add_time(self, record: Mapping[str, Any], outcome: str, elapsed: float, wire: int) -> None:
        if (seconds := self.timeline.seconds(record.get("started"))) is None:
            return
        step = self.timeline.at(seconds)
        if outcome in GOOD:
            step.ok += 1
        elif outcome in FAILING:
            step.failed += 1
        else:
            step.skipped += 1
        step.bytes += wire
        if elapsed:
            step.latency.add(elapsed)

    @staticmethod
    def _example(
        record: Mapping[str, Any],
        url: str,
        host: str,
        outcome: str,
        status: int | None,
        error: str | None,
        elapsed: float,
        size: int,
    ) -> Example:
        line, attempts = record.get("line"), record.get("attempts")
        return Example(
            text_of(url, LONGEST_URL) or "",
            host,
            line if type(line) is int else None,
            outcome,
            status,
            error,
            text_of(record.get("detail"), LONGEST_DETAIL),
            elapsed,
            size,
            attempts if type(attempts) is int else 0,
        )

    def _add_example(self, example: Example, host: HostFigures) -> None:
        if example.elapsed > self.slowest.least:
            self.slowest.add(example.elapsed, example)
        if example.elapsed > host.slowest.least:
            host.slowest.add(example.elapsed, example)
        if example.bytes > self.largest.least:
            self.largest.add(example.bytes, example)
        if example.error is None:
            return
        if example.outcome in FAILING:
            host.failures += 1
            host.errors[example.error] = host.errors.get(example.error, 0) + 1
            if len(host.examples) < EXAMPLES_PER_ERROR:
                host.examples.append(example)
        kept = self.examples.setdefault(example.error, [])
        if len(kept) < EXAMPLES_PER_ERROR:
            kept.append(example)
        elif len(hosts := {one.host for one in kept}) < EXAMPLES_PER_ERROR and example.host not in hosts:
            repeated = next(
                place for place, one in enumerate(kept) if one.host in {other.host for other in kept[:place]}
            )
            kept[repeated] = example

    def _add_redirects(self, redirects: Any, final_url: Any, origin: str) -> None:
        if not isinstance(redirects, list) or not isinstance(final_url, str):
            return
        self.redirected += 1
        hops = min(len(redirects), MOST_ATTEMPTS)
        self.hops[hops] = self.hops.get(hops, 0) + 1
        self.destinations.add(text_of(final_url, LONGEST_URL) or "")
        if (final := self.hosts.origin(final_url)) != origin:
            self.moves.add(f"{origin} {final}")
