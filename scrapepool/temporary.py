"""Tables in a temporary file on the disk, for what would need more memory than a run may take.

Decides how such a database is set up, and what a person is told where the disk is full. Knows nothing of what lies in
the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from .errors import ListError

CACHE = 32 * 1024
"""KiB that SQLite holds in memory, and sorts at once: beyond 64 MiB, ten million records are sorted no faster."""


class TemporaryTables:
    """A database in a file that has no name, and goes with its process.

    what: the file in messages. tables: the statements that make its tables. May be used by several threads, one at a
    time. Every method raises ListError where the disk is full.
    """

    def __init__(self, what: str, *tables: str) -> None:
        self._what = what
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA temp_store = FILE",
            f"PRAGMA cache_size = -{CACHE}",
            *tables,
            "BEGIN",  # else each row would be a transaction
        ):
            self._db.execute(statement)

    def execute(self, *statements: str) -> None:
        """Execute statements that give no rows."""
        try:
            for statement in statements:
                self._db.execute(statement)
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def insert(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement for each of the rows. Raises what giving the rows raises."""
        try:
            self._db.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def row(self, query: str, *values: Any) -> Any:
        """The first row that a query finds; None for none."""
        try:
            return self._db.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def rows(self, query: str) -> Iterator[Any]:
        """All rows that a query finds."""
        try:
            for row in self._db.execute(query):  # noqa: UP028 - which would close the cursor of a closed database
                yield row
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Give the file up."""
        self._db.close()

    def _lost(self, error: sqlite3.Error) -> ListError:
        return ListError(self._what, f"{error}; TMPDIR names the folder that it is in")
