"""A histogram with logarithmic buckets: percentiles of any number of values from a few hundred counters.

Decides the buckets: each power of two is divided into equal steps, as in HdrHistogram. Knows no units and no clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import frexp

STEPS = 32
"""Buckets per power of two, unless another number is given: a percentile is at most 1/32 (3 %) too high."""


class LogHistogram:
    """Counts values of 0 and above in buckets whose width grows with the value.

    steps: buckets per power of two; a percentile is at most ``1 / steps`` too high.
    counts: the values above 0 by the number of their bucket. zeros: how many values are 0. total: the sum of all
    values. maximum: the largest value, exactly.
    """

    __slots__ = ("counts", "maximum", "steps", "total", "zeros")

    def __init__(self, steps: int = STEPS) -> None:
        self.steps = steps
        self.counts: dict[int, int] = {}
        self.zeros = 0
        self.total = 0.0
        self.maximum = 0.0

    def __repr__(self) -> str:
        return f"<LogHistogram: {self.count} values, {len(self.counts)} buckets, maximum {self.maximum}>"

    @property
    def count(self) -> int:
        """Number of values."""
        return self.zeros + sum(self.counts.values())

    def add(self, value: float) -> None:
        """Count one value."""
        if value <= 0:
            self.zeros += 1
            return
        self.total += value
        if value > self.maximum:  # noqa: PLR1730 - a call of max takes as long as all the rest
            self.maximum = value
        mantissa, exponent = frexp(value)
        bucket = (exponent - 1) * self.steps + int(mantissa * 2 * self.steps)
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + 1

    def add_all(self, values: Iterable[float]) -> None:
        """Count values that are above 0."""
        counts, steps = self.counts, self.steps
        for value in values:
            self.total += value
            if value > self.maximum:  # noqa: PLR1730 - as above
                self.maximum = value
            mantissa, exponent = frexp(value)
            bucket = (exponent - 1) * steps + int(mantissa * 2 * steps)
            counts[bucket] = counts.get(bucket, 0) + 1

    def merge(self, other: LogHistogram) -> None:
        """Add all values of a histogram with equal steps."""
        self.zeros += other.zeros
        self.total += other.total
        self.maximum = max(self.maximum, other.maximum)
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    def copy(self) -> LogHistogram:
        """Return a histogram of the same values."""
        made = LogHistogram(self.steps)
        made.merge(self)
        return made

    def percentile(self, share: float) -> float | None:
        """Return the value that this share of all values does not exceed; None without values."""
        if not (count := self.count):
            return None
        left = share * count - self.zeros
        if left <= 0 and self.zeros:
            return 0.0
        for _, end, number in self.buckets():
            left -= number
            if left <= 0:
                return min(end, self.maximum)
        return self.maximum

    def up_to(self, bounds: Iterable[float]) -> list[int]:
        """Count, for each bound, the values that do not exceed it, with the precision of the buckets.

        The counts never decrease from one bound to the next, also while another thread adds values.
        """
        ends = [(self._begin(bucket + 1), number) for bucket, number in dict(self.counts).items()]
        return [self.zeros + sum(number for end, number in ends if end <= bound) for bound in bounds]

    def buckets(self) -> Iterator[tuple[float, float, int]]:
        """Yield the lower end, the upper end and the count of each bucket that has values above 0, in order."""
        for bucket, number in sorted(dict(self.counts).items()):
            yield self._begin(bucket), self._begin(bucket + 1), number

    def _begin(self, bucket: int) -> float:
        exponent, step = divmod(bucket, self.steps)
        return float(2.0 ** (exponent - 1) * (1 + step / self.steps))
