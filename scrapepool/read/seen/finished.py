"""The targets that have a final record already, which a resumed run passes over.

Knows no files. Filled before the reading begins, then used by the reading thread alone.
"""

from __future__ import annotations

from ...model import HostKey
from .hash_tables import HashSet


class Finished:
    """The target ids of finished targets.

    each: count how often each target is finished, for lists whose duplicates are targets of their own. Without it, a
    set is kept, which takes a sixth of the memory. passed_over: how often ``take`` returned True. failures: how many
    finished targets did not succeed. not_before: by host, the Unix time until which it asked not to be requested; it
    may be past. paths: by target id, the files that the records of duplicates name. of_other_shards: how many lines of
    the lists were passed over because their hosts are in other shards.
    """

    def __init__(self, *, each: bool = False) -> None:
        self.passed_over = 0
        self.failures = 0
        self.of_other_shards = 0
        self.not_before: dict[HostKey, float] = {}
        self.paths: dict[int, str] = {}
        self._seen = HashSet()
        self._left: dict[int, int] = {}
        self.each = each

    def __len__(self) -> int:
        return sum(self._left.values()) if self.each else len(self._seen)

    def __contains__(self, number: int) -> bool:
        return not self.each and number in self._seen

    def __repr__(self) -> str:
        return f"<Finished {len(self)}, {self.passed_over} passed over>"

    def add(self, number: int) -> bool:
        """Add a target id. Return whether it is new; always True with ``each``."""
        if not self.each:
            return self._seen.add(number)
        self._left[number] = self._left.get(number, 0) + 1
        return True

    def take(self, number: int) -> bool:
        """Whether a target of the current list is finished. With ``each``, one finished target is used up."""
        if self.each:
            held = (left := self._left.get(number, 0)) > 0
            if held:
                self._left[number] = left - 1
        else:
            held = number in self._seen
        self.passed_over += held
        return held
