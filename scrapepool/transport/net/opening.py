"""Opens a connection in steps: the name look-up, the TCP connect, and a proxy's tunnel.

This module decides how long each step may take, and which addresses are allowed. ``tls_connection`` adds TLS,
and ``channel`` does the sends and receives on the open connection.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from ...fallbacks import IN, OUT
from ...model import ErrorKind, ProxyFault, TLSFacts
from ...named_tuple import NamedTuple
from ...running_clock import monotonic
from ..errors import FetchError, ProxyError, ResponseError
from ..http1.response import ResponseParser
from .channel import LEAST_TIMEOUT, NO_LIMIT, RECEIVE_SIZE, Channel
from .happy_eyeballs import dial
from .phase import Phase
from .resolver import Address, Resolver, literal
from .steps import Resume, Steps, Watch
from .urllib3_internals import HTTPConnectionHooks

CLOSED_TUNNEL = "the proxy closed the connection without a response"


class ConnectTimings(NamedTuple):
    """The seconds that each step of opening a connection took; None for a step that did not happen."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None


class Opening(Channel, HTTPConnectionHooks):
    """A connection that can be opened. The attributes of urllib3's connection give its destination.

    remote: the address that it is connected to; None if a proxy resolved the name.
    connect_timings: the timings of the last opening.
    on_open: called each time that the connection was opened.
    public_only: whether only public addresses are allowed; see ``address_policy``.
    opening_phase: the current phase of the opening and the monotonic time of its start; None once it is open.
    """

    resolver: ClassVar[Resolver] = Resolver()

    opens_in_steps: ClassVar[bool] = True
    """Whether ``opening`` never blocks. Otherwise the pool runs ``connect`` in a thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remote: str | None = None
        self.connect_timings: ConnectTimings = ConnectTimings()
        self.on_open: Callable[[], None] = _ignore
        self.public_only = False
        self.opening_phase: tuple[Phase, float] | None = None
        self._open_by = 0.0  # monotonic time by which the connection must be open
        self._step_ended = 0.0  # monotonic time at which the last step of the opening ended

    @property
    def connect_timeout(self) -> float | None:
        """The maximum seconds of the whole opening; None for no limit."""
        timeout: Any = self.timeout  # urllib3 may set its sentinel for "the default" here
        return None if timeout is Timeout.DEFAULT_TIMEOUT else timeout

    def postpone(self, seconds: float) -> None:
        """Move the deadline and the time limit of the opening by ``seconds``."""
        super().postpone(seconds)
        self._open_by += seconds

    def opening(self, resume: Resume) -> Steps[None]:
        """Connect, with a tunnel and TLS if required, and leave the socket non-blocking.

        Raises urllib3's exceptions, OSError and FetchError. The caller must close the connection after an error.
        """
        try:
            self.sock: Any = yield from self._connect_socket(resume)
            if self.tunnel_host:
                self.mark_proxy(connected=True)
                yield from self._request_tunnel()
            if self.has_records:
                yield from self._handshake()
            if self.proxy is not None:
                self.mark_proxy(connected=True)
        finally:
            self.opening_phase = None
        self.on_open()

    def tls_facts(self) -> TLSFacts | None:
        """Return what is known of the TLS connection to the host; None for a plain one."""
        return None

    def _handshake(self) -> Steps[None]:
        """Do the TLS handshake, if the connection has one."""
        raise NotImplementedError

    def _left(self, limit: float | None, now: float | None = None) -> float:
        """Return the seconds that a wait of at most ``limit`` may take now. Raises FetchError if no time is left."""
        if self._aborted:
            raise FetchError(ErrorKind.INTERRUPTED, "the run was stopped")
        limit = NO_LIMIT if limit is None else limit
        if self.deadline is None:
            return limit
        left = self.deadline - (monotonic() if now is None else now)
        if left <= 0:
            raise FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return left if left < limit else limit

    def _connect_socket(self, resume: Resume) -> Steps[socket.socket]:
        """Connect to the host, or to the proxy if there is one. Raises urllib3's exceptions and FetchError."""
        began, self.remote = monotonic(), None
        self._open_by = began + self._left(self.connect_timeout, began)
        host, port = self.host_to_resolve, self.port or self.default_port
        sock, timings, remote = yield from self._dial(host, port, self.socket_options or (), resume, began)
        sys.audit("http.client.connect", self, self.host, self.port)
        self.mark_opened()
        self.connect_timings = timings
        self.remote = remote if self.proxy is None else None
        return sock

    def _dial(
        self, host: str, port: int, options: Iterable[Any], resume: Resume, began: float
    ) -> Steps[tuple[socket.socket, ConnectTimings, str | None]]:
        """Connect to ``host`` before the time ``_open_by``. Raises urllib3's exceptions and FetchError.

        began: the monotonic time of now.
        """
        named, looked_up = began, None
        try:
            address = literal(host, port)
            if address is None:
                self.opening_phase = (Phase.NAME, began)
                addresses = yield from self._addresses(host, port, resume)
                named = monotonic()
                looked_up = named - began
            else:
                addresses = [address]
            if self.public_only:
                addresses = self._allowed(addresses)
            self.opening_phase = (Phase.CONNECTION, named)
            sock, connected = yield from dial(
                addresses, named, self._open_by, options=options, source=self.source_address
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {host} timed out. ({error})") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        if connected is not addresses[0]:
            self.resolver.prefer(host, connected)
        ended = self._step_ended = monotonic()
        return sock, ConnectTimings(looked_up, ended - named), connected.ip

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        """Return the addresses that are public. Raises NewConnectionError if none is."""
        from .address_policy import why_not_public  # noqa: PLC0415 - for --deny-private

        refused = {address.ip: why_not_public(address.ip) for address in addresses}
        allowed = [address for address in addresses if refused[address.ip] is None]
        if not allowed:
            detail = ", ".join(f"{ip} is not public ({why})" for ip, why in refused.items())
            raise NewConnectionError(self, detail) from FetchError(ErrorKind.FORBIDDEN_ADDRESS, detail)
        return allowed

    def _addresses(self, host: str, port: int, resume: Resume) -> Steps[list[Address]]:
        """Return the addresses of a name. Raises NameResolutionError, LocationParseError and FetchError."""
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
        """Raise FetchError if the connection was aborted."""
        if self._aborted:
            self._left(None)

    def _request_tunnel(self) -> Steps[None]:
        """Request a tunnel from the proxy. Raises OSError if the proxy refuses it, ValueError for an invalid header."""
        from ..http1.connect_request import connect_request, refused  # noqa: PLC0415 - for proxies

        request, parser = connect_request(*self.tunnel_request), ResponseParser("CONNECT")
        self.opening_phase = (Phase.HANDSHAKE, self._step_ended)
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
        seconds = (self.connect_timings.connect or 0.0) + now - self._step_ended
        self.connect_timings = self.connect_timings._replace(connect=seconds)
        self._step_ended = now

    def _exchange_connect(self, request: bytes, parser: ResponseParser) -> Steps[None]:
        unsent = memoryview(request)
        if not hasattr(self.sock, "send"):  # a socket of pyOpenSSL, in direct use of the session, has only ``sendall``
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
        """Wait for the socket, and return False if the time limit of the opening passed without an event."""
        self._check()
        event = yield Watch(((self.sock, events),), self._open_by)
        return event is not False or monotonic() < self._open_by

    @property
    def forwards(self) -> bool:
        """Whether a proxy forwards the requests; it then sends its own response if it cannot forward one."""
        return self.proxy is not None and self.tunnel_host is None

    def _no_tunnel(self, why: str) -> OSError:
        self.close()
        return OSError(f"Tunnel connection failed: {why}")


def _ignore() -> None:
    """Do nothing."""
