"""The pool of one host: urllib3's, blocking, with a way to hold a connection for a run of requests.

Decides which idle connection is handed out (the last one used) and that a spoilt one never is.
"""

from __future__ import annotations

from queue import Empty
from typing import Any, ClassVar

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, EmptyPoolError
from urllib3.util.proxy import connection_requires_http_tunnel

from .connection import Condition, Connection, TLSConnection


class HostPool(HTTPConnectionPool):
    """Connections to one plain-text origin.

    num_connections: as urllib3 counts, connections opened. num_requests: requests sent.
    """

    ConnectionCls: ClassVar[type[Connection]] = Connection  # type: ignore[misc]

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.host}:{self.port} opened={self.num_connections}"
            f" requests={self.num_requests} idle={self.idle}>"
        )

    @property
    def idle(self) -> int:
        """Connections that are open and unused."""
        slots = self.pool
        return 0 if slots is None else sum(1 for conn in list(slots.queue) if conn is not None and conn.sock is not None)

    @property
    def in_use(self) -> int:
        """Connections, open or about to be, that somebody holds."""
        slots = self.pool
        return 0 if slots is None else slots.maxsize - slots.qsize()

    def checkout(self, timeout: float | None = None) -> tuple[Connection, Condition]:
        """A connection to hold, open or yet to be opened, and what the idle one looked like.

        Waits up to ``timeout`` seconds where all are held. Give it back with ``checkin``.
        Raises urllib3's EmptyPoolError, ClosedPoolError.
        """
        conn: Any = self._take(timeout)
        if conn is None:
            return self._new_conn(), Condition.CLOSED  # type: ignore[return-value]
        condition = conn.condition()
        if condition is not Condition.QUIET:
            conn.close()
        return conn, condition

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

    def open(self, conn: Connection) -> None:
        """Open a connection that ``checkout`` gave closed, through a tunnel where a proxy asks for one."""
        if self.proxy is not None and connection_requires_http_tunnel(self.proxy, self.proxy_config, self.scheme):
            self._prepare_proxy(conn)
        else:
            conn.open()

    def checkin(self, conn: Connection) -> None:
        """Give a connection back, open for the next or closed."""
        self._put_conn(conn)


class TLSHostPool(HostPool, HTTPSConnectionPool):
    """Connections to one origin over TLS."""

    scheme = "https"
    ConnectionCls: ClassVar[type[Connection]] = TLSConnection  # type: ignore[misc]
