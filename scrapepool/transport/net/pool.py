"""The connection pool of one host: urllib3's pool, with a way to hold a connection for several requests.

This module decides which idle connection is reused (the last one used), and that a desynchronized one never is.
This file is long because the pool serves the event loop as well as callers of urllib3's methods.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from queue import Empty
from typing import Any, Self

from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, EmptyPoolError, HTTPError
from urllib3.util import Timeout
from urllib3.util.proxy import connection_requires_http_tunnel

from ...model import ProxyFault
from ..classify import IDEMPOTENT, classify
from ..errors import ProxyError
from .bandwidth import Bandwidth
from .channel import Condition
from .connection import Connection
from .slots import IdleConnections, Slots
from .steps import Resume, Steps, in_thread
from .tls_connection import NestedTLSConnection, TLSConnection
from .urllib3_internals import SOCKS_OPTIONS, HTTPConnectionPoolHooks

_counting = threading.Lock()  # guards the counts of all pools
_requested = threading.local()  # the method of the current request of each thread


class _Openings:
    """Counts the opened connections. The connections refer to this counter and not to the pool.

    The connections of a pool are closed when the pool is garbage-collected, so they must not keep it alive.
    """

    count = 0

    def add(self) -> None:
        with _counting:
            self.count += 1


class HostPool(HTTPConnectionPoolHooks):
    """The pool of connections to one plain-text origin.

    retired: whether the manager has dropped this pool. No connection stays idle in a retired pool, because its
        connections are no longer counted.
    num_requests: the number of requests sent. urllib3's ``num_connections`` counts a connection that was opened several
        times only once; ``opened`` counts each opening.
    public_only: whether the connections may be made only to public addresses.
    bandwidth: the limit that the connections share.
    all_idle: the idle connections of all pools, which include those of this pool.
    """

    ConnectionCls: Any = Connection

    def __init__(
        self,
        *args: Any,
        public_only: bool = False,
        bandwidth: Bandwidth | None = None,
        all_idle: IdleConnections | None = None,
        **kwargs: Any,
    ) -> None:
        self._all_idle = all_idle
        super().__init__(*args, **kwargs)
        self._openings = _Openings()
        self._model: Connection | None = None  # a connection that is never opened, but copied
        self.retired: bool = False
        self._public_only = public_only
        self._bandwidth = bandwidth

    def for_host(self, host: str, port: int | None) -> Self:
        """Return the pool of another origin with the same settings. urllib3 would take three times as long to make it.

        host: in lower case, ASCII, and no IPv6 address. Only for direct connections.
        """
        if self._model is None:
            self._model = self.new_connection()
            self.num_connections -= 1  # it is never opened
        other = self.copy_to(host, port, Slots(self.maxsize, self._all_idle, True))
        other._openings = _Openings()
        other.retired = False
        return other

    def __del__(self) -> None:
        """Close the idle connections of a pool that nothing refers to, as urllib3 does for the pools that it makes."""
        slots: Any = getattr(self, "pool", None)
        if slots is not None:
            for conn in slots.take_idle() if slots.idle else ():
                conn.close()

    def close(self) -> None:
        """Close the idle connections now, and each of the others when it is returned."""
        slots: Any = self.pool
        self.pool: Any = None
        if slots is not None:
            for conn in slots.take_idle():
                conn.close()

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.host}:{self.port} opened={self.opened}"
            f" requests={self.num_requests} idle={self.idle}>"
        )

    @property
    def opened(self) -> int:
        """The number of connections opened so far."""
        return self._openings.count

    @property
    def idle(self) -> int:
        """The number of connections that are open and unused."""
        slots: Any = self.pool
        return 0 if slots is None else len(slots.idle)

    def new_queue(self, maxsize: int) -> Any:
        """Return the slots of the pool."""
        self.maxsize = maxsize
        return Slots(maxsize, self._all_idle)

    @property
    def in_use(self) -> int:
        """The number of connections that are checked out, whether they are open or not."""
        slots = self.pool
        return 0 if slots is None else slots.maxsize - slots.qsize()

    def new_connection(self) -> Any:
        """Return a new, closed connection with the settings of the pool."""
        conn: Any = super().new_connection()
        conn.on_open = self._openings.add
        conn.public_only = self._public_only
        conn.bandwidth = self._bandwidth
        return conn

    def _copied_connection(self) -> Any:
        """Return a new, closed connection as ``new_connection`` does, copied from that of another host if possible."""
        if self._model is None:
            return self.new_connection()
        self.num_connections += 1
        conn: Any = self._model.copy_to(self.host, self.port)
        conn.on_open = self._openings.add
        return conn

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request as urllib3 does, but wait for a connection of a full pool only for the connect timeout.

        A streamed response that is never read to its end keeps its connection. Without this limit, another request
        would wait for that connection forever. Raises EmptyPoolError after the wait.
        """
        if kwargs.get("pool_timeout") is None:
            timeout = self.timeout_of(kwargs.get("timeout", Timeout.DEFAULT_TIMEOUT))
            kwargs["pool_timeout"] = Timeout.resolve_default_timeout(timeout.connect_timeout)
        _requested.method = method
        return super().urlopen(method, url, *args, **kwargs)

    def get_connection(self, timeout: float | None = None) -> Any:
        """Return a connection as urllib3 does, but closed if it is stale and the request must not be repeated."""
        conn: Any = super().get_connection(timeout)
        method = getattr(_requested, "method", "GET")
        if conn.sock is not None and method not in IDEMPOTENT and conn.is_stale(time.monotonic()):
            conn.close()
        return conn

    def checkout(self, timeout: float | None = None) -> tuple[Connection, Condition]:
        """Return a connection, open or closed, and the condition of the idle connection that was found.

        Waits up to ``timeout`` seconds if all connections are in use. The caller must return the connection with
        ``checkin``. Raises urllib3's EmptyPoolError and ClosedPoolError.
        """
        conn: Any = self._take(timeout)
        while conn is not None and conn.sock is not None:
            condition = conn.condition()
            if condition is Condition.QUIET:
                return conn, condition
            conn.close()
            if condition is Condition.UNEXPECTED_DATA:
                return conn, condition
            self.put_connection(conn)
            conn = self._take(timeout)
        return (self._copied_connection() if conn is None else conn), Condition.CLOSED

    def _take(self, timeout: float | None) -> Any:
        slots = self.pool
        if slots is None:
            raise ClosedPoolError(self, "Pool is closed.")
        try:
            return slots.get(block=self.block, timeout=timeout)
        except Empty:
            if self.block:
                raise EmptyPoolError(self, "All connections are in use.") from None
            return None

    @property
    def _tunnels(self) -> bool:
        """Whether connections go through a tunnel. A pool for the proxy itself is for requests that it forwards."""
        proxy = self.proxy
        if proxy is None or (self.host, self.port) == (proxy.host, proxy.port):
            return False
        return connection_requires_http_tunnel(proxy, self.proxy_config, self.scheme)

    def opening(self, conn: Connection, resume: Resume, executor: Callable[[], Executor]) -> Steps[None]:
        """Open a closed connection from ``checkout``, through a tunnel if the proxy requires one.

        executor: returns the executor for openings that can only block: SOCKS, and TLS within TLS.
        Raises what ``Connection.opening`` raises, and ProxyError if the proxy fails.
        """
        if self.proxy is None and _opens_in_steps(conn):
            return conn.opening(resume)
        return self._opening_with_help(conn, resume, executor)

    def _opening_with_help(self, conn: Connection, resume: Resume, executor: Callable[[], Executor]) -> Steps[None]:
        """Open a connection that goes through a proxy, or that can only be opened by blocking."""
        try:
            if self._tunnels:
                conn.set_tunnel(
                    scheme=_scheme_of(self.proxy), host=self.destination, port=self.port, headers=self.proxy_headers
                )
            if _opens_in_steps(conn):
                yield from conn.opening(resume)
            else:
                yield from in_thread(conn.connect, executor(), resume)
                conn.make_non_blocking()
        except (OSError, HTTPError) as error:
            if self.proxy is None:
                raise
            refusal = error.__cause__
            if isinstance(refusal, ProxyError):
                raise ProxyError(refusal.fault, f"proxy {self.proxy.netloc}: {refusal}", refusal.after) from error
            if conn.has_connected_to_proxy:
                raise
            reason = _reason(error, conn.timeout)
            raise ProxyError(ProxyFault.DOWN, f"proxy {self.proxy.netloc}: {reason}") from error

    @property
    def goes_through_proxy(self) -> bool:
        """Whether each connection goes to this host through a proxy, which may limit the number of connections."""
        return self._tunnels or SOCKS_OPTIONS in self.conn_kw

    def evict_idle(self) -> int:
        """Close the idle connections, and return how many there were."""
        idle = self.idle
        if idle:
            self._close_idle()
        return idle

    def retire(self) -> None:
        """Keep no idle connection from now on. The pool can still be used."""
        self.retired = True
        self._close_idle()

    def put_connection(self, conn: Any) -> None:
        """Return a connection to the pool, and close it if the pool is retired."""
        super().put_connection(conn)
        if self.retired:  # checked after the return, so that no connection stays if another thread retires the pool
            self._close_idle()

    def _close_idle(self) -> None:
        slots: Any = self.pool
        if slots is not None and slots.idle:
            for conn in slots.take_idle():
                conn.close()

    def take_out(self, conn: Connection) -> bool:
        """Check out this connection if it is idle; return False if it is in use."""
        slots: Any = self.pool
        return slots is not None and slots.take_out(conn)

    def checkin(self, conn: Connection) -> None:
        """Return a connection to the pool, either open for the next request or closed."""
        slots: Any = self.pool
        if slots is None or not slots.take_back(conn):
            self.put_connection(conn)
        elif self.retired:
            self._close_idle()


class TLSHostPool(HostPool, HTTPSConnectionPool):
    """The pool of connections to one origin over TLS."""

    scheme: Any = "https"
    ConnectionCls: Any = TLSConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._tunnels and self.proxy is not None and self.proxy.scheme == "https":
            self.ConnectionCls = NestedTLSConnection


def _opens_in_steps(conn: Any) -> bool:
    """Return whether the event loop can open a connection.

    It cannot if urllib3 creates the TLS context only while it connects, as for a proxy reached over TLS.
    """
    return conn.opens_in_steps and (not conn.has_records or conn.ssl_context is not None)


def _reason(error: BaseException, timeout: float | None) -> str:
    """Return the innermost reason of an error in words, since urllib3 wraps the system's error."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, TimeoutError) and timeout is not None:
        return f"no connection within {timeout:.3g} s"
    return classify(error).detail


def _scheme_of(proxy: Any) -> str:
    return "https" if proxy is not None and proxy.scheme == "https" else "http"
