"""The connection that a lease holds: taken from its pool, opened, watched, and given back.

Decides when a connection is opened anew, how long opening waits for a file descriptor or a place at the proxy, and what
must be seen before the responses over it are verified. How long it is watched for that is for ``desync``; what is
requested over it is for ``attempt``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from urllib3.exceptions import ClosedPoolError, EmptyPoolError

from ...model import ErrorKind, HostKey, ProxyFault
from ...running_clock import monotonic
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

DESCRIPTOR_PAUSE = 0.05  # seconds until a connect that found no file descriptor is tried again
POOL_PAUSE = 0.1  # seconds until a pool that had no connection to spare is asked again
EVICTIONS = 3  # times that a pool may be let go between looking it up and taking a connection from it
CLOCK_GRAIN = 0.005  # seconds by which a wait may end before its time
NEVER = float("inf")
NO_ROOM = frozenset({ProxyFault.DOWN, ProxyFault.CLOSED, ProxyFault.BUSY, ProxyFault.UNAVAILABLE})
"""What a proxy may do that allows no further connection."""


class HeldConnection:
    """A connection, and what came over it that is not verified yet.

    began: monotonic time when the lease began. opened, requests: how often it was opened, and how many requests were
    sent. slowest: longest time to a first byte.
    closing: the server said that it closes the connection.

    Since the connection was last silent for long enough:
    first_unverified: index of the first result that came over it while it had served before, None where none did.
    unverified: how many such responses there are. quickest: their shortest time to a first byte.
    desynchronized: unsolicited data came. quarantined: all responses of the lease have come, and it is only watched.
    """

    __slots__ = (
        "_context",
        "_host",
        "_resume",
        "began",
        "closing",
        "conn",
        "desync",
        "desynchronized",
        "first_unverified",
        "opened",
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
        self.slowest = 0.0
        self.closing = False
        self.first_unverified: int | None = None
        self.unverified, self.quickest = 0, NEVER
        self.desynchronized = self.quarantined = False

    # -- pool --------------------------------------------------------------------------------------

    def check_out(self, route: Route) -> Steps[None]:
        """Take a connection from the pool of the route. Raises PoolError."""
        evictions, until = 0, monotonic() + self._context.timeouts.total
        while True:
            self.pool = route.current_pool()
            try:
                self.conn, condition = self.pool.checkout(0)
            except ClosedPoolError:
                evictions += 1
                if evictions >= EVICTIONS:
                    raise
            except EmptyPoolError:  # others than this run use the session too
                if monotonic() >= until:
                    raise
                yield from pause(POOL_PAUSE)
            else:
                if condition is Condition.UNEXPECTED_DATA:
                    self.desync.distrust()
                return

    def check_in(self) -> None:
        """Give the connection back to its pool."""
        conn, pool = self.conn, self.pool
        conn.deadline = conn.capture = None
        pool.num_requests += self.requests
        if self._context.state.keeps_no_idle and pool.goes_through_proxy:
            conn.close()
        pool.checkin(conn)

    # -- opening -----------------------------------------------------------------------------------

    def prepare(self, method: str) -> Steps[bool]:
        """See to it that a connection that has served before may serve again; whether it may."""
        conn = self.conn
        if conn.sock is None or not conn.served:
            return False
        if method not in IDEMPOTENT and conn.is_stale(time.monotonic()):
            self.closing = True
        if self.closing or self.desync.distrusted:
            yield from self.verify(last=False)
        return conn.sock is not None and conn.served > 0

    def open(self) -> Steps[None]:
        """Connect; wait for a file descriptor, or a place for the look-up, where there is none.

        Raises what connecting raises.
        """
        context, conn = self._context, self.conn
        may_evict = True
        while True:
            if context.state.aborted:
                raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
            began = monotonic()
            if conn.deadline is not None and conn.deadline - began <= CLOCK_GRAIN:
                detail = f"the time for this URL was used up before a connection to {self._host.netloc} was begun"
                raise FetchError(ErrorKind.DEADLINE, detail)
            conn.timeout = context.timeouts.connect
            try:
                yield from self.pool.opening(conn, self._resume, context.executor)
            except Exception as error:
                conn.close()
                left = NEVER if conn.deadline is None else conn.deadline - monotonic()
                if was_not_looked_up(error):  # our own doing, so the deadline moves
                    conn.postpone(monotonic() - began)
                elif may_evict and self._has_made_room(error):
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
        if conn.receive():  # where the server has closed, the exchange tells
            raise FetchError(ErrorKind.PROTOCOL, "the server sent a response before there was a request")

    def _has_made_room(self, error: Exception) -> bool:
        """Whether a proxy may allow the connection now, because idle ones were closed."""
        fault = classify(error)
        no_room = isinstance(fault, ProxyError) and fault.fault in NO_ROOM and fault.after is None
        return no_room and self._context.make_room_at_proxy()

    # -- responses ---------------------------------------------------------------------------------

    def take_note(self, exchange: Exchange) -> None:
        """Count a response, and close the connection where it must not serve again."""
        conn, parser, reused = self.conn, exchange.parser, exchange.reused
        ttfb = exchange.headed - exchange.sent
        if ttfb > self.slowest:  # noqa: PLR1730 - max() is a call for each URL
            self.slowest = ttfb
        # What follows a body this long has long been in the socket when its end is read: one look is enough.
        if reused and (parser.length or 0) < LARGE:
            self.unverified += 1
            ttfb = max(0.0, ttfb - self._context.state.lag)
            if ttfb < self.quickest:  # noqa: PLR1730 - as above
                self.quickest = ttfb
        whole = parser.keep_alive and parser.done and not exchange.unsent
        if parser.leftover:
            self.desynchronized = True
            conn.close()
        elif not (whole and conn.takes_another(parser.get(b"keep-alive"), time.monotonic())):
            if reused and parser.done and parser.framing != "close":
                self.closing = True
            else:
                conn.close()

    def close_after(self, fault: FetchError, exchange: Exchange | None) -> None:
        """Close the connection, as an exchange over it failed."""
        if fault.kind is ErrorKind.PROTOCOL and exchange is not None and exchange.reused:
            self.desynchronized = True  # the rest of an earlier response, perhaps, and not this URL's fault
        self.conn.close()
        self.closing = False

    def fault_of_proxy(self, error: FetchError | OSError, exchange: Exchange) -> ProxyError | None:
        """What an exchange with a proxy that forwards comes to where it is the proxy that failed; None where not."""
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
        """Whether the connection cannot serve again before it was watched."""
        return self.closing or self.desync.distrusted

    def look(self) -> None:
        """See whether unsolicited data came."""
        condition = self.conn.condition()
        if condition is not Condition.QUIET:
            self.desynchronized |= condition is Condition.UNEXPECTED_DATA
            self.conn.close()

    def delay(self, now: float) -> float:
        """Seconds of silence after which what came is verified."""
        return self.desync.verification_delay(self.quickest, now - self.began) if self.unverified else 0.0

    def verify(self, *, last: bool) -> Steps[None]:
        """Watch the connection until what came over it is verified, and close it where it must not serve again.

        last: the lease requests nothing more.
        """
        conn = self.conn
        if conn.sock is not None:
            now = monotonic()
            end = now + self.delay(now)
            if conn.deadline is not None and self.unverified:
                end = min(end, conn.deadline)
            condition = Condition.QUIET
            if end > now or not last:  # else the loop notices what comes over the idle connection
                self.quarantined = last
                while (condition := conn.condition()) is Condition.QUIET and end > monotonic():
                    yield end
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
        """Take all that came for responses to their requests."""
        self.desync.verified += self.unverified
        self._forget_unverified()

    def discard(self) -> int | None:
        """Use no connection to the host twice for a while; index of the first result that is not verified."""
        first = self.first_unverified
        self.desynchronized = False
        self.desync.distrust()
        self._forget_unverified()
        return first

    def _forget_unverified(self) -> None:
        self.first_unverified = None
        self.unverified, self.quickest = 0, NEVER


def _timed_out(conn: Connection, error: Exception, left: float) -> FetchError | None:
    """What opening a connection in vain comes to where a timeout ended it, ``left`` seconds before its deadline."""
    had = "no connection" if conn.remote is None else f"connected to {conn.remote}, no TLS response"
    if left <= CLOCK_GRAIN:
        return FetchError(ErrorKind.DEADLINE, f"the time for this URL was used up while connecting: {had}")
    if isinstance(error, TimeoutError):
        return FetchError(ErrorKind.CONNECT_TIMEOUT, f"{had} within {conn.timeout:.3g} s")
    return None
