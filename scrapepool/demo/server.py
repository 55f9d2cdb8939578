"""A small HTTP/1.1 server on loopback: asyncio in a thread of its own, one site for each address.

Decides how requests are read from a connection, in which order responses are sent, and what is counted. The responses
come, as bytes, from a function that is passed in. A delayed response is a timer, so thousands of slow requests need no
thread.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Self, cast

from .wire import Request, Respond, Site, Then, WireResponse

if TYPE_CHECKING:
    import ssl

MAX_HEAD = 64 * 1024
"""Largest request head, in bytes; nginx gives up at 32 KiB, Apache at 800 KiB."""

BACKLOG = 1024
"""Connections that may wait to be accepted: all workers of a client may connect at once."""

PORT_TRIES = 20
"""Most ephemeral ports that are tried until one is free on every address."""

_HARD_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: closing sends RST


def listen(addresses: Sequence[str], port: int = 0) -> list[socket.socket]:
    """Bind one socket per address, all to the same port (0: any port that is free on all of them).

    If the platform does not have these addresses (macOS has 127.0.0.1 alone), each host gets a port of its own:
    ``port``, ``port + 1`` and so on. Raises OSError if a port is taken.
    """
    tries = 1 if port else PORT_TRIES
    while True:
        tries -= 1
        try:
            return _bind_all((address, port) for address in addresses)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return _bind_all(("127.0.0.1", port and port + i) for i in range(len(addresses)))
            if error.errno != errno.EADDRINUSE or not tries:
                raise


def _bind_all(places: Iterator[tuple[str, int]]) -> list[socket.socket]:
    """Bind to all or to none. The other addresses get the same ephemeral port as the first."""
    bound: list[socket.socket] = []
    try:
        first: tuple[str, int] | None = None
        for address, port in places:
            free = first[1] if first and not port and address != first[0] else port
            bound.append(_bind(address, free))
            first = first or (address, bound[0].getsockname()[1])
    except OSError:
        for sock in bound:
            sock.close()
        raise
    return bound


def _bind(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _place(sock: socket.socket) -> tuple[str, int]:
    address, port = sock.getsockname()[:2]
    return address, port


class LoopbackServer:
    """Serves the responses of ``respond`` on bound sockets until it is closed.

    sockets: as ``listen`` returns them; the server closes them.
    tls: serve https.
    detail: count by target and keep the start times, which takes about 200 bytes per distinct target.
    ``sites`` are in the order of ``sockets``; ``in_flight`` and ``peak`` are over all of them. A request stops being in
    flight just before its response is sent, so a client that has the response finds it counted.
    """

    def __init__(
        self,
        respond: Respond,
        sockets: Sequence[socket.socket],
        *,
        tls: ssl.SSLContext | None = None,
        detail: bool = True,
    ) -> None:
        self.respond = respond
        self.detail = detail
        self.in_flight = self.peak = 0
        scheme = "https" if tls else "http"
        self.sites = tuple(Site(*_place(sock), scheme) for sock in sockets)
        self.connections: set[_Connection] = set()  # owned by the server's thread
        self._sockets = tuple(sockets)
        self._tls = tls
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="loopback-server", daemon=True)

    def start(self) -> None:
        """Start to serve. Raises whatever keeps the server from starting."""
        self._thread.start()
        self._running.result()

    def close(self) -> None:
        """Close every connection and stop listening. May be called twice."""
        if not self._thread.ident:
            for sock in self._sockets:
                sock.close()
        elif self._thread.is_alive():
            loop, stop = self._running.result()
            loop.call_soon_threadsafe(stop.set)
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - belongs to the thread that waits in start()
            if not self._running.done():
                self._running.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        servers = [
            await loop.create_server(partial(_Connection, self, site, loop), sock=sock, ssl=self._tls, backlog=BACKLOG)
            for site, sock in zip(self.sites, self._sockets, strict=True)
        ]
        self._running.set_result((loop, stop))
        await stop.wait()
        for server in servers:
            server.close()
        for connection in tuple(self.connections):
            connection.abort()
        while self.connections:
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection. Responses are strictly in order, each one after the one before was sent."""

    __slots__ = ("_buffer", "_choked", "_loop", "_pending", "_server", "_site", "_transport")

    def __init__(self, server: LoopbackServer, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._site = site
        self._loop = loop
        self._buffer = b""
        self._pending: asyncio.TimerHandle | None = None
        self._choked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._site.opened += 1
        self._site.open += 1
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio says who calls it how
        self._site.open -= 1
        self._server.connections.discard(self)
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
            self._end()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        self._advance()

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self._advance()

    def abort(self) -> None:
        """Close the connection with RST."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD_CLOSE)
        self._transport.abort()

    def _advance(self) -> None:
        """Respond to the requests in the buffer, until a response has to wait."""
        while self._buffer and self._pending is None and not self._choked and not self._transport.is_closing():
            request, keep = self._take()
            if request is None:
                return
            response = self._server.respond(request)
            if not keep and response.then is Then.KEEP:
                response = response._replace(then=Then.CLOSE)
            if request.method == "HEAD":
                response = response._replace(body=b"")
            if response.delay > 0:
                self._pending = self._loop.call_later(response.delay, self._send_later, response)
            else:
                self._send(response)

    def _take(self) -> tuple[Request | None, bool]:
        """Take the next whole request from the buffer, None if there is none; and whether to keep the connection."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
            return None, True
        head = self._buffer[:end]
        words = head[: head.find(b"\r\n")].split(b" ") if b"\r\n" in head else head.split(b" ")
        fields = head.lower()
        length = 0
        at = fields.find(b"\r\ncontent-length:")
        if at >= 0:
            digits = fields[at + 17 :].split(b"\r\n", 1)[0].strip()
            length = int(digits) if digits.isdigit() else -1
        if len(words) != 3 or length < 0:
            self._refuse(b"400 Bad Request")
            return None, True
        if b"\r\ntransfer-encoding:" in fields:
            self._refuse(b"411 Length Required")
            return None, True
        whole = end + 4 + length
        if len(self._buffer) < whole:
            return None, True
        body = self._buffer[end + 4 : whole]
        self._buffer = self._buffer[whole:]
        keep = b"\r\nconnection: close" not in fields and words[2] != b"HTTP/1.0"
        return self._begin(words[0].decode("latin-1"), words[1].decode("latin-1"), head, body), keep

    def _begin(self, method: str, target: str, head: bytes, body: bytes) -> Request:
        site, server = self._site, self._server
        site.requests += 1
        site.in_flight += 1
        site.peak = max(site.peak, site.in_flight)
        server.in_flight += 1
        server.peak = max(server.peak, server.in_flight)
        nth = 0
        if server.detail:
            nth = site.asked[target] = site.asked.get(target, 0) + 1
            site.starts.append(time.monotonic())
        return Request(site, method, target, head, body, nth)

    def _end(self) -> None:
        self._site.in_flight -= 1
        self._server.in_flight -= 1

    def _send_later(self, response: WireResponse) -> None:
        self._pending = None
        self._send(response)
        self._advance()

    def _send(self, response: WireResponse) -> None:
        self._end()
        if response.then is Then.RESET:
            self.abort()
            return
        self._transport.write(response.head + response.body)
        if response.then is Then.CLOSE:
            self._transport.close()

    def _refuse(self, status: bytes) -> None:
        self._buffer = b""
        self._transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self._transport.close()
