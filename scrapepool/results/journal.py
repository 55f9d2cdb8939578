"""A record file as the journal of the run that wrote it: what stays in it, and what is fetched again.

Decides which records are final, which are left out so that a target has one, and what a person is told about that.
Reads the file once; changes nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..errors import InvalidURLError
from ..frozen import frozen
from ..model import ErrorKind
from ..read.seen.finished import Finished
from ..read.seen.hash_tables import HashSet
from ..read.seen.target_id import recorded_target_id
from ..schedule.retry import HOST_WIDE
from ..url import parse
from .record_database import RecordDatabase
from .record_file import RecordFile
from .record_summary import RecordSummary

SUCCESSES = frozenset({"ok", "unchanged"})

REGENERATED = frozenset({ErrorKind.INVALID_URL, ErrorKind.UNSUPPORTED_SCHEME, ErrorKind.DUPLICATE})
"""Errors of ``skipped`` lines: the reader finds these lines again and records them again."""

DEFERRED = "deferred"
"""The outcome, and the class, of records without an error whose host asked for more patience."""

HOST_WIDE_WORDS = frozenset(map(str, HOST_WIDE))
"""The statuses whose wait is the host's, as records of any format spell them."""

FINISHED, FAILED, REFETCH, REGENERATE, OTHER = range(5)
"""What a record is to the run: a success, a failure that stays, what is fetched again, what the reader makes anew,
and what is none of its business and stays."""


@frozen
class Journal:
    """What a record file says about a run that is to go on.

    keep: where the records stand that stay, as pairs of offsets, in order. size: bytes of the file.
    kept, again, duplicates: records that stay, whose targets are fetched again, that a later one of the same URL
    replaces. torn: bytes of a last record that was not written to its end.
    """

    keep: tuple[tuple[int, int], ...]
    size: int
    kept: int
    again: int
    duplicates: int
    torn: int

    @property
    def whole(self) -> bool:
        """Whether the file can stay as it is."""
        return self.keep == (((0, self.size),) if self.size else ())

    @property
    def end(self) -> int | None:
        """Where the file is to be cut to be as it should be; None where it has to be written anew."""
        match self.keep:
            case ():
                return 0
            case ((0, end),):
                return end
            case _:
                return None

    def notes(self, name: str) -> Iterator[str]:
        """Tell a person, line by line, what is done with the file."""
        if self.torn:
            yield f"{name}: the last record was not written to its end; its {self.torn:,} bytes are cut off"
        if self.duplicates:
            yield f"{name}: records that a later one of the same URL replaces: {self.duplicates:,}"
        yield f"{name}: records that stay: {self.kept:,}; to be fetched again: {self.again:,}"


def read_journal(
    records: RecordFile | RecordDatabase, finished: Finished, *, refetch: Collection[str] | None, method: str
) -> Journal:
    """Read all records and put the targets that need no more into ``finished``. The last record of a URL counts.

    refetch: errors whose targets are fetched again, None for all; what was only put off is, in any case. method: of the
    run that is to go on; the records of other methods stay, and finish nothing. Raises UsageError for a file of
    something else.
    """
    numbers, ends, kinds = array("q"), array("q"), bytearray()
    for told in records:
        kind, number = _judged(told, refetch, method)
        if told.outcome == DEFERRED:
            _note_deferral(records.current(), finished)
        elif told.error == ErrorKind.DUPLICATE:
            _remember_file(told, records.current(), finished)
        numbers.append(number)
        ends.append(told.end)
        kinds.append(kind)
    stays, again, duplicates = _last_ones(numbers, kinds, finished)
    return Journal(
        keep=tuple(_stretches(records.start, ends, stays)),
        size=records.whole + records.torn,
        kept=sum(stays),
        again=again,
        duplicates=duplicates,
        torn=records.torn,
    )


def count_finished(records: RecordDatabase, finished: Finished, *, method: str) -> int:
    """Count the finished targets, of which each is there once, that a database has a record of."""
    return sum(number in finished for _, number in (_judged(told, (), method) for told in records))


def _note_deferral(record: Mapping[str, Any], finished: Finished) -> None:
    """Take note of a host that asked to be left alone; a status that speaks for one URL says nothing of its host."""
    status = record.get("status")
    if status and str(status) not in HOST_WIDE_WORDS:
        return
    try:
        host = parse(record.get("final_url") or record["url"]).host
        until = datetime.fromisoformat(record["not_before"]).timestamp()
    except (InvalidURLError, KeyError, TypeError, ValueError, OverflowError):
        return  # of another version, or without the field
    finished.not_before[host] = max(until, finished.not_before.get(host, 0.0))


def _remember_file(told: RecordSummary, record: Mapping[str, Any], finished: Finished) -> None:
    """Take note of the file that the record of a repeat names: the reader makes that record anew."""
    path = record.get("path")
    if isinstance(path, str) and path:
        with suppress(InvalidURLError):
            finished.paths[recorded_target_id(told.url, told.apart)] = path


def is_regenerated(told: RecordSummary) -> bool:
    """Whether a record is of a line that is no target, or another one's, and says nothing of any page."""
    return told.outcome == "skipped" and (told.error is None or told.error in REGENERATED)


def _judged(told: RecordSummary, refetch: Collection[str] | None, method: str) -> tuple[int, int]:
    """Tell what a record is to the run, and of which target it is."""
    if is_regenerated(told):
        return REGENERATE, 0
    if told.method != method and (told.apart is None or not told.apart.method):
        return OTHER, 0
    try:
        number = recorded_target_id(told.url, told.apart)
    except InvalidURLError:
        return OTHER, 0
    if told.outcome in SUCCESSES:
        return FINISHED, number
    not_before = told.outcome == DEFERRED or told.error == ErrorKind.INTERRUPTED
    return REFETCH if not_before or refetch is None or told.error in refetch else FAILED, number


def _last_ones(numbers: array[int], kinds: bytearray, finished: Finished) -> tuple[bytearray, int, int]:
    """Go back from the last record: which stay, how many are fetched again, how many a later one replaces."""
    stays = bytearray(len(kinds))
    to_fetch = HashSet()
    again = duplicates = 0
    for place in range(len(kinds) - 1, -1, -1):
        kind, number = kinds[place], numbers[place]
        if kind == OTHER:
            stays[place] = True
        elif kind == REGENERATE:
            pass
        elif number in to_fetch or (kind == REFETCH and number in finished):
            duplicates += 1
        elif kind == REFETCH:
            again += 1
            if not finished.each:
                to_fetch.add(number)
        elif finished.add(number):
            stays[place] = True
            finished.failures += kind == FAILED
        else:
            duplicates += 1
    return stays, again, duplicates


def _stretches(start: int, ends: array[int], stays: bytearray) -> Iterator[tuple[int, int]]:
    """Join what stays, the first ``start`` bytes too, to stretches of the file."""
    begin, end, at = 0, start, start
    for after, stay in zip(ends, stays, strict=True):
        if stay:
            if at != end:  # something before was left out
                if begin != end:
                    yield begin, end
                begin = at
            end = after
        at = after
    if begin != end:
        yield begin, end
