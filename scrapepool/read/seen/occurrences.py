"""Tells targets apart whose records look the same, because records hide passwords."""

from __future__ import annotations

from ...model import Apart
from ...url import ParsedURL
from .hash_tables import HashSet
from .target_id import as_recorded, target_id


class Occurrences:
    """Counts targets whose records look the same, because the password is hidden."""

    def __init__(self) -> None:
        self._numbers = HashSet()

    def count(self, parsed: ParsedURL, apart: Apart) -> tuple[int, int]:
        """Count a target. Return how many so far look the same in records, and the target id of its record."""
        shown = as_recorded(parsed)
        first = 0  # the largest occurrence that is known to be taken
        step = 1
        while target_id(shown, apart._replace(occurrence=first + step)) in self._numbers:
            first += step
            step *= 2
        while step > 1:
            step //= 2
            if target_id(shown, apart._replace(occurrence=first + step)) in self._numbers:
                first += step
        self._numbers.add(number := target_id(shown, apart._replace(occurrence=first + 1)))
        return first + 1, number
