"""One connection of a pool through TLS.

Decides how a handshake is timed and cut, and when a session is kept. Whom to trust is the context's to say.
"""

from __future__ import annotations

import contextlib
import socket
from ssl import SSLSocket, SSLWantReadError
from typing import Any, ClassVar

from urllib3.connection import HTTPSConnection

from ..uptime import monotonic
from .connection import LARGE_RECEIVE_SIZE, RECEIVE_SIZE, SOONEST, Connection, Opening, shut
from .doing import Phase
from .tls import ResumingContext


class TLSConnection(Connection, HTTPSConnection):
    """A connection through TLS."""

    _waits_in_kernel: ClassVar[bool] = False
    # The connection during its handshake, for ``sever``: ssl takes the socket away.
    _handle: socket.socket | None = None

    def connect(self) -> None:
        """Connect and shake hands, within the connect timeout and the deadline."""
        try:
            HTTPSConnection.connect(self)
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                handle.close()
        self.opening.tls = monotonic() - self._reached
        self._opened()

    @property
    def being_opened(self) -> tuple[Phase, float] | None:
        """As for a plain connection."""
        return super().being_opened if self._handle is None else (Phase.HANDSHAKE, self._reached)

    def _began(self, sock: socket.socket, opening: Opening, remote: str | None) -> socket.socket:
        try:
            self._handle = sock.dup()
            self._check()
        except BaseException:
            sock.close()
            raise
        return super()._began(sock, opening, remote)

    def sever(self) -> None:
        """As for a plain connection."""
        super().sever()
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
            outer.settimeout(max(SOONEST, self._open_by - monotonic()))
            return receive(size)

        outer.recv = receive_in_time
        clocked: SSLSocket = outer
        return clocked

    def receive(self, size: int = RECEIVE_SIZE, come: bool | None = None) -> bytes | None:
        """As for a plain connection; all that has come, so that there is nothing to be had without a wait."""
        data = super().receive(size, come)
        if data and self.pending():
            self._do_not_wait()
            with contextlib.suppress(BlockingIOError, SSLWantReadError):
                while len(data) < LARGE_RECEIVE_SIZE and self.pending() and (more := self.sock.recv(size)):
                    if self.capture is not None:
                        self.capture.received(more)
                    data += more
        return data

    def send_some(self, data: memoryview) -> int:
        """Send all of it: what was encrypted cannot be taken back where there is no room for it."""
        self.send_all(bytes(data))
        return len(data)

    def pending(self) -> int:
        """Bytes that came and were not handed out yet, decrypted or not."""
        sock: Any = self.sock
        decrypted: int = sock.sslobj.pending()
        return decrypted + int(sock.incoming.pending)
