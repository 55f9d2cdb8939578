"""One connection of a pool through TLS.

Decides how a handshake is timed and aborted, and when a session is kept. Whom to trust is decided by the TLS context.
"""

from __future__ import annotations

import contextlib
import socket
from ssl import CERT_REQUIRED, SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any, ClassVar

from urllib3.connection import HTTPSConnection

from ...fallbacks import IN, OUT
from ...running_clock import monotonic
from .channel import LARGE_RECEIVE_SIZE, LEAST_TIMEOUT, RECEIVE_SIZE, shut
from .connection import Connection
from .phase import Phase
from .steps import Steps
from .tls_context import ResumingContext


class TLSConnection(Connection, HTTPSConnection):
    """A connection through TLS."""

    has_records: ClassVar[bool] = True
    # The connection during a handshake that blocks, for ``abort``: ssl takes the socket away.
    _handle: socket.socket | None = None

    def connect(self) -> None:
        """Connect and shake hands, within the connect timeout and the deadline; blocking."""
        try:
            HTTPSConnection.connect(self)
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                handle.close()
        self.connect_timings.tls = monotonic() - self._reached
        self._opened()

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        try:
            self._handle = sock.dup()
            self._check()
        except BaseException:
            sock.close()
            raise
        self.opening_phase = (Phase.HANDSHAKE, self._reached)
        return sock

    def _handshake(self) -> Steps[None]:
        """The TLS handshake. Raises TimeoutError, OSError."""
        context = self.ssl_context
        assert context is not None  # noqa: S101 - the adapter gives each pool one, see ``HostPool.opening``
        self.opening_phase = (Phase.HANDSHAKE, self._reached)
        name = self.server_hostname or (self._tunnel_host if self._tunnel_host else self.host)
        sock = self.sock = context.wrap_socket(
            self.sock, server_hostname=_name_to_verify(name), do_handshake_on_connect=False
        )
        while True:
            try:
                sock.do_handshake()
                break
            except SSLWantReadError:
                wanted = IN
            except SSLWantWriteError:
                wanted = OUT
            if not (yield from self._ready(wanted)):
                raise TimeoutError("The handshake operation timed out")
        self.is_verified = context.verify_mode == CERT_REQUIRED and not self.forwards
        self.connect_timings.tls = monotonic() - self._reached

    def abort(self) -> None:
        """As for a plain connection."""
        super().abort()
        shut(self._handle)

    def close(self) -> None:
        """Close, and keep the session where sessions are resumed."""
        if self.sock is not None and isinstance(self.ssl_context, ResumingContext):
            self.ssl_context.keep(self.sock)
        super().close()

    def pending(self) -> int:
        """Bytes that were decrypted and not handed out yet."""
        pending = getattr(self.sock, "pending", None)
        return pending() if pending else 0


class NestedTLSConnection(TLSConnection):
    """A connection through TLS within the TLS of a proxy.

    Records that came together wait between the two, and no poll tells of them.
    """

    opens_in_steps: ClassVar[bool] = False

    def connect(self) -> None:
        """As through TLS alone."""
        super().connect()
        within: Any = self.sock
        del within.socket.recv  # the clock of the handshake

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> SSLSocket:
        """As urllib3 does; each wait of the handshake within gets what is left of the time, and not all of it again."""
        outer: Any = super()._connect_tls_proxy(hostname, sock)
        receive = outer.recv

        def receive_in_time(size: int) -> Any:
            outer.settimeout(max(LEAST_TIMEOUT, self._open_by - monotonic()))
            return receive(size)

        outer.recv = receive_in_time
        clocked: SSLSocket = outer
        return clocked

    def receive(self, size: int = RECEIVE_SIZE) -> bytes | None:
        """As for a plain connection; all that has come, so that there is nothing to be had without a wait."""
        data = super().receive(size)
        if data and self.pending():
            with contextlib.suppress(BlockingIOError, SSLWantReadError):
                while len(data) < LARGE_RECEIVE_SIZE and self.pending() and (more := self.sock.recv(size)):
                    if self.capture is not None:
                        self.capture.received(more)
                    data += more
        return data

    def send_some(self, data: bytes | memoryview) -> int:
        """Send all of it: what was encrypted cannot be taken back where there is no room for it."""
        self.sock.settimeout(self.read_timeout)
        self.sock.sendall(data)
        self.sock.settimeout(0)
        if self.capture is not None:
            self.capture.sent(data)
        return len(data)

    def pending(self) -> int:
        """Bytes that came and were not handed out yet, decrypted or not."""
        sock: Any = self.sock
        if isinstance(sock, SSLSocket):  # the proxy's, until there is a tunnel
            return sock.pending()
        decrypted: int = sock.sslobj.pending()
        return decrypted + int(sock.incoming.pending)


def _name_to_verify(host: str) -> str:
    """The host as ``ssl`` matches it with a certificate: no final dot, an IPv6 address without brackets and zone."""
    name = host.rstrip(".").strip("[]")
    return name.partition("%")[0] if ":" in name else name
