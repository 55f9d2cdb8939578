"""Reads the records of a database of ``--sqlite`` (its tables: ``sqlite_schema``).

Decides how a row becomes a record again. Only reads, and may do so while a run writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ListError, UsageError
from ..record_fields import OPTIONAL, TIMINGS, TLS_FACTS, of_kind
from ..sqlite_schema import COLUMNS, JSON_COLUMNS, LATER_COLUMNS, schema_mismatch
from .record_summary import RecordSummary, apart

if TYPE_CHECKING:
    import sqlite3

BOOLEAN = of_kind("boolean")
LISTS = of_kind("urls", "hops")


class RecordDatabase:
    """Iterates over the records of a database in order of completion, with the interface of ``RecordFile``.

    While it is iterated over, it raises ListError if the file cannot be read, UsageError if it is another kind of
    database, and KeyboardInterrupt once ``should_stop`` returns True.

    start, torn: 0, as for a complete record file. whole: records read so far.
    """

    start = torn = 0

    def __init__(self, path: str, *, should_stop: Callable[[], bool] = lambda: False) -> None:
        self.whole = 0
        self._db: sqlite3.Connection
        self._last = 0
        self._path = path
        self._should_stop = should_stop

    def __iter__(self) -> Iterator[RecordSummary]:
        query = "SELECT id, url, outcome, error, method, request, status FROM records ORDER BY id"
        with self._reading() as self._db:
            for number, url, outcome, error, method, request, status in self._db.execute(query):
                if self._should_stop():
                    raise KeyboardInterrupt
                self.whole += 1
                self._last = number
                yield RecordSummary(url, outcome, error, method, self.whole, apart(request), status)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record as it would be in JSON Lines, in order of completion, without bodies."""
        with self._reading() as db:
            columns = _columns(db)
            for row in db.execute(f"SELECT {', '.join(columns)} FROM records ORDER BY id"):  # noqa: S608 - our own names
                yield _record(dict(zip(columns, row, strict=True)))

    def with_records(self) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
        """As ``RecordFile.with_records``, in one query; a query per record takes six times as long."""
        for number, record in enumerate(self.records(), 1):
            method, request = record.get("method", "GET"), record.get("request")
            url, outcome, error, status = (record[name] for name in ("url", "outcome", "error", "status"))
            yield RecordSummary(url, outcome, error, method, number, apart(request), status), record

    def current(self) -> dict[str, Any]:
        """Return the complete last record, as ``records`` yields it. Only during the iteration."""
        columns = _columns(self._db)
        query = f"SELECT {', '.join(columns)} FROM records WHERE id = ?"  # noqa: S608 - our own names
        row = self._db.execute(query, (self._last,)).fetchone()
        return _record(dict(zip(columns, row, strict=True)))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        import sqlite3  # noqa: PLC0415 - few runs need it

        try:
            with closing(_opened(self._path)) as db:
                (made,), (version,) = (
                    db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
                )
                strange = schema_mismatch(made, version)
                if strange is not None:
                    raise UsageError(f"{self._path} {strange}")
                yield db
        except (sqlite3.Error, OSError, ValueError) as error:
            raise ListError(self._path, str(error)) from error


def _columns(db: sqlite3.Connection) -> list[str]:
    """Return the columns of a record that the database has: databases of earlier versions lack the latest."""
    there = {name for _, name, *_ in db.execute("PRAGMA table_info(records)")}
    return [name for name in COLUMNS if name in there or name not in LATER_COLUMNS]


def _opened(path: str) -> sqlite3.Connection:
    """Open a database for reading, also one in WAL mode in a folder that cannot be written to.

    Raises sqlite3.Error, OSError, ValueError.
    """
    import sqlite3  # noqa: PLC0415 - few runs need it

    uri = f"{Path(path).resolve().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True)
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        wal = Path(f"{path}-wal")
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or (
            wal.exists() and wal.stat().st_size  # its rows would be missing
        ):
            raise
        return sqlite3.connect(f"{uri}&immutable=1", uri=True)
    except BaseException:
        db.close()
        raise
    return db


def _record(row: dict[str, Any]) -> dict[str, Any]:
    timings = {step: row.pop(step) for step in TIMINGS}
    tls = {fact: row.pop(f"tls_{fact}", None) for fact in TLS_FACTS}
    record: dict[str, Any] = {}
    for name, value in row.items():
        if name in OPTIONAL and not value:
            continue
        if value is not None and name in JSON_COLUMNS:
            record[name] = json.loads(value)
        else:
            record[name] = bool(value) if value is not None and name in BOOLEAN else value
    for name in LISTS & record.keys():
        record[name] = record[name] or []
    record["timings"] = None if all(seconds is None for seconds in timings.values()) else timings
    if any(tls.values()):
        record["tls"] = tls
    if record["method"] == "GET":
        del record["method"]
    return record
