"""Leases in, results out: the loop that every worker runs.

Decides how a lease is fetched over one warm connection: the request's bytes, the reply against
its deadline and caps, redirects on the same host, a stale connection's second try, and what must
be fetched again because the connection turned out to be spoilt. It never raises for what a server
or a URL does; whether and when to try again is the scheduler's to decide.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from ..model import Attempt, ErrorKind, Failed, Fetched, HostKey, Hop, Redirected, Result, Retryable, Timings, Unchanged
from ..ports import Done, Work
from ..settings import Settings
from .body import Body
from .charset import charset_of
from .classify import IDEMPOTENT, classify, retryable
from .connection import LARGE_RECEIVE_SIZE, RECEIVE_SIZE, Condition, Connection, Opening
from .faults import FetchError
from .pool import HostPool
from .redirect import STATUSES, next_method, next_url
from .reply import ReplyParser
from .route import Route, RouteTable
from .session import PooledSession

DISTRUST = 60.0  # seconds in which a host that sent unasked-for bytes gets a new connection for every request
LARGE = 1024 * 1024  # a body from this length on is received in larger pieces
NOT_OPENED = Opening()
monotonic = time.monotonic


class Exchange:
    """One request and its reply, from the reply's head on; ``elapsed`` and ``timings`` once it is whole."""

    __slots__ = ("body", "elapsed", "parser", "reused", "timings")

    def __init__(self, parser: ReplyParser, body: Body, reused: bool) -> None:
        self.parser = parser
        self.body = body
        self.reused = reused
        self.elapsed = 0.0
        self.timings: Timings | None = None


class Fetcher:
    """Keeps ``ports.Fetch`` over a ``PooledSession``. Called from many threads at once."""

    def __init__(self, session: PooledSession, settings: Settings, *, jar: RequestsCookieJar | None = None) -> None:
        self.session = session
        self.routes = RouteTable(session, settings.request)
        self.patience = settings.patience
        self.limits = settings.size
        self.method = settings.request.method.upper()
        self.max_redirects = settings.request.max_redirects
        self.keep_body = settings.output.body
        self.keep_headers = settings.output.headers
        self.jar = jar
        self.retry = Retry(total=None, status_forcelist=settings.retry.statuses)
        self.statuses = settings.retry.statuses
        self.draining = False
        self.live: set[Connection] = set()  # held by workers now; each adds and removes its own
        self.distrusted: dict[HostKey, float] = {}  # until when, monotonic

    def run(self, work: Work) -> Done:
        """Fetch the work's attempts one after another, over one connection where the host allows."""
        if self.draining:
            return Done(work, ())
        return _Run(self, work).done()

    def drain(self) -> None:
        """Begin nothing more."""
        self.draining = True

    def abort(self) -> None:
        """Cut every connection that a worker holds."""
        self.draining = True
        for conn in list(self.live):
            conn.sever()

    def distrust(self, host: HostKey) -> None:
        """Reuse no connection to ``host`` for a while."""
        self.distrusted[host] = monotonic() + DISTRUST

    def trusts(self, host: HostKey) -> bool:
        """Whether connections to ``host`` may serve twice."""
        return not self.distrusted or self.distrusted.get(host, 0.0) < monotonic()


class _Run:
    """One lease in work: the connection it holds and what has come over it."""

    def __init__(self, fetcher: Fetcher, work: Work) -> None:
        self.fetcher = fetcher
        self.work = work
        self.opened = 0
        self.requests = 0
        self.exchange: Exchange | None = None  # the last one begun, for what a failure can still tell

    def done(self) -> Done:
        """Work the lease."""
        fetcher, work = self.fetcher, self.work
        first = work.attempts[0]
        method = first.hop.method if first.hop else fetcher.method
        foreign = first.hop is not None and first.hop.host != first.target.host
        try:
            route = fetcher.routes.get(work.lease.host, method, foreign=foreign)
            pool = route.current_pool()
            conn, condition = pool.checkout(fetcher.patience.total)
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            return Done(work, [self._failed(first, classify(error), method, time.time(), monotonic())])
        if condition is Condition.DIRTY:
            fetcher.distrust(route.host)
        fetcher.live.add(conn)
        try:
            results = self._each(pool, conn, route)
        finally:
            fetcher.live.discard(conn)
            conn.deadline = None
            pool.num_requests += self.requests
            pool.checkin(conn)
        return Done(work, results, self.opened, self.requests, pool.idle)

    def _each(self, pool: HostPool, conn: Connection, route: Route) -> list[Result]:
        """The attempts in turn; those that a spoilt connection answered are asked again over new ones."""
        fetcher, attempts = self.fetcher, self.work.attempts
        results: list[Result] = []
        first_of_connection = 0  # index of the first result that came over the connection as it is now
        again = 0  # results below this index were asked for twice already
        until = monotonic() + self.work.lease.budget
        while len(results) < len(attempts):
            if results and (fetcher.draining or monotonic() > until) and len(results) >= again:
                break
            at = len(results)
            opened_before = self.opened
            result = self._attempt(pool, conn, route, attempts[at], spoilt_before=at < again)
            if self.opened != opened_before:
                first_of_connection = at
            results.append(result)
            if conn.sock is not None and not fetcher.trusts(route.host):
                conn.close()
            elif conn.sock is not None and conn.condition() is Condition.DIRTY:
                conn.close()
                conn.spoilt = True
            if conn.spoilt:
                # The first reply of a connection answers its first request; of the others nobody can tell.
                conn.spoilt = False
                fetcher.distrust(route.host)
                suspect = first_of_connection + (1 if self.opened else 0)
                if suspect < len(results) and again <= suspect:
                    again = len(results)
                    del results[suspect:]
                    continue
            if len(results) >= again and (type(result) is not Fetched or result.retry is not None):
                break
        return results

    # -- one attempt -------------------------------------------------------------------------------

    def _attempt(self, pool: HostPool, conn: Connection, route: Route, attempt: Attempt, *, spoilt_before: bool) -> Result:
        """One attempt at a target, with its redirects as far as they stay on the host."""
        fetcher, hop, target = self.fetcher, attempt.hop, attempt.target
        started = attempt.started
        if started is None:
            started = time.time()
        began = monotonic()
        conn.read_timeout = fetcher.patience.read
        conn.deadline = began + fetcher.patience.total - (hop.spent if hop else 0.0)
        method = route.method
        url, path = (target.url, target.path) if hop is None else (hop.url, hop.path)
        asked: tuple[str, ...] = () if hop is None else hop.redirects
        jar = fetcher.jar if fetcher.jar is not None else (None if hop is None else hop.cookies)
        self.exchange = None
        try:
            while True:
                request = route.request(path, cookies=jar, userinfo=None if route.foreign else target.userinfo)
                exchange = self._ask(pool, conn, request, method)
                parser = exchange.parser
                status = parser.status
                location = parser.get(b"location") if status in STATUSES else None
                if fetcher.jar is not None or (location and parser.get(b"set-cookie")):
                    jar = _remember(jar, route, path, parser)
                if location is None or fetcher.max_redirects == 0:
                    break
                if len(asked) >= fetcher.max_redirects:
                    raise FetchError(ErrorKind.TOO_MANY_REDIRECTS, f"{len(asked) + 1} redirects, {fetcher.max_redirects} are followed")  # noqa: TRY301
                asked = (*asked, url)
                method = next_method(method, status)
                url, parsed = next_url(route.host.origin + path, location)
                path = parsed.path
                if parsed.host != route.host:
                    spent = monotonic() - began + (hop.spent if hop else 0.0)
                    onward = Hop(url, parsed.host, path, method, asked, spent, None if jar is fetcher.jar else jar)
                    return Redirected(replace(attempt, started=started, hop=onward), exchange.elapsed)
                if method != route.method:
                    route = fetcher.routes.get(route.host, method, foreign=route.foreign)
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            conn.close()
            return self._failed(attempt, classify(error), method, started, began, url=url, asked=asked, conn=conn)
        return self._fetched(attempt, exchange, conn, method, started, url, asked, spoilt_before)

    def _ask(self, pool: HostPool, conn: Connection, request: bytes, method: str) -> Exchange:
        """One exchange; a connection that the server closed in the meantime gets a second try, uncounted."""
        if conn.sock is not None and conn.served:
            parser = ReplyParser(method)
            try:
                return self._exchange(conn, request, parser, reused=True)
            except (FetchError, OSError) as error:
                late = isinstance(error, FetchError) and error.kind in (ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT)
                if parser.started or late or method not in IDEMPOTENT:
                    raise
                conn.close()
        if conn.sock is None:
            conn.timeout = self.fetcher.patience.connect
            self.opened += 1
            try:
                pool.open(conn)
            except Exception as error:
                if conn.deadline is not None and monotonic() >= conn.deadline - 0.005:
                    raise FetchError(ErrorKind.DEADLINE, "the time for this URL was used up while connecting") from error
                if isinstance(error, TimeoutError):
                    raise FetchError(ErrorKind.CONNECT_TIMEOUT, f"no connection within {conn.timeout:.3g} s") from error
                raise
        return self._exchange(conn, request, ReplyParser(method), reused=False)

    def _exchange(self, conn: Connection, request: bytes, parser: ReplyParser, *, reused: bool) -> Exchange:
        self.requests += 1
        sent = monotonic()
        try:
            conn.send_all(request)
        except (BrokenPipeError, ConnectionResetError):
            if reused:
                raise
            # A server may answer before it has read the whole request, and close: its answer is still to be had.
        while not parser.head_done:
            data = conn.receive()
            if data:
                parser.feed(data)
            else:
                parser.eof()
        headed = monotonic()
        body = Body(self.fetcher.limits, parser.get(b"content-encoding"), keep=self.fetcher.keep_body)
        exchange = self.exchange = Exchange(parser, body, reused)
        size = RECEIVE_SIZE
        if parser.length is not None:
            body.declare(parser.length)
            if parser.length >= LARGE:
                size = LARGE_RECEIVE_SIZE
        while True:
            for piece in parser.take():
                body.feed(piece)
            if parser.done:
                break
            data = conn.receive(size)
            if data:
                parser.feed(data)
            else:
                parser.eof()
        body.finish()
        ended = monotonic()
        if parser.leftover:
            conn.spoilt = True
            conn.close()
        elif not parser.keep_alive:
            conn.close()
        else:
            conn.served += 1
        opening = NOT_OPENED if reused else conn.opening
        exchange.timings = Timings(opening.dns, opening.connect, opening.tls, headed - sent, ended - headed)
        exchange.elapsed = ended - sent
        return exchange

    # -- results -----------------------------------------------------------------------------------

    def _fetched(
        self,
        attempt: Attempt,
        exchange: Exchange,
        conn: Connection,
        method: str,
        started: float,
        url: str,
        asked: tuple[str, ...],
        spoilt_before: bool,
    ) -> Result:
        parser, body = exchange.parser, exchange.body
        status = parser.status
        content_type = parser.get(b"content-type")
        notes = [*parser.notes, *body.notes]
        if spoilt_before:
            notes.append("fetched again over a new connection: the server had sent bytes that nobody asked for")
        return (Unchanged if status == 304 else Fetched)(
            target=attempt.target,
            attempts=attempt.number,
            started=started,
            elapsed=exchange.elapsed,
            waited=attempt.waited,
            status=status,
            final_url=url,
            redirects=asked,
            detail="; ".join(notes) or None,
            content_type=None if content_type is None else content_type.decode("latin-1"),
            charset=charset_of(content_type, body.head),
            bytes=body.size,
            wire_bytes=body.wire,
            sha256=body.sha256,
            reused=exchange.reused,
            complete=None if parser.framing == "close" and not body.ended else True,
            remote=conn.remote,
            timings=exchange.timings,
            headers=self._headers(parser),
            body=body.content,
            retry=self._retry(method, parser) if status in self.fetcher.statuses else None,
        )

    def _retry(self, method: str, parser: ReplyParser) -> Retryable | None:
        after = parser.get(b"retry-after")
        retry = self.fetcher.retry
        if not retry.is_retry(method, parser.status, has_retry_after=after is not None):
            return None
        try:
            return Retryable(None if after is None else retry.parse_retry_after(after.decode("latin-1")))
        except (InvalidHeader, ValueError, OverflowError):
            return Retryable()

    def _failed(
        self,
        attempt: Attempt,
        fault: FetchError,
        method: str,
        started: float,
        began: float,
        *,
        url: str | None = None,
        asked: tuple[str, ...] = (),
        conn: Connection | None = None,
    ) -> Failed:
        known: dict[str, Any] = {}
        if self.exchange is not None:
            parser, body = self.exchange.parser, self.exchange.body
            content_type = parser.get(b"content-type")
            known = {
                "status": parser.status,
                "content_type": None if content_type is None else content_type.decode("latin-1"),
                "bytes": body.size,
                "wire_bytes": body.wire,
                "reused": self.exchange.reused,
                "headers": self._headers(parser),
                "complete": False,
            }
        return Failed(
            target=attempt.target,
            error=fault.kind,
            attempts=attempt.number,
            started=started,
            elapsed=monotonic() - began,
            waited=attempt.waited,
            final_url=url,
            redirects=asked,
            detail=fault.detail,
            remote=conn.remote if conn else None,
            retry=retryable(fault, method),
            **known,
        )


    def _headers(self, parser: ReplyParser) -> list[tuple[str, str]] | None:
        return decoded(parser) if self.fetcher.keep_headers else None


def decoded(parser: ReplyParser) -> list[tuple[str, str]]:
    """The header fields as text: latin-1, which any bytes are."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in parser.headers]


class _Reply:
    """A reply as ``requests.cookies`` wants to see it."""

    def __init__(self, parser: ReplyParser) -> None:
        self._original_response = self
        self.msg = self
        self._fields = decoded(parser)

    def get_all(self, name: str, default: Any = None) -> Any:
        return [value for field, value in self._fields if field.lower() == name.lower()] or default


def _remember(jar: RequestsCookieJar | None, route: Route, path: str, parser: ReplyParser) -> RequestsCookieJar:
    jar = RequestsCookieJar() if jar is None else jar
    request = route.prepared.copy()
    request.url = route.host.origin + path
    extract_cookies_to_jar(jar, request, _Reply(parser))
    return jar
