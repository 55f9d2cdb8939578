"""Single records that a report shows as examples, and counters that stay small whatever is counted.

Decides what is kept of an example and how many different keys a counter keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappush, heapreplace
from typing import Any

from ..named_tuple import NamedTuple

LONGEST_URL = 2000
"""Characters that are kept of a URL. A longer one is cut, so that a few examples cannot fill the memory or the page."""

LONGEST_DETAIL = 300
"""Characters that are kept of a detail."""

LARGEST = 1e18
"""No number of a record is larger: seconds and bytes are far smaller."""

OTHER = "(other)"
"""The key under which a full counter counts whatever it has not seen before."""

CUT = "…"


class Example(NamedTuple):
    """One record as an example. The fields are those of the record, and host is the origin of the URL."""

    url: str
    host: str
    line: int | None
    outcome: str
    status: int | None
    error: str | None
    detail: str | None
    elapsed: float
    bytes: int
    attempts: int

    @property
    def whole(self) -> bool:
        """Whether the URL is complete."""
        return not (len(self.url) > LONGEST_URL and self.url.endswith(CUT))


def text_of(value: Any, longest: int) -> str | None:
    """Return a text, cut to so many characters; None for anything else."""
    if not isinstance(value, str):
        return None
    return value if len(value) <= longest else value[:longest] + CUT


def number_of(value: Any) -> float:
    """Return a number between 0 and ``LARGEST`` as it is, and 0 for anything else."""
    kind = type(value)
    return value if (kind is float or kind is int) and 0 < value < LARGEST else 0


class Top:
    """Keeps the examples with the highest values. limit: how many. least: what a value has to exceed to be kept."""

    __slots__ = ("_heap", "_limit", "_order", "least")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[float, int, Example]] = []
        self._order = 0
        self.least = 0.0

    def add(self, value: float, example: Example) -> None:
        """Keep an example, if its value is above ``least``."""
        self._order -= 1  # of equal values the first ones stay
        entry = (value, self._order, example)
        if len(self._heap) < self._limit:
            heappush(self._heap, entry)
        elif value > self.least:
            heapreplace(self._heap, entry)
        if len(self._heap) == self._limit:
            self.least = self._heap[0][0]

    def examples(self) -> list[Example]:
        """Return the examples, the highest value first."""
        return [example for *_, example in sorted(self._heap, reverse=True)]


class CappedCounter:
    """Counts keys exactly up to a number of different ones; later ones are counted together as ``OTHER``."""

    __slots__ = ("_limit", "counts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.counts: dict[str, int] = {}

    def add(self, key: str) -> str:
        """Count a key; returns the key that it was counted under."""
        counts = self.counts
        if key in counts:
            counts[key] += 1
            return key
        if len(counts) >= self._limit:
            key = OTHER
        counts[key] = counts.get(key, 0) + 1
        return key

    def ranked(self) -> list[tuple[str, int]]:
        """Return keys and counts, the most frequent first."""
        return ranked(self.counts)


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the keys and counts of a mapping, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
