"""Selects the URLs of a record file that did not succeed: ``failed``, and what ``--resume`` fetches again.

Decides what counts as a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidURLError
from ..failure_classes import DEFERRED, FailureClasses, parsed
from ..host_share import HostShare
from ..model import SUCCESSES
from ..text import HIDDEN, printable, strict_json
from ..url import parse, plain
from .journal import request_id
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
        lost = "rows left out whose records lack data or hide credentials; fetch --resume reads these from the list"
    failed: dict[int, str] = {}
    own_requests: set[int] = set()
    for summary in records:
        if shard is not None and not shard.holds(_host_name(summary.url)):
            continue
        number = request_id(summary)
        if is_failure(summary, classes):
            row = summary.url if row_of is None else row_of(summary)
            failed[number] = summary.url if row is None else row
            own = summary.apart is not None and bool(summary.apart.method)
            if row is None or (own and row_of is None):
                own_requests.add(number)
        elif not summary.is_repeat:
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


def row_of_record(summary: RecordSummary, record: Mapping[str, Any]) -> str | None:
    """Write a target as a row of JSON Lines for ``fetch``; None if its record does not contain the whole request."""
    request = own_request(summary, record)
    if request is None:
        return None
    method = summary.method if summary.apart is None else summary.apart.method or summary.method
    if method != "GET":
        request["method"] = method
    row = {**columns_of_row(record), "url": summary.url, **({"request": request} if request else {})}
    return strict_json(json.dumps(row, separators=(",", ":")))


def own_request(
    summary: RecordSummary, record: Mapping[str, Any], given: Collection[str] = frozenset()
) -> dict[str, Any] | None:
    """Return what a row set for its request, as rows of lists do; None if its record does not tell all of it.

    given: lower-case names of header fields that need not be repeated: those that the run sends itself.
    """
    request = _object(record.get("row_request"))
    headers = request.get("headers")
    if isinstance(headers, dict):
        request["headers"] = {name: value for name, value in headers.items() if name.lower() not in given}
        if HIDDEN in request["headers"].values():
            return None
    if summary.apart is None:
        return request
    if summary.apart.data and "data" not in request:
        return None
    return {**request, "method": summary.apart.method} if summary.apart.method else request


def columns_of_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the other columns of a target's row."""
    return _object(record.get("input"))


def _object(value: Any) -> dict[str, Any]:
    """Return an object of a record, or of a cell of CSV; an empty one for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return dict(value) if isinstance(value, dict) else {}


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


def is_failure(summary: RecordSummary, classes: FailureClasses | None = None) -> bool:
    """Whether a target did not succeed. classes: whether it is among these failures; as for ``failures``."""
    if summary.outcome in SUCCESSES:
        return False
    if (classes is None or classes.wanted is None) and summary.outcome == "skipped":
        return False
    return classes is None or classes.hold(DEFERRED if summary.outcome == DEFERRED else summary.error, summary.status)
