"""Tables in a temporary file on disk, for data that would need more memory than a run may take.

Decides how such a database is set up, and what a full disk is reported as. Does not know what the tables hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from .errors import ListError

CACHE = 32 * 1024
"""KiB that SQLite keeps in memory and sorts at once. More than 64 MiB sort ten million records no faster."""


class TemporaryTables:
    """A database in a file without a name, which ends with its process.

    what: the name of the file in messages.
    tables: the statements that create its tables.
    Several threads may use it, one at a time. Every method raises ListError if the disk is full.
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
            "BEGIN",  # otherwise each row would be a transaction of its own
        ):
            self._db.execute(statement)

    def execute(self, *statements: str) -> None:
        """Execute statements that return no rows."""
        try:
            for statement in statements:
                self._db.execute(statement)
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def insert(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement for each row. Raises whatever the iterable of rows raises."""
        try:
            self._db.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def row(self, query: str, *values: Any) -> Any:
        """Return the first row of a query; None if there is none."""
        try:
            return self._db.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def rows(self, query: str, *values: Any) -> Iterator[Any]:
        """Yield all rows of a query."""
        try:
            for row in self._db.execute(query, values):  # noqa: UP028 - ``yield from`` would close the cursor of a closed database
                yield row
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Delete the file."""
        self._db.close()

    def _lost(self, error: sqlite3.Error) -> ListError:
        return ListError(self._what, f"{error}; TMPDIR names the folder that it is in")
