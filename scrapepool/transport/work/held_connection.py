"""The connection that a lease holds: it is checked out of its pool, opened, watched, and checked in again.

Decides when a connection is opened anew and when it is closed for good, how long opening waits for a file descriptor or
for the proxy, and how its responses are verified. ``desync`` decides how long the connection is watched for that, and
``attempt`` decides what is requested. This file is long because opening and verification share the state of the
connection.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from urllib3.exceptions import ClosedPoolError, EmptyPoolError

from ...model import ErrorKind, HostKey, ProxyFault
from ...running_clock import monotonic
from ...schedule.lease import ConnectionUse
from ..classify import IDEMPOTENT, classify, out_of_descriptors
from ..errors import FetchError, ProxyError, ResponseError
from ..exchange.exchange import LARGE, Exchange
from ..exchange.route import Route
from ..net.channel import Condition
from ..net.connection import Connection
from ..net.pool import HostPool
from ..net.resolver import was_not_looked_up
from ..net.steps import Resume, Steps, pause

if TYPE_CHECKING:
    from .context import LeaseContext

DESCRIPTOR_PAUSE = 0.05  # seconds until a connect is tried again that failed for lack of a file descriptor
POOL_PAUSE = 0.1  # seconds until a pool that had no free connection is tried again
MAX_EVICTIONS = 3  # times that the pool may be evicted between its look-up and the check-out of a connection
CLOCK_RESOLUTION = 0.005  # seconds by which a wait may end too early
NEVER = float("inf")
PROXY_REFUSALS = frozenset({ProxyFault.DOWN, ProxyFault.CLOSED, ProxyFault.BUSY, ProxyFault.UNAVAILABLE})
"""The faults of a proxy that mean that it allows no further connection."""


class HeldConnection:
    """A connection, and the state of the responses on it that are not verified yet.

    began: monotonic time when the lease began. opened: how often the connection was opened. opening: seconds
    that this took together. requests: number of requests that were sent. slowest: longest time to the first byte.
    delayed: seconds of all exchanges for which nobody looked at the connection.
    closing: the server announced that it closes the connection.
    quarantined: all responses of the lease have arrived, and the connection is only watched.

    These describe the responses since the last verification that came on a reused connection:
    first_unverified: index of the first result, None if there is none. unverified: number of the responses.
    quickest: their shortest time to the first byte. desynchronized: unsolicited data arrived.
    """

    __slots__ = (
        "_context",
        "_host",
        "_resume",
        "began",
        "closing",
        "conn",
        "delayed",
        "desync",
        "desynchronized",
        "first_unverified",
        "opened",
        "opening",
        "pool",
        "quarantined",
        "quickest",
        "requests",
        "slowest",
        "unverified",
    )

    pool: HostPool
    conn: Connection

    def __init__(self, context: LeaseContext, host: HostKey, resume: Resume, began: float) -> None:
        self._context = context
        self._resume = resume
        self._host = host
        self.began = began
        self.desync = context.desync.of(host)
        self.opened = self.requests = 0
        self.opening = self.delayed = 0.0
        self.slowest = 0.0
        self.closing = False
        self.first_unverified: int | None = None
        self.unverified, self.quickest = 0, NEVER
        self.desynchronized = self.quarantined = False

    @property
    def use(self) -> ConnectionUse:
        """What the lease did with its connection until now."""
        return ConnectionUse(self.opened, self.opening, self.requests, self.delayed, self.pool.idle)

    # -- pool --------------------------------------------------------------------------------------

    def check_out(self, route: Route) -> Steps[None]:
        """Check a connection out of the pool of the route. Raises PoolError."""
        evictions = 0
        while True:
            self.pool = route.current_pool()
            try:
                self.conn, condition = self.pool.checkout(0)
            except ClosedPoolError:
                evictions += 1
                if evictions >= MAX_EVICTIONS:
                    raise
            except EmptyPoolError:  # the session is also used by others than this run
                if monotonic() >= self.began + self._context.timeouts.total:
                    raise
                yield from pause(POOL_PAUSE)
            else:
                if condition is Condition.UNEXPECTED_DATA:
                    self.desync.distrust()
                return

    def check_in(self) -> None:
        """Check the connection in to its pool."""
        conn, pool = self.conn, self.pool
        conn.deadline = conn.capture = None
        pool.num_requests += self.requests
        if self._context.state.keeps_no_idle and pool.goes_through_proxy:
            conn.close()
        pool.checkin(conn)

    # -- opening -----------------------------------------------------------------------------------

    def can_reuse(self, method: str) -> bool | None:
        """Return whether the connection can be reused; None if it must be verified first."""
        conn = self.conn
        if conn.sock is None or not conn.served:
            return False
        if method not in IDEMPOTENT and conn.is_stale(time.monotonic()):
            self.closing = True
        return None if self.must_verify else True

    def open(self) -> Steps[None]:
        """Connect. If there is no file descriptor or no thread for the DNS look-up, wait and try again.

        Raises what connecting raises.
        """
        context, conn = self._context, self.conn
        may_evict = True
        while True:
            if context.state.aborted:
                raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
            began = monotonic()
            if conn.deadline is not None and conn.deadline - began <= CLOCK_RESOLUTION:
                detail = f"the time for this URL was used up before a connection to {self._host.netloc} was begun"
                raise FetchError(ErrorKind.DEADLINE, detail)
            conn.timeout = context.timeouts.connect
            try:
                yield from self.pool.opening(conn, self._resume, context.executor)
            except Exception as error:
                conn.close()
                left = NEVER if conn.deadline is None else conn.deadline - monotonic()
                if was_not_looked_up(error):  # the delay is our own, so the deadline moves
                    conn.postpone(monotonic() - began)
                elif may_evict and self._made_room_at_proxy(error):
                    may_evict = False
                elif out_of_descriptors(error) and left > DESCRIPTOR_PAUSE:
                    context.evict_idle()
                    yield from pause(DESCRIPTOR_PAUSE)
                elif (fault := _timed_out(conn, error, left)) is not None:
                    raise fault from error
                else:
                    raise
            else:
                break
        self.opened += 1
        self.opening += monotonic() - began
        if conn.receive():  # if the server has closed the connection, the exchange reports it
            raise FetchError(ErrorKind.PROTOCOL, "the server sent a response before there was a request")

    def _made_room_at_proxy(self, error: Exception) -> bool:
        """Return whether a proxy may accept the connection now, because idle connections were closed."""
        fault = classify(error)
        refused = isinstance(fault, ProxyError) and fault.fault in PROXY_REFUSALS and fault.after is None
        return refused and self._context.make_room_at_proxy()

    # -- responses ---------------------------------------------------------------------------------

    def on_response(self, exchange: Exchange) -> None:
        """Record a response, and close the connection if it must not be reused."""
        conn, parser, reused = self.conn, exchange.parser, exchange.reused
        ttfb = exchange.headed - exchange.sent
        if exchange.delayed:  # else a quick response would look slow, and a quick one may belong to an earlier request
            ttfb = max(0.0, ttfb - exchange.delayed)
            self.delayed += exchange.delayed
        if ttfb > self.slowest:  # noqa: PLR1730 - max() is a call for each URL
            self.slowest = ttfb
        # What follows a body this long is in the socket when the end of the body is read, so one check suffices.
        if reused and (parser.length or 0) < LARGE:
            self.unverified += 1
            ttfb -= self._context.state.lag
            if ttfb < self.quickest:
                self.quickest = max(0.0, ttfb)
        whole = parser.keep_alive and parser.done and not exchange.unsent
        if parser.leftover:
            self.desynchronized = True
            conn.close()
        elif not (whole and conn.takes_another(parser.values.get(b"keep-alive"), time.monotonic())):
            if reused and parser.done and parser.framing != "close":
                self.closing = True
            else:
                conn.close()

    def close_after(self, fault: FetchError, exchange: Exchange | None) -> None:
        """Close the connection because an exchange failed."""
        if fault.kind is ErrorKind.PROTOCOL and exchange is not None and exchange.reused:
            self.desynchronized = True  # perhaps the rest of an earlier response, and no error of this URL
        self.conn.close()
        self.closing = False

    def fault_of_proxy(self, error: FetchError | OSError, exchange: Exchange) -> ProxyError | None:
        """Return the error of a forwarding proxy that made the exchange fail; None if the proxy did not cause it."""
        if not self.conn.forwards:
            return None
        name = self.pool.proxy.netloc if self.pool.proxy else ""
        if isinstance(error, ProxyError):
            return ProxyError(error.fault, f"proxy {name}: {error}", error.after)
        closed = isinstance(error, ConnectionError) or (isinstance(error, ResponseError) and error.fresh)
        if not closed or exchange.reused or exchange.parser.started:
            return None
        return ProxyError(ProxyFault.CLOSED, f"proxy {name}: it closed the connection without a response")

    # -- verification ------------------------------------------------------------------------------

    @property
    def must_verify(self) -> bool:
        """Whether the connection must be watched before the next request."""
        return self.closing or (self.desync.distrusted_until > 0.0 and self.desync.distrusted)

    def check(self) -> None:
        """Check for unsolicited data."""
        condition = self.conn.condition()
        if condition is not Condition.QUIET:
            self.desynchronized |= condition is Condition.UNEXPECTED_DATA
            self.conn.close()

    def delay(self, now: float) -> float:
        """Return the seconds of silence after which the responses are verified."""
        return self.desync.verification_delay(self.quickest, now - self.began) if self.unverified else 0.0

    def verify(self, *, last: bool) -> Steps[None]:
        """Watch the connection until its responses are verified, and close it if it must not be reused.

        last: the lease makes no further request.
        """
        conn = self.conn
        if conn.sock is not None:
            now = monotonic()
            end = now + self.delay(now)
            if conn.deadline is not None and self.unverified:
                end = min(end, conn.deadline)
            condition = Condition.QUIET
            if end > now or not last:  # else the loop watches the idle connection
                self.quarantined = last
                readable = end <= now or conn.pending() > 0
                while not readable or (condition := conn.condition()) is Condition.QUIET:
                    if end <= now:
                        break
                    event = yield end
                    now = monotonic()
                    readable = event is not False or now < end  # else the time passed, and nothing has arrived
                self.quarantined = False
                self.desynchronized |= condition is Condition.UNEXPECTED_DATA
            if condition is not Condition.QUIET or self.must_verify:
                conn.close()
        self.closing = False
        if not self.desynchronized:
            self.mark_verified()
        if last and self.slowest:
            self.desync.took(self.slowest)

    def mark_verified(self) -> None:
        """Count all responses as verified."""
        self.desync.verified += self.unverified
        self.reset_unverified()

    def discard(self) -> int | None:
        """Reuse no connection to the host for a while; return the index of the first result that is not verified."""
        first = self.first_unverified
        self.desynchronized = False
        self.desync.distrust()
        self.reset_unverified()
        return first

    def reset_unverified(self) -> None:
        """Count no response as unverified any more."""
        self.first_unverified = None
        self.unverified, self.quickest = 0, NEVER


def _timed_out(conn: Connection, error: Exception, left: float) -> FetchError | None:
    """Return the error if opening a connection timed out, else None. left: seconds until its deadline."""
    progress = "no connection" if conn.remote is None else f"connected to {conn.remote}, no TLS response"
    if left <= CLOCK_RESOLUTION:
        return FetchError(ErrorKind.DEADLINE, f"the time for this URL was used up while connecting: {progress}")
    if isinstance(error, TimeoutError):
        return FetchError(ErrorKind.CONNECT_TIMEOUT, f"{progress} within {conn.timeout:.3g} s")
    return None
