"""Selects the URLs of a record file that did not succeed: ``failed``, and what ``--resume`` fetches again.

Decides what counts as a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidURLError
from ..failure_classes import DEFERRED, FailureClasses, parsed
from ..host_share import HostShare
from ..read.seen.target_id import recorded_target_id
from ..text import HIDDEN, printable, strict_json
from ..url import parse, plain
from .journal import SUCCESSES
from .record_summary import RecordSummary


def failures(
    records: Iterable[RecordSummary],
    classes: FailureClasses | None = None,
    *,
    on_note: Callable[[str], None] = lambda _: None,
    row_of: Callable[[RecordSummary], str | None] | None = None,
    shard: HostShare | None = None,
) -> Iterator[str]:
    """Yield the URLs whose last record is not a success, in the order of their first failure, each on one line.

    classes: only these. Without any that it wants, all failures except ``skipped`` targets, which were never
    requested. Only the URLs to yield are kept in memory. on_note: receives lines for the user. row_of: returns a
    list row for the target of the last record, to be yielded instead of the URL; None for a target that cannot be
    restored from its record. shard: only URLs whose hosts are in this share; None for all.
    """
    lost = "URLs left out because their rows set a method or data; fetch --resume repeats them"
    if row_of is not None:
        lost = "rows left out because records do not hold their data; fetch --resume reads it from the list"
    failed: dict[int, str] = {}
    own_requests: set[int] = set()
    for told in records:
        if shard is not None and not shard.holds(_host_name(told.url)):
            continue
        number = request_id(told)
        if is_failure(told, classes):
            row = told.url if row_of is None else row_of(told)
            failed[number] = told.url if row is None else row
            own = told.apart is not None and bool(told.apart.method)
            if row is None or (own and row_of is None):
                own_requests.add(number)
        elif not told.is_repeat:
            failed.pop(number, None)
            own_requests.discard(number)
    if own_requests:
        on_note(f"{lost}: {len(own_requests):,}")
    if hidden := sum(f"{HIDDEN}@" in url for url in failed.values()):
        on_note(f"URLs whose passwords are hidden ({HIDDEN}); only fetch --resume reads them from the list: {hidden:,}")
    for number, text in failed.items():
        if row_of is None:
            yield printable(plain(text))
        elif number not in own_requests:
            yield text


def row_of_record(told: RecordSummary, record: Mapping[str, Any]) -> str | None:
    """Write a target as a row of JSON Lines for ``fetch``; None if its record does not contain the whole request."""
    if told.apart is not None and told.apart.data:
        return None
    columns = record.get("input")
    if isinstance(columns, str):  # a cell of CSV
        try:
            columns = json.loads(columns)
        except (ValueError, RecursionError):
            columns = None
    row = {**columns, "url": told.url} if isinstance(columns, dict) else {"url": told.url}
    method = told.method if told.apart is None else told.apart.method or told.method
    if method != "GET":
        row["request"] = {"method": method}
    return strict_json(json.dumps(row, separators=(",", ":")))


def refetched(resume: str) -> FailureClasses | None:
    """Parse the value of ``--resume``: the failures that are fetched again, None for none. Raises UsageError."""
    if resume == "failed":
        return FailureClasses()
    return None if resume == "all" else parsed(resume.split(","))


def _host_name(url: str) -> str:
    try:
        return parse(url).host.host
    except InvalidURLError:
        return ""


def is_failure(told: RecordSummary, classes: FailureClasses | None = None) -> bool:
    """Whether a target did not succeed. classes: whether it is among these failures; as for ``failures``."""
    if told.outcome in SUCCESSES:
        return False
    if (classes is None or classes.wanted is None) and told.outcome == "skipped":
        return False
    return classes is None or classes.hold(DEFERRED if told.outcome == DEFERRED else told.error, told.status)


def request_id(told: RecordSummary) -> int:
    """Return the id of a record's request: of its target and method. It differs from process to process."""
    try:
        return recorded_target_id(told.url, told.apart) ^ hash(told.method)
    except InvalidURLError:
        return hash(told.url)
