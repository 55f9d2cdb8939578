"""One URL's record in a record file, and what stands there instead where it has none.

Decides which record counts, and what is nearly the same URL. Knows no words for people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from heapq import nsmallest
from typing import Any, NamedTuple, Protocol

from ..errors import InvalidURLError
from ..frozen import frozen
from ..read.entries import absolute
from ..read.seen.target_id import as_recorded
from ..record_fields import TABLE, Kind
from ..url import ParsedURL, parse, plain
from .record_summary import RecordSummary

NEAR = 5
"""Near misses that are named at most."""


class Records(Protocol):
    """A record file or a database of records: ``RecordFile``, ``RecordDatabase``."""

    def __iter__(self) -> Iterator[RecordSummary]:
        """Tell every record."""

    def current(self) -> dict[str, Any]:
        """The record that was told last, whole."""


@frozen
class Found:
    """What a record file knows of one URL.

    record: the last one, as JSON values; None where there is none. times: records of it.
    near: URLs that are nearly the same and have records, the nearest first; told only where there is no record.
    """

    record: Mapping[str, Any] | None = None
    times: int = 0
    near: tuple[str, ...] = field(default=())


def find(records: Records, url: str) -> Found:
    """Look a URL up, in any spelling that parses to the same; what is no URL, letter by letter.

    url: as on the command line, its password as it is or hidden; a host without a scheme gets ``https://``, as in
    lists. Raises what reading raises.
    """
    typed_in = completed = url.strip()
    with suppress(InvalidURLError):
        completed = absolute(typed_in, None)
    wanted = _parsed(completed)
    miss = None if wanted is None else _Miss(wanted)
    record: Mapping[str, Any] | None = None
    times = 0
    near: dict[str, int] = {}
    for told in records:
        parsed = None if wanted is None else _parsed(told.url)
        if told.url in (typed_in, completed) or (parsed is not None and wanted is not None and _same(parsed, wanted)):
            if record is None or not told.is_repeat:
                record = typed_record(records.current())
            times += 1
        elif parsed is not None and miss is not None and not times and (rank := miss.rank(parsed)) is not None:
            near[told.url] = rank
            if len(near) > 100 * NEAR:
                near = dict(nsmallest(NEAR, near.items(), key=_rank))
    if record is not None:
        return Found(record, times)
    return Found(near=tuple(plain(text) for text, _ in nsmallest(NEAR, near.items(), key=_rank)))


def _rank(entry: tuple[str, int]) -> int:
    return entry[1]


def _parsed(url: str) -> ParsedURL | None:
    try:
        return as_recorded(parse(url))
    except InvalidURLError:
        return None


def _same(one: ParsedURL, other: ParsedURL) -> bool:
    return one.host == other.host and one.path == other.path and one.userinfo == other.userinfo


class _Loose(NamedTuple):
    """A URL without what people mistake: scheme and port, ``www.``, a final slash, upper case; with its query apart."""

    host: str
    path: str
    query: str


def _loose(url: ParsedURL) -> _Loose:
    path, _, query = url.path.partition("?")
    return _Loose(url.host.host.removeprefix("www."), path.rstrip("/").lower(), query)


class _Miss:
    """How near other URLs are to the one that was looked for."""

    def __init__(self, wanted: ParsedURL) -> None:
        self._wanted = _loose(wanted)

    def rank(self, url: ParsedURL) -> int | None:
        """0 for another scheme, user, port, slash or case; 1 for another query, 2 for another host; None for others."""
        other, wanted = _loose(url), self._wanted
        if other.path != wanted.path:
            return None
        if other.host == wanted.host:
            return 0 if other.query == wanted.query else 1
        return 2 if other.path and other.query == wanted.query else None


def typed_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the types of JSON Lines, where it is a row of text cells; any other comes back as it is."""
    if not all(isinstance(value, str) for value in record.values()):
        return record
    typed: dict[str, Any] = {}
    timings: dict[str, Any] = {}
    for name, cell in record.items():
        if name.startswith("timings."):
            timings[name.removeprefix("timings.")] = _read(cell, float)
        else:
            typed[name] = _read(cell, _TYPES.get(name, str))
    if any(seconds is not None for seconds in timings.values()):
        typed["timings"] = timings
    return typed


_READERS: dict[Kind, Callable[[str], Any]] = {
    "int16": int,
    "int32": int,
    "int64": int,
    "real": float,
    "boolean": "true".__eq__,
    "urls": str.split,
    "hops": json.loads,
    "json": json.loads,
}
_TYPES = {field.name: _READERS.get(field.kind, str) for field in TABLE}


def _read(cell: str, read: Callable[[str], Any]) -> Any:
    """A cell's value; None for an empty one, and for one that somebody else wrote into."""
    try:
        return read(cell) if cell else None
    except (ValueError, RecursionError):
        return None
