"""One connection of a pool: urllib3's, with our parser, and with timeouts that hold.

Decides how bytes get to a server and back: TCP, tunnels, TLS, a deadline on every wait; and whether the connection is
clean enough to serve again. What a response means is for ``response.ResponseParser``; which connection serves what is
for the pool.

There are two ways in. ``requests`` and ``urllib3`` use ``connect``, ``request`` and ``getresponse`` as on any urllib3
connection, and block. The event loop uses ``opening``, ``send_some`` and ``receive``, which never block: whatever
waits is a step (``steps``), whose end ``deadline`` and ``read_timeout`` decide.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Protocol

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util.timeout import _DEFAULT_TIMEOUT

from ...fallbacks import IN, OUT
from ...model import ErrorKind, ProxyFault
from ...uptime import monotonic
from ..errors import FetchError, ProxyError, ResponseError
from ..http1.connect_request import connect_request, refused
from ..http1.keep_alive import LONGEST_IDLE, read_keep_alive
from ..http1.response import ResponseParser
from .address_policy import why_not_public
from .bandwidth import Bandwidth
from .happy_eyeballs import dial
from .phase import Phase
from .resolver import Address, Resolver, literal
from .steps import Resume, Steps, Watch, drive
from .urllib3_response import RawResponse

RECEIVE_SIZE = 64 * 1024
LARGE_RECEIVE_SIZE = 256 * 1024  # for a body that is known to be long
NO_LIMIT = 3600.0  # seconds; what "no timeout" means to a name look-up and a TCP connect
SOONEST = 0.001  # seconds; a timeout of 0 would mean "do not wait"

log = logging.getLogger("urllib3.connection")  # where users of urllib3 look for what it says


CLOSED_TUNNEL = "the proxy closed the connection without a response"


class Recorder(Protocol):
    """What goes over the wire is written down by."""

    def sent(self, data: bytes | memoryview) -> None:
        """Take bytes that were sent."""

    def received(self, data: bytes | memoryview) -> None:
        """Take bytes that were received."""


class Condition(Enum):
    """What a connection that is not in use looks like."""

    QUIET = auto()
    """Open and silent: fit for another request."""
    CLOSED = auto()
    """The peer closed it, as it may."""
    UNEXPECTED_DATA = auto()
    """Bytes came that nobody asked for: what came before may belong to another request."""


@dataclass(slots=True)
class ConnectTimings:
    """What it took to open a connection, in seconds; the step that did not happen is None."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None


class Connection(HTTPConnection):
    """A plain connection.

    deadline: monotonic time at which every wait ends. read_timeout: seconds that one wait for data may take.
    served: responses taken whole. remote: the address that it is connected to, None where a proxy resolved the name.
    connect_timings: of the last opening. on_open: called once for each connection made.
    public_only: see ``address_policy``. capture: gets every byte that is sent and received, None for nobody.
    bandwidth: of the run, None for no limit.
    """

    resolver: ClassVar[Resolver] = Resolver()
    sock: socket.socket | Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline: float | None = None
        self.read_timeout = NO_LIMIT
        self.served: int = 0
        self._idle_since = 0.0  # monotonic; when the last response ended
        self._idle_limit = LONGEST_IDLE
        self._requests_left: int | None = None  # that the server takes over this connection; None where it did not say
        self.remote: str | None = None
        self.connect_timings: ConnectTimings = ConnectTimings()
        self.on_open: Callable[[], None] = _ignore
        self.public_only = False
        self.capture: Recorder | None = None
        self.bandwidth: Bandwidth | None = None
        self.opening_phase: tuple[Phase, float] | None = None
        self._low_water = 1
        self._paid_at = 0.0  # monotonic; when what came last has come slowly enough
        self._aborted = False
        self._open_by = 0.0  # monotonic; when what is being opened must be open
        self._reached = 0.0  # monotonic; when the last step of opening was done

    def __repr__(self) -> str:
        return f"<{self} {'open' if self.sock else 'closed'}, served {self.served}>"

    # -- opening ---------------------------------------------------------------------------------

    def _left(self, limit: float | None) -> float:
        """Seconds that a wait of at most ``limit`` may take now. Raises FetchError where none are left."""
        if self._aborted:
            raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
        limit = NO_LIMIT if limit is None else limit
        if self.deadline is None:
            return limit
        left = self.deadline - monotonic()
        if left <= 0:
            raise FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return left if left < limit else limit

    def _new_conn(self) -> socket.socket:
        """Connect, blocking; urllib3's ``connect`` calls this."""
        sock = drive(self._dialled, self._check)
        sock.settimeout(max(SOONEST, self._open_by - self._reached))
        return sock

    def _dialled(self, resume: Resume) -> Steps[socket.socket]:
        """A TCP connection to the host, or to the proxy if there is one. Raises urllib3's exceptions, FetchError."""
        began, self.remote = monotonic(), None
        timeout: Any = self.timeout  # urllib3 lets its mark for "the default" slip in here
        limit = self._left(None if timeout is _DEFAULT_TIMEOUT else timeout)
        self._open_by = began + limit
        host, port = self._dns_host, self.port or self.default_port
        sock, timings, remote = yield from self._dial(host, port, self.socket_options or (), resume)
        sys.audit("http.client.connect", self, self.host, self.port)
        self.served = 0
        self._idle_limit, self._requests_left = LONGEST_IDLE, None
        self.connect_timings = timings
        self.remote = remote if self.proxy is None else None
        self._reached = monotonic()
        return sock

    def _dial(
        self, host: str, port: int, options: Iterable[Any], resume: Resume
    ) -> Steps[tuple[socket.socket, ConnectTimings, str | None]]:
        """Connect to ``host`` by ``_open_by``. Raises urllib3's exceptions, FetchError."""
        began = named = monotonic()
        try:
            address = literal(host, port)
            if address is None:
                self.opening_phase = (Phase.NAME, began)
                addresses = yield from self._addresses(host, port, resume)
                named = monotonic()
            else:
                addresses = [address]
            if self.public_only:
                addresses = self._allowed(addresses)
            self.opening_phase = (Phase.CONNECTION, named)
            sock, connected = yield from dial(addresses, self._open_by, options=options, source=self.source_address)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {host} timed out. ({error})") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        if connected is not addresses[0]:
            self.resolver.prefer(host, connected)
        looked_up = None if address is not None else named - began
        return sock, ConnectTimings(dns=looked_up, connect=monotonic() - named), connected.ip

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        """Those that are public. Raises NewConnectionError where there is none."""
        refused = {address.ip: why_not_public(address.ip) for address in addresses}
        allowed = [address for address in addresses if refused[address.ip] is None]
        if not allowed:
            detail = ", ".join(f"{ip} is not public ({why})" for ip, why in refused.items())
            raise NewConnectionError(self, detail) from FetchError(ErrorKind.FORBIDDEN_ADDRESS, detail)
        return allowed

    def _addresses(self, host: str, port: int, resume: Resume) -> Steps[list[Address]]:
        """The addresses of a name. Raises NameResolutionError, LocationParseError, FetchError."""
        try:
            return (yield from self.resolver.find(host, port, self._open_by, resume))
        except FetchError as fault:
            if fault.kind is not ErrorKind.DNS:
                raise
            try:
                host.encode("idna")
            except UnicodeError:
                raise LocationParseError(f"{host!r}, label empty or too long") from None
            raise NameResolutionError(self.host, self, socket.gaierror(fault.detail)) from fault

    def _check(self) -> None:
        """Raise FetchError where the connection was severed."""
        if self._aborted:
            self._left(None)

    def connect(self) -> None:
        """Connect within the connect timeout and the deadline, through a tunnel where one is set; blocking."""
        super().connect()
        self._opened()

    def _opened(self) -> None:
        timeout: Any = self.timeout
        self.opening_phase = None
        self.sock.settimeout(None if timeout is _DEFAULT_TIMEOUT else timeout)
        self.on_open()

    def _tunnel(self) -> None:
        """Request a tunnel, blocking; urllib3's ``connect`` calls this."""
        drive(lambda _: self._tunnelling(), self._check)
        self.sock.settimeout(max(SOONEST, self._open_by - self._reached))

    def _tunnelling(self) -> Steps[None]:
        """Request a tunnel of the proxy. Raises OSError where it gives none, ValueError for an invalid header."""
        host, port, headers = self._tunnel_host or "", self._tunnel_port, self._tunnel_headers  # type: ignore[attr-defined]
        request, parser = connect_request(host, port, headers), ResponseParser("CONNECT")
        self.opening_phase = (Phase.HANDSHAKE, self._reached)
        self.make_non_blocking()
        try:
            yield from self._exchange_connect(request, parser)
        except ConnectionError as error:
            raise self._no_tunnel(CLOSED_TUNNEL) from ProxyError(
                ProxyFault.CLOSED, str(error.strerror or CLOSED_TUNNEL)
            )
        if not 200 <= parser.status < 300:
            refusal = refused(parser)
            raise self._no_tunnel(refusal.detail) from refusal
        if parser.leftover:
            raise self._no_tunnel("the proxy sent unsolicited data")
        now = monotonic()
        self.connect_timings.connect = (self.connect_timings.connect or 0.0) + now - self._reached
        self._reached = now

    def _exchange_connect(self, request: bytes, parser: ResponseParser) -> Steps[None]:
        unsent = memoryview(request)
        if not hasattr(self.sock, "send"):  # pyOpenSSL's, in direct use: it can only send all
            self.sock.settimeout(max(SOONEST, self._open_by - monotonic()))
            self.sock.sendall(request)
            self.sock.settimeout(0)
            unsent = unsent[:0]
        while unsent:
            unsent = unsent[self.send_some(unsent) :]
            if unsent and not (yield from self._ready(OUT)):
                raise TimeoutError("timed out")
        while not parser.head_done:
            if (data := self.receive(RECEIVE_SIZE)) is None:
                if not (yield from self._ready(IN)):
                    raise TimeoutError("timed out")
                continue
            try:
                parser.feed(data) if data else parser.eof()
            except FetchError as fault:
                closed = isinstance(fault, ResponseError) and fault.fresh
                raise self._no_tunnel(fault.detail) from (
                    ProxyError(ProxyFault.CLOSED, fault.detail) if closed else fault
                )

    def _ready(self, events: int) -> Steps[bool]:
        """Wait for the socket; whether there may be an event before the connection must be open."""
        self._check()
        event = yield Watch(((self.sock, events),), self._open_by)
        return event is not False or monotonic() < self._open_by

    @property
    def forwards(self) -> bool:
        """Whether a proxy forwards the requests, and responds itself where it cannot."""
        return self.proxy is not None and self._tunnel_host is None

    def _no_tunnel(self, why: str) -> OSError:
        self.close()
        return OSError(f"Tunnel connection failed: {why}")

    # -- the event loop's side -------------------------------------------------------------------

    has_records: ClassVar[bool] = False
    """Whether a receive gives one record at most, so that there may be more without a wait."""

    opens_in_steps: ClassVar[bool] = True
    """Whether ``opening`` has steps for all that it waits for; else it runs ``connect`` on a thread of its own."""

    def opening(self, resume: Resume) -> Steps[None]:
        """Connect, through a tunnel and TLS where these are due; the socket is non-blocking then.

        Raises urllib3's exceptions, OSError, FetchError; the connection is to be closed then.
        """
        try:
            self.sock = yield from self._dialled(resume)
            if self._tunnel_host:
                self._has_connected_to_proxy = True
                yield from self._tunnelling()
            yield from self._handshake()
            self._has_connected_to_proxy = bool(self.proxy)
        finally:
            self.opening_phase = None
        self.on_open()

    def _handshake(self) -> Steps[None]:
        """What follows once bytes can be sent: nothing, without TLS."""
        yield from ()

    def receive(self, size: int = RECEIVE_SIZE) -> bytes | None:
        """What has come, at least one byte; None where nothing has, no bytes at the end. Raises OSError."""
        if self.bandwidth is not None:
            size = min(size, self.bandwidth.piece)
        try:
            data = self.sock.recv(size) or b""  # TLS within TLS says 0 at a ragged end
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except TimeoutError as error:
            if error.errno is not None:
                raise
            return None  # pyOpenSSL's way to say so
        if self.bandwidth is not None:
            self._paid_at = self.bandwidth.took(len(data), time.monotonic())
        if self.capture is not None:
            self.capture.received(data)
        return data

    def receive_into(self, buffer: memoryview) -> int | None:
        """As ``receive``, into a buffer; how many bytes came, 0 at the end."""
        if self.bandwidth is not None:
            buffer = buffer[: self.bandwidth.piece]
        try:
            size = self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if self.bandwidth is not None:
            self._paid_at = self.bandwidth.took(size, time.monotonic())
        if self.capture is not None:
            self.capture.received(buffer[:size])
        return size

    def wait_for_much(self, size: int) -> None:
        """Have the socket be readable only once so many bytes have come, or the end. Through TLS there is no such."""
        if size != self._low_water and not self.has_records and self.sock is not None:
            self._low_water = size
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def send_some(self, data: bytes | memoryview) -> int:
        """Send what there is room for now; how many bytes that was. Raises OSError."""
        try:
            size = self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        if self.capture is not None:
            self.capture.sent(data[:size])
        return size

    def throttle(self) -> Steps[None]:
        """Wait until what came last is within the bandwidth. The wait is our own, so the deadline moves."""
        began = monotonic()
        while not self._aborted and (left := self._paid_at - time.monotonic()) > 0:
            yield Watch((), monotonic() + left)
        if self.deadline is not None:
            self.deadline += monotonic() - began

    def make_non_blocking(self) -> None:
        """Let no call of the socket wait, whoever used it before."""
        # pyOpenSSL's sockets, which urllib3 can be told to use, have no such method.
        timeout = getattr(self.sock, "gettimeout", None)
        if timeout is None or timeout() != 0.0:
            self.sock.settimeout(0)

    def wait_deadline(self, now: float) -> float:
        """The monotonic time until which a receive that begins now may wait."""
        until = now + self.read_timeout
        deadline = self.deadline
        return until if deadline is None or until < deadline else deadline

    def postpone(self, seconds: float) -> None:
        """Move the ends of all waits."""
        self._open_by += seconds
        if self.deadline is not None:
            self.deadline += seconds

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and monotonic() >= self.deadline - SOONEST

    def timeout_error(self, what: str = "sent nothing") -> FetchError:
        """What a wait that was in vain comes to."""
        if self.is_late:
            return FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return FetchError(ErrorKind.READ_TIMEOUT, f"the server {what} for {self.read_timeout:.3g} s")

    def condition(self) -> Condition:
        """Look whether the connection can be used. Costs one system call where it can."""
        if self.sock is None:
            return Condition.CLOSED
        try:
            self.make_non_blocking()
            data = self.receive()
        except OSError:
            return Condition.CLOSED
        if data is None:
            return Condition.QUIET
        return Condition.UNEXPECTED_DATA if data else Condition.CLOSED

    def pending(self) -> int:
        """Bytes that were received and not handed out yet, which no poll tells of."""
        return 0

    def takes_another(self, keep_alive: bytes | None, now: float) -> bool:
        """Take note of a whole response that left the connection open; whether it may serve again.

        keep_alive: the response's Keep-Alive field. now: monotonic.
        """
        self.served += 1
        self._idle_since = now
        if keep_alive is not None:
            timeout, most = read_keep_alive(keep_alive)
            self._idle_limit = LONGEST_IDLE if timeout is None else min(timeout, LONGEST_IDLE)
            if most is not None:
                self._requests_left = most + 1
        if self._requests_left is not None:
            self._requests_left -= 1
            return self._requests_left > 0
        return True

    def is_stale(self, now: float) -> bool:
        """Whether the connection has been idle for so long that the server may be about to close it."""
        return now - self._idle_since >= self._idle_limit

    def abort(self) -> None:
        """Cut the connection from another thread, for good: whoever waits on it is woken, and opens it no more."""
        self._aborted = True
        shut(self.sock)

    # -- urllib3's side --------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and silent."""
        return self.condition() is Condition.QUIET

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """The response to what ``request`` sent, as urllib3's response. Raises as urllib3's own connection does."""
        options = self._response_options
        if options is None:
            raise http.client.ResponseNotReady
        self._response_options = None
        self.sock.settimeout(self.timeout)
        shutdown = getattr(self.sock, "shutdown", None)  # TLS within TLS has none
        raw = RawResponse(self, options.request_method)
        for note in raw.notes:
            url = f"{'https' if self.default_port == 443 else 'http'}://{self.host}:{self.port}{options.request_url}"
            log.warning("Failed to parse headers (url=%s): %s", url, note)
        # http.client keeps its state under a private name; this says that the exchange is the raw response's now.
        self._HTTPConnection__state = http.client._CS_IDLE  # type: ignore[attr-defined]
        return raw.as_response(options, shutdown)


def _ignore() -> None:
    """Do nothing."""


def shut(sock: socket.socket | None) -> None:
    """End both directions, so that whoever waits is woken."""
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)  # below TLS within TLS
