"""Groups of numbers, to be compared with all others of the same key, in memory that does not grow with their count.

Decides where they are: in buckets by their keys, of which each can be looked at alone; in memory, and in a temporary
file if there are many. To sort as many rows in SQLite takes several times as long.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ..temporary_tables import TemporaryTables

BUCKETS = 1024
"""With ten million groups, a bucket has ten thousand of them, which take a megabyte while they are looked at."""

MASK = BUCKETS - 1


class NumberBuckets:
    """Groups of ``width`` signed 64-bit numbers in the order in which they were added. The first one is the key.

    buckets: those in memory; ``add`` appends to ``buckets[key & MASK]``. tables: where they are stored. name: of the
    table there.
    """

    def __init__(self, tables: TemporaryTables, name: str, width: int) -> None:
        self.buckets: list[array[int]] = [array("q") for _ in range(BUCKETS)]
        self._tables = tables
        self._name = name
        self._width = width
        tables.execute(f"CREATE TABLE {name} (bucket INTEGER, numbers BLOB)")

    def __repr__(self) -> str:
        return f"<NumberBuckets {self._name}>"

    def add(self, *numbers: int) -> None:
        """Add a group."""
        self.buckets[numbers[0] & MASK].extend(numbers)

    def store(self) -> None:
        """Move all groups from memory into the tables. Raises ListError if the disk is full."""
        rows = ((number, bucket.tobytes()) for number, bucket in enumerate(self.buckets) if bucket)
        self._tables.insert(f"INSERT INTO {self._name} VALUES (?, ?)", rows)  # noqa: S608 - a constant
        for bucket in self.buckets:
            del bucket[:]

    def columns(self) -> Iterator[tuple[array[int], ...]]:
        """Yield bucket by bucket, each as columns: the first numbers of its groups, the second ones, and so on."""
        self._tables.execute(f"CREATE INDEX by_{self._name} ON {self._name} (bucket)")
        stored = f"SELECT numbers FROM {self._name} WHERE bucket = ? ORDER BY rowid"  # noqa: S608 - a constant
        for number, bucket in enumerate(self.buckets):
            numbers = array("q", b"".join(numbers for (numbers,) in self._tables.rows(stored, number)))
            numbers += bucket
            if numbers:
                yield tuple(numbers[column :: self._width] for column in range(self._width))
