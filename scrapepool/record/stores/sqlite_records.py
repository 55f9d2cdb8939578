"""Makes a database of records that exist already: ``merge -o out.db``.

Decides how a record as JSON Lines has it lies in its row. Bodies are not among them. The database is like one of
``--sqlite`` (``sqlite_schema`` has the tables): a run may go on with it.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from ...errors import InvalidURLError, OutputError, UsageError
from ...host_key import HostKey
from ...model import ErrorKind
from ...record_fields import TABLE
from ...sqlite_schema import APPLICATION_ID, COLUMNS, SCHEMA, VERSION, flat
from ...url import parse, plain
from ...version import __version__
from ..formats.fields import GET, instant
from ..safe_io.lock import is_ours
from .sqlite_rows import INSERT, cell, host_id

REQUIRED = {**dict.fromkeys((one.name for one in TABLE if one.required), 0), "request": "", "method": GET}
"""Values of columns that may not be null, for records without the field."""


def write_database(records: Iterable[Mapping[str, Any]], path: str) -> None:
    """Make a database of records, which replaces the file at ``path`` once it is complete.

    Raises OutputError; UsageError for something that is no regular file, and for a database that is in use.
    """
    try:
        if not is_ours(path):
            raise UsageError(f"a database needs a regular file, and {path} is not one")
        target = os.path.realpath(path)
        if os.path.exists(f"{target}-wal"):  # noqa: PTH110
            raise UsageError(f"{path} is in use by another program; name another file")
        with tempfile.TemporaryDirectory(prefix=".merge-", dir=os.path.dirname(target)) as folder:  # noqa: PTH120
            beside = os.path.join(folder, "records.db")  # noqa: PTH118
            with closing(sqlite3.connect(beside, isolation_level=None)) as db:
                _fill(db, records)
            os.replace(beside, target)  # noqa: PTH105
    except (OSError, ValueError, sqlite3.Error) as error:
        raise OutputError.from_error(path, error) from error


def _fill(db: sqlite3.Connection, records: Iterable[Mapping[str, Any]]) -> None:
    for statement in (
        "PRAGMA journal_mode = OFF",  # the file is visible only when it is complete
        "PRAGMA synchronous = OFF",
        "BEGIN",
        *SCHEMA.split(";\n"),
        f"PRAGMA application_id = {APPLICATION_ID}",
        f"PRAGMA user_version = {VERSION}",
    ):
        db.execute(statement)
    begun = db.execute("INSERT INTO runs (started, version) VALUES (?, ?)", (instant(time.time()), __version__))
    rows = _Rows(db, int(begun.lastrowid or 0), records)
    db.executemany(INSERT, rows)
    db.execute("UPDATE runs SET ended = ?, duplicates = ?", (instant(time.time()), rows.duplicates))
    db.execute("COMMIT")


class _Rows:
    """The rows of records. duplicates: records of lines that repeat a URL, which have no row."""

    def __init__(self, db: sqlite3.Connection, run: int, records: Iterable[Mapping[str, Any]]) -> None:
        self.duplicates = 0
        self._db = db
        self._run = run
        self._records = records
        self._hosts: dict[HostKey, int] = {}

    def __iter__(self) -> Iterator[list[Any]]:
        for record in self._records:
            if record.get("error") == ErrorKind.DUPLICATE:
                self.duplicates += 1
                continue
            fields = {**flat(record), "url": plain(record["url"])}
            for name in ("redirects", "hops"):
                fields[name] = fields.get(name) or None
            for name, value in REQUIRED.items():
                if fields.get(name) is None:
                    fields[name] = value
            yield [self._run, self._host(fields["url"]), *(cell(fields.get(column)) for column in COLUMNS)]

    def _host(self, url: str) -> int | None:
        try:
            return host_id(self._db, self._hosts, parse(url).host)
        except InvalidURLError:
            return None
