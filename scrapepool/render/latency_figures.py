"""The latencies of a run in a few words: percentiles, and a histogram in a line.

Decides which percentiles a summary names, and how the histogram is drawn.
"""

from __future__ import annotations

from math import ceil, floor, log2

from ..histogram import LogHistogram
from . import units

SPARK_LEAST = 20
"""Requests above which a summary has a histogram."""

SPARKS = "_.:-=+*#@"
"""The columns of that histogram, from nothing to the most. A log or a mail shows ASCII, too."""


def latency_pieces(latencies: LogHistogram) -> list[str]:
    """Say the percentiles, and draw the histogram if there are enough requests for one."""
    pieces = [f"{name} {units.latency(value)}" for name, value in percentiles(latencies).items() if value is not None]
    return [*pieces, _spark(latencies)] if latencies.count >= SPARK_LEAST else pieces


def percentiles(latencies: LogHistogram) -> dict[str, float | None]:
    """Return what a summary says of the latencies, in seconds; None each without any."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: latencies.percentile(share) for name, share in shares.items()}


def _spark(latencies: LogHistogram) -> str:
    """Draw a histogram whose columns double in width, between the ends of the first and the last one."""
    counts: dict[int, int] = {}
    for begin, _, number in latencies.buckets():
        octave = floor(log2(begin))
        counts[octave] = counts.get(octave, 0) + number
    most = max(counts.values())
    first, last = min(counts), max(counts)
    drawn = "".join(
        SPARKS[0 if not (number := counts.get(octave, 0)) else ceil(number / most * (len(SPARKS) - 1))]
        for octave in range(first, last + 1)
    )
    return f"{units.latency(2.0**first)} [{drawn}] {units.latency(2.0 ** (last + 1))}"
