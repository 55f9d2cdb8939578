"""The histogram with logarithmic buckets: percentiles, bounds, and what is merged."""

from __future__ import annotations

import random
from math import inf

import pytest

from scrapepool.histogram import LogHistogram


@pytest.mark.parametrize("spread", [(0.001, 0.9), (0.5, 0.5), (1.0, 120.0), (1.0, 1e12)])
@pytest.mark.parametrize("steps", [32, 16])
def test_percentiles_are_right_within_a_step(spread: tuple[float, float], steps: int) -> None:
    """Against the sorted values; the maximum, the sum and the count are exact, also where two parts were merged."""
    dice = random.Random(7)
    values = sorted(dice.uniform(*spread) for _ in range(2000))
    parts = [LogHistogram(steps), LogHistogram(steps)]
    for number, value in enumerate(values):
        parts[number % 2].add(value)
    whole = parts[0].copy()
    whole.merge(parts[1])
    for share in (0.5, 0.95, 0.99, 0.999):
        true = values[int(share * len(values)) - 1]
        assert true <= (whole.percentile(share) or 0) <= true * (1.001 + 1 / steps)
    assert whole.percentile(1.0) == whole.maximum == values[-1]
    assert (whole.count, parts[0].count) == (2000, 1000)
    assert whole.total == pytest.approx(sum(values))
    assert "2000 values" in repr(whole)


def test_zeros_count_as_values_and_nothing_has_no_percentile() -> None:
    """A page may have no bytes."""
    sizes = LogHistogram()
    assert sizes.percentile(0.5) is None
    for value in (0, 0, 0, 8.0):
        sizes.add(value)
    assert [sizes.percentile(share) for share in (0.5, 0.75, 0.9)] == [0.0, 0.0, 8.0]
    assert sizes.up_to((0.0, 7.9, inf)) == [3, 3, 4]


def test_buckets_are_listed_with_their_counts() -> None:
    """Each value is between the ends of its bucket."""
    latencies = LogHistogram()
    values = (0.0001, 0.0015, 0.003, 0.004, 90.0)
    for value in values:
        latencies.add(value)
    for value, (lower, upper, count) in zip(values, latencies.buckets(), strict=True):
        assert lower <= value <= upper
        assert count == 1


def test_bounds_are_cumulative_while_values_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics are written by one thread, while outcomes are counted by another."""
    latencies = LogHistogram()
    for value in (0.1, 0.2, 30.0):
        latencies.add(value)
    begin = LogHistogram._begin

    def begin_while_another_comes(histogram: LogHistogram, bucket: int) -> float:
        histogram.add(2.0 ** len(histogram.counts))
        return begin(histogram, bucket)

    monkeypatch.setattr(LogHistogram, "_begin", begin_while_another_comes)
    assert latencies.up_to((0.05, 1.0, inf)) == [0, 2, 3]
