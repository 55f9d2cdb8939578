"""Cells and rows of the database of ``--sqlite``: how values, hosts and bodies lie in it."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from ...model import HostKey, Outcome
from ...sqlite_schema import COLUMNS
from ...text import printable
from ..formats.jsonl import json_text

LEVEL = 1
"""Compression level of zlib; low, because it works on the thread that writes."""

HOST_IDS_KEPT = 100_000
"""Hosts whose ids are cached; the others are looked up."""

INSERT = (
    f"INSERT OR REPLACE INTO records (run, host, {', '.join(COLUMNS)}) VALUES ({', '.join('?' * (2 + len(COLUMNS)))})"  # noqa: S608 - our own names
)


def host_id(db: sqlite3.Connection, known: dict[HostKey, int], host: HostKey) -> int | None:
    """Return the id of a host in ``hosts``, and add it if it is new; None for no host. known: cached ids."""
    if not host.host:
        return None
    number = known.get(host)
    if number is None:
        if len(known) >= HOST_IDS_KEPT:
            known.clear()
        db.execute("INSERT OR IGNORE INTO hosts (name, scheme, host, port) VALUES (?, ?, ?, ?)", (host.origin, *host))
        (number,) = db.execute("SELECT id FROM hosts WHERE name = ?", (host.origin,)).fetchone()
        known[host] = number
    return number


def cell(value: Any) -> Any:
    """Return a value as a cell of a row holds it."""
    match value:
        case str():
            return printable(value)
        case dict() | list():
            return json_text(value)
        case _:
            return value


def new_bodies(db: sqlite3.Connection, outcomes: Iterable[Outcome]) -> Iterator[tuple[str, int, bytes]]:
    """Yield a row of ``bodies`` for each body of the outcomes that the database does not have, once."""
    seen: set[str] = set()
    for outcome in outcomes:
        digest, body = outcome.sha256, outcome.body
        if digest is None or body is None or digest in seen:
            continue
        seen.add(digest)
        if db.execute("SELECT 1 FROM bodies WHERE sha256 = ?", (digest,)).fetchone() is None:
            packed = zlib.compress(body, LEVEL)
            yield digest, len(body), packed if len(packed) < len(body) else body
