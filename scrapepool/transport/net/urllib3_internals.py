"""The private names of urllib3's connections and pools, and of ``http.client`` below them, that this package uses.

urllib3 has no public way to open the sockets of its connections, to parse their responses, or to choose a connection of
a pool. The classes here give these hooks public names, and the other modules use only those.
``tests/test_dependencies.py`` lists every private name. It fails if urllib3 removes one, or if a new version of urllib3
was not reviewed.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from ssl import SSLSocket
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import Timeout

PROXY_CONFIG = "_proxy_config"
"""The pool argument with the settings of a proxy. It is passed on to give a proxy its own TLS context."""
SOCKS_OPTIONS = "_socks_options"
"""The connection argument with which urllib3's ``SOCKSProxyManager`` describes the SOCKS proxy."""


class HTTPConnectionHooks(HTTPConnection):
    """A connection of urllib3 whose sockets, tunnels and responses a subclass provides."""

    def open_socket(self) -> socket.socket:
        """Return a connected socket; ``connect`` calls this."""
        raise NotImplementedError

    def open_tunnel(self) -> None:
        """Request a tunnel from the proxy; ``connect`` calls this."""
        raise NotImplementedError

    def _new_conn(self) -> socket.socket:
        return self.open_socket()

    def _tunnel(self) -> None:
        self.open_tunnel()

    @property
    def host_to_resolve(self) -> str:
        """The host of the connection with its final dot, which urllib3 removes from ``host``."""
        return self._dns_host

    @property
    def tunnel_host(self) -> str | None:
        """The host at the end of the tunnel; None if there is no tunnel."""
        return self._tunnel_host

    @property
    def tunnel_request(self) -> tuple[str, int | None, Mapping[str, str]]:
        """The host, the port and the header fields of the request for the tunnel."""
        return self._tunnel_host or "", self._tunnel_port, self._tunnel_headers  # type: ignore[attr-defined]

    def mark_proxy(self, *, connected: bool) -> None:
        """Set ``has_connected_to_proxy``, from which urllib3 and the pool see whether the proxy caused an error."""
        self._has_connected_to_proxy = connected

    def take_response_options(self) -> Any:
        """Return the options of the request that was sent. Raises ResponseNotReady if none was sent."""
        options = self._response_options
        if options is None:
            raise http.client.ResponseNotReady
        self._response_options = None
        return options

    def copy_to(self, host: str, port: int | None) -> Self:
        """Return a connection with the same settings to another origin; ``self`` was never opened.

        host: as urllib3 normalizes it. The constructors of urllib3 and ``http.client`` take three times as long.
        """
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__.copy()  # in half of the time of ``update``
        other._dns_host, other.port = host, port or self.default_port
        other._buffer, other._tunnel_headers = [], {}  # type: ignore[attr-defined]
        return other

    def mark_idle(self) -> None:
        """Set the state of ``http.client`` to idle, so that it accepts the next request."""
        self._HTTPConnection__state = http.client._CS_IDLE  # type: ignore[attr-defined]


class HTTPSConnectionHooks(HTTPSConnection):
    """A connection of urllib3 over TLS whose TLS connection to a proxy a subclass may change."""

    def connect_tls_proxy(self, hostname: str, sock: socket.socket) -> SSLSocket:
        """Do the TLS handshake with the proxy; ``connect`` calls this before it requests a tunnel."""
        return super()._connect_tls_proxy(hostname, sock)

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> SSLSocket:
        return self.connect_tls_proxy(hostname, sock)


class HTTPConnectionPoolHooks(HTTPConnectionPool):
    """A pool of urllib3 whose queue and connections a subclass chooses."""

    def new_queue(self, maxsize: int) -> Any:
        """Return the queue of free connections; urllib3 calls this when it creates the pool."""
        raise NotImplementedError

    def new_connection(self) -> Any:
        """Return a new, closed connection; ``urlopen`` calls this if the queue has none."""
        return super()._new_conn()

    def get_connection(self, timeout: float | None = None) -> Any:
        """Return a connection from the queue, or a new one; ``urlopen`` calls this."""
        return super()._get_conn(timeout)

    def put_connection(self, conn: Any) -> None:
        """Return a connection to the queue; ``urlopen`` and the responses call this."""
        super()._put_conn(conn)

    def _new_pool_queue(self, maxsize: int) -> Any:
        return self.new_queue(maxsize)

    def _new_conn(self) -> Any:
        return self.new_connection()

    def _get_conn(self, timeout: float | None = None) -> Any:
        return self.get_connection(timeout)

    def _put_conn(self, conn: Any) -> None:
        self.put_connection(conn)

    def timeout_of(self, timeout: Any) -> Timeout:
        """Return an argument ``timeout`` of ``urlopen`` as a ``Timeout``, with the defaults of the pool."""
        return self._get_timeout(timeout)

    def copy_to(self, host: str, port: int | None, queue: Any) -> Self:
        """Return a pool with the same settings for another origin. Its connections close only if ``queue`` does it.

        host: as urllib3 normalizes it.
        """
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__.copy()
        other.host = other._tunnel_host = host
        other.port, other.pool = port, queue
        other.num_connections = other.num_requests = 0
        return other

    @property
    def destination(self) -> str:
        """The host of the pool in the form that ``set_tunnel`` needs: an IPv6 address has no brackets."""
        return self._tunnel_host


class BodyFile:
    """A body with the two private names of ``http.client.HTTPResponse`` that urllib3's response uses.

    method: the method of the request, from which urllib3 sees whether the response has a body.
    """

    def __init__(self, method: str) -> None:
        self._method = method

    def read_chunk(self, amt: int) -> bytes:
        """Return ``amt`` bytes of a chunk, or the line end after it; urllib3's decoder of chunks calls this."""
        raise NotImplementedError

    def _safe_read(self, amt: int) -> bytes:
        return self.read_chunk(amt)
