"""The figures of a report as JSON values. Their keys are an API: docs/report.md describes them.

Decides which figures there are, how precise they are and how many rows a list has. All forms of a report are made of
these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..histogram import LogHistogram
from ..model import OUTCOMES
from .aggregate import RecordAggregate
from .examples import Example, ranked
from .hosts import HostFigures
from .timeline import MOST_STEPS, TimeStep

VERSION = 1
"""Changes when a key goes away or changes its meaning; new keys may come at any time."""

MAX_LISTED_HOSTS = 1000
"""Hosts that are listed: most records first, and beside them those that fail most or are slowest."""

MAX_FIGURE_ROWS = 20
"""Rows of the lists of content types, redirects and destinations."""

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}

DIGITS = 6
"""Digits behind the point of seconds: microseconds, as in records."""


def figures(found: RecordAggregate, name: str, replaced: int = 0) -> dict[str, Any]:
    """Return all figures. name: of the records. replaced: records that do not count, as later ones replace them."""
    first, last = found.timeline.first, found.timeline.last
    return {
        "version": VERSION,
        "records": name,
        "count": found.count,
        "replaced": replaced,
        "started": None if first is None else _instant(first),
        "last_started": None if last is None else _instant(last),
        "seconds": None if first is None or last is None else last - first,
        "outcomes": {word: found.outcomes.counts.get(word, 0) for word in (*OUTCOMES, *_unknown(found))},
        "errors": [
            {"error": error, "count": count, "examples": [_example(one) for one in found.examples.get(error, ())]}
            for error, count in found.errors.ranked()
        ],
        "statuses": {str(status): found.statuses[status] for status in sorted(found.statuses)},
        "content_types": [
            {"content_type": kind, "count": count, "bytes": found.type_bytes.get(kind, 0)}
            for kind, count in found.types.ranked()[:MAX_FIGURE_ROWS]
        ],
        "latency": _spread(found.latency(), DIGITS),
        "timings": {
            step: {"count": spent.count, "seconds": round(spent.seconds, DIGITS)}
            for step, spent in found.timings.items()
        },
        "bytes": found.wire,
        "decoded_bytes": found.decoded,
        "sizes": _spread(found.sizes, 0),
        "requested": found.requested,
        "reused": found.reused,
        "attempts": {str(number): found.attempts[number] for number in sorted(found.attempts)},
        "waited": round(found.waited, 3),
        "changes": dict(found.changes.ranked()),
        "redirects": {
            "urls": found.redirected,
            "hops": {str(number): found.hops[number] for number in sorted(found.hops)},
            "moves": [
                dict(zip(("from", "to", "count"), (*move.partition(" ")[::2], count), strict=True))
                for move, count in found.moves.ranked()[:MAX_FIGURE_ROWS]
            ],
            "destinations": [
                {"url": url, "count": count} for url, count in found.destinations.ranked()[:MAX_FIGURE_ROWS]
            ],
        },
        "slowest": [_example(one) for one in found.slowest.examples()],
        "largest": [_example(one) for one in found.largest.examples()],
        "timeline": _timeline(found),
        "host_count": found.hosts.total,
        "host_records_left_out": found.hosts.left_out,
        "host_records_missing": found.hosts.missing,
        "hosts": [_host(row) for row in found.hosts.shown(MAX_LISTED_HOSTS)],
    }


def _unknown(found: RecordAggregate) -> list[str]:
    return [word for word in found.outcomes.counts if word not in OUTCOMES]


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rounded(value: float | None, digits: int) -> float | int | None:
    if value is None:
        return None
    return round(value, digits) if digits else round(value)


def _spread(histogram: LogHistogram, digits: int) -> dict[str, Any]:
    """Return count, mean, percentiles and maximum, and the buckets: lower end, upper end and count of each."""
    count = histogram.count
    found: dict[str, Any] = {"count": count, "mean": _rounded(histogram.total / count if count else None, digits)}
    found |= {name: _rounded(histogram.percentile(share), digits) for name, share in PERCENTILES.items()}
    found["max"] = _rounded(histogram.maximum if count else None, digits)
    found["zeros"] = histogram.zeros
    found["buckets"] = [[_rounded(begin, 7), _rounded(end, 7), number] for begin, end, number in histogram.buckets()]
    return found


def _example(one: Example) -> dict[str, Any]:
    shown = {**one._asdict(), "elapsed": _rounded(one.elapsed, DIGITS)}
    return shown if one.whole else {**shown, "cut": True}


def _host(row: HostFigures) -> dict[str, Any]:
    return {
        "host": row.host,
        "count": row.count,
        "failures": row.failures,
        "bytes": row.bytes,
        "outcomes": _ranked(row.outcomes),
        "errors": _ranked(row.errors),
        "statuses": {str(status): row.statuses[status] for status in sorted(row.statuses)},
        "latency": _spread(row.latency, DIGITS),
        "slowest": [_example(one) for one in row.slowest.examples()],
        "examples": [_example(one) for one in row.examples],
    }


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(ranked(counts))


def _timeline(found: RecordAggregate) -> dict[str, Any] | None:
    """Return lists with a value per step: also for steps in which nothing was started. None without any time."""
    timeline = found.timeline
    if timeline.first is None or timeline.last is None:
        return None
    begin = int(timeline.first // timeline.width)
    numbers = range(begin, min(int(timeline.last // timeline.width), begin + MOST_STEPS) + 1)
    nothing = TimeStep()
    steps = [timeline.steps.get(number, nothing) for number in numbers]
    return {
        "from": begin * timeline.width,
        "step": timeline.width,
        "ok": [step.ok for step in steps],
        "failed": [step.failed for step in steps],
        "skipped": [step.skipped for step in steps],
        "bytes": [step.bytes for step in steps],
        "p50": [_rounded(step.latency.percentile(0.5), DIGITS) for step in steps],
        "p95": [_rounded(step.latency.percentile(0.95), DIGITS) for step in steps],
    }
