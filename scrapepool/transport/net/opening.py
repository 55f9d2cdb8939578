"""How a connection is opened, in steps: name, TCP, a proxy's tunnel; TLS comes on top of that.

Decides how long each step may take, which addresses are allowed, and what a proxy's refusal means. What goes over the
connection afterwards is for ``channel``.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.timeout import _DEFAULT_TIMEOUT

from ...fallbacks import IN, OUT
from ...model import ErrorKind, ProxyFault
from ...running_clock import monotonic
from ..errors import FetchError, ProxyError, ResponseError
from ..http1.connect_request import connect_request, refused
from ..http1.response import ResponseParser
from .address_policy import why_not_public
from .channel import LEAST_TIMEOUT, NO_LIMIT, RECEIVE_SIZE, Channel
from .happy_eyeballs import dial
from .phase import Phase
from .resolver import Address, Resolver, literal
from .steps import Resume, Steps, Watch

CLOSED_TUNNEL = "the proxy closed the connection without a response"


@dataclass(slots=True)
class ConnectTimings:
    """What it took to open a connection, in seconds; the step that did not happen is None."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None


class Opening(Channel, HTTPConnection):
    """A connection that can be opened. The attributes of urllib3's connection say where it leads.

    remote: the address that it is connected to, None where a proxy resolved the name. connect_timings: of the last
    opening. on_open: called once for each connection made. public_only: see ``address_policy``. opening_phase: what is
    being done, and since which monotonic time; None once it is open.
    """

    resolver: ClassVar[Resolver] = Resolver()

    opens_in_steps: ClassVar[bool] = True
    """Whether ``opening`` has steps for all that it waits for; else it runs ``connect`` on a thread of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remote: str | None = None
        self.connect_timings: ConnectTimings = ConnectTimings()
        self.on_open: Callable[[], None] = _ignore
        self.public_only = False
        self.opening_phase: tuple[Phase, float] | None = None
        self._open_by = 0.0  # monotonic; when what is being opened must be open
        self._reached = 0.0  # monotonic; when the last step of opening was done

    @property
    def connect_timeout(self) -> float | None:
        """Seconds for the whole opening; None for no limit."""
        timeout: Any = self.timeout  # urllib3 lets its mark for "the default" slip in here
        return None if timeout is _DEFAULT_TIMEOUT else timeout

    def postpone(self, seconds: float) -> None:
        """Move the ends of all waits."""
        super().postpone(seconds)
        self._open_by += seconds

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

    def _dialled(self, resume: Resume) -> Steps[socket.socket]:
        """A TCP connection to the host, or to the proxy if there is one. Raises urllib3's exceptions, FetchError."""
        began, self.remote = monotonic(), None
        limit = self._left(self.connect_timeout)
        self._open_by = began + limit
        host, port = self._dns_host, self.port or self.default_port
        sock, timings, remote = yield from self._dial(host, port, self.socket_options or (), resume)
        sys.audit("http.client.connect", self, self.host, self.port)
        self.begin_anew()
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
            self.sock.settimeout(max(LEAST_TIMEOUT, self._open_by - monotonic()))
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


def _ignore() -> None:
    """Do nothing."""
