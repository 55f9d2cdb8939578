"""What earlier records know about pages: ``--since``.

Decides which record of a target counts, and which of its values are kept. They are kept in a temporary database, so
memory use is constant; a look-up takes some microseconds. Thread-safe.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import Any

from ..change import GONE_STATUSES, PAGES, is_unasked
from ..temporary_tables import TemporaryTables
from ..validators import KEPT, Known
from .find import typed_record
from .journal import is_regenerated, request_id
from .record_summary import RecordSummary


class KnownPages:
    """The latest state of each page.

    change_by: fields whose values decide whether a page has changed; none for the digest of the body. file_of: returns
    the file of a record, for ``add_file`` and ``has_other``; None if they are not used. Raises ListError if the disk
    for the temporary file is full.
    """

    def __init__(
        self, change_by: Sequence[str] = (), file_of: Callable[[Mapping[str, Any]], str | None] | None = None
    ) -> None:
        self.records = 0
        self._change_by = change_by
        self._file_of = file_of
        self._lock = Lock()
        self._tables = TemporaryTables(
            "the temporary file of --since",
            "CREATE TABLE pages (target INTEGER, place INTEGER, known BLOB, file INTEGER)",
            "CREATE TABLE known (target INTEGER PRIMARY KEY, known BLOB)",
        )

    def __repr__(self) -> str:
        return f"<KnownPages of {self.records} records>"

    def add(self, records: Iterable[tuple[RecordSummary, Mapping[str, Any]]]) -> None:
        """Add records; the last one that describes a page counts. Raises what reading them raises."""
        self._tables.insert("INSERT INTO pages VALUES (?, ?, ?, ?)", self._rows(records))

    def settle(self) -> None:
        """Build the index: from now on ``find`` may be called, and ``add`` may not."""
        self._tables.execute(
            # In the order of the keys, so that each page of the table is written once.
            "INSERT OR REPLACE INTO known SELECT target, known FROM pages ORDER BY target, place",
        )
        if self._file_of is not None:
            self._tables.execute(
                "CREATE TABLE files AS SELECT file, target FROM pages WHERE file IS NOT NULL",
                "CREATE INDEX files_by_name ON files (file, target)",
            )
        self._tables.execute("DROP TABLE pages")

    def find(self, number: int) -> Known | None:
        """Look up a page by its request id (``failures.request_id``)."""
        with self._lock:
            row = self._tables.row("SELECT known FROM known WHERE target = ?", number)
        if row is None:
            return None
        values, key = marshal.loads(row[0])  # noqa: S302 - our own, of this process
        return Known({name: value for name, value in zip(KEPT, values, strict=True) if value is not None}, key)

    def add_file(self, name: str, number: int) -> None:
        """Take note that a record names a file. number: of its target, as in ``find``."""
        with self._lock:
            self._tables.insert("INSERT INTO files VALUES (?, ?)", [(hash(name), number)])

    def has_other(self, name: str, number: int) -> bool:
        """Whether the record of another target names that file."""
        with self._lock:
            query = "SELECT 1 FROM files WHERE file = ? AND target <> ? LIMIT 1"
            return self._tables.row(query, hash(name), number) is not None

    def close(self) -> None:
        """Delete the temporary file."""
        with self._lock:
            self._tables.close()

    def _rows(
        self, records: Iterable[tuple[RecordSummary, Mapping[str, Any]]]
    ) -> Iterable[tuple[int, int, bytes, int | None]]:
        for summary, record in records:
            if is_regenerated(summary):
                continue
            page = last_page(typed_record(record))
            if page is not None:
                self.records += 1
                kept = marshal.dumps((tuple(map(page.get, KEPT)), key_of(page, self._change_by)))
                name = None if self._file_of is None else self._file_of(page)
                yield request_id(summary), self.records, kept, None if name is None else hash(name)


def last_page(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record if it describes a page or its absence, else the earlier record that it contains, else None."""
    outcome = record.get("outcome")
    if (outcome in PAGES and not is_unasked(record)) or (
        outcome == "http_error" and record.get("status") in GONE_STATUSES
    ):
        return record
    before = record.get("before")
    return before if isinstance(before, dict) and isinstance(before.get("outcome"), str) else None


def key_of(record: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    """Hash the values of some fields of a record, such as ``data.title``; None if one is missing."""
    if not fields:
        return None
    values = []
    for name in fields:
        field, dot, entry = name.partition(".")
        value = record.get(name, record.get(field))  # a row of CSV has a column of the whole name
        if dot and name not in record:
            value = value.get(entry) if isinstance(value, dict) else None
        if value is None:
            return None
        values.append(value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":")))
    return sha256("\0".join(values).encode("utf-8", "backslashreplace")).hexdigest()
