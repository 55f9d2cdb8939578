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
import logging
import os
import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util.timeout import _DEFAULT_TIMEOUT
from urllib3.util.wait import wait_for_socket

from ..model import ErrorKind, ProxyFault
from ..uptime import UPTIME, monotonic
from .bandwidth import Bandwidth
from .dial import dial
from .doing import Phase
from .faults import FetchError, ProxyError, ReplyError
from .keep_alive import LONGEST_IDLE, read_keep_alive
from .public import why_not_public
from .raw import RawReply
from .reply import ReplyParser
from .resolver import Address, Resolver, literal
from .tunnel import connect_request, refused

if TYPE_CHECKING:
    from .capture import Capture

RECEIVE_SIZE = 64 * 1024
LARGE_RECEIVE_SIZE = 256 * 1024  # for a body that is known to be long
SEND_SIZE = 64 * 1024  # bytes of a long request between two looks at the clocks
NO_LIMIT = 3600.0  # seconds; what "no timeout" means to a name look-up and a TCP connect
SLACK = 0.1  # seconds that a socket's timeout may be too long; spares a system call for each wait
LOOK = 0.1  # seconds between two looks, in a wait of our own, at whether the run was stopped
SOONEST = 0.001  # seconds; a timeout of 0 would mean "do not wait"

log = logging.getLogger("urllib3.connection")  # where users of urllib3 look for what it says


CLOSED_TUNNEL = "the proxy closed the connection without a response"


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

    deadline: monotonic time at which every wait ends. read_timeout: seconds that one wait for data may take.
    served: replies taken whole. spoilt: bytes came that nobody asked for. remote: the address that answered, None where
    a proxy resolved its name. opening: what the last ``open`` took. on_open: called once for each connection made.
    public_only: see ``public``. capture: gets every byte that ``send_all`` sends and that is received.
    bandwidth: of the run, None for no limit.
    """

    resolver: ClassVar[Resolver] = Resolver()
    # Python's own timeouts poll before each call, and each system call lets go of the interpreter's lock and has to
    # get it back; the kernel's cost nothing. OpenSSL would take them for "try again", so TLS does without.
    _waits_in_kernel: ClassVar[bool] = os.name == "posix"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline: float | None = None
        self.read_timeout = NO_LIMIT
        self.served = 0
        self._idle_since = 0.0  # monotonic; when the last response ended
        self._idle_limit = LONGEST_IDLE
        self._requests_left: int | None = None  # that the server takes over this connection; None where it did not say
        self.spoilt = False
        self.remote: str | None = None
        self.opening = Opening()
        self.on_open: Callable[[], None] = _ignore
        self.public_only = False
        self.capture: Capture | None = None
        self.bandwidth: Bandwidth | None = None
        self._paid_at = 0.0  # monotonic; when what came last has come slowly enough
        self._severed = False
        self._open_by = 0.0  # monotonic; when what is being opened must be open
        self._dialled = 0.0  # monotonic; when the opening began
        self._reached = 0.0  # monotonic; when the last step of opening was done
        self._poll: select.poll | None = None
        self._armed = 0.0  # seconds that the socket waits; 0.0 where somebody else has set that

    def __repr__(self) -> str:
        return f"<{self} {'open' if self.sock else 'closed'}, served {self.served}>"

    @property
    def being_opened(self) -> tuple[Phase, float] | None:
        """Which step of opening is under way, and the monotonic time since when; None where none is."""
        if self.sock is not None:
            return None
        return Phase.NAME if self.resolver.is_asked(self._dns_host) else Phase.CONNECTION, self._dialled

    # -- opening ---------------------------------------------------------------------------------

    def _left(self, limit: float | None) -> float:
        """Seconds that a wait of at most ``limit`` may take now. Raises FetchError where none are left."""
        if self._severed:
            raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
        limit = NO_LIMIT if limit is None else limit
        if self.deadline is None:
            return limit
        left = self.deadline - monotonic()
        if left <= 0:
            raise FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return left if left < limit else limit

    def _new_conn(self) -> socket.socket:
        began, self.remote = monotonic(), None
        timeout: Any = self.timeout  # urllib3 lets its mark for "the default" slip in here
        limit = self._left(None if timeout is _DEFAULT_TIMEOUT else timeout)
        self._dialled, self._open_by = began, began + limit
        host, port = self._dns_host, self.port or self.default_port
        sock, opening, remote = self._dial(host, port, self.socket_options or ())
        sys.audit("http.client.connect", self, self.host, self.port)
        return self._began(sock, opening, remote)

    def _dial(self, host: str, port: int, options: Iterable[Any]) -> tuple[socket.socket, Opening, str | None]:
        """Connect to ``host`` by ``_open_by``. Raises urllib3's exceptions, FetchError."""
        began = monotonic()
        try:
            addresses = self._allowed(self._addresses(host, port))
            named = monotonic()
            sock, address = dial(
                addresses, self._open_by - named, options=options, source=self.source_address, check=self._check
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {host} timed out. ({error})") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        if address is not addresses[0]:
            self.resolver.prefer(host, address)
        looked_up = None if literal(host, port) else named - began
        return sock, Opening(dns=looked_up, connect=monotonic() - named), address.ip

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        """Those that may be connected to. Raises NewConnectionError where there is none."""
        if not self.public_only:
            return addresses
        refused = {address.ip: why_not_public(address.ip) for address in addresses}
        allowed = [address for address in addresses if refused[address.ip] is None]
        if not allowed:
            detail = ", ".join(f"{ip} is not public ({why})" for ip, why in refused.items())
            raise NewConnectionError(self, detail) from FetchError(ErrorKind.FORBIDDEN_ADDRESS, detail)
        return allowed

    def _addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of ``host``. Raises NameResolutionError, LocationParseError, FetchError."""
        address = literal(host, port)
        if address is not None:
            return [address]
        try:
            return self.resolver.resolve(host, port, self._open_by - monotonic(), self._check)
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
        if self._severed:
            self._left(None)

    def _began(self, sock: socket.socket, opening: Opening, remote: str | None) -> socket.socket:
        """Take note of a new connection, to the proxy if there is one; what is left of the time is the handshakes'."""
        self.served = 0
        self._idle_limit, self._requests_left = LONGEST_IDLE, None
        self.opening = opening
        self.remote = remote if self.proxy is None else None
        self._reached = monotonic()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._armed = 0.0
        sock.settimeout(max(SOONEST, self._open_by - self._reached))
        return sock

    def connect(self) -> None:
        """Connect within the connect timeout and the deadline, through a tunnel where one is set."""
        super().connect()
        self._opened()

    def _opened(self) -> None:
        timeout: Any = self.timeout
        self.sock.settimeout(None if timeout is _DEFAULT_TIMEOUT else timeout)
        self.on_open()

    def _tunnel(self) -> None:
        """Ask a proxy for a tunnel. Raises OSError where it gives none, ValueError for a header that cannot be."""
        host, port, headers = self._tunnel_host or "", self._tunnel_port, self._tunnel_headers  # type: ignore[attr-defined]
        request, parser = connect_request(host, port, headers), ReplyParser("CONNECT")
        try:
            self._ask_for_tunnel(request, parser)
        except ConnectionError as error:
            raise self._no_tunnel(CLOSED_TUNNEL) from ProxyError(
                ProxyFault.CLOSED, str(error.strerror or CLOSED_TUNNEL)
            )
        if not 200 <= parser.status < 300:
            refusal = refused(parser)
            raise self._no_tunnel(refusal.detail) from refusal
        if parser.leftover:
            raise self._no_tunnel("the proxy sent bytes that nobody asked for")
        now = monotonic()
        self.opening.connect = (self.opening.connect or 0.0) + now - self._reached
        self._reached = now
        self.sock.settimeout(max(SOONEST, self._open_by - now))

    def _ask_for_tunnel(self, request: bytes, parser: ReplyParser) -> None:
        self.sock.sendall(request)
        while not parser.head_done:
            self._check()
            self.sock.settimeout(max(SOONEST, self._open_by - monotonic()))
            data = self.sock.recv(RECEIVE_SIZE)
            try:
                parser.feed(data) if data else parser.eof()
            except FetchError as fault:
                closed = isinstance(fault, ReplyError) and fault.fresh
                raise self._no_tunnel(fault.detail) from (
                    ProxyError(ProxyFault.CLOSED, fault.detail) if closed else fault
                )

    @property
    def forwards(self) -> bool:
        """Whether a proxy forwards the requests, and responds itself where it cannot."""
        return self.proxy is not None and self._tunnel_host is None

    def _no_tunnel(self, why: str) -> OSError:
        self.close()
        return OSError(f"Tunnel connection failed: {why}")

    # -- the fetcher's side ----------------------------------------------------------------------

    def open(self) -> None:
        """Connect, through TLS where the scheme says so. Raises urllib3's exceptions, OSError, FetchError."""
        self.connect()

    def send_all(self, data: bytes) -> None:
        """Send ``data`` whole. Raises FetchError (``deadline``, ``read_timeout``, ``interrupted``), OSError."""
        if len(data) > SEND_SIZE:
            view = memoryview(data)
            for at in range(0, len(data), SEND_SIZE):
                self._send(view[at : at + SEND_SIZE])
        else:
            self._send(data)

    def _send(self, data: bytes | memoryview) -> None:
        self._arm()
        try:
            self.sock.sendall(data)
        except (TimeoutError, BlockingIOError) as error:
            raise self.too_late("took no data") from error
        if self.capture is not None:
            self.capture.sent(data)

    def receive(self, size: int = RECEIVE_SIZE, come: bool | None = None) -> bytes | None:
        """What has come, at least one byte; nothing at the end. come: True where somebody has seen that there is some.

        That may be less than can be handed out, a part of a TLS record for example; then it is None. Without ``come``
        it waits. Raises FetchError (``deadline``, ``read_timeout``, ``interrupted``), OSError.
        """
        bandwidth = self.bandwidth
        if bandwidth is not None:
            self.slow_down()
            size = min(size, bandwidth.piece)
        stood, waits = UPTIME.stood, self._prepare(come)
        try:
            data = self.sock.recv(size) or b""  # TLS within TLS says 0 at a ragged end
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError) as error:
            if not waits or UPTIME.was_stopped_since(stood):
                return None
            raise self.too_late() from error
        if bandwidth is not None:
            self._paid_at = bandwidth.took(len(data), time.monotonic())
        if self.capture is not None:
            self.capture.received(data)
        return data

    def receive_into(self, buffer: memoryview, come: bool | None = None) -> int | None:
        """As ``receive``, into a buffer; how many bytes came, 0 at the end."""
        bandwidth = self.bandwidth
        if bandwidth is not None:
            self.slow_down()
            buffer = buffer[: bandwidth.piece]
        stood, waits = UPTIME.stood, self._prepare(come)
        try:
            size = self.sock.recv_into(buffer)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError) as error:
            if not waits or UPTIME.was_stopped_since(stood):
                return None
            raise self.too_late() from error
        if bandwidth is not None:
            self._paid_at = bandwidth.took(size, time.monotonic())
        if self.capture is not None:
            self.capture.received(buffer[:size])
        return size

    def send_some(self, data: memoryview) -> int:
        """Send what there is room for now; how many bytes that was. Raises OSError."""
        self._do_not_wait()
        try:
            size = self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        if self.capture is not None:
            self.capture.sent(data[:size])
        return size

    def _prepare(self, come: bool | None) -> bool:
        """Set how long the next receive may wait; whether it may. come: as for ``receive``."""
        if not come:
            self._arm()
        elif not self._waits_in_kernel:
            self._do_not_wait()
            return False
        elif not self._armed:
            self._arm()
        return True

    def _do_not_wait(self) -> None:
        """Let no call of the socket wait."""
        self._armed = 0.0
        if self.sock.gettimeout() != 0.0:
            self.sock.settimeout(0)

    def await_room(self) -> None:
        """Wait until more can be sent, or something has come. Raises FetchError as ``send_all``."""
        stood = UPTIME.stood
        if self.pending() or wait_for_socket(self.sock, read=True, write=True, timeout=self.patience()):
            return
        if not UPTIME.was_stopped_since(stood):
            raise self.too_late("took no data")

    def arrived(self) -> bytes | None:
        """What has come by now, or some of it; None for nothing, no bytes at the end. Raises OSError."""
        if self._poll is None or not (self.pending() or self._poll.poll(0)):
            return None
        self._do_not_wait()
        try:
            data = self.sock.recv(RECEIVE_SIZE) or b""
        except (BlockingIOError, ssl.SSLWantReadError):
            return None  # a TLS record that carries no data, a session ticket as a rule
        if self.bandwidth is not None:
            self._paid_at = self.bandwidth.took(len(data), time.monotonic())
        if self.capture is not None:
            self.capture.received(data)
        return data

    def slow_down(self) -> None:
        """Wait until what came last is paid for. That is our own doing, so the deadline moves. Raises FetchError."""
        began = monotonic()
        while (wait := self._paid_at - time.monotonic()) > 0:
            self._check()
            time.sleep(min(wait, LOOK))
        if self.deadline is not None:
            self.deadline += monotonic() - began

    def _arm(self) -> None:
        """Let the socket wait as long as may be waited now; a timeout that is little longer is left as it is."""
        wanted = self._left(self.read_timeout)
        if wanted <= self._armed <= wanted + SLACK:
            return
        sock, self._armed = self.sock, wanted
        if not self._waits_in_kernel:
            sock.settimeout(wanted)
            return
        sock.settimeout(None)
        timeval = struct.pack("ll", int(wanted), int(wanted % 1 * 1e6) + 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)

    def gives_up_at(self, now: float) -> float:
        """The monotonic time until which a receive that begins now may wait."""
        until = now + self.read_timeout
        deadline = self.deadline
        return until if deadline is None or until < deadline else deadline

    def patience(self) -> float:
        """Seconds that a receive may wait now. Raises FetchError where none are left."""
        return self._left(self.read_timeout)

    def too_late(self, what: str = "sent nothing") -> FetchError:
        """What a wait that was in vain comes to."""
        if self.deadline is not None and monotonic() >= self.deadline - SOONEST:
            return FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return FetchError(ErrorKind.READ_TIMEOUT, f"the server {what} for {self.read_timeout:.3g} s")

    def condition(self) -> Condition:
        """Look whether the connection can be used. Costs one system call where it can."""
        if self.sock is None:
            return Condition.CLOSED
        try:
            data = self.arrived()
        except OSError:
            return Condition.CLOSED
        if data is None:
            return Condition.QUIET
        return Condition.DIRTY if data else Condition.CLOSED

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

    def sever(self) -> None:
        """Cut the connection from another thread, for good: whoever waits on it is woken, and opens it no more."""
        self._severed = True
        shut(self.sock)

    # -- urllib3's side --------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and silent."""
        return self.condition() is Condition.QUIET

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """The reply to what ``request`` sent, as urllib3's response. Raises as urllib3's own connection does."""
        options = self._response_options
        if options is None:
            raise http.client.ResponseNotReady
        self._response_options = None
        self._armed = 0.0
        self.sock.settimeout(self.timeout)
        shutdown = getattr(self.sock, "shutdown", None)  # TLS within TLS has none
        raw = RawReply(self, options.request_method)
        for note in raw.notes:
            url = f"{'https' if self.default_port == 443 else 'http'}://{self.host}:{self.port}{options.request_url}"
            log.warning("Failed to parse headers (url=%s): %s", url, note)
        # http.client keeps its state under a private name; this says that the exchange is the raw reply's now.
        self._HTTPConnection__state = http.client._CS_IDLE  # type: ignore[attr-defined]
        return raw.as_response(options, shutdown)


def _ignore() -> None:
    """Do nothing."""


def shut(sock: socket.socket | None) -> None:
    """End both directions, so that whoever waits is woken."""
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)  # below TLS within TLS
