"""The tables of ``--sqlite``, and how such a database is recognized.

Names and types are an API, as record fields are. Opens no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .record_fields import TABLE, TIMINGS, TLS_FACTS, Field, of_kind

MAGIC = b"SQLite format 3\0"
"""What every SQLite database begins with (https://sqlite.org/fileformat2.html, section 1.3)."""

APPLICATION_ID = 0x53_43_50_4C
"""``SCPL``: ``PRAGMA application_id`` of a database that scrapepool made."""

VERSION = 1
"""``PRAGMA user_version``: changes with the tables."""

SQL_TYPES = {"int16": "INTEGER", "int32": "INTEGER", "int64": "INTEGER", "boolean": "INTEGER", "real": "REAL"}
"""By the kind of a field; TEXT for all others."""

JSON_COLUMNS = of_kind("json", "urls", "hops")
"""Columns of ``records`` that hold JSON text."""


def _columns() -> Iterator[Field]:
    """The columns of ``records`` that a record fills: its fields, ``method`` right behind ``url``, and the entries of
    ``timings`` and ``tls``.
    """
    url, *others, method = TABLE
    yield url
    yield method
    for field in others:
        if field.name == "timings":
            yield from (Field(step, "real") for step in TIMINGS)
        elif field.name == "tls":
            yield from (Field(f"tls_{fact}", "text", "with --fields +tls", later=True) for fact in TLS_FACTS)
        elif field.name != "body":  # it lies in ``bodies``
            yield field


def _sql_type(field: Field) -> str:
    return SQL_TYPES.get(field.kind, "TEXT")


def _definition(field: Field) -> str:
    text = f"    {field.name} {_sql_type(field)}{' NOT NULL' if field.required else ''},"
    return f"{text:<36} -- {field.comment}" if field.comment else text


COLUMNS = tuple(field.name for field in _columns())
"""Columns of ``records`` that a record fills, beside ``run`` and ``host``."""

LATER_COLUMNS = {field.name: _sql_type(field) for field in _columns() if field.later}
"""Columns of ``records`` that databases of earlier versions lack, with their types; writing to such a database adds
them."""


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the entries of ``timings`` and ``tls`` under the names of their columns."""
    facts = {f"tls_{name}": fact for name, fact in (record.get("tls") or {}).items()}
    return {**record, "tls": None, **(record.get("timings") or {}), **facts}


SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started TEXT NOT NULL,           -- RFC 3339, UTC
    ended TEXT,                      -- null while it runs, and where it was killed
    version TEXT NOT NULL,           -- of scrapepool
    duplicates INTEGER NOT NULL DEFAULT 0  -- lines of the list that repeat a URL: they have no record
);

CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,       -- the origin: https://example.org
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL
);

CREATE TABLE records (
    id INTEGER PRIMARY KEY,          -- in order of completion
    run INTEGER NOT NULL REFERENCES runs (id),
    host INTEGER REFERENCES hosts (id),  -- null for what is no URL
{columns}
    UNIQUE (url, method, request)
);

CREATE TABLE bodies (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,          -- of the body
    content BLOB NOT NULL            -- zlib (RFC 1950), or as it is where that is no shorter; as sqlar_uncompress reads
);

CREATE INDEX records_by_host ON records (host, outcome, error);
CREATE INDEX records_by_outcome ON records (outcome, status, error);
CREATE INDEX records_by_elapsed ON records (elapsed);

CREATE VIEW failures AS
    SELECT hosts.name AS host, coalesce(error, outcome) AS error, count(*) AS records, min(url) AS example
    FROM records LEFT JOIN hosts ON hosts.id = records.host
    WHERE outcome NOT IN ('ok', 'unchanged')
    GROUP BY hosts.id, coalesce(error, outcome)
    ORDER BY records DESC, 1, 2;

CREATE VIEW slowest AS
    SELECT elapsed, waited, attempts, hosts.name AS host, url, outcome, status, error, bytes
    FROM records LEFT JOIN hosts ON hosts.id = records.host
    ORDER BY elapsed DESC;

CREATE VIEW statuses AS
    SELECT outcome, status, error, count(*) AS records, sum(bytes) AS bytes, round(avg(elapsed), 6) AS elapsed
    FROM records
    GROUP BY outcome, status, error
    ORDER BY records DESC, 1, 2, 3;

CREATE VIEW by_host AS
    SELECT hosts.name AS host, count(*) AS records, sum(outcome IN ('ok', 'unchanged')) AS good,
        sum(bytes) AS bytes, round(avg(elapsed), 6) AS elapsed, max(elapsed) AS slowest
    FROM records LEFT JOIN hosts ON hosts.id = records.host
    GROUP BY hosts.id
    ORDER BY records DESC, 1;
""".replace("{columns}", "\n".join(map(_definition, _columns())))


VERSION_COLUMNS = (
    "url",
    "method",
    "request",
    "change",
    "outcome",
    "status",
    "started",
    "bytes",
    "sha256",
    "path",
    "etag",
)
"""Columns of ``versions`` that a record fills, beside ``run``."""

VERSIONS = """
CREATE TABLE IF NOT EXISTS versions (
    id INTEGER PRIMARY KEY,          -- in order of completion
    run INTEGER NOT NULL REFERENCES runs (id),
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    request TEXT NOT NULL,           -- as in records
    change TEXT NOT NULL,            -- new, changed, gone or back: no row for what is the same, or unknown
    outcome TEXT NOT NULL,
    status INTEGER,
    started TEXT,                    -- RFC 3339, UTC
    bytes INTEGER,
    sha256 TEXT,                     -- of the body, which is in bodies where --body was given
    path TEXT,
    etag TEXT
);

CREATE INDEX IF NOT EXISTS versions_by_url ON versions (url, id);

CREATE VIEW IF NOT EXISTS changes AS
    SELECT runs.started AS run_started, versions.change, versions.url, versions.status, versions.started,
        versions.bytes, versions.sha256, versions.path
    FROM versions JOIN runs ON runs.id = versions.run
    ORDER BY versions.id DESC;

CREATE VIEW IF NOT EXISTS changes_by_run AS
    SELECT runs.id AS run, runs.started, runs.ended, sum(change = 'new') AS new, sum(change = 'changed') AS changed,
        sum(change = 'gone') AS gone, sum(change = 'back') AS back
    FROM runs LEFT JOIN versions ON versions.run = runs.id
    GROUP BY runs.id
    ORDER BY runs.id DESC;
"""
"""What databases get that are written to with ``--since``."""

SHORTENED = """
CREATE INDEX IF NOT EXISTS versions_by_sha256 ON versions (sha256);
CREATE INDEX IF NOT EXISTS records_by_sha256 ON records (sha256)
"""
"""What databases get beside ``VERSIONS`` that are written to with ``--keep-versions``: bodies go that no row names."""


def schema_mismatch(application_id: int, user_version: int) -> str | None:
    """Say why a database is not one that we read and write; None where it is."""
    if application_id != APPLICATION_ID:
        return "is a database of another program"
    if user_version != VERSION:
        return f"was written by another version of scrapepool (its tables are version {user_version}, not {VERSION})"
    return None
