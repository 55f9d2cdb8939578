"""Hash tables of what was seen before, in a few bytes per URL.

Only 64-bit hashes are compared, so two different URLs of a list of n are taken for the same with a probability of about
n²/2^65: 1 in 370,000 for ten million URLs. For one thread.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

SHARD_BITS = 8
SHARDS = 1 << SHARD_BITS
SHARD_MASK = SHARDS - 1
"""The number of tables. Each grows by itself, so that growing copies 1/256 of all entries at a time."""

FEW = 1 << 16
"""Up to so many numbers are kept in a Python set, which is faster but takes 100 bytes per number."""

FIRST_SLOTS = 512
MAX_LOAD = 0.7
"""Load factor at which a table doubles its size: 11 to 23 bytes per URL, and 2 to 3 probes."""


class HashSet:
    """A set of signed 64-bit numbers, as ``hash`` returns them.

    The tables use open addressing with linear probing; 0 marks an empty slot.
    """

    __slots__ = ("_few", "_room", "_tables")

    def __init__(self) -> None:
        self._few: set[int] | None = set()  # all of them, until there are too many
        self._tables: list[array[int]] = []
        self._room: list[int] = []  # what each table takes before it grows

    def __len__(self) -> int:
        return sum(map(self._held, range(SHARDS))) if self._few is None else len(self._few)

    def __repr__(self) -> str:
        slots = sum(map(len, self._tables))
        return f"<HashSet {len(self)} in {slots} slots, {slots * 8} bytes>"

    def add(self, number: int) -> bool:
        """Add a number. Return whether it is new. 0 and 1 count as the same number."""
        number = number or 1
        few = self._few
        if few is None:
            return self._add(number)
        before = len(few)
        few.add(number)
        if len(few) > FEW:
            self._spread(few)
            return True
        return len(few) > before

    def _spread(self, few: set[int]) -> None:
        self._few = None
        self._tables = [array("q", bytes(8 * FIRST_SLOTS)) for _ in range(SHARDS)]
        self._room = [int(FIRST_SLOTS * MAX_LOAD)] * SHARDS
        for number in few:
            self._add(number)

    def _add(self, number: int) -> bool:
        shard = number & SHARD_MASK
        table = self._tables[shard]
        mask = len(table) - 1
        slot = number >> SHARD_BITS & mask
        while held := table[slot]:
            if held == number:
                return False
            slot = slot + 1 & mask
        table[slot] = number
        self._room[shard] = room = self._room[shard] - 1
        if not room:
            self._grow(shard)
        return True

    def __contains__(self, number: int) -> bool:
        number = number or 1
        if self._few is not None:
            return number in self._few
        table = self._tables[number & SHARD_MASK]
        mask = len(table) - 1
        slot = number >> SHARD_BITS & mask
        while held := table[slot]:
            if held == number:
                return True
            slot = slot + 1 & mask
        return False

    def _held(self, shard: int) -> int:
        return int(len(self._tables[shard]) * MAX_LOAD) - self._room[shard]

    def _grow(self, shard: int) -> None:
        held = self._held(shard)
        old = self._tables[shard]
        table = array("q", bytes(2 * 8 * len(old)))
        mask = len(table) - 1
        for number in old:
            if number:
                slot = number >> SHARD_BITS & mask
                while table[slot]:
                    slot = slot + 1 & mask
                table[slot] = number
        self._tables[shard] = table
        self._room[shard] = int(len(table) * MAX_LOAD) - held


UNKNOWN_PLACE = 0xFFFF_FFFF
"""Stands for every place that does not fit into 32 bits."""


class FirstSeen:
    """A map from signed 64-bit numbers to the place, 1 to UNKNOWN_PLACE, at which each was seen first.

    The tables are those of ``HashSet``, with a table of places beside each: 17 to 35 bytes per number.
    """

    __slots__ = ("_few", "_numbers", "_places", "_room")

    def __init__(self) -> None:
        self._few: dict[int, int] | None = {}  # all of them, until there are too many
        self._numbers: list[array[int]] = []
        self._places: list[array[int]] = []
        self._room: list[int] = []  # what each table takes before it grows

    def __repr__(self) -> str:
        slots = sum(map(len, self._numbers))
        return f"<FirstSeen in {slots} slots, {slots * 12} bytes>"

    @property
    def seen(self) -> Callable[[int, int], int]:
        """A function of a number and its place. It returns where the number was seen first, 0 for a new number.

        It also adds the number. 0 and 1 count as the same number.
        """
        return self._in_tables if self._few is None else self._in_few

    def _in_few(self, number: int, place: int) -> int:
        few = self._few
        if few is None:
            return self._in_tables(number, place)
        number = number or 1
        if first := few.get(number, 0):
            return first
        few[number] = place
        if len(few) > FEW:
            self._spread(few)
        return 0

    def _spread(self, few: dict[int, int]) -> None:
        self._few = None
        self._numbers = [array("q", bytes(8 * FIRST_SLOTS)) for _ in range(SHARDS)]
        self._places = [array("I", bytes(4 * FIRST_SLOTS)) for _ in range(SHARDS)]
        self._room = [int(FIRST_SLOTS * MAX_LOAD)] * SHARDS
        for number, place in few.items():
            self._in_tables(number, place)

    def _in_tables(self, number: int, place: int) -> int:
        number = number or 1
        shard = number & SHARD_MASK
        table = self._numbers[shard]
        mask = len(table) - 1
        slot = number >> SHARD_BITS & mask
        while held := table[slot]:
            if held == number:
                return self._places[shard][slot]
            slot = slot + 1 & mask
        table[slot] = number
        self._places[shard][slot] = place
        self._room[shard] = room = self._room[shard] - 1
        if not room:
            self._grow(shard)
        return 0

    def _grow(self, shard: int) -> None:
        old, places = self._numbers[shard], self._places[shard]
        held = int(len(old) * MAX_LOAD)
        table = array("q", bytes(2 * 8 * len(old)))
        further = array("I", bytes(2 * 4 * len(old)))
        mask = len(table) - 1
        for number, place in zip(old, places, strict=True):
            if number:
                slot = number >> SHARD_BITS & mask
                while table[slot]:
                    slot = slot + 1 & mask
                table[slot] = number
                further[slot] = place
        self._numbers[shard], self._places[shard] = table, further
        self._room[shard] = int(len(table) * MAX_LOAD) - held
