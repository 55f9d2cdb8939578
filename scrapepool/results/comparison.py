"""Compares two sets of records target by target, in constant memory: ``changes``.

Decides which record of a target counts, and the order of the differences. Both sets are written into a temporary
database, which SQLite sorts on disk. ``change`` decides what is a difference.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Self

from ..change import Condition, Difference, PageState, differences, same_page
from ..named_tuple import NamedTuple
from ..temporary_tables import TemporaryTables
from .find import typed_record
from .journal import is_regenerated, request_id
from .record_summary import RecordSummary

Record = tuple[RecordSummary, Mapping[str, Any]]

OLD, NEW = 0, 1


class Entry(NamedTuple):
    """One difference. url: as in the newer record. old, new: the states of the page, None without a record."""

    difference: Difference
    url: str
    old: PageState | None
    new: PageState | None


class Comparison:
    """Compares older records with newer ones: call ``add`` for all records, then ``compare``, then read ``entries``.

    counts: the number of entries by difference. targets: the number of targets in the older and the newer records.
    same: targets with an equal page in both. unknown: targets with a page in both whose records do not show whether it
    has changed. Raises ListError if the disk for temporary files is full.
    """

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Difference, 0)
        self.targets = [0, 0]
        self.same = self.unknown = 0
        self._places = 0
        self._tables = TemporaryTables(
            "the temporary file of this comparison",
            "CREATE TABLE records (target INTEGER, side INTEGER, place INTEGER, state BLOB)",
            "CREATE TABLE entries (difference INTEGER, place INTEGER, states BLOB)",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tables.close()

    def add(self, side: int, records: Iterable[Record]) -> None:
        """Add the records of one side. Raises what reading them raises."""
        self._tables.insert("INSERT INTO records VALUES (?, ?, ?, ?)", self._rows(side, records))

    def compare(self, *, complete: bool = True) -> None:
        """Find the differences. complete: whether a target without a newer record counts as removed from the list."""
        self._tables.insert("INSERT INTO entries VALUES (?, ?, ?)", self._differences(complete))

    def entries(self, wanted: Iterable[Difference] = tuple(Difference)) -> Iterator[Entry]:
        """Yield the differences of the wanted kinds, kind by kind, each in the order of its records."""
        kinds = {number: one for number, one in enumerate(Difference) if one in set(wanted)}
        query = f"SELECT difference, states FROM entries WHERE difference IN ({','.join(map(str, kinds))})"  # noqa: S608 - numbers
        for kind, packed in self._tables.rows(f"{query} ORDER BY difference, place"):
            url, old, new = marshal.loads(packed)  # noqa: S302 - our own, of this process
            yield Entry(kinds[kind], url, old and PageState(*old), new and PageState(*new))

    def _rows(self, side: int, records: Iterable[Record]) -> Iterator[tuple[int, int, int, bytes]]:
        for summary, record in records:
            if is_regenerated(summary):
                continue
            self._places += 1
            state = PageState.of(typed_record(record))
            yield request_id(summary), side, self._places, marshal.dumps((summary.url, tuple(state)))

    def _differences(self, complete: bool) -> Iterator[tuple[int, int, bytes]]:
        numbers = {one: number for number, one in enumerate(Difference)}
        rows = self._tables.rows("SELECT target, side, place, state FROM records ORDER BY target, side, place")
        for _, group in groupby(rows, key=lambda row: row[0]):
            last: list[tuple[int, str, PageState] | None] = [None, None]
            for _, side, place, packed in group:  # the last record of a target counts
                url, state = marshal.loads(packed)  # noqa: S302 - as above
                last[side] = place, url, PageState(*state)
            old, new = last
            self.targets[OLD] += old is not None
            self.targets[NEW] += new is not None
            if new is None and not complete:
                continue
            before, now = old and old[2], new and new[2]
            found = differences(before, now)
            self._count_pages(before, now)
            place, url, _ = new or old or (0, "", None)
            for one in found:
                self.counts[one] += 1
                packed = marshal.dumps((url, before and tuple(before), now and tuple(now)))
                yield numbers[one], place, packed

    def _count_pages(self, old: PageState | None, new: PageState | None) -> None:
        if old is None or new is None or {old.condition, new.condition} != {Condition.PAGE}:
            return
        same = same_page(old, new)
        self.same += same is True
        self.unknown += same is None
