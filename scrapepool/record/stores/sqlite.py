"""Records, and bodies where they are kept, in a SQLite database: ``--sqlite``.

Decides when a transaction ends and how a record lies in its row (``sqlite_schema`` has the tables). A URL, with the
method and request of its own, has one row, the last one: what is fetched again replaces what was known. Readers may
look on while the run goes on (WAL).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any

from ...errors import OutputError, UsageError
from ...model import HostKey, Outcome, is_repeat
from ...settings import OutputSettings
from ...sqlite_schema import (
    APPLICATION_ID,
    COLUMNS,
    LATER_COLUMNS,
    SCHEMA,
    SHORTENED,
    VERSION,
    VERSION_COLUMNS,
    VERSIONS,
    flat,
    schema_mismatch,
)
from ...url import plain
from ...version import __version__
from ..formats.fields import GET, instant, record
from ..safe_io.lock import is_open_as, is_ours, open_locked
from ..safe_io.output import never
from .sqlite_rows import INSERT, cell, host_id, new_bodies
from .sqlite_versions import NEW_VERSIONS, insert_versions

COMMIT_INTERVAL = 1.0
"""Maximum seconds that an outcome waits for its transaction, while ``write`` is called."""

TRANSACTION_ROWS = 10_000
"""Outcomes per transaction, about 10 MB: a commit costs a sync of the disk, and the rows of a batch share pages."""

TRANSACTION_BYTES = 16 * 1024 * 1024
"""Maximum bytes of bodies that wait for a transaction."""

BUSY_POLL = 0.1
"""Seconds between two tries while another program holds the database."""

NOTE_AFTER = 1.0
"""Seconds of such tries until a message is shown."""

SYNCHRONOUS = {"never": "OFF", "second": "FULL", "always": "FULL"}


class SqliteStore:
    """A ``ports.Store`` over a database, which is created if it does not exist, and locked against other runs.

    keep_versions: how many earlier versions of a page stay, None for all.
    should_stop: called while another program holds the database. on_note: receives a line after a second of that.
    clock: monotonic seconds.
    Raises UsageError for a file of something else, which is not touched, OutputError, LockedError.
    """

    def __init__(
        self,
        path: str,
        settings: OutputSettings,
        *,
        method: str = GET,
        keep_versions: int | None = None,
        should_stop: Callable[[], bool] = never,
        on_note: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kept = 0
        self._path = path
        self._settings = replace(settings, body=False)
        self._bodies = settings.body
        self._method = method
        self._keep_versions = keep_versions
        self._should_stop = should_stop
        self._on_note = on_note
        self._timeout = settings.sqlite_timeout
        self._gave_up = False  # whether another program held the database for too long; if so, closing does not wait
        self._clock = clock
        self._every = 0.0 if settings.fsync == "always" else COMMIT_INTERVAL
        self._waiting: list[Outcome] = []
        self._bytes = 0  # of bodies that wait for a transaction
        self._size = 0  # of the file, at the last check
        self._since = 0.0  # monotonic time when the first waiting outcome came
        self._hosts: dict[HostKey, int] = {}
        self._needs_bytes = False  # the schema of an earlier version allows no null there
        with ExitStack() as opened:
            self._lock = self._locked()
            opened.callback(os.close, self._lock)
            try:
                self._db = opened.enter_context(closing(sqlite3.connect(path, timeout=0, isolation_level=None)))
                self._run = self._begun(settings)
            except sqlite3.Error as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                    raise UsageError(f"{path} is not an SQLite database; it was not changed") from None
                raise self._error(error) from error
            opened.pop_all()

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path!r} kept={self.kept}, {len(self._waiting)} waiting>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Gather the outcomes, and commit what has waited long enough. Raises OutputError."""
        now = self._clock()
        if not self._waiting:
            self._since = now
        self._waiting += outcomes
        if self._bodies:
            self._bytes += sum(len(outcome.body) for outcome in outcomes if outcome.body is not None)
        if self._waiting and (
            now - self._since >= self._every
            or len(self._waiting) >= TRANSACTION_ROWS
            or self._bytes >= TRANSACTION_BYTES
        ):
            self._commit()

    def close(self) -> None:
        """Commit what waits, and end. Raises OutputError."""
        if self._lock < 0:
            return
        try:
            with closing(self._db):
                self._commit(ended=True)
                with suppress(sqlite3.Error):  # another program reads; the last one to close may do this
                    self._db.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise self._error(error) from error
        finally:
            # Only after the database is closed: closing any descriptor of the file would release its locks.
            os.close(self._lock)
            self._lock = -1

    # -- the file ----------------------------------------------------------------------------------

    def _locked(self) -> int:
        try:
            if is_ours(self._path):
                return open_locked(self._path)
        except (OSError, ValueError) as error:
            raise self._error(error) from None
        raise UsageError(f"--sqlite needs a regular file, and {self._path} is not one")

    def _begun(self, settings: OutputSettings) -> int:
        """Create missing tables and add a run; return its number."""
        db = self._db
        self._patiently("SELECT 1 FROM sqlite_master")
        (made,), (version,) = (db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
        new = not made and not version and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        strange = None if new else schema_mismatch(made, version)
        if strange is not None:
            raise UsageError(f"{self._path} {strange}; it was not changed")
        self._patiently("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {SYNCHRONOUS[settings.fsync]}")
        self._patiently("BEGIN IMMEDIATE")
        if new:
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {VERSION}")
        columns = {name: needed for _, name, _, needed, *_ in db.execute("PRAGMA table_info(records)")}
        self._needs_bytes = bool(columns["bytes"])
        for name, kind in LATER_COLUMNS.items():
            if name not in columns:
                db.execute(f"ALTER TABLE records ADD COLUMN {name} {kind}")
        if settings.compared:
            for statement in (VERSIONS if self._keep_versions is None else VERSIONS + SHORTENED).split(";\n"):
                db.execute(statement)
        begun = db.execute("INSERT INTO runs (started, version) VALUES (?, ?)", (instant(time.time()), __version__))
        db.execute("COMMIT")
        return int(begun.lastrowid or 0)

    # -- transactions ------------------------------------------------------------------------------

    def _commit(self, *, ended: bool = False) -> None:
        rows = [outcome for outcome in self._waiting if not is_repeat(outcome)]  # repeats have no row
        duplicates = len(self._waiting) - len(rows)
        try:
            self._check_in_place()
            self._patiently("BEGIN IMMEDIATE")
            if self._bodies:
                self._db.executemany(
                    "INSERT OR IGNORE INTO bodies VALUES (?, ?, ?)", new_bodies(self._db, self._waiting)
                )
            versions: list[list[Any]] = []
            self._db.executemany(INSERT, self._rows(rows, versions))
            if versions:
                insert_versions(self._db, versions, self._keep_versions)
            if duplicates:
                self._db.execute("UPDATE runs SET duplicates = duplicates + ? WHERE id = ?", (duplicates, self._run))
            if ended:
                self._db.execute("UPDATE runs SET ended = ? WHERE id = ?", (instant(time.time()), self._run))
            self._db.execute("COMMIT")
            self._check_in_place()
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise self._error(error) from error
        self.kept += len(self._waiting)
        self._waiting.clear()
        self._bytes = 0

    def _check_in_place(self) -> None:
        """Check that the path still leads to the database. Raises OutputError."""
        found = os.fstat(self._lock)
        if found.st_nlink == 0:
            raise OutputError(self._path, "it was deleted during the run")
        try:
            there = is_open_as(self._lock, self._path)
        except OSError as error:
            raise self._error(error) from error
        if not there:
            with suppress(sqlite3.Error):  # so that all is in the file that was moved, and nothing in its WAL
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raise OutputError(self._path, "it was renamed or replaced during the run")
        if found.st_size < self._size:
            raise OutputError(self._path, "it was truncated during the run")
        self._size = found.st_size

    def _patiently(self, statement: str) -> None:
        """Execute a statement that the transaction of another program may block."""
        begun: float | None = None
        is_noted = False
        while True:
            try:
                self._db.execute(statement).fetchone()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or self._gave_up or self._should_stop():
                    raise
                now = self._clock()
                begun = now if begun is None else begun
                if now - begun >= self._timeout:
                    self._gave_up = True
                    raise
                if not is_noted and now - begun >= NOTE_AFTER:
                    is_noted = True
                    self._on_note(
                        f"{self._path}: another program locks the database; waiting up to {self._timeout:g} s for it"
                    )
                time.sleep(BUSY_POLL)
            else:
                return

    # -- rows --------------------------------------------------------------------------------------

    def _rows(self, outcomes: Iterable[Outcome], versions: list[list[Any]]) -> Iterator[list[Any]]:
        """Yield the rows of ``records``. versions: receives the rows of ``versions``, if this run writes some."""
        for outcome in outcomes:
            fields = record(outcome, self._settings, self._method)
            fields["url"] = plain(fields["url"])  # so that it is found again as the same URL
            fields.setdefault("method", GET)
            fields.setdefault("request", "")
            if self._settings.compared and outcome.change in NEW_VERSIONS:
                versions.append([self._run, *(cell(fields.get(column)) for column in VERSION_COLUMNS)])
            yield self._row(outcome, fields)

    def _row(self, outcome: Outcome, fields: dict[str, Any]) -> list[Any]:
        fields["redirects"] = fields["redirects"] or None
        fields["hops"] = fields["hops"] or None
        fields = flat(fields)
        if self._needs_bytes and fields["bytes"] is None:
            fields["bytes"] = 0
        return [
            self._run,
            host_id(self._db, self._hosts, outcome.target.host),
            *(cell(fields.get(column)) for column in COLUMNS),
        ]

    def _error(self, error: BaseException) -> OutputError:
        if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
            held = f"has locked the database for {self._timeout:g} s" if self._gave_up else "locks the database"
            return OutputError(self._path, f"another program {held} (see --sqlite-timeout)")
        return OutputError.from_error(self._path, error)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the higher bits say why
