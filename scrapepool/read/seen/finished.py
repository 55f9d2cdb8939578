"""The targets that have a final record already, which a resumed run passes over.

Knows no files. Filled before the reading begins, then used by the reading thread alone.
"""

from __future__ import annotations

from ...model import HostKey
from .hash_tables import SeenHashes


class Finished:
    """A bag of identities.

    each: count how often a target is finished, for lists whose repeats are targets of their own; a plain set takes
    a sixth of the memory. passed_over: how often ``take`` said yes. failures: how many of them are no successes.
    put_off: hosts that asked to be left alone, and until when in Unix time; it may be over. paths: by identity, the
    files that the records of repeats name.
    """

    def __init__(self, *, each: bool = False) -> None:
        self.passed_over = 0
        self.failures = 0
        self.put_off: dict[HostKey, float] = {}
        self.paths: dict[int, str] = {}
        self._seen = SeenHashes()
        self._left: dict[int, int] = {}
        self.each = each

    def __len__(self) -> int:
        return sum(self._left.values()) if self.each else len(self._seen)

    def __contains__(self, number: int) -> bool:
        return not self.each and number in self._seen

    def __repr__(self) -> str:
        return f"<Finished {len(self)}, {self.passed_over} passed over>"

    def add(self, number: int) -> bool:
        """Hold an identity; False for one that is held already, which a bag that counts never says."""
        if not self.each:
            return self._seen.add(number)
        self._left[number] = self._left.get(number, 0) + 1
        return True

    def take(self, number: int) -> bool:
        """Whether a target that the list has now is finished. Without ``each`` a target is asked about once."""
        if self.each:
            held = (left := self._left.get(number, 0)) > 0
            if held:
                self._left[number] = left - 1
        else:
            held = number in self._seen
        self.passed_over += held
        return held
