"""One attempt at a target, with the redirects that stay on its host.

Decides what is requested next: after a redirect, after a refused HEAD, after a range that does not continue the partial
download, and after the server closed an idle connection. It never raises for anything that a server or a URL causes.
The scheduler decides whether and when to retry; ``exchange`` and ``outcomes`` decide what a response means. This file
is long because all of these steps share the state of one attempt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...model import Attempt, ErrorKind, Fetched, Redirected, Result, Target, Trail, Transcript
from ...running_clock import monotonic
from ...validators import Known
from ..classify import IDEMPOTENT, classify
from ..errors import FetchError
from ..exchange.conditions import with_conditions, with_validators
from ..exchange.exchange import Exchange, NewBody
from ..exchange.route import Route
from ..http1.head import Field
from ..http1.redirect import next_method, next_url
from ..net.steps import Offload, Steps
from .held_connection import HeldConnection

if TYPE_CHECKING:
    from ..exchange.cookies import CookieStore
    from ..exchange.partial_files import PartialDownload
    from ..exchange.transcript import Capture
    from ..net.connection import Connection
    from .context import LeaseContext

HEAD_REFUSED = frozenset({405, 501})  # statuses of a server that does not support HEAD
AMBIGUOUS = "{host} sent Locations that differ; the first one was followed"
TIMEOUT_KINDS = frozenset({ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT})


class RunningAttempt:
    """An attempt over the connection that its lease holds.

    index: the index of its result in the lease. began: monotonic time. again: its first response was discarded.
    probe: the attempt is not recorded. exchange: the last exchange, which a failure is described with; None before
    there is one. transcripts: those of its exchanges.
    """

    __slots__ = (
        "_again",
        "_attempt",
        "_began",
        "_context",
        "_held",
        "_index",
        "_jar",
        "_known",
        "_method",
        "_new_body",
        "_offload",
        "_partial_download",
        "_path",
        "_probe",
        "_route",
        "_sent",
        "_started",
        "_trail",
        "_url",
        "exchange",
        "transcripts",
    )

    def __init__(
        self,
        context: LeaseContext,
        held: HeldConnection,
        offload: Offload,
        attempt: Attempt,
        method: str,
        index: int,
        began: float,
        again: bool,
        probe: bool,
    ) -> None:
        self._context = context
        self._held = held
        self._offload = offload
        self._attempt = attempt
        self._method = method
        self._index = index
        self._began = began
        self._again = again
        self._probe = probe
        hop, target = attempt.hop, attempt.target
        self._started = time.time() if attempt.started is None else attempt.started
        self._url, self._path = (target.url, target.path) if hop is None else (hop.url, hop.path)
        self._trail = attempt.trail
        self._jar = context.jar if context.jar is not None or hop is None else hop.cookies
        self._sent = 0.0  # monotonic time of the first request
        self._partial_download: PartialDownload | None = None
        self._known: Known | None = None
        self._new_body: NewBody = context.new_body
        self.exchange: Exchange | None = None
        self.transcripts: Sequence[Transcript] = ()

    def run(self, route: Route) -> Steps[Result]:
        """Request the target, on the given route unless it has its own, and return the result."""
        target = self._attempt.target
        self._route = route
        self._set_timeouts(target)
        try:
            if target.request is not None or target.known is not None or self._context.partial_files is not None:
                yield from self._prepare(target)
            while True:
                request = self._request(target)
                exchange = yield from self._exchange(request)
                if b"set-cookie" in exchange.parser.values:
                    self._take_cookies(exchange)
                if self._must_repeat(exchange, target):
                    continue
                if exchange.location is None:
                    return self._fetched(exchange, request)
                if (redirected := self._follow(exchange, exchange.location)) is not None:
                    return redirected
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            return self._failed(error)

    # -- what is requested -------------------------------------------------------------------------

    def _set_timeouts(self, target: Target) -> None:
        conn, timeouts, hop = self._held.conn, self._context.timeouts, self._attempt.hop
        own = target.request
        total = (None if own is None else own.timeout) or timeouts.total
        conn.read_timeout = timeouts.read
        conn.deadline = self._began + total - (hop.spent if hop else 0.0)

    def _prepare(self, target: Target) -> Steps[None]:
        """Find the target's own route, its partial download, and what earlier records say of it."""
        partial_files = self._context.partial_files
        if partial_files is not None and not self._probe:
            left = self._partial_download = partial_files.partial_download(self._method, partial_files.name_of(target))
            self._new_body = partial(self._context.saved_body, partial_files, self._method, target, left)
        own = target.request
        if own is not None and own.body_to is not None and self._method != "HEAD" and not self._probe:
            self._partial_download = None
            self._new_body = partial(self._context.streamed_body, own.body_to)
        if target.known is not None:
            self._known = yield from self._usable(target.known)
        if target.request is not None:
            self._take_route(target)

    def _usable(self, known: Known) -> Steps[Known | None]:
        """Return what is known of a page, if a 304 suffices: its body needs no file, or the file exists. Else None."""
        has_file = self._context.has_file
        if has_file is None or self._method == "HEAD" or not (known.is_page and known.asking):
            return known
        return known if (yield from self._offload.run(partial(has_file, known))) else None

    def _take_route(self, target: Target) -> None:
        route = self._route
        self._route = self._context.route_to(target, route.host, self._method, foreign=route.foreign)

    def _request(self, target: Target) -> bytes:
        route = self._route
        request = route.request(self._path, cookies=self._jar, userinfo=None if route.foreign else target.userinfo)
        left, known = self._partial_download, self._known
        if left is None and known is None:
            return request
        return with_conditions(request, left, known, self._url, route.method)

    # -- what a response leads to ------------------------------------------------------------------

    def _take_cookies(self, exchange: Exchange) -> None:
        if self._context.jar is not None or exchange.location is not None:
            self._jar = _jar_with_cookies(self._jar, exchange.parser.headers, self._route.host.host, self._path)

    def _must_repeat(self, exchange: Exchange, target: Target) -> bool:
        """Return whether the same URL must be requested again: without a range, or with GET."""
        status, route = exchange.parser.status, self._route
        if self._partial_download is not None and (status == 416 or (status == 206 and exchange.saved is None)):
            self._start_over(target)
        elif status in HEAD_REFUSED and route.method == "HEAD" and self._context.head_fallback:
            self._method = "GET"
            self._take_route(target)
        else:
            return False
        self.exchange = None
        return True

    def _start_over(self, target: Target) -> None:
        """Delete the partial download: the server has another version, or its response does not continue ours."""
        partial_files = self._context.partial_files
        assert partial_files is not None  # noqa: S101 - there was a partial download
        partial_files.forget(self._method, partial_files.name_of(target))
        self._new_body = partial(self._context.saved_body, partial_files, self._method, target, None)
        self._partial_download = None

    def _follow(self, exchange: Exchange, location: bytes) -> Redirected | None:
        """Follow a redirect; return the result if it leads to another host, else None. Raises FetchError."""
        route, context, attempt = self._route, self._context, self._attempt
        if len(self._trail.redirects) >= context.max_redirects:
            detail = f"{len(self._trail.redirects) + 1} redirects; at most {context.max_redirects} are followed"
            raise FetchError(ErrorKind.TOO_MANY_REDIRECTS, detail)
        url, parsed = next_url(route.host.origin + self._path, location)
        self._trail = _trail_with_redirect(self._trail, self._url, exchange, route)
        self._method = next_method(route.method, exchange.parser.status)
        self._url, self._path = url, parsed.path
        if parsed.host != route.host:
            spent = monotonic() - self._began + (attempt.hop.spent if attempt.hop else 0.0)
            jar = None if self._jar is context.jar else self._jar
            hop = self._trail.hop(url, parsed.host, self._path, self._method, spent, jar)
            return Redirected(replace(attempt, started=self._started, hop=hop), exchange.ended - self._sent)
        self.exchange = None  # a failure from here on has no response yet
        if self._method != route.method:
            self._take_route(attempt.target)
        return None

    def _fetched(self, exchange: Exchange, request: bytes) -> Result:
        fetched = self._context.report.fetched(
            self._attempt,
            exchange,
            self._held.conn,
            self._route.method,
            self._started,
            self._sent,
            self._url,
            self._trail,
            self._again,
        )
        if (
            isinstance(fetched, Fetched)
            and (why := self._context.failed_expectation(fetched, self._route.method)) is not None
        ):
            return self._context.report.unexpected(fetched, why, self._route.method)
        return with_validators(fetched, exchange, request)

    def _failed(self, error: Exception) -> Result:
        exchange = self.exchange
        if exchange is not None and exchange.body is not None:
            exchange.body.abandon()
        fault = classify(error)
        if self._context.state.aborted:
            fault = FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
        self._held.close_after(fault, exchange)
        return self._context.report.failed(
            self._attempt,
            fault,
            method=self._route.method,
            started=self._started,
            elapsed=monotonic() - (self._sent or self._began),
            url=self._url,
            trail=self._trail,
            exchange=exchange,
            remote=self._held.conn.remote,
        )

    # -- one exchange ------------------------------------------------------------------------------

    def _exchange(self, request: bytes) -> Steps[Exchange]:
        """Make one exchange. If the server closed the idle connection, repeat it, which does not count as a retry."""
        held, context, route = self._held, self._context, self._route
        conn = held.conn
        reused = held.can_reuse(route.method)
        if reused is None:
            yield from held.verify(last=False)
            reused = conn.sock is not None and conn.served > 0
        ranged = route.ranged or self._partial_download is not None
        while True:
            if conn.sock is None:
                yield from held.open()
            exchange = self._begin_exchange(conn, reused=reused)
            capture = conn.capture = None if context.capture is None else context.capture()
            try:
                yield from exchange.run(
                    conn, request, self._new_body, self._offload, follow=context.max_redirects > 0, ranged=ranged
                )
            except (FetchError, OSError) as error:
                self._keep_fault(error, exchange, request, capture)
                if not reused or not self._was_closed_while_idle(error, exchange):
                    raise
                conn.close()
                reused = False
            else:
                break
        if capture is not None:
            self._keep_transcript(capture, exchange, request)
        self._sent = self._sent or exchange.sent
        held.on_response(exchange)
        return exchange

    def _begin_exchange(self, conn: Connection, *, reused: bool) -> Exchange:
        held, context = self._held, self._context
        held.requests += 1
        exchange = self.exchange = Exchange(self._route.method, reused)
        if context.keeps_tls:  # now, because the connection may be closed when the response is there
            exchange.tls = conn.tls_facts()
        if reused and held.first_unverified is None:
            held.first_unverified = self._index
        return exchange

    def _keep_fault(
        self, error: FetchError | OSError, exchange: Exchange, request: bytes, capture: Capture | None
    ) -> None:
        """Keep the transcript of an exchange that failed. Raises ProxyError if a proxy made it fail."""
        if (fault := self._held.fault_of_proxy(error, exchange)) is not None:
            self.exchange = None  # the response came from the proxy, not from the host
            raise fault from error
        if capture is not None:
            self._keep_transcript(capture, exchange, request, error)

    def _was_closed_while_idle(self, error: FetchError | OSError, exchange: Exchange) -> bool:
        """Return whether a reused connection failed because the server had closed it, and the request is safe."""
        timed_out = isinstance(error, FetchError) and error.kind in TIMEOUT_KINDS
        return not exchange.parser.started and not timed_out and self._route.method in IDEMPOTENT

    def _keep_transcript(
        self, capture: Capture, exchange: Exchange, request: bytes, fault: FetchError | OSError | None = None
    ) -> None:
        """Keep the transcript of an exchange, if the head of a response has arrived."""
        conn = self._held.conn
        conn.capture = None
        if exchange.parser.head_done and not capture.broken:
            redirects = self._trail.redirects
            transcript = capture.transcript(self._attempt, redirects, request, exchange, conn, fault)
            self.transcripts = [*self.transcripts, transcript]


def _jar_with_cookies(jar: CookieStore | None, fields: Sequence[Field], host: str, path: str) -> CookieStore:
    """Store the cookies of a response in the jar, or in a new one, and return it."""
    if jar is None:
        from ..exchange.cookies import CookieStore  # noqa: PLC0415 - for hosts that set cookies

        jar = CookieStore()
    jar.store(fields, host, path, time.time())
    return jar


def _trail_with_redirect(trail: Trail, url: str, exchange: Exchange, route: Route) -> Trail:
    """Return the trail with the redirect of an exchange."""
    notes = (AMBIGUOUS.format(host=route.host.netloc),) if exchange.ambiguous else ()
    return trail.followed(url, exchange.parser.status, notes)
