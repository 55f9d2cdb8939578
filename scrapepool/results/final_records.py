"""Passes on the records that count: of a URL that failed and was fetched again later, only the last one.

Decides which record counts, in memory that does not grow with their number. Failures are held back in a temporary
database on disk until no later record of the same request can come.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model import SUCCESSES
from ..temporary_tables import TemporaryTables
from .find import typed_record
from .record_summary import RecordSummary

FILTER_BITS = 26
"""Of the number of bits in the filter of failures: 2 ** 26 of them are 8 MiB."""

READ = (
    "url", "line", "outcome", "status", "error", "detail", "final_url", "redirects", "attempts", "started", "elapsed",
    "waited", "content_type", "bytes", "wire_bytes", "reused", "timings", "change",
)  # fmt: skip
"""The fields of a failure that are kept."""


class FinalRecords:
    """Iterates over the records that count, with the types of JSON Lines: successes first, then failures.

    A success always counts. A failure counts unless a later record has the same URL, method and data.
    replaced: failures that do not count, as a later record replaces them; set when the iteration ends. While it is
    iterated over, it raises what reading the records raises, and ListError if the disk for temporary files is full.
    """

    def __init__(self, records: Iterable[tuple[RecordSummary, Mapping[str, Any]]]) -> None:
        self.replaced = 0
        self._records = records

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        held = _HeldFailures()
        try:
            for summary, record in self._records:
                if summary.outcome in SUCCESSES:
                    held.replace(summary)
                    yield typed_record(record)
                elif summary.is_repeat:
                    yield typed_record(record)
                else:
                    held.hold(summary, typed_record(record))
            yield from held.records()
            self.replaced = held.replaced
        finally:
            held.close()


class _HeldFailures:
    """Failures on disk, and a filter in memory that says for sure of most requests that they have not failed.

    A bit of the filter may belong to several requests. That costs a row of the database and changes no result.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._count = 0
        self._filter: bytearray | None = None
        self._tables: TemporaryTables | None = None

    def hold(self, summary: RecordSummary, record: Mapping[str, Any]) -> None:
        if self._tables is None or self._filter is None:
            self._tables = TemporaryTables(
                "the temporary file of this report",
                "CREATE TABLE failures (place INTEGER PRIMARY KEY, request INTEGER, record BLOB)",
            )
            self._filter = bytearray(1 << FILTER_BITS - 3)
        request = _request(summary)
        self._filter[(request >> 3) & (1 << FILTER_BITS - 3) - 1] |= 1 << (request & 7)
        kept = {name: record[name] for name in READ if name in record}
        if summary.error is not None:
            kept["error"] = summary.error
        self._insert(request, marshal.dumps(kept))
        self.replaced += 1  # until it turns out that it counts

    def replace(self, summary: RecordSummary) -> None:
        """Note that a request succeeded, if it may have failed before."""
        if self._filter is None:
            return
        request = _request(summary)
        if self._filter[(request >> 3) & (1 << FILTER_BITS - 3) - 1] & 1 << (request & 7):
            self._insert(request, None)

    def records(self) -> Iterator[Mapping[str, Any]]:
        if self._tables is None:
            return
        last_ones = "SELECT max(place) FROM failures GROUP BY request"
        for (record,) in self._tables.rows(
            f"SELECT record FROM failures WHERE record IS NOT NULL AND place IN ({last_ones}) ORDER BY place"  # noqa: S608 - a constant
        ):
            self.replaced -= 1
            yield marshal.loads(record)  # noqa: S302 - our own, of this process

    def close(self) -> None:
        if self._tables is not None:
            self._tables.close()

    def _insert(self, request: int, record: bytes | None) -> None:
        self._count += 1
        if self._tables is not None:
            self._tables.insert("INSERT INTO failures VALUES (?, ?, ?)", [(self._count, request, record)])


def _request(summary: RecordSummary) -> int:
    """Return a number of the request: of URL, method and what else tells it from others. It differs by process."""
    return hash((summary.url, summary.method, summary.apart))
