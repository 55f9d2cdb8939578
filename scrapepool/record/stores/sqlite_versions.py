"""The versions of pages in a database: rows of ``versions``, and with ``--keep-versions`` no more than that of a page.

Decides which rows go, and that a body goes with the last row that names it. Its caller's transaction holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ...change import Change
from ...sqlite_schema import VERSION_COLUMNS

NEW_VERSIONS = frozenset({Change.NEW, Change.CHANGED, Change.GONE, Change.BACK})
"""What is a version of a page of its own."""

INSERT = (
    f"INSERT INTO versions (run, {', '.join(VERSION_COLUMNS)}) VALUES ({', '.join('?' * (1 + len(VERSION_COLUMNS)))})"  # noqa: S608 - our own names
)

OLD = """
SELECT id, sha256 FROM versions WHERE url = ? AND method = ? AND request = ? ORDER BY id DESC LIMIT -1 OFFSET ?
"""

DELETE_BODY = """
DELETE FROM bodies WHERE sha256 = :digest
    AND NOT EXISTS (SELECT 1 FROM versions WHERE sha256 = :digest)
    AND NOT EXISTS (SELECT 1 FROM records WHERE sha256 = :digest)
"""


def insert_versions(db: sqlite3.Connection, rows: Sequence[Sequence[Any]], keep: int | None) -> None:
    """Insert rows, the run before the columns of each; ``keep`` earlier ones of each page stay, None for all."""
    db.executemany(INSERT, rows)
    if keep is None:
        return
    for _, url, method, request, *_ in rows:
        for number, digest in db.execute(OLD, (url, method, request, keep + 1)).fetchall():
            db.execute("DELETE FROM versions WHERE id = ?", (number,))
            db.execute(DELETE_BODY, {"digest": digest})
