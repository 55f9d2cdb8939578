"""Compares two records of the same target: its page is new, changed, the same, gone or back.

Decides which differences count as a change. Knows no files and no clocks: records go in, words come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from typing import Any, Self

from .model import ErrorKind
from .named_tuple import NamedTuple

PAGES = frozenset({"ok", "unchanged"})
"""Outcomes that mean that there is a page."""

GONE_STATUSES = frozenset({404, 410})
"""Statuses that mean that there is no page (RFC 9110 sections 15.5.5 and 15.5.11)."""

SLOWER_TIMES = 2.0
"""A request counts as slower if it takes this many times as long; less is the normal variation of a network."""

SLOWER_BY = 1.0
"""A request counts as slower if it takes at least this many seconds longer; twice 20 ms is not worth a message."""


class Condition(Enum):
    """What a record says about the page of its target."""

    PAGE = "page"
    """There is one: status below 400, or 304."""
    GONE = "gone"
    """There is none: 404 or 410."""
    FAILING = "failing"
    """It was not received, and nothing is known about it: another status, a failure, a refusal by robots.txt."""
    UNKNOWN = "unknown"
    """The run stopped before the target was finished."""


class PageState(NamedTuple):
    """The part of a record that tells one state of a page from another. The fields are those of the record.

    redirected: whether redirects were followed.
    says_nothing: whether the server sent 304 to a request without a condition.
    last_sha256: of the last known page, if this is the record of a failure.
    """

    outcome: str
    status: int | None = None
    error: str | None = None
    detail: str | None = None
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    bytes: int | None = None
    elapsed: float | None = None
    final_url: str | None = None
    redirected: bool = False
    says_nothing: bool = False
    last_sha256: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read the state from a record with the types of JSON Lines; a missing or mistyped field is None."""
        found, before = record.get, record.get("before")
        return cls(
            str(found("outcome")),
            _typed(found("status"), int),
            _typed(found("error"), str),
            _typed(found("detail"), str),
            _typed(found("sha256"), str),
            _typed(found("etag"), str),
            _typed(found("last_modified"), str),
            _typed(found("bytes"), int),
            _typed(found("elapsed"), float, int),
            _typed(found("final_url"), str),
            bool(found("redirects")),
            is_unasked(record),
            _typed(before.get("sha256"), str) if isinstance(before, Mapping) else None,
        )

    @property
    def condition(self) -> Condition:
        """What it says about the page."""
        if self.outcome in PAGES:
            return Condition.UNKNOWN if self.says_nothing else Condition.PAGE
        if self.outcome == "http_error" and self.status in GONE_STATUSES:
            return Condition.GONE
        return Condition.UNKNOWN if self.error == ErrorKind.INTERRUPTED else Condition.FAILING


def _typed(value: Any, *types: type) -> Any:
    return value if isinstance(value, types) else None


class Change(StrEnum):
    """What happened to a page since its last record: the words of a record's ``change``."""

    NEW = "new"
    """No earlier record says anything about it."""
    CHANGED = "changed"
    """It is another page."""
    SAME = "same"
    """It is the same page, or it is still gone."""
    GONE = "gone"
    """It is 404 or 410 now, and was not before."""
    BACK = "back"
    """There is a page again, after it was gone."""
    UNKNOWN = "unknown"
    """Nothing is known about it now, or the records do not say enough."""


def is_unasked(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a 304 to a request without a condition, which says nothing about the page."""
    return record.get("outcome") == "unchanged" and record.get("change") == Change.UNKNOWN


class Difference(StrEnum):
    """What may be different between an older record and a newer one, in the order in which it is shown."""

    NEW = "new"
    """The older records do not have this URL."""
    CHANGED = "changed"
    """Both have a page, and it differs."""
    GONE = "gone"
    """Now it is 404 or 410."""
    BACK = "back"
    """There is a page now, and there was none before: it was gone, or it failed."""
    LEFT_LIST = "left_list"
    """The newer records do not have this URL."""
    FAILING = "failing"
    """It fails now, and did not before."""
    REDIRECTING = "redirecting"
    """Redirects lead to another URL than before."""
    SLOWER = "slower"
    """It took twice as long as before, and at least a second longer."""


def same_page(old: PageState, new: PageState) -> bool | None:
    """Return whether two records with a page have the same page; None if they do not say enough.

    The digest of the body decides. Only without a digest, as after HEAD, do the server's validators count.
    """
    if old.sha256 and new.sha256:
        return old.sha256 == new.sha256
    if new.outcome == "unchanged":
        return True
    if old.etag and new.etag:
        return old.etag.removeprefix("W/") == new.etag.removeprefix("W/")
    if old.last_modified and new.last_modified:
        return old.last_modified == new.last_modified
    return False if old.bytes and new.bytes and old.bytes != new.bytes else None


def differences(old: PageState | None, new: PageState | None) -> list[Difference]:
    """List the differences between two records of one target. None: it has no record of that time."""
    if old is None or new is None:
        if new is None:
            return [Difference.LEFT_LIST]
        return [] if new.condition is Condition.UNKNOWN else [Difference.NEW]
    before, now = old.condition, new.condition
    if now is Condition.PAGE:
        return list(_between_pages(old, new) if before is Condition.PAGE else _after_none(old, new))
    step = {Condition.GONE: Difference.GONE, Condition.FAILING: Difference.FAILING}.get(now)
    return [] if step is None or before is now else [step]


def _between_pages(old: PageState, new: PageState) -> Iterator[Difference]:
    if same_page(old, new) is False:
        yield Difference.CHANGED
    if new.redirected and old.final_url and new.final_url and new.final_url != old.final_url:
        yield Difference.REDIRECTING
    if old.elapsed and (new.elapsed or 0.0) >= max(old.elapsed * SLOWER_TIMES, old.elapsed + SLOWER_BY):
        yield Difference.SLOWER


def _after_none(old: PageState, new: PageState) -> Iterator[Difference]:
    """Yield the differences if there is a page now and the older record has none."""
    if old.last_sha256 and new.sha256 and old.last_sha256 != new.sha256:
        yield Difference.CHANGED
    if old.condition is not Condition.UNKNOWN:
        yield Difference.BACK


def change_of(old: PageState | None, new: PageState, *, same: bool | None = None, by_key: bool = False) -> Change:
    """Return what happened to a page since its last record that says something.

    old: that record, None if there is none.
    by_key: whether ``same`` (None: unknown) decides about equal pages, instead of the records.
    """
    now = new.condition
    if now in (Condition.FAILING, Condition.UNKNOWN):
        return Change.UNKNOWN
    if old is None:
        return Change.NEW
    if now is Condition.GONE:
        return Change.SAME if old.condition is Condition.GONE else Change.GONE
    if old.condition is not Condition.PAGE:
        return Change.BACK
    same = same if by_key else same_page(old, new)
    return Change.UNKNOWN if same is None else Change.SAME if same else Change.CHANGED
