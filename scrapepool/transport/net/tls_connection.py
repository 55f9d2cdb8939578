"""A connection of a pool over TLS.

This module decides how a handshake is timed and aborted, and when a TLS session is kept. The TLS context decides which
certificates are trusted.
"""

from __future__ import annotations

import contextlib
import socket
from ssl import CERT_REQUIRED, SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any, ClassVar

from ...fallbacks import IN, OUT
from ...model import TLSFacts
from ...running_clock import monotonic
from .channel import LARGE_RECEIVE_SIZE, LEAST_TIMEOUT, RECEIVE_SIZE, shut
from .connection import Connection
from .phase import Phase
from .steps import Steps
from .tls_context import ResumingContext
from .tls_facts import tls_facts
from .urllib3_internals import HTTPSConnectionHooks


class TLSConnection(Connection, HTTPSConnectionHooks):
    """A connection over TLS."""

    has_records: ClassVar[bool] = True
    # A duplicate of the socket for ``abort`` during a blocking handshake, since ``ssl`` detaches the original one.
    _handle: socket.socket | None = None
    _facts: TLSFacts | None = None

    def connect(self) -> None:
        """Connect and do the handshake, blocking, within the connect timeout and the deadline."""
        try:
            HTTPSConnectionHooks.connect(self)
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                handle.close()
        self.connect_timings = self.connect_timings._replace(tls=monotonic() - self._step_ended)
        self._opened()

    def open_socket(self) -> socket.socket:
        """Open a TCP connection, blocking, and prepare the handshake."""
        sock = super().open_socket()
        try:
            self._handle = sock.dup()
            self._check()
        except BaseException:
            sock.close()
            raise
        self.opening_phase: tuple[Phase, float] | None = (Phase.HANDSHAKE, self._step_ended)
        return sock

    def _handshake(self) -> Steps[None]:
        """Do the TLS handshake. Raises TimeoutError and OSError."""
        context = self.ssl_context
        assert context is not None  # noqa: S101 - ``HostPool.opening`` checks this first
        self.opening_phase = (Phase.HANDSHAKE, self._step_ended)
        name = self.server_hostname or self.tunnel_host or self.host
        self.sock: Any = context.wrap_socket(
            self.sock, server_hostname=_name_to_verify(name), do_handshake_on_connect=False
        )
        sock = self.sock
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
        self.is_verified: bool = context.verify_mode == CERT_REQUIRED and not self.forwards
        self.connect_timings = self.connect_timings._replace(tls=monotonic() - self._step_ended)

    def mark_opened(self) -> None:
        """Reset the state of a connection that was just opened, with what was known of the one before."""
        super().mark_opened()
        self._facts = None

    def tls_facts(self) -> TLSFacts | None:
        """Return what is known of the TLS connection to the host, read once; None if it is the one to a proxy."""
        if self._facts is None and self.sock is not None and not self.forwards:
            self._facts = tls_facts(self.sock)
        return self._facts

    def abort(self) -> None:
        """Shut down the connection from another thread, also during a handshake."""
        super().abort()
        shut(self._handle)

    def close(self) -> None:
        """Close the connection, and keep its TLS session if sessions are resumed."""
        if self.sock is not None and isinstance(self.ssl_context, ResumingContext):
            self.ssl_context.keep(self.sock)
        super().close()

    def pending(self) -> int:
        """Return the number of decrypted bytes that were not read yet."""
        pending = getattr(self.sock, "pending", None)
        return pending() if pending else 0


class NestedTLSConnection(TLSConnection):
    """A TLS connection inside the TLS connection to a proxy.

    Several records may arrive together. They are then buffered between the two layers, where poll does not see them.
    """

    opens_in_steps: ClassVar[bool] = False

    def connect(self) -> None:
        """Connect as over plain TLS."""
        super().connect()
        within: Any = self.sock
        del within.socket.recv  # the timed ``recv`` was only for the handshake

    def connect_tls_proxy(self, hostname: str, sock: socket.socket) -> SSLSocket:
        """Connect to the proxy as urllib3 does. Each wait of the inner handshake gets only the time that is left."""
        outer: Any = super().connect_tls_proxy(hostname, sock)
        receive = outer.recv

        def receive_in_time(size: int) -> Any:
            outer.settimeout(max(LEAST_TIMEOUT, self._open_by - monotonic()))
            return receive(size)

        outer.recv = receive_in_time
        timed: SSLSocket = outer
        return timed

    def receive(self, size: int = RECEIVE_SIZE) -> bytes | None:
        """Return all data that has arrived, so that the next receive must wait for the socket."""
        data = super().receive(size)
        if data and self.pending():
            with contextlib.suppress(BlockingIOError, SSLWantReadError):
                while len(data) < LARGE_RECEIVE_SIZE and self.pending() and (more := self.sock.recv(size)):
                    if self.capture is not None:
                        self.capture.received(more)
                    data += more
        return data

    def send_some(self, data: bytes | memoryview) -> int:
        """Send all of ``data``, since encrypted data cannot be taken back if the socket does not accept it."""
        self.sock.settimeout(self.read_timeout)
        self.sock.sendall(data)
        self.sock.settimeout(0)
        if self.capture is not None:
            self.capture.sent(data)
        return len(data)

    def pending(self) -> int:
        """Return the number of bytes that arrived and were not read yet, decrypted or not."""
        sock: Any = self.sock
        if isinstance(sock, SSLSocket):  # the connection to the proxy, before there is a tunnel
            return sock.pending()
        decrypted: int = sock.sslobj.pending()
        return decrypted + int(sock.incoming.pending)


def _name_to_verify(host: str) -> str:
    """Return the host as ``ssl`` compares it: without a final dot, and an IPv6 address without brackets and zone."""
    name = host.rstrip(".").strip("[]")
    return name.partition("%")[0] if ":" in name else name
