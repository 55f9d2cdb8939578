"""Recrawls with earlier records: ``--since``.

Decides what each outcome says about the change of its page, and which values a 304 takes over from the earlier record.
It wraps the engine's feed, which adds what is known to each target, and completes outcomes before they are counted and
written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..model import Fetched, HostKey, Outcome, Skipped, Target, Unchanged, error_of, verdict
from ..ports import Batch, Feed
from ..read.seen.target_id import as_recorded, target_id
from ..record.formats.fields import record
from ..settings import Settings
from ..transport.exchange.route import RouteTable
from ..transport.net.session import PooledSession
from ..url import ParsedURL
from ..validators import SAFE, Known, Validators, unix
from .list_feed import FeedMaker

if TYPE_CHECKING:
    from ..change import PageState
    from ..record.body_files.known_files import KnownFiles
    from ..results.known_pages import KnownPages

SAMPLE_HOST = HostKey("https", "sample.invalid", 443)

UNASKED = "the server sent 304 to a request without a condition"


def request_id_of_target(target: Target, method: str) -> int:
    """Return the request id of a target, equal to ``results.failures.request_id`` of its record. method: the run's."""
    parsed = as_recorded(ParsedURL(target.host, target.path, target.userinfo))
    return target_id(parsed, target.apart(method)) ^ hash(target.method(method))


class KnownFeed:
    """A ``ports.Feed`` over another feed. It adds what earlier records know to each target."""

    def __init__(self, feed: Feed, known: KnownPages, method: str) -> None:
        self._feed = feed
        self._known = known
        self._method = method

    def poll(self) -> Batch | None:
        """As ``ports.Feed``."""
        return self._feed.poll()

    def target(self, ticket: int) -> Target | Skipped:
        """As ``ports.Feed``."""
        target = self._feed.target(ticket)
        if isinstance(target, Target):
            target.known = self._known.find(request_id_of_target(target, self._method))
        return target

    @property
    def exhausted(self) -> bool:
        """As ``ports.Feed``."""
        return self._feed.exhausted

    def close(self) -> None:
        """As ``ports.Feed``."""
        self._feed.close()


class _Owners:
    """Implements ``known_files.FileOwners``: which targets own which file, by earlier records and by this run."""

    def __init__(self, known: KnownPages, method: str) -> None:
        self._known = known
        self._method = method

    def add(self, name: str, target: Target) -> None:
        """As ``FileOwners``."""
        self._known.add_file(name, request_id_of_target(target, self._method))

    def has_others(self, name: str, target: Target) -> bool:
        """As ``FileOwners``."""
        return self._known.has_other(name, request_id_of_target(target, self._method))


def known_files(settings: Settings) -> KnownFiles | None:
    """Return the files that earlier records name; None if bodies are not saved."""
    if settings.files.save_dir is None or settings.request.method.upper() == "HEAD":
        return None
    from ..record.body_files.known_files import KnownFiles  # noqa: PLC0415 - rarely needed

    return KnownFiles(settings.files)


class Recrawl:
    """What a run knows of earlier ones, from its feed to its outcomes.

    known: what earlier records say, None where nobody asked: nothing is done then. owners: which targets have which
    file, None where nobody asks about files.
    """

    def __init__(self, known: KnownPages | None, settings: Settings) -> None:
        self._known = known
        self._settings = settings
        self._output = settings.output
        self._method = settings.request.method
        self._change_by = settings.since.change_by
        self._files = None if known is None else known_files(settings)
        self.owners = None if known is None or self._files is None else _Owners(known, self._method)

    def __repr__(self) -> str:
        return f"<Recrawl {self._known!r}>"

    @property
    def has_file(self) -> Callable[[Known], bool] | None:
        """Return a function that checks whether a page's file is as its record says; None if bodies are not saved."""
        return None if self._files is None else self._files.has

    def feed(self, make: FeedMaker) -> FeedMaker:
        """Wrap a feed, so that each target has what is known about it."""
        known = self._known
        if known is None:
            return make
        return lambda wake, open_document: KnownFeed(make(wake, open_document), known, self._method)

    def fresh(self) -> Callable[[int], Known | None] | None:
        """Return a function from a request id to what is known of a page that need not be requested again.

        None if every page is requested.
        """
        known, request, since = self._known, self._settings.request, self._settings.since
        if known is None or not since.passes_over or self._method not in SAFE or request.data is not None:
            return None
        sample = sample_request(self._settings) if since.fresh else b""
        variable = variable_fields(self._settings)
        min_age, has_file = since.min_age or 0.0, self.has_file

        def page(number: int) -> Known | None:
            found, now = known.find(number), time.time()
            if found is None:
                return None
            needs_not = found.is_younger(min_age, now) or (since.fresh and found.is_fresh(now, sample, variable))
            return found if needs_not and (has_file is None or has_file(found)) else None

        return page

    def close(self) -> None:
        """Close the earlier records."""
        if self._known is not None:
            self._known.close()

    def compare(self, outcomes: Sequence[Outcome]) -> None:
        """Set the ``change`` of outcomes. Called once per outcome, before it is used elsewhere."""
        if self._known is None:
            return
        from ..results.journal import REGENERATED  # noqa: PLC0415 - most runs know no earlier ones

        for outcome in outcomes:
            if not isinstance(outcome, Skipped) or outcome.error not in REGENERATED:
                self._compare(outcome, outcome.target.known)

    def _compare(self, outcome: Outcome, known: Known | None) -> None:
        from ..change import Change, Condition, PageState, change_of  # noqa: PLC0415 - as above

        if isinstance(outcome, Unchanged):
            if known is None or not (outcome.fresh or outcome.asked):
                outcome.detail = UNASKED if outcome.detail is None else f"{outcome.detail}; {UNASKED}"
                outcome.change, outcome.before = Change.UNKNOWN, known
                return
            _take_over(outcome, known)
            if self._files is not None:
                outcome.path = self._files.path_of(known.record) or outcome.path
            outcome.change = Change.SAME
            return
        state = _state(outcome)
        before = None if known is None else PageState.of(known.record)
        if known is not None and state.condition in (Condition.FAILING, Condition.UNKNOWN):
            outcome.before = known
        same = self._has_same_key(outcome, known) if self._change_by else None
        outcome.change = change_of(before, state, same=same, by_key=bool(self._change_by))

    def _has_same_key(self, outcome: Outcome, known: Known | None) -> bool | None:
        """Whether the fields of ``--change-by`` have the same values as before; None if one is missing."""
        if known is None or not isinstance(outcome, Fetched):
            return None
        from ..results.known_pages import key_of  # noqa: PLC0415 - as above

        key = key_of(record(outcome, self._output, self._method), self._change_by)
        return None if key is None or known.key is None else key == known.key


def sample_request(settings: Settings) -> bytes:
    """Return a request with the header fields that are the same for all hosts (see ``variable_fields``)."""
    with PooledSession(1, 1) as session:
        route = RouteTable(session, settings.request).get(SAMPLE_HOST, settings.request.method)
        return route.request("/")


def variable_fields(settings: Settings) -> frozenset[str]:
    """Return the header fields that differ between hosts. A response that varies by one of them is never fresh."""
    own = {name.lower() for _, section in settings.host_overrides.sections for name, _ in section.headers}
    return frozenset({"host", "cookie", "authorization", *own})


def _state(outcome: Outcome) -> PageState:
    from ..change import PageState  # noqa: PLC0415 - as above

    validators = outcome.validators or Validators()
    return PageState(
        verdict(outcome),
        outcome.status,
        error_of(outcome),
        sha256=outcome.sha256,
        etag=validators.etag,
        last_modified=validators.last_modified,
        bytes=outcome.bytes,
    )


def _take_over(outcome: Unchanged, known: Known) -> None:
    """Copy values of the earlier record to the outcome of an unchanged page. Values from the server take precedence."""
    old = known.record
    if outcome.fresh:
        outcome.started = unix(old.get("started"))
        outcome.final_url = _text(old.get("final_url"))
    outcome.sha256 = _text(old.get("sha256"))
    outcome.bytes = old["bytes"] if isinstance(old.get("bytes"), int) else 0
    outcome.content_type = outcome.content_type or _text(old.get("content_type"))
    outcome.charset = _text(old.get("charset"))
    outcome.path = outcome.path or _text(old.get("path"))
    if outcome.data is None and isinstance(old.get("data"), dict):
        outcome.data = old["data"]
    new = outcome.validators or Validators()
    outcome.validators = Validators(
        new.etag or _text(old.get("etag")),
        new.last_modified or _text(old.get("last_modified")),
        unix(old.get("fresh_until")) if outcome.fresh else new.fresh_until,
        new.vary or _text(old.get("vary")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
