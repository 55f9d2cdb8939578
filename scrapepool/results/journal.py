"""Reads a record file as the journal of an earlier run, for ``--resume``: what stays, and what is fetched again.

Decides which records are final, which are dropped so that each target has one record, and what messages say about
it. Reads the file once and does not change it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..errors import InvalidURLError
from ..failure_classes import DEFERRED, FailureClasses
from ..frozen import frozen
from ..model import SUCCESSES, ErrorKind
from ..plural import counted
from ..read.seen.finished import Finished
from ..read.seen.hash_tables import HashSet
from ..read.seen.target_id import recorded_target_id
from ..schedule.health.retry import HOST_WIDE
from ..url import parse
from .record_database import RecordDatabase
from .record_file import RecordFile
from .record_summary import RecordSummary

REGENERATED = frozenset({ErrorKind.INVALID_URL, ErrorKind.UNSUPPORTED_SCHEME, ErrorKind.DUPLICATE})
"""Errors of rows that the reader finds and records again in every run."""

HOST_WIDE_STATUSES = frozenset(map(str, HOST_WIDE))
"""Statuses whose Retry-After holds for the whole host."""

FINISHED, FAILED, REFETCH, REGENERATE, OTHER = range(5)
"""The kinds of records: a success; a failure that stays; a target to fetch again; a row that the reader records again;
a record of another method or without a valid URL, which stays."""


@frozen
class Journal:
    """What to do with a record file before a run resumes.

    keep: the byte ranges of the records that stay, in order. size: bytes of the file. kept: records that stay. again:
    records whose targets are fetched again. duplicates: records that a later record of the same target replaces. torn:
    bytes of a last record that was not completely written.
    """

    keep: tuple[tuple[int, int], ...]
    size: int
    kept: int
    again: int
    duplicates: int
    torn: int

    @property
    def whole(self) -> bool:
        """Whether the file can stay unchanged."""
        return self.keep == (((0, self.size),) if self.size else ())

    @property
    def end(self) -> int | None:
        """The size to truncate the file to; None if the file has to be rewritten."""
        match self.keep:
            case ():
                return 0
            case ((0, end),):
                return end
            case _:
                return None

    def notes(self, name: str) -> Iterator[str]:
        """Yield lines that tell the user what happens to the file."""
        if self.torn:
            yield f"{name}: the last record is incomplete; its {counted(self.torn, 'byte is', 'bytes are')} removed"
        if self.duplicates:
            yield f"{name}: records replaced by a later one of the same URL: {self.duplicates:,}"
        yield f"{name}: records kept: {self.kept:,}; to be fetched again: {self.again:,}"


def read_journal(
    records: RecordFile | RecordDatabase,
    finished: Finished,
    *,
    refetch: FailureClasses | None,
    method: str,
    to_fetch: HashSet | None = None,
) -> Journal:
    """Read all records, and add the targets that are finished to ``finished``. The last record of a target counts.

    refetch: failures that are fetched again, None for none. Deferred and interrupted targets always are. method:
    of the run that resumes; records of other methods stay and finish no target. to_fetch: if several files are read,
    from the last to the first, the targets that the other files have shown to be fetched again. Raises UsageError for a
    file that is not a record file.
    """
    numbers, ends, kinds = array("q"), array("q"), bytearray()
    for summary in records:
        kind, number = _classified(summary, refetch, method)
        if summary.outcome == DEFERRED:
            _note_deferral(records.current(), finished)
        elif summary.error == ErrorKind.DUPLICATE:
            _remember_file(summary, records.current(), finished)
        numbers.append(number)
        ends.append(summary.end)
        kinds.append(kind)
    stays, again, duplicates = _last_ones(numbers, kinds, finished, HashSet() if to_fetch is None else to_fetch)
    return Journal(
        keep=tuple(_stretches(records.start, ends, stays)),
        size=records.whole + records.torn,
        kept=sum(stays),
        again=again,
        duplicates=duplicates,
        torn=records.torn,
    )


def read_to_append(records: RecordFile) -> Journal:
    """Read all records of a file that others are appended to: all stay, but for an incomplete last one."""
    kept = sum(1 for _ in records)
    keep = ((0, records.whole),) if records.whole else ()
    return Journal(keep, size=records.whole + records.torn, kept=kept, again=0, duplicates=0, torn=records.torn)


def without_replaced(records: RecordFile, since: int) -> Journal:
    """Read all records of a file to which a retry appended some. Of a target that it fetched, only the last one stays.

    since: where the appended records begin. Records of rows that are no URL stay.
    """
    numbers, ends = array("q"), array("q")
    appended, last = set[int](), dict[int, int]()
    for place, summary in enumerate(records):
        number = request_id(summary)
        numbers.append(number)
        ends.append(summary.end)
        if summary.end > since and not summary.is_repeat:
            appended.add(number)
            last[number] = place
    stays = bytearray(number not in appended or last[number] == place for place, number in enumerate(numbers))
    return Journal(
        keep=tuple(_stretches(records.start, ends, stays)),
        size=records.whole + records.torn,
        kept=sum(stays),
        again=0,
        duplicates=len(stays) - sum(stays),
        torn=records.torn,
    )


def request_id(summary: RecordSummary) -> int:
    """Return the id of a record's request: of its target and method. It differs from process to process."""
    try:
        return recorded_target_id(summary.url, summary.apart) ^ hash(summary.method)
    except InvalidURLError:
        return hash(summary.url)


def count_finished(records: RecordDatabase, finished: Finished, *, method: str) -> int:
    """Count the records of finished targets in a database, which has one record per target."""
    return sum(number in finished for _, number in (_classified(summary, None, method) for summary in records))


def _note_deferral(record: Mapping[str, Any], finished: Finished) -> None:
    """Note until when a host asked not to be requested, if the status of the record concerns the whole host."""
    status = record.get("status")
    if status and str(status) not in HOST_WIDE_STATUSES:
        return
    try:
        host = parse(record.get("final_url") or record["url"]).host
        until = datetime.fromisoformat(record["not_before"]).timestamp()
    except (InvalidURLError, KeyError, TypeError, ValueError, OverflowError):
        return  # a record of another version, or without the field
    finished.not_before[host] = max(until, finished.not_before.get(host, 0.0))


def _remember_file(summary: RecordSummary, record: Mapping[str, Any], finished: Finished) -> None:
    """Remember the file that the record of a duplicate names, since that record is written again."""
    path = record.get("path")
    if isinstance(path, str) and path:
        with suppress(InvalidURLError):
            finished.paths[recorded_target_id(summary.url, summary.apart)] = path


def is_regenerated(summary: RecordSummary) -> bool:
    """Whether a record is of a malformed row or of a duplicate, and says nothing about any page."""
    return summary.outcome == "skipped" and (summary.error is None or summary.error in REGENERATED)


def _classified(summary: RecordSummary, refetch: FailureClasses | None, method: str) -> tuple[int, int]:
    """Return the kind of a record, and the id of its target."""
    if is_regenerated(summary):
        return REGENERATE, 0
    if summary.method != method and (summary.apart is None or not summary.apart.method):
        return OTHER, 0
    try:
        number = recorded_target_id(summary.url, summary.apart)
    except InvalidURLError:
        return OTHER, 0
    if summary.outcome in SUCCESSES:
        return FINISHED, number
    postponed = summary.outcome == DEFERRED or summary.error == ErrorKind.INTERRUPTED
    again = postponed or (refetch is not None and refetch.hold(summary.error, summary.status))
    return REFETCH if again else FAILED, number


def _last_ones(
    numbers: array[int], kinds: bytearray, finished: Finished, to_fetch: HashSet
) -> tuple[bytearray, int, int]:
    """Go backwards through the records. Return which stay, how many are fetched again, and how many are replaced."""
    stays = bytearray(len(kinds))
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
    """Yield the byte ranges of the records that stay, and of the first ``start`` bytes; adjacent ones are joined."""
    begin, end, at = 0, start, start
    for after, stay in zip(ends, stays, strict=True):
        if stay:
            if at != end:  # a record before this one was dropped
                if begin != end:
                    yield begin, end
                begin = at
            end = after
        at = after
    if begin != end:
        yield begin, end
