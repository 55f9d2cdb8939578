"""The pool of one host: urllib3's, blocking, with a way to hold a connection for a run of requests.

Decides which idle connection is handed out (the last one used) and that a desynchronized one never is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from queue import Empty
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
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


class _Openings:
    """Counts; apart from the pool, which its connections must not keep alive: it closes them when it goes."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.count += 1


class HostPool(HTTPConnectionPool):
    """Connections to one plain-text origin.

    retired: the manager has let this pool go, so that nobody counts its connections any more: none stays idle in it.
    num_requests: requests sent. urllib3's num_connections counts connections that were opened again only once,
    see ``opened``. public_only: its connections are made to public addresses only. bandwidth: they share. all_idle:
    where its idle connections are counted with those of other pools.
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
        self._requested = threading.local()  # the method of each thread's request
        self.retired: bool = False
        self._public_only = public_only
        self._bandwidth = bandwidth

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.host}:{self.port} opened={self.opened}"
            f" requests={self.num_requests} idle={self.idle}>"
        )

    @property
    def opened(self) -> int:
        """Connections opened."""
        return self._openings.count

    @property
    def idle(self) -> int:
        """Connections that are open and unused."""
        slots: Any = self.pool
        return 0 if slots is None else len(slots.idle)

    def _new_pool_queue(self, maxsize: int) -> Any:
        return Slots(maxsize, self._all_idle)

    @property
    def in_use(self) -> int:
        """Connections, open or about to be, that somebody holds."""
        slots = self.pool
        return 0 if slots is None else slots.maxsize - slots.qsize()

    def _new_conn(self) -> Any:
        conn: Any = super()._new_conn()
        conn.on_open = self._openings.add
        conn.public_only = self._public_only
        conn.bandwidth = self._bandwidth
        return conn

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """As urllib3 does, but wait no longer for a full pool than for a connection; then raise EmptyPoolError.

        A response that is streamed and never read to its end keeps its connection, and would keep whoever waits for it.
        """
        if kwargs.get("pool_timeout") is None:
            timeout = self._get_timeout(kwargs.get("timeout", Timeout.DEFAULT_TIMEOUT))
            kwargs["pool_timeout"] = Timeout.resolve_default_timeout(timeout.connect_timeout)
        self._requested.method = method
        return super().urlopen(method, url, *args, **kwargs)

    def _get_conn(self, timeout: float | None = None) -> Any:
        """As urllib3 does; a request that must not be repeated gets no connection that was idle for long."""
        conn: Any = super()._get_conn(timeout)
        method = getattr(self._requested, "method", "GET")
        if conn.sock is not None and method not in IDEMPOTENT and conn.is_stale(time.monotonic()):
            conn.close()
        return conn

    def checkout(self, timeout: float | None = None) -> tuple[Connection, Condition]:
        """A connection to hold, open or yet to be opened, and what the idle one looked like.

        Waits up to ``timeout`` seconds where all are held. Give it back with ``checkin``.
        Raises urllib3's EmptyPoolError, ClosedPoolError.
        """
        conn: Any = self._take(timeout)
        while conn is not None and conn.sock is not None:
            condition = conn.condition()
            if condition is Condition.QUIET:
                return conn, condition
            conn.close()
            if condition is Condition.UNEXPECTED_DATA:
                return conn, condition
            self._put_conn(conn)
            conn = self._take(timeout)
        return (self._new_conn() if conn is None else conn), Condition.CLOSED

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
        """Whether connections lead through a tunnel; a pool to the proxy itself is for what it forwards."""
        proxy = self.proxy
        if proxy is None or (self.host, self.port) == (proxy.host, proxy.port):
            return False
        return connection_requires_http_tunnel(proxy, self.proxy_config, self.scheme)

    def opening(self, conn: Connection, resume: Resume, executor: Callable[[], Executor]) -> Steps[None]:
        """Open a connection that ``checkout`` gave closed, through a tunnel where a proxy asks for one.

        executor: gives threads for what can only be done by blocking: SOCKS, TLS within TLS.
        Raises what ``Connection.opening`` raises, and ProxyError where it is the proxy that fails.
        """
        try:
            if self._tunnels:
                conn.set_tunnel(
                    scheme=_scheme_of(self.proxy), host=self._tunnel_host, port=self.port, headers=self.proxy_headers
                )
            if conn.opens_in_steps and not self._lacks_context(conn):
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

    @staticmethod
    def _lacks_context(conn: Connection) -> bool:
        """Whether urllib3 makes a TLS context for the connection as it connects, as for a proxy reached over TLS."""
        return isinstance(conn, TLSConnection) and conn.ssl_context is None

    @property
    def goes_through_proxy(self) -> bool:
        """Whether each connection is one to this host alone by way of a proxy, which may allow only so many."""
        return self._tunnels or "_socks_options" in self.conn_kw

    def evict_idle(self) -> int:
        """Close what is idle; how many connections that were."""
        idle = self.idle
        if idle:
            self._shed()
        return idle

    def retire(self) -> None:
        """Keep no idle connection from now on. Whoever still has the pool can go on using it."""
        self.retired = True
        self._shed()

    def _put_conn(self, conn: Any) -> None:
        super()._put_conn(conn)
        if self.retired:  # looked at last, so that none slips in while the pool is being retired
            self._shed()

    def _shed(self) -> None:
        slots: Any = self.pool
        for conn in () if slots is None else slots.take_idle():
            conn.close()

    def take_out(self, conn: Connection) -> bool:
        """Hold a connection that is idle, whichever else there are; False where somebody holds it."""
        slots: Any = self.pool
        return slots is not None and slots.take_out(conn)

    def checkin(self, conn: Connection) -> None:
        """Give a connection back, open for the next or closed."""
        self._put_conn(conn)


class TLSHostPool(HostPool, HTTPSConnectionPool):
    """Connections to one origin over TLS."""

    scheme: Any = "https"
    ConnectionCls: Any = TLSConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._tunnels and self.proxy is not None and self.proxy.scheme == "https":
            self.ConnectionCls = NestedTLSConnection


def _reason(error: BaseException, patience: float | None) -> str:
    """The innermost reason in words: urllib3 wraps what the system said."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, TimeoutError) and patience is not None:
        return f"no connection within {patience:.3g} s"
    return classify(error).detail


def _scheme_of(proxy: Any) -> str:
    return "https" if proxy is not None and proxy.scheme == "https" else "http"
