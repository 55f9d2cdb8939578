"""Hash tables of what was seen before, in a few bytes per URL.

Only 64-bit hashes are compared, so two different URLs of a list of n are taken for the same with a probability of about
n²/2^65: 1 in 370,000 for ten million URLs. For one thread.

A table is 262,144 buckets of bytes. The lower 18 bits of a number say in which bucket it is. There, its upper six bytes
are found by a search for them, which takes less time and memory than probing slots in Python does. A bucket that gets a
number is replaced by a longer one: up to ten million numbers, buckets have less than 512 bytes, and Python's allocator
packs those more densely than the system's does arrays that grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct

BUCKETS = 1 << 18
BUCKET_MASK = BUCKETS - 1

FEW = 1 << 16
"""Up to so many numbers are kept in a Python set, which takes 100 bytes per number; so many in a table take
80 each."""

NUMBER_BYTES = 6
"""Bytes of a number in its bucket: those that the bucket does not say, and two bits more."""

PLACE_BYTES = 4
ENTRY_BYTES = NUMBER_BYTES + PLACE_BYTES

_NUMBER = Struct("<q").pack
_NUMBER_AND_PLACE = Struct("<qI").pack


class HashSet:
    """A set of signed 64-bit numbers, as ``hash`` returns them: 7 bytes per number, if there are ten million."""

    __slots__ = ("_buckets", "_few")

    def __init__(self) -> None:
        self._few: set[int] | None = set()  # all of them, until there are too many
        self._buckets: list[bytes] = []

    def __len__(self) -> int:
        return sum(map(len, self._buckets)) // NUMBER_BYTES if self._few is None else len(self._few)

    def __repr__(self) -> str:
        return f"<HashSet {len(self)}>"

    def add(self, number: int) -> bool:
        """Add a number. Return whether it is new."""
        few = self._few
        if few is None:
            return self._add(number)
        before = len(few)
        few.add(number)
        if len(few) > FEW:
            self._spread(few)
            return True
        return len(few) > before

    def _spread(self, few: Iterable[int]) -> None:
        self._few = None
        self._buckets = [b""] * BUCKETS
        for number in few:
            self._add(number)

    def _add(self, number: int) -> bool:
        entry = _NUMBER(number)[2:]
        bucket = self._buckets[number & BUCKET_MASK]
        if _place_in(bucket, entry, NUMBER_BYTES) >= 0:
            return False
        self._buckets[number & BUCKET_MASK] = bucket + entry
        return True

    def __contains__(self, number: int) -> bool:
        if self._few is not None:
            return number in self._few
        return _place_in(self._buckets[number & BUCKET_MASK], _NUMBER(number)[2:], NUMBER_BYTES) >= 0


def _place_in(bucket: bytes, number: bytes, size: int) -> int:
    """Return where a number begins in a bucket of entries of ``size`` bytes, -1 if it is not in there."""
    at = bucket.find(number)
    while at > 0 and at % size:  # these bytes also stand across two entries
        at = bucket.find(number, at + 1)
    return at


UNKNOWN_PLACE = 0xFFFF_FFFF
"""Stands for every place that does not fit into 32 bits."""


class FirstSeen:
    """A map from signed 64-bit numbers to the place, 1 to UNKNOWN_PLACE, at which each was seen first.

    The buckets are those of ``HashSet``, with the place behind each number: 13 bytes per number, if there are ten
    million.
    """

    __slots__ = ("_buckets", "_few")

    def __init__(self) -> None:
        self._few: dict[int, int] | None = {}  # all of them, until there are too many
        self._buckets: list[bytes] = []

    def __repr__(self) -> str:
        return f"<FirstSeen {sum(map(len, self._buckets)) // ENTRY_BYTES + len(self._few or ())}>"

    @property
    def seen(self) -> Callable[[int, int], int]:
        """A function of a number and its place. It returns where the number was seen first, 0 for a new number.

        It also adds the number.
        """
        return self._in_buckets if self._few is None else self._in_few

    def _in_few(self, number: int, place: int) -> int:
        few = self._few
        if few is None:
            return self._in_buckets(number, place)
        if first := few.get(number, 0):
            return first
        few[number] = place
        if len(few) > FEW:
            self._spread(few)
        return 0

    def _spread(self, few: dict[int, int]) -> None:
        self._few = None
        self._buckets = [b""] * BUCKETS
        for number, place in few.items():
            self._in_buckets(number, place)

    def _in_buckets(self, number: int, place: int) -> int:
        entry = _NUMBER_AND_PLACE(number, place)
        bucket = self._buckets[number & BUCKET_MASK]
        at = bucket.find(entry[2:8])
        while at > 0 and at % ENTRY_BYTES:  # as in ``_place_in``, which a call per line would cost more than
            at = bucket.find(entry[2:8], at + 1)
        if at >= 0:
            return int.from_bytes(bucket[at + NUMBER_BYTES : at + ENTRY_BYTES], "little")
        self._buckets[number & BUCKET_MASK] = bucket + entry[2:]
        return 0
