"""The file of a host memory: SQLite in WAL mode, which stays consistent if a process is killed at any moment.

Decides which files are accepted, and how a report of one run becomes one transaction: what the run knows about hosts,
its claims beside those of other runs, and the shares that follow. The claims of a run that has not reported for
``EXPIRY`` are deleted. All times are Unix seconds. Does not know threads, nor what a run does with its share.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OutputError, SettingsError, UsageError
from ..fallbacks import CLOEXEC
from ..model import HostKey
from ..schedule.robots import RobotsVerdict
from ..schedule.sharing.host_quota import NO_ALLOCATION, Allocations, QuotaAllocation, QuotaRequest, allocate
from ..schedule.sharing.host_state import HostState
from .host_rows import HOST_COLUMNS, robots_text, row_of

APPLICATION = 0x73706C68  # "splh"
VERSION = 1

EXPIRY = 10.0
"""Seconds without a report after which a run counts as gone: it was killed, stopped, or cannot write its records."""

REMEMBERED = 30 * 86_400.0
"""Seconds for which a host is remembered after its last run."""

BUSY_TIMEOUT = 5.0
"""Seconds to wait for a transaction of another run, which takes a few milliseconds."""

PRIVATE = 0o600
"""Mode of a new file: other users need not know which hosts are requested. SQLite's files beside it get the same."""

_MAGIC = b"SQLite format 3\0"

_SCHEMA = f"""
CREATE TABLE host (
    origin TEXT PRIMARY KEY, seen REAL NOT NULL, latency REAL NOT NULL DEFAULT 0, in_flight INTEGER,
    interval REAL NOT NULL DEFAULT 0, free_at REAL NOT NULL DEFAULT 0, parked_until REAL NOT NULL DEFAULT 0,
    dead_since REAL, robots_at REAL, robots TEXT);
CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, beat REAL NOT NULL, published INTEGER NOT NULL);
CREATE TABLE claim (
    origin TEXT, run INTEGER, most INTEGER NOT NULL, wants INTEGER NOT NULL, held INTEGER NOT NULL,
    delay REAL NOT NULL, free_at REAL NOT NULL, parked_until REAL NOT NULL, PRIMARY KEY (origin, run)) WITHOUT ROWID;
CREATE INDEX claims_of ON claim (run);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""

_KEEP = """
INSERT INTO host (origin, seen, latency, in_flight, interval, free_at, parked_until, dead_since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET
    seen = excluded.seen, latency = coalesce(nullif(excluded.latency, 0), latency), in_flight = excluded.in_flight,
    interval = excluded.interval, free_at = max(free_at, excluded.free_at),
    parked_until = max(parked_until, excluded.parked_until),
    dead_since = CASE WHEN excluded.dead_since IS NULL THEN NULL ELSE coalesce(dead_since, excluded.dead_since) END
"""

_KEEP_ROBOTS = """
INSERT INTO host (origin, seen, robots_at, robots) VALUES (?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET seen = excluded.seen, robots_at = excluded.robots_at, robots = excluded.robots
"""

_KEEP_TIMES = """
INSERT INTO host (origin, seen, free_at, parked_until) SELECT origin, :now, :now + delay, parked_until
FROM claim WHERE run = :run AND (delay > 0 OR parked_until > :now)
ON CONFLICT (origin) DO UPDATE SET free_at = max(free_at, excluded.free_at),
    parked_until = max(parked_until, excluded.parked_until)
"""

_OTHERS_THERE = """
SELECT other.origin, other.run, other.most, other.wants, other.held, other.delay, other.free_at, other.parked_until
FROM claim AS mine JOIN claim AS other ON other.origin = mine.origin AND other.run <> mine.run WHERE mine.run = ?
"""


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one run.

    alone: whether the run believes that it is the only one, and so states no claims. claims: on every active host.
    known, robots: what was learned about hosts since the last report; a robots.txt with the time of its fetch.
    leaving: whether this is the last report.
    """

    alone: bool
    claims: Mapping[HostKey, QuotaRequest] = field(default_factory=dict)
    known: Mapping[HostKey, HostState] = field(default_factory=dict)
    robots: Mapping[HostKey, tuple[RobotsVerdict, float]] = field(default_factory=dict)
    leaving: bool = False


class LockedFileError(OutputError):
    """Another process has locked the file for longer than ``BUSY_TIMEOUT``."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "another process has locked it, perhaps a run that was stopped (Ctrl-Z)")


class HostFile:
    """An open host memory. For one thread at a time. Raises OutputError if the file cannot be read or written."""

    def __init__(self, path: str) -> None:
        """Open or create a file. Raises UsageError for a file that is not a host memory, and OutputError."""
        self.path = path
        self._run: int | None = None
        self._written: dict[HostKey, QuotaRequest] = {}
        _check_header(path)
        with suppress(OSError):  # SQLite gets the same error and reports it
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC, PRIVATE))
        with self._errors():
            self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        try:
            with self._errors(damaged=UsageError):
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def __repr__(self) -> str:
        return f"<HostFile {self.path}, run {self._run}, {len(self._written)} claims>"

    def close(self) -> None:
        """Close the file. SQLite merges its files beside it when the last run closes them."""
        with suppress(sqlite3.Error):
            self._db.close()

    def row(self, host: HostKey) -> tuple[Any, ...] | None:
        """Return what is known about a host, as ``host_rows.HOST_COLUMNS``; None for nothing."""
        with self._errors():
            found = self._db.execute(f"SELECT {HOST_COLUMNS} FROM host WHERE origin = ?", (host.origin,)).fetchone()  # noqa: S608 - a constant
        return None if found is None else tuple(found)

    def exchange(self, report: Report, now: float) -> Allocations:
        """Write a report in one transaction, and return the run's shares from now on."""
        with self._transaction():
            self._keep(report, now)
            self._expire(now)
            if report.leaving:
                self._forget(self._run)
                return Allocations(alone=False, grants={})
            return self._share(report, now)

    # -- one report ---------------------------------------------------------------------------------

    def _keep(self, report: Report, now: float) -> None:
        known = ((host.origin, now, *row_of(known)) for host, known in report.known.items())
        self._db.executemany(_KEEP, known)
        robots = ((host.origin, now, at, robots_text(verdict)) for host, (verdict, at) in report.robots.items())
        self._db.executemany(_KEEP_ROBOTS, robots)

    def _expire(self, now: float) -> None:
        """Delete the claims of runs that are gone. Their last request may have started just now."""
        gone = self._db.execute("SELECT id FROM run WHERE abs(beat - ?) > ? AND id IS NOT ?", (now, EXPIRY, self._run))
        for (run,) in gone.fetchall():
            self._db.execute(_KEEP_TIMES, {"now": now, "run": run})
            self._forget(run)

    def _forget(self, run: int | None) -> None:
        self._db.execute("DELETE FROM claim WHERE run = ?", (run,))
        self._db.execute("DELETE FROM run WHERE id = ?", (run,))

    def _share(self, report: Report, now: float) -> Allocations:
        others = self._db.execute("SELECT published FROM run WHERE id IS NOT ?", (self._run,)).fetchall()
        self._beat(now, published=bool(others) and not report.alone)
        if not others:
            self._write({})
            grants = {
                host: self._after_those_gone(host, QuotaAllocation(claim.most)) for host, claim in report.claims.items()
            }
            return Allocations(alone=True, grants=grants)
        if report.alone:
            return Allocations(alone=False, grants={})  # it must state its claims before any other run gets a share
        self._write(report.claims)
        if not all(published for (published,) in others):
            return Allocations(alone=False, grants={})
        grants = self._grants(report.claims, now)
        held = {host: claim._replace(held=max(claim.held, grants[host].slots)) for host, claim in report.claims.items()}
        self._write(held)
        return Allocations(alone=False, grants=grants)

    def _beat(self, now: float, *, published: bool) -> None:
        beaten = self._db.execute("UPDATE run SET beat = ?, published = ? WHERE id = ?", (now, published, self._run))
        if not beaten.rowcount:  # the first report, or the first after the run counted as gone
            self._written = {}
            self._run = self._db.execute("INSERT INTO run (beat, published) VALUES (?, ?)", (now, published)).lastrowid

    def _write(self, claims: Mapping[HostKey, QuotaRequest]) -> None:
        """Replace the run's claims in the file."""
        written = self._written
        gone = [(host.origin, self._run) for host in written if host not in claims]
        changed = [(host.origin, self._run, *claim) for host, claim in claims.items() if written.get(host) != claim]
        self._db.executemany("DELETE FROM claim WHERE origin = ? AND run = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?)", changed)
        self._written = dict(claims)

    def _grants(self, claims: Mapping[HostKey, QuotaRequest], now: float) -> dict[HostKey, QuotaAllocation]:
        me = self._run or 0
        there: dict[str, dict[int, QuotaRequest]] = {}
        for origin, run, *claim in self._db.execute(_OTHERS_THERE, (me,)):
            there.setdefault(origin, {})[run] = QuotaRequest(*claim)
        grants = {}
        for host, claim in claims.items():
            grant = allocate(me, {me: claim, **there.get(host.origin, {})}, now)
            if grant.slots > claim.held:
                grant = self._after_those_gone(host, grant)
            grants[host] = grant
        return grants

    def _after_those_gone(self, host: HostKey, grant: QuotaAllocation) -> QuotaAllocation:
        """Return the grant with the delay and the pause that ended runs left behind."""
        sql = "SELECT free_at, parked_until FROM host WHERE origin = ?"
        free_at, parked_until = self._db.execute(sql, (host.origin,)).fetchone() or NO_ALLOCATION[1:]
        return QuotaAllocation(grant.slots, max(grant.free_at, free_at), max(grant.parked_until, parked_until))

    # -- the file itself ----------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._is_new()  # before anything is changed
        self._wal()
        self._db.execute(
            "PRAGMA synchronous = NORMAL"
        )  # a machine that stops may cost the last seconds, never the file
        with self._transaction():
            if self._is_new():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
            self._db.execute("DELETE FROM host WHERE seen < ?", (time.time() - REMEMBERED,))

    def _is_new(self) -> bool:
        """Return whether the file is empty. Raises UsageError if it is not a host memory."""
        schema = self._pragma("schema_version")  # first: another run may create all of it between two of these lines
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if not application and not schema:
            return True
        if application != APPLICATION:
            raise UsageError(f"{self.path}: not a host memory of scrapepool; name another file")
        if version > VERSION:
            raise UsageError(f"{self.path}: written by a newer version of scrapepool; name another file")
        return False

    def _wal(self) -> None:
        """Turn write-ahead logging on; no other process may use the file at that moment."""
        until = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _errors(self, *, damaged: type[UsageError] | None = None) -> Iterator[None]:
        """Raise SQLite's errors as OutputError, or as ``damaged`` if the file's content is wrong."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:  # without what an extended code adds
                raise LockedFileError(self.path) from error
            raise OutputError(self.path, str(error)) from error
        except sqlite3.DatabaseError as error:
            if damaged is not None:
                raise damaged(f"{self.path}: not a host memory of scrapepool, or a damaged one ({error})") from error
            raise OutputError(self.path, f"it is damaged ({error})") from error


def _check_header(path: str) -> None:
    """Refuse files that are not SQLite before SQLite opens them. Raises UsageError, OutputError."""
    try:
        kind = Path(path).stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # reading a FIFO would wait for its writer
            raise SettingsError("politeness.host_memory needs a regular file, and {} is not one", path)
        with Path(path).open("rb") as file:
            begins = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        if Path(path).parent.is_dir():
            return
        raise OutputError.from_error(path, error) from error
    except (OSError, ValueError) as error:
        raise OutputError.from_error(path, error) from error
    if begins and begins != _MAGIC:
        raise UsageError(f"{path}: not a host memory of scrapepool; name another file")
