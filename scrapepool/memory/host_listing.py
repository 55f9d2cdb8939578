"""Lists and forgets hosts of a host memory, for people: ``hosts``.

Decides which hosts a name means. A run that is under way may write again what is forgotten here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InvalidURLError, ListError, UsageError
from ..named_tuple import NamedTuple
from ..text import brief
from ..url import parse
from .host_file import HostFile
from .host_rows import HOST_COLUMNS


class HostEntry(NamedTuple):
    """What a file knows of one host. Times are Unix seconds, other numbers seconds; None, or 0, for nothing.

    origin: of the host. seen: when it was last used. latency: seconds that a request takes. in_flight: requests at a
    time that it bears. interval: seconds between two starts that it wants. free_at: when the next request may start.
    parked_until: until when it wants no requests. dead_since: since when it is down. robots_at: when its robots.txt was
    read. rules: number of rules in it. crawl_delay: what it asks for.
    """

    origin: str
    seen: float
    latency: float
    in_flight: int | None
    interval: float
    free_at: float
    parked_until: float
    dead_since: float | None
    robots_at: float | None
    rules: int | None
    crawl_delay: float | None


class HostListing(HostFile):
    """The hosts of a file that exists. Raises ListError if there is none, and what ``HostFile`` raises."""

    def __init__(self, path: str) -> None:
        if not Path(path).exists():
            raise ListError(path, "No such file or directory")
        super().__init__(path)

    def entries(self, name: str | None = None) -> Iterator[HostEntry]:
        """Yield the hosts that a name means, or all, in the order of their origins."""
        wanted = None if name is None else _spelt(name)
        with self._errors():
            rows = self._db.execute(f"SELECT origin, seen, {HOST_COLUMNS} FROM host ORDER BY origin").fetchall()  # noqa: S608 - a constant
        for row in rows:
            if wanted is None or _means(wanted, row[0]):
                yield _entry(row)

    def forget(self, name: str | None = None) -> int:
        """Delete the hosts that a name means, or all, and return their number."""
        origins = [(entry.origin,) for entry in self.entries(name)]
        with self._transaction():
            self._db.executemany("DELETE FROM host WHERE origin = ?", origins)
        return len(origins)


def _entry(row: tuple[Any, ...]) -> HostEntry:
    *values, robots = row
    rules = delay = None
    if robots is not None:
        verdict = json.loads(robots)
        rules, delay = len(verdict["rules"] or ()), verdict["delay"]
    return HostEntry._make((*values, rules, delay))


def _spelt(name: str) -> str:
    """Spell a host, or an origin, as origins in the file are. Raises UsageError."""
    try:
        host = parse(name if "://" in name else f"https://{name}").host
    except InvalidURLError as error:
        raise UsageError(f"{brief(name)} is not the name of a host: {error}") from None
    return host.origin if "://" in name else host.netloc


def _means(wanted: str, origin: str) -> bool:
    """Return whether a name is that of an origin: the origin itself, or its host with or without the port."""
    netloc = origin.partition("://")[2]
    host, _, port = netloc.rpartition(":")
    return wanted in (origin, netloc) or (port.isdecimal() and wanted == host)
