"""One connection of a pool: urllib3's, with a parser that skips what must be skipped and clocks that hold.

Decides how bytes get to a server and back: dialling, tunnels, TLS, deadlines on every wait,
and whether the connection is clean enough to be used again. What a reply means is
``reply.ReplyParser``'s to say; which connection is used for what is the pool's.

There are two ways in. ``requests`` and ``urllib3`` use ``request`` and ``getresponse`` as on
any urllib3 connection. The fetcher uses ``open``, ``send_all`` and ``receive``, which obey
``deadline``.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util.timeout import _DEFAULT_TIMEOUT

from ..model import ErrorKind
from .dial import dial
from .faults import FetchError
from .raw import RawReply
from .reply import ReplyParser
from .resolver import Resolver

RECEIVE_SIZE = 64 * 1024
LARGE_RECEIVE_SIZE = 256 * 1024  # for a body that is known to be long
NO_LIMIT = 3600.0  # seconds; what "no timeout" means to a name look-up and a TCP connect


class Condition(Enum):
    """What a connection that is not in use looks like."""

    QUIET = auto()
    """Open and silent: fit for another request."""
    CLOSED = auto()
    """The peer closed it, as it may."""
    DIRTY = auto()
    """Bytes came that nobody asked for: what came before may belong to another request."""


@dataclass(slots=True)
class Opening:
    """What it took to open a connection, in seconds; the step that did not happen is None."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None


class Connection(HTTPConnection):
    """A plain connection.

    deadline: monotonic time at which every wait ends. read_timeout: seconds that one receive may take.
    served: replies taken whole. spoilt: bytes came that nobody asked for. remote: the address that answered. opening: see there, of the last ``open``.
    """

    resolver: ClassVar[Resolver] = Resolver()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline: float | None = None
        self.read_timeout = NO_LIMIT
        self.served = 0
        self.spoilt = False
        self.remote: str | None = None
        self.opening = Opening()
        self._dialling: socket.socket | None = None
        self._poll: select.poll | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.host}:{self.port} {'open' if self.sock else 'closed'}, served {self.served}>"

    # -- opening ---------------------------------------------------------------------------------

    def _left(self, limit: float | None) -> float:
        """Seconds that a wait of at most ``limit`` may take now. Raises FetchError (``deadline``) where none are left."""
        limit = NO_LIMIT if limit is None else limit
        if self.deadline is None:
            return limit
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return min(left, limit)

    def _new_conn(self) -> socket.socket:
        budget = None if self.timeout is _DEFAULT_TIMEOUT else self.timeout
        limit = self._left(budget if budget is None else float(budget))
        began = time.monotonic()
        try:
            addresses = self.resolver.resolve(self._dns_host, self.port or self.default_port, limit)
            named = time.monotonic()
            limit = max(0.001, limit - (named - began))
            sock, address = dial(
                addresses,
                limit,
                options=self.socket_options or (),  # type: ignore[arg-type]
                source=self.source_address,
                on_socket=self._watch,
            )
        except FetchError as fault:
            raise NameResolutionError(self.host, self, socket.gaierror(fault.detail)) from fault
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out. ({error})") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        finally:
            self._dialling = None
        connected = time.monotonic()
        self._began(sock, Opening(dns=named - began, connect=connected - named), address.ip)
        # What is left is the TLS handshake's; OpenSSL's wrapper takes a timeout as a deadline for the whole of it.
        sock.settimeout(max(0.001, limit - (connected - named)))
        return sock

    def _began(self, sock: socket.socket, opening: Opening, remote: str | None) -> None:
        self.served = 0
        self.opening = opening
        self.remote = remote
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def _watch(self, sock: socket.socket) -> None:
        self._dialling = sock

    def _tunnel(self) -> None:
        """Ask a proxy for a tunnel (CONNECT, RFC 9110 section 9.3.6). Raises OSError where it gives none."""
        host = f"[{self._tunnel_host}]" if ":" in (self._tunnel_host or "") else self._tunnel_host
        authority = f"{host}:{self._tunnel_port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        lines += [f"{name}: {value}" for name, value in self._tunnel_headers.items()]  # type: ignore[attr-defined]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        parser = ReplyParser("CONNECT")
        while not parser.head_done:
            data = self.sock.recv(RECEIVE_SIZE)
            try:
                parser.feed(data) if data else parser.eof()
            except FetchError as fault:
                self.close()
                raise OSError(f"Tunnel connection failed: {fault.detail}") from fault
        if not 200 <= parser.status < 300:
            self.close()
            raise OSError(f"Tunnel connection failed: {parser.status} {parser.reason}")

    # -- the fetcher's side ----------------------------------------------------------------------

    def open(self) -> None:
        """Connect, through TLS where the scheme says so. Raises urllib3's exceptions, OSError, FetchError."""
        self.connect()

    def send_all(self, data: bytes) -> None:
        """Send ``data`` whole. Raises FetchError (``deadline``, ``read_timeout``), OSError."""
        self.sock.settimeout(self._left(self.read_timeout))
        try:
            self.sock.sendall(data)
        except TimeoutError as error:
            raise self._too_late("took no data") from error

    def receive(self, size: int = RECEIVE_SIZE) -> bytes:
        """What has come, at least one byte; nothing at the end. Raises FetchError (``deadline``, ``read_timeout``), OSError."""
        self.sock.settimeout(self._left(self.read_timeout))
        try:
            return self.sock.recv(size)
        except TimeoutError as error:
            raise self._too_late("sent nothing") from error

    def _too_late(self, what: str) -> FetchError:
        if self.deadline is not None and time.monotonic() >= self.deadline - 0.001:
            return FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return FetchError(ErrorKind.READ_TIMEOUT, f"the server {what} for {self.read_timeout:.3g} s")

    def condition(self) -> Condition:
        """Look whether the connection can be used again. Costs one system call where it can."""
        if self.sock is None or self._poll is None:
            return Condition.CLOSED
        if not self._pending() and not self._poll.poll(0):
            return Condition.QUIET
        try:
            self.sock.settimeout(0)
            return Condition.DIRTY if self.sock.recv(1) else Condition.CLOSED
        except (BlockingIOError, ssl.SSLWantReadError):
            return Condition.QUIET  # a TLS record that carries no data, a session ticket as a rule
        except OSError:
            return Condition.CLOSED

    def _pending(self) -> int:
        return 0

    def sever(self) -> None:
        """Cut the connection from another thread: whoever waits on it is woken."""
        for sock in (self._dialling, self.sock):
            if sock is not None:
                with contextlib.suppress(OSError, ValueError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    # -- urllib3's side --------------------------------------------------------------------------

    def getresponse(self) -> HTTPResponse:
        """The reply to what ``request`` sent, as urllib3's response. Raises as urllib3's own connection does."""
        options = self._response_options
        if options is None:
            raise http.client.ResponseNotReady
        self._response_options = None
        self.sock.settimeout(self.timeout)
        raw = RawReply(self, options.request_method)
        # http.client keeps its state under a private name; this says that the exchange is the raw reply's now.
        self._HTTPConnection__state = http.client._CS_IDLE  # type: ignore[attr-defined]
        return raw.as_response(options)


class TLSConnection(Connection, HTTPSConnection):
    """A connection through TLS."""

    def connect(self) -> None:
        """Connect and shake hands, within the connect timeout and the deadline."""
        HTTPSConnection.connect(self)
        opening = self.opening
        if opening.tls is None and self._opened_at is not None:
            opening.tls = time.monotonic() - self._opened_at

    _opened_at: float | None = None

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self._opened_at = time.monotonic()
        return sock

    def _pending(self) -> int:
        pending = getattr(self.sock, "pending", None)
        return pending() if pending else 0
