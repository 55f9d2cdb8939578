"""Finds the record of one URL in a record file: ``explain``.

Decides which record counts, and which URLs are near misses if there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from heapq import nsmallest
from typing import Any, Protocol

from ..errors import InvalidURLError
from ..frozen import frozen
from ..named_tuple import NamedTuple
from ..read.entries import absolute
from ..read.seen.target_id import as_recorded
from ..record_fields import TABLE, Kind
from ..url import ParsedURL, parse, plain
from .record_summary import RecordSummary

NEAR = 5
"""Maximum number of near misses."""


class Records(Protocol):
    """The common interface of ``RecordFile`` and ``RecordDatabase``."""

    def __iter__(self) -> Iterator[RecordSummary]:
        """Iterate over the summaries of all records."""

    def current(self) -> dict[str, Any]:
        """Return the complete last record."""


@frozen
class Found:
    """The result of ``find``.

    record: the last record of the URL, as JSON values; None if there is none. times: how many records it has. near: if
    it has none, similar URLs that have records, the nearest first.
    """

    record: Mapping[str, Any] | None = None
    times: int = 0
    near: tuple[str, ...] = field(default=())


def find(records: Records, url: str) -> Found:
    """Find the record of a URL.

    Spellings that parse to the same URL are equal. A text that is no URL is compared letter by letter.
    url: as on the command line, with its password in clear or hidden. A host without a scheme gets ``https://``, as in
    lists. Raises what reading the records raises.
    """
    typed_in = completed = url.strip()
    with suppress(InvalidURLError):
        completed = absolute(typed_in, None)
    wanted = _parsed(completed)
    miss = None if wanted is None else _Miss(wanted)
    record: Mapping[str, Any] | None = None
    times = 0
    near: dict[str, int] = {}
    for summary in records:
        parsed = None if wanted is None else _parsed(summary.url)
        if summary.url in (typed_in, completed) or (
            parsed is not None and wanted is not None and _same(parsed, wanted)
        ):
            if record is None or not summary.is_repeat:
                record = typed_record(records.current())
            times += 1
        elif parsed is not None and miss is not None and not times and (rank := miss.rank(parsed)) is not None:
            near[summary.url] = rank
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
    """A URL without what is easily mistyped: scheme, port, ``www.``, final slash and upper case; the query apart."""

    host: str
    path: str
    query: str


def _loose(url: ParsedURL) -> _Loose:
    path, _, query = url.path.partition("?")
    return _Loose(url.host.host.removeprefix("www."), path.rstrip("/").lower(), query)


class _Miss:
    """Ranks URLs by their similarity to the wanted one."""

    def __init__(self, wanted: ParsedURL) -> None:
        self._wanted = _loose(wanted)

    def rank(self, url: ParsedURL) -> int | None:
        """Return 0 for another scheme, user, port, slash or case, 1 for another query, 2 for another host; or None."""
        other, wanted = _loose(url), self._wanted
        if other.path != wanted.path:
            return None
        if other.host == wanted.host:
            return 0 if other.query == wanted.query else 1
        return 2 if other.path and other.query == wanted.query else None


def typed_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert the text cells of a CSV record to the types of JSON Lines. Other records are returned unchanged."""
    for value in record.values():
        if not isinstance(value, str):  # nearly always the second field
            return record
    typed: dict[str, Any] = {}
    timings: dict[str, Any] = {}
    tls: dict[str, Any] = {}
    for name, cell in record.items():
        if name.startswith("timings."):
            timings[name.removeprefix("timings.")] = _read(cell, float)
        elif name.startswith("tls."):
            tls[name.removeprefix("tls.")] = cell or None
        else:
            typed[name] = _read(cell, _TYPES.get(name, str))
    if any(seconds is not None for seconds in timings.values()):
        typed["timings"] = timings
    if any(tls.values()):
        typed["tls"] = tls
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
    """Convert a cell; None for an empty or invalid one."""
    try:
        return read(cell) if cell else None
    except (ValueError, RecursionError):
        return None
