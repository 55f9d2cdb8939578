"""One lease at work, step by step.

Decides how a lease is fetched over one warm connection: redirects on the same host, a stale connection's second try,
the wait for a file descriptor, and what must be fetched again because the connection turned out to be out of step.
It never raises for what a server or a URL does; whether and when to try again is the scheduler's to decide. What a
response means is for ``exchange`` and ``outcomes``, how long a connection is watched before its responses are believed
for ``desync``. Who drives the steps, and with how many others, is for ``loop``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from urllib3.exceptions import ClosedPoolError, EmptyPoolError

from ...model import NO_TRAIL, Attempt, ErrorKind, Fetched, ProxyFault, Redirected, Result, Target, Trail, Transcript
from ...ports import Done, Unbegun, Work
from ...schedule.host_queue import MAX_LEASE
from ...uptime import monotonic
from ...validators import Known
from ..classify import IDEMPOTENT, classify, out_of_descriptors
from ..errors import FetchError, ProxyError, ResponseError
from ..exchange.conditions import with_conditions, with_validators
from ..exchange.cookies import CookieStore
from ..exchange.exchange import LARGE, Exchange, NewBody
from ..exchange.partial_files import Left, name_of
from ..exchange.route import Route
from ..http1.head import Field
from ..http1.redirect import next_method, next_url
from ..net.bandwidth import Bandwidth
from ..net.connection import Condition, Connection
from ..net.pool import HostPool
from ..net.resolver import was_not_looked_up
from ..net.steps import POLL_NOW, Offload, Resume, Steps, pause

if TYPE_CHECKING:
    from ..exchange.transcript import Capture
    from .context import LeaseContext

DESCRIPTOR_PAUSE = 0.05  # seconds until a connect that found no file descriptor is tried again
EVICTIONS = 3  # times that a pool may be let go between looking it up and taking a connection from it
HEAD_REFUSED = frozenset({405, 501})  # statuses of a server that knows no HEAD
CLOCK_GRAIN = 0.005  # seconds by which a wait may end before its time
LOOK = 0.1  # seconds between two looks at whether something else than an event allows to go on
LOOK_SOON = 0.005  # seconds between two looks at whether a response that is being worked on is all there
STUCK = 4  # times as long as the host's slowest request of late: from then on a request counts as stuck
HANGS = 1.0  # seconds without a byte from which on a request may count as one that hangs
STUCK_FROM = 0.25  # seconds that a request must have taken for that: a lease on a nearby host is worth as much
NEVER = float("inf")
NO_ROOM = frozenset({ProxyFault.DOWN, ProxyFault.CLOSED, ProxyFault.BUSY, ProxyFault.UNAVAILABLE})
"""What a proxy may do that allows no further connection."""
AMBIGUOUS = "{host} sent Locations that differ; the first one was followed"


class RunningLease:
    """One lease, the connection it holds, and what came over that and is not to be believed yet.

    steps: its work, which ends with its ``Done``; ``conn`` is what it waits for where no ``Watch`` says otherwise.
    resume: see ``steps.Resume``. quarantined: all responses have come, and the connection is watched for a while before
    they are believed. begins: how many of its attempts, the first so many, are its to begin. stuck_at: monotonic time
    from which the request under way counts as stuck, infinite where nothing waits behind it; whoever drives the steps
    then calls ``unbegun``.
    """

    pool: HostPool
    conn: Connection

    def __init__(self, context: LeaseContext, work: Work, resume: Resume) -> None:
        self.context = context
        self.work = work
        self.resume = resume
        self.desync = context.desync.of(work.lease.host)
        first = work.attempts[0]
        self.method = first.hop.method if first.hop else context.method  # of targets that ask for no other
        self.opened = self.requests = 0
        self.results: list[Result] = []
        self.given = self.given_opened = self.given_requests = 0  # of these, of ``opened`` and of ``requests``
        self.begins = len(work.attempts)
        self.stuck_at = NEVER
        self.usual = max(STUCK_FROM, STUCK * self.desync.slowest)
        self.starts = [monotonic()]  # of the attempts begun, redone ones included
        self.redone = 0  # results below this index were asked for twice already
        self.exchange: Exchange | None = None  # the attempt's last one, for what a failure can still tell
        self.new_body: NewBody = context.new_body
        self.ranged = False  # what is requested now is a range of a body
        self.ending = False  # the server said that it closes the connection
        self.trail = NO_TRAIL  # of the attempt, to what it requests now
        self.capture: Capture | None = None  # of the exchange under way
        self.transcripts: list[tuple[int, Transcript]] = []  # each with its result's index
        # What came since the connection was last seen silent for long enough:
        self.first_unverified: int | None = None  # the first result that came over a connection which had served before
        self.desynchronized = False  # bytes came that nobody asked for
        self.unverified = 0  # replies over a connection which had served before
        self.quickest, self.slowest = NEVER, 0.0  # seconds to a first byte: of those, of all
        self.quarantined = False
        self.offload = Offload(context.takers, resume)
        self.steps = self._steps()

    def unbegun(self) -> Unbegun | None:
        """Begin nothing more: what is left to others to begin, and what has been answered until now.

        None where that is nothing new.
        """
        self.stuck_at = NEVER
        begins, self.begins = self.begins, len(self.starts)
        if self.given or not self.results or not self._are_verified():
            return None if begins == self.begins else Unbegun(self.work, self.begins)
        self._mark_verified()
        if self.exchange is not None and self.exchange.reused:
            self.first_unverified = len(self.results)
        self.given, self.given_opened, self.given_requests = len(self.results), self.opened, self.requests
        given = [transcript for _, transcript in self.transcripts]
        self.transcripts = []
        return Unbegun(self.work, self.begins, self.results[:], self.opened, self.requests, self.pool.idle, given)

    def _are_verified(self) -> bool:
        """Whether what was answered can be believed, since nothing came for long although there is a further request.

        An answer too many would have been taken for that one's, and that one's would still come. So the silence counts
        before its first byte, and after its last.
        """
        exchange, now = self.exchange, monotonic()
        if not self.unverified:
            return True
        if exchange is None or not exchange.sent:
            since = NEVER
        elif not exchange.parser.started:
            since = exchange.sent
        else:
            since = exchange.quiet_since(self.conn, now, self.context.state.allowance)
        silent_until = since + self.desync.verification_delay(self.quickest, now - self.starts[0])
        if silent_until == NEVER:
            self.stuck_at = now + (LOOK_SOON if exchange is not None and exchange.computes else LOOK)
        elif now < silent_until:
            self.stuck_at = silent_until
        return now >= silent_until

    def hangs(self, now: float) -> bool:
        """Whether the request under way has got no byte for much longer than its host usually takes."""
        if self.quarantined or now - self.starts[-1] < max(HANGS, STUCK * self.desync.slowest):
            return False
        return self.exchange is None or not self.exchange.parser.started

    def postpone(self, seconds: float) -> None:
        """Leave time out of account in which nobody looked at the connection.

        It must not make a response look slow either: one that came quickly may belong to an earlier request.
        """
        self.stuck_at += seconds
        self.starts[-1] += seconds
        exchange = self.exchange
        if exchange is not None and exchange.sent and not exchange.ended:
            exchange.sent += seconds
            if exchange.headed:
                exchange.headed += seconds
        conn = getattr(self, "conn", None)  # there is none before the pool has one to spare
        if conn is not None:
            conn.postpone(seconds)

    def _steps(self) -> Steps[Done]:
        context, work = self.context, self.work
        first = work.attempts[0]
        if context.session.bandwidth is not None:
            yield from self._await_bandwidth(context.session.bandwidth)
        if context.state.draining:
            return Done(work, ())
        try:
            foreign = first.hop is not None and first.hop.host != first.target.host
            route = context.routes.get(work.lease.host, self.method, foreign=foreign)
            conn = self.conn = yield from self._check_out(route)
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            return Done(work, [self._not_begun(first, error)])
        context.state.live[conn] = self
        try:
            results = yield from self._each(route)
        finally:
            context.state.live.pop(conn, None)
            conn.deadline = conn.capture = None
            self.pool.num_requests += self.requests
            if context.state.keeps_no_idle and self.pool.goes_through_proxy:
                conn.close()
            self.pool.checkin(conn)
        return Done(
            work,
            results[self.given :],
            self.opened - self.given_opened,
            self.requests - self.given_requests,
            self.pool.idle,
            transcripts=[transcript for _, transcript in self.transcripts],
        )

    def _not_begun(self, first: Attempt, error: Exception) -> Result:
        """The outcome of an attempt for which there is no connection to open."""
        return self.context.report.failed(
            first,
            classify(error),
            method=self.context.method_of(first),
            started=first.started or time.time(),
            elapsed=monotonic() - self.starts[0],
        )

    def _await_bandwidth(self, bandwidth: Bandwidth) -> Steps[None]:
        """Begin once what was read until now is within the bandwidth, so that later waits are the server's."""
        while not self.context.state.draining and (left := bandwidth.paid_at - time.monotonic()) > 0:
            yield from pause(min(left, LOOK))
        self.starts[0] = monotonic()

    def _check_out(self, route: Route) -> Steps[Connection]:
        evictions, until = 0, monotonic() + self.context.timeouts.total
        while True:
            self.pool = route.current_pool()
            try:
                conn, condition = self.pool.checkout(0)
            except ClosedPoolError:
                evictions += 1
                if evictions >= EVICTIONS:
                    raise
            except EmptyPoolError:  # others than this run use the session too
                if monotonic() >= until:
                    raise
                yield from pause(LOOK)
            else:
                if condition is Condition.UNEXPECTED_DATA:
                    self.desync.distrust()
                return conn

    def _each(self, route: Route) -> Steps[list[Result]]:
        """The attempts in turn; those that a connection out of step answered are asked again over new ones."""
        state, attempts, results = self.context.state, self.work.attempts, self.results
        until = self.starts[0] + self.work.lease.budget
        while True:
            at = len(results)
            if self.conn.bandwidth is not None:
                yield from self.conn.throttle()  # so that the wait does not make the next request count as stuck
            result = yield from self._attempt(route, attempts[at], at)
            results.append(result)
            self.stuck_at = NEVER
            over = at + 1 >= self.begins or (
                at + 1 >= self.redone
                and (type(result) is not Fetched or _ends_lease(result) or state.draining or monotonic() > until)
            )
            if over or self.ending or self.desync.distrusted:
                yield from self._settle(last=over)
            elif self.conn.sock is not None and ((yield POLL_NOW) is not False or self.conn.pending()):
                self._look()
            if self.desynchronized and self._discard_unverified(results):
                continue
            if over:
                return results

    # -- staying in step ---------------------------------------------------------------------------

    def _look(self) -> None:
        """See whether something came that nobody asked for."""
        conn = self.conn
        condition = conn.condition()
        if condition is not Condition.QUIET:
            self.desynchronized |= condition is Condition.UNEXPECTED_DATA
            conn.close()

    def _settle(self, *, last: bool) -> Steps[None]:
        """Watch the connection until what came over it can be believed, and close it where it must not serve again."""
        conn, desync = self.conn, self.desync
        if conn.sock is not None:
            now = monotonic()
            end = now
            if self.unverified:
                end += desync.verification_delay(self.quickest, now - self.starts[0])
                if conn.deadline is not None:
                    end = min(end, conn.deadline)
            condition = Condition.QUIET
            if end > now or not last:  # else the loop notices what comes over the idle connection
                self.quarantined = last
                while (condition := conn.condition()) is Condition.QUIET and end > monotonic():
                    yield end
                self.quarantined = False
                self.desynchronized |= condition is Condition.UNEXPECTED_DATA
            if condition is not Condition.QUIET or self.ending or desync.distrusted:
                conn.close()
        self.ending = False
        if not self.desynchronized:
            self._mark_verified()
        if last and self.slowest:
            desync.took(self.slowest)

    def _mark_verified(self) -> None:
        """What has come is each the answer to its request."""
        self.desync.verified += self.unverified
        self.first_unverified = None
        self.unverified, self.quickest = 0, NEVER

    def _discard_unverified(self, results: list[Result]) -> bool:
        """Take back what may be another request's answer; whether something is to be asked for again."""
        self.desynchronized = False
        self.desync.distrust()
        first_unverified, self.first_unverified = self.first_unverified, None
        self.unverified, self.quickest = 0, NEVER
        if first_unverified is None or first_unverified < self.redone:
            return False
        self.transcripts = [(at, transcript) for at, transcript in self.transcripts if at < first_unverified]
        for attempt, result in zip(self.work.attempts[first_unverified:], results[first_unverified:], strict=False):
            self._throw_away(attempt, result)
        context = self.context
        asked = self.work.attempts[first_unverified : len(results)]
        if all(context.method_of(attempt) in IDEMPOTENT for attempt in asked):
            self.redone = len(results)
            del results[first_unverified:]
            return True
        for at in range(first_unverified, len(results)):
            attempt, result = self.work.attempts[at], results[at]
            method, started = context.method_of(attempt), attempt.started or time.time()
            results[at] = context.report.discarded(attempt, method, started, result.elapsed)
        return False

    # -- bodies as files ---------------------------------------------------------------------------

    def _take_up(self, method: str, target: Target) -> Left | None:
        """What is there of a target's body; sees to it that the rest, or all of it, is written there."""
        parts = self.context.parts
        if parts is None or self.work.lease.probe:
            return None
        left = parts.left_of(method, name_of(target))
        self.new_body = partial(self.context.saved_body, parts, method, target, left)
        return left

    def _usable(self, known: Known | None, method: str) -> Steps[Known | None]:
        """What is known of a page, where a 304 would do: the file of its body is there, or it becomes none."""
        has_file = self.context.has_file
        if known is None or has_file is None or method == "HEAD" or not (known.is_page and known.asking):
            return known
        return known if (yield from self.offload.run(partial(has_file, known))) else None

    def _start_over(self, method: str, target: Target) -> None:
        """The server has another version, or nothing that goes on where ours broke off."""
        parts = self.context.parts
        assert parts is not None  # noqa: S101 - there was a part
        parts.forget(method, name_of(target))
        self.new_body = partial(self.context.saved_body, parts, method, target, None)

    def _throw_away(self, attempt: Attempt, result: Result) -> None:
        """A disowned answer leaves no file."""
        if self.context.parts is None or isinstance(result, Redirected):
            return
        if result.saved is not None and result.saved.file is not None:
            self.context.parts.discard(result.saved.file)
        self.context.parts.forget(self.context.method_of(attempt), name_of(attempt.target))

    # -- one attempt -------------------------------------------------------------------------------

    def _attempt(self, route: Route, attempt: Attempt, at: int) -> Steps[Result]:
        """One attempt at a target, with its redirects as far as they stay on the host."""
        context, hop, target, conn = self.context, attempt.hop, attempt.target, self.conn
        started = time.time() if attempt.started is None else attempt.started
        began = self._begin(at)
        conn.read_timeout = context.timeouts.read
        own = target.request
        total = (None if own is None else own.timeout) or context.timeouts.total
        conn.deadline = began + total - (hop.spent if hop else 0.0)
        url, path = (target.url, target.path) if hop is None else (hop.url, hop.path)
        self.trail = attempt.trail
        jar = context.jar if context.jar is not None or hop is None else hop.cookies
        method = self.method if own is None else context.method_of(attempt)
        self.exchange, sent = None, 0.0
        try:
            left, known = self._take_up(method, target), (yield from self._usable(target.known, method))
            if own is not None:
                route = context.route_to(target, route.host, method, foreign=route.foreign)
            while True:
                request = route.request(path, cookies=jar, userinfo=None if route.foreign else target.userinfo)
                request = with_conditions(request, left, known, url, route.method)
                self.ranged = route.ranged or left is not None
                exchange = yield from self._ask(request, route.method, at)
                sent = sent or exchange.sent
                parser, location = exchange.parser, exchange.location
                if (context.jar is not None or location is not None) and parser.get(b"set-cookie") is not None:
                    jar = _stored(jar, parser.headers, route.host.host, path)
                if left is not None and (parser.status == 416 or (parser.status == 206 and exchange.saved is None)):
                    self._start_over(method, target)
                    left = self.exchange = None
                    continue
                if parser.status in HEAD_REFUSED and route.method == "HEAD" and context.head_fallback:
                    self.exchange = None
                    route = context.route_to(target, route.host, "GET", foreign=route.foreign)
                    continue
                if location is None:
                    fetched = context.report.fetched(
                        attempt, exchange, conn, route.method, started, sent, url, self.trail, at < self.redone
                    )
                    return with_validators(fetched, exchange, request)
                if len(self.trail.redirects) >= context.max_redirects:
                    detail = f"{len(self.trail.redirects) + 1} redirects, {context.max_redirects} are followed"
                    raise FetchError(ErrorKind.TOO_MANY_REDIRECTS, detail)  # noqa: TRY301 - told like any other fault
                to, parsed = next_url(route.host.origin + path, location)
                self.trail = _followed(self.trail, url, exchange, route)
                method = next_method(route.method, parser.status)
                url, path = to, parsed.path
                if parsed.host != route.host:
                    spent = monotonic() - began + (hop.spent if hop else 0.0)
                    onward = self.trail.hop(url, parsed.host, path, method, spent, None if jar is context.jar else jar)
                    return Redirected(replace(attempt, started=started, hop=onward), exchange.ended - sent)
                self.exchange = None  # what fails from here on has no response yet
                if method != route.method:
                    route = context.route_to(target, route.host, method, foreign=route.foreign)
        except Exception as error:  # noqa: BLE001 - one boundary per target catches all
            return self._failed(attempt, error, route.method, started, sent or began, url)

    def _begin(self, at: int) -> float:
        """Take note of an attempt that begins, or begins anew; the monotonic time when it first began."""
        starts = self.starts
        if at == len(starts):
            starts.append(monotonic())
        if at + 1 == len(starts) and len(self.work.attempts) > 1 and not self.given:
            self.stuck_at = min(starts[at] + self.usual, starts[0] + self.work.lease.budget)
        return starts[at]

    def _failed(
        self,
        attempt: Attempt,
        error: Exception,
        method: str,
        started: float,
        since: float,
        url: str,
    ) -> Result:
        conn, exchange = self.conn, self.exchange
        if exchange is not None and exchange.body is not None:
            exchange.body.abandon()
        fault = classify(error)
        if self.context.state.aborted:
            fault = FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
        elif fault.kind is ErrorKind.PROTOCOL and exchange is not None and exchange.reused:
            self.desynchronized = True  # the rest of an earlier answer, perhaps, and not this URL's fault
        conn.close()
        self.ending = False
        return self.context.report.failed(
            attempt,
            fault,
            method=method,
            started=started,
            elapsed=monotonic() - since,
            url=url,
            trail=self.trail,
            exchange=exchange,
            remote=conn.remote,
        )

    # -- one exchange ------------------------------------------------------------------------------

    def _ask(self, request: bytes, method: str, at: int) -> Steps[Exchange]:
        """One exchange; a connection that the server closed in the meantime gets a second try, uncounted."""
        conn = self.conn
        if conn.sock is not None and conn.served and method not in IDEMPOTENT and conn.is_stale(time.monotonic()):
            self.ending = True
        if conn.sock is not None and conn.served and (self.ending or self.desync.distrusted):
            yield from self._settle(last=False)
        if conn.sock is not None and conn.served:
            try:
                return (yield from self._exchange(request, method, at, reused=True))
            except (FetchError, OSError) as error:
                late = isinstance(error, FetchError) and error.kind in (ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT)
                answered = self.exchange is not None and self.exchange.parser.started
                if answered or late or method not in IDEMPOTENT:
                    raise
                conn.close()
        if conn.sock is None:
            yield from self._open()
        return (yield from self._exchange(request, method, at, reused=False))

    def _exchange(self, request: bytes, method: str, at: int, *, reused: bool) -> Steps[Exchange]:
        conn, context = self.conn, self.context
        self.requests += 1
        exchange = self.exchange = Exchange(method, reused=reused)
        if reused and self.first_unverified is None:
            self.first_unverified = at
        if context.capture is not None:
            self.capture = conn.capture = context.capture()
        try:
            yield from exchange.run(
                conn, request, self.new_body, self.offload, follow=context.max_redirects > 0, ranged=self.ranged
            )
        except (FetchError, OSError) as error:
            if conn.forwards and (fault := self._of_the_proxy(error, exchange)) is not None:
                self.exchange = None  # what it said is nothing of the host's
                raise fault from error
            self._write_down(exchange, request, at, error)
            raise
        if context.capture is not None:
            self._write_down(exchange, request, at)
        parser = exchange.parser
        ttfb = exchange.headed - exchange.sent
        if ttfb > self.slowest:  # noqa: PLR1730 - max() is a call for each URL
            self.slowest = ttfb
        # What follows a body this long has long been in the socket when its end is read: one look is enough.
        if reused and (parser.length or 0) < LARGE:
            self.unverified += 1
            ttfb = max(0.0, ttfb - context.state.lag)
            if ttfb < self.quickest:  # noqa: PLR1730 - as above
                self.quickest = ttfb
        whole = parser.keep_alive and parser.done and not exchange.unsent
        if parser.leftover:
            self.desynchronized = True
            conn.close()
        elif not (whole and conn.takes_another(parser.get(b"keep-alive"), time.monotonic())):
            if reused and parser.done and parser.framing != "close":
                self.ending = True
            else:
                conn.close()
        return exchange

    def _of_the_proxy(self, error: FetchError | OSError, exchange: Exchange) -> ProxyError | None:
        """What an exchange with a proxy that forwards comes to where it is the proxy that failed; None where not."""
        name = self.pool.proxy.netloc if self.pool.proxy else ""
        if isinstance(error, ProxyError):
            return ProxyError(error.fault, f"proxy {name}: {error}", error.after)
        closed = isinstance(error, ConnectionError) or (isinstance(error, ResponseError) and error.fresh)
        if not closed or exchange.reused or exchange.parser.started:
            return None
        return ProxyError(ProxyFault.CLOSED, f"proxy {name}: it closed the connection without a response")

    def _write_down(
        self, exchange: Exchange, request: bytes, at: int, fault: FetchError | OSError | None = None
    ) -> None:
        """Keep what went over the wire, where somebody wants it and a reply's head has come."""
        conn = self.conn
        capture, self.capture, conn.capture = self.capture, None, None
        if capture is not None and exchange.parser.head_done and not capture.broken:
            told = capture.transcript(self.work.attempts[at], self.trail.redirects, request, exchange, conn, fault)
            self.transcripts.append((at, told))

    def _has_made_room(self, error: Exception) -> bool:
        """Whether a proxy may allow the connection now, because idle ones were closed."""
        fault = classify(error)
        no_room = isinstance(fault, ProxyError) and fault.fault in NO_ROOM and fault.after is None
        return no_room and self.context.make_room_at_proxy()

    def _open(self) -> Steps[None]:
        """Connect; wait for a file descriptor, or a place for the look-up, where there is none.

        Raises what connecting raises.
        """
        context, conn = self.context, self.conn
        may_evict = True
        while True:
            if context.state.aborted:
                raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
            began = monotonic()
            if conn.deadline is not None and conn.deadline - began <= CLOCK_GRAIN:
                detail = (
                    f"the time for this URL was used up before a connection to {self.work.lease.host.netloc} was begun"
                )
                raise FetchError(ErrorKind.DEADLINE, detail)
            conn.timeout = context.timeouts.connect
            try:
                yield from self.pool.opening(conn, self.resume, context.executor)
            except Exception as error:
                conn.close()
                left = NEVER if conn.deadline is None else conn.deadline - monotonic()
                if was_not_looked_up(error):  # our own doing, so the deadline moves
                    conn.postpone(monotonic() - began)
                    continue
                if may_evict and self._has_made_room(error):
                    may_evict = False
                    continue
                if out_of_descriptors(error) and left > DESCRIPTOR_PAUSE:
                    context.evict_idle()
                    yield from pause(DESCRIPTOR_PAUSE)
                    continue
                if left <= CLOCK_GRAIN:
                    detail = "the time for this URL was used up while connecting"
                    raise FetchError(ErrorKind.DEADLINE, f"{detail}: {_had(conn)}") from error
                if isinstance(error, TimeoutError):
                    detail = f"{_had(conn)} within {conn.timeout:.3g} s"
                    raise FetchError(ErrorKind.CONNECT_TIMEOUT, detail) from error
                raise
            self.opened += 1
            if conn.receive():  # where the server has closed, the exchange tells
                raise FetchError(ErrorKind.PROTOCOL, "the server answered before it was asked")
            return


def _had(conn: Connection) -> str:
    """How far a connection had come that was not opened in time."""
    return "no connection" if conn.remote is None else f"connected to {conn.remote}, no TLS answer"


def _ends_lease(result: Fetched) -> bool:
    """Whether the host may want to be left alone, or has not much left of a rate limit."""
    retry = result.retry
    if retry is None:
        return False
    return retry.again or retry.after is not None or any(limit.left <= MAX_LEASE for limit in retry.limits)


def _stored(jar: CookieStore | None, fields: Sequence[Field], host: str, path: str) -> CookieStore:
    """Store what a response sets in the jar, or in a new one."""
    jar = CookieStore() if jar is None else jar
    jar.store(fields, host, path, time.time())
    return jar


def _followed(trail: Trail, url: str, exchange: Exchange, route: Route) -> Trail:
    """The trail with the redirect that an exchange gave."""
    notes = (AMBIGUOUS.format(host=route.host.netloc),) if exchange.ambiguous else ()
    return trail.followed(url, exchange.parser.status, notes)
