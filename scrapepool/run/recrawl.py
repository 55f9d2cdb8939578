"""Targets that earlier records know: ``--since``.

Decides what each outcome says about the change of its page, and what a 304 takes over from the earlier record. It
stands before the engine, as its feed, which looks targets up, and behind it, before anything is counted or written.
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
from .assemble import FeedMaker

if TYPE_CHECKING:
    from ..change import PageState
    from ..record.body_files.known_files import KnownFiles
    from ..results.known_pages import KnownPages

SAMPLE_HOST = HostKey("https", "sample.invalid", 443)

UNASKED = "the server sent 304 to a request without a condition"


def request_id_of_target(target: Target, method: str) -> int:
    """Number a target as ``read.failures.request_id`` numbers its records. method: the run's."""
    parsed = as_recorded(ParsedURL(target.host, target.path, target.userinfo))
    return target_id(parsed, target.apart(method)) ^ hash(target.method(method))


class KnownFeed:
    """Keeps ``ports.Feed`` over another one, and tells each target what earlier records know of it."""

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
    """Keeps ``record.known_files.FileOwners``: which targets have which file, by earlier records and by this run."""

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
    """The files that earlier records name; None where bodies become no files."""
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
        """What tells whether a page's file is there as its record says; None where nobody asks about files."""
        return None if self._files is None else self._files.has

    def feed(self, make: FeedMaker) -> FeedMaker:
        """Have a feed tell each target what is known of it."""
        known = self._known
        if known is None:
            return make
        return lambda wake, download: KnownFeed(make(wake, download), known, self._method)

    def fresh(self) -> Callable[[int], Known | None] | None:
        """What gives what is known of a target, by its number, if its page need not be requested; None for no such."""
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
        """Look nothing up any more."""
        if self._known is not None:
            self._known.close()

    def compare(self, outcomes: Sequence[Outcome]) -> None:
        """Set what outcomes say about the change, once and before anybody else looks at them."""
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
        """Whether the fields that decide have the values of before; None where they are not there."""
        if known is None or not isinstance(outcome, Fetched):
            return None
        from ..results.known_pages import key_of  # noqa: PLC0415 - as above

        key = key_of(record(outcome, self._output, self._method), self._change_by)
        return None if key is None or known.key is None else key == known.key


def sample_request(settings: Settings) -> bytes:
    """A request as all hosts get it, but for its first line and what ``variable_fields`` names."""
    with PooledSession(1, 1) as session:
        route = RouteTable(session, settings.request).get(SAMPLE_HOST, settings.request.method)
        return route.request("/")


def variable_fields(settings: Settings) -> frozenset[str]:
    """Header fields that are not the same to all hosts: a response that depends on them is not called fresh."""
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
    """Tell with an unchanged page what the earlier record told of it. What the server says now goes before that."""
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
