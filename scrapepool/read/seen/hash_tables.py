"""Which URLs were seen before, and where, in a few bytes each.

Decides by a 64-bit hash alone: two URLs of a list of n are taken for one with a probability of about n²/2^65,
which is 1 in 370,000 for ten million. Knows no URLs, only their hashes. Used by one thread.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

SHARD_BITS = 8
SHARDS = 1 << SHARD_BITS
SHARD_MASK = SHARDS - 1
"""Tables that grow on their own, so that no growth touches more than 1/256 of what is held."""

FEW = 1 << 16
"""Numbers that are held in a set of Python's, at 100 bytes each, which is quicker; more go into the tables."""

FIRST_SLOTS = 512
MAX_LOAD = 0.7
"""Share of slots in use at which a table doubles: 11 to 23 bytes a URL, and 2 to 3 probes."""


class SeenHashes:
    """A set of signed 64-bit numbers, as ``hash`` gives them.

    The tables: open addressing, linear probing, 0 for an empty slot.
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
        return f"<SeenHashes {len(self)} in {slots} slots, {slots * 8} bytes>"

    def add(self, number: int) -> bool:
        """Whether this number is new; it is held from now on. 0 and 1 count as one."""
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


UNKNOWN = 0xFFFF_FFFF
"""A place that is too far down to be held."""


class FirstPlaces:
    """The place at which each signed 64-bit number was seen first: 1 to UNKNOWN, which stands for what lies beyond.

    The tables are those of ``SeenHashes``, with the places beside them: 17 to 35 bytes a number.
    """

    __slots__ = ("_few", "_numbers", "_places", "_room")

    def __init__(self) -> None:
        self._few: dict[int, int] | None = {}  # all of them, until there are too many
        self._numbers: list[array[int]] = []
        self._places: list[array[int]] = []
        self._room: list[int] = []  # what each table takes before it grows

    def __repr__(self) -> str:
        slots = sum(map(len, self._numbers))
        return f"<FirstPlaces in {slots} slots, {slots * 12} bytes>"

    @property
    def seen(self) -> Callable[[int, int], int]:
        """Gets a number and its place; tells where it was seen first, 0 for a new one, whose place is held from now on.

        0 and 1 count as one number.
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
