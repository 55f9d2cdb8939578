"""Tells targets apart whose records look the same, because records hide passwords."""

from __future__ import annotations

from ...model import Apart
from ...url import ParsedURL
from .hash_tables import SeenHashes
from .target_id import identity, recorded


class Occurrences:
    """Counts targets whose records look the same, since passwords are hidden there."""

    def __init__(self) -> None:
        self._numbers = SeenHashes()

    def count(self, parsed: ParsedURL, apart: Apart) -> tuple[int, int]:
        """Count a target: how many so far look as it does in records, itself among them, and its number in records."""
        shown = recorded(parsed)
        first = 0  # the largest occurrence that is known to be taken
        step = 1
        while identity(shown, apart._replace(occurrence=first + step)) in self._numbers:
            first += step
            step *= 2
        while step > 1:
            step //= 2
            if identity(shown, apart._replace(occurrence=first + step)) in self._numbers:
                first += step
        self._numbers.add(number := identity(shown, apart._replace(occurrence=first + 1)))
        return first + 1, number
