"""Small servers for the tests of connections: one script per connection, in a thread, and generated certificates."""

from __future__ import annotations

import contextlib
import datetime
import functools
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import trustme

from scrapepool.fallbacks import IN, OUT
from scrapepool.running_clock import monotonic
from scrapepool.settings import SizeLimits
from scrapepool.transport.exchange.exchange import Exchange
from scrapepool.transport.http1.body import Body
from scrapepool.transport.http1.response import ResponseParser
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.pool import HostPool
from scrapepool.transport.net.steps import POLL_NOW, ROOM, SLICE, Offload, Watch, drive

Script = Callable[[socket.socket], None]

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
LOOPBACK = ("127.0.0.1", 0)
SOON = 3.0
"""The seconds within which a prompt event has happened, with a large margin."""


def read_head(sock: socket.socket) -> bytes:
    """Return the head of one request; it is empty if the client closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    return data


def respond_to_all(sock: socket.socket) -> None:
    """Respond to every request with ``ok``."""
    while read_head(sock):
        sock.sendall(HEAD + b"ok")


def respond_with(response: bytes, *, close: bool = True) -> Script:
    """Return a script that sends these bytes for each request, and then closes or waits for the next request."""

    def script(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(response)
            if close:
                return

    return script


def silent(sock: socket.socket) -> None:
    """Read without a response until the client closes the connection."""
    while sock.recv(65536):
        pass


def opened(conn: Connection, pool: HostPool | None = None) -> Connection:
    """Open a connection as the event loop does, through its pool if one is given, and return it."""
    with ThreadPoolExecutor(1) as executor:
        if pool is None:
            drive(conn.opening, conn._check)
        else:
            drive(lambda resume: pool.opening(conn, resume, lambda: executor), conn._check)
    return conn


def exchanged(conn: Connection, request: bytes = REQUEST) -> Exchange:
    """Run one exchange over an open connection. Raises the error that ends it early."""
    exchange = Exchange("GET", reused=conn.served > 0)
    steps = exchange.run(conn, request, _new_body, Offload(_no_thread, lambda: None), follow=False)
    event: bool | None = None
    with contextlib.suppress(StopIteration):
        while True:
            event = _waited(conn, steps.send(event))
    return exchange


def response_body(exchange: Exchange) -> bytes:
    """Return the complete body of the response."""
    assert exchange.body is not None
    assert exchange.body.content is not None
    return exchange.body.content


def _no_thread() -> Executor:
    raise AssertionError("a short body is decoded in the thread that receives it")


def _new_body(parser: ResponseParser) -> Body:
    return Body(SizeLimits(), parser.values.get(b"content-encoding"), keep=True)


def _waited(conn: Connection, wanted: float | Watch | None) -> bool:
    """Wait for the connection as the event loop does, and return whether there was an event."""
    assert not isinstance(wanted, Watch)
    until = conn.wait_deadline(monotonic())
    if wanted in (POLL_NOW, SLICE):
        until = 0.0
    elif wanted is not None and wanted != ROOM:
        until = wanted
    poll = select.poll()
    poll.register(conn.sock, IN | OUT if wanted == ROOM else IN)
    return bool(poll.poll(max(0.0, until - monotonic()) * 1000))


class Server:
    """Runs ``script`` for each connection to ``at``. accepted: the number of connections so far."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, at: tuple[str, int] = LOOPBACK) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(at)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for sock in (self._listener, *self._socks):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            if sock is self._listener:
                sock.close()
        for thread in self._threads:
            thread.join(SOON)
        for sock in self._socks:
            sock.close()

    def refuse(self) -> None:
        """Accept no further connection."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def _begin(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.accepted += 1
                self._socks.append(sock)
                self._begin(self._converse, sock)

    def _converse(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._socks.append(sock)
            self._script(sock)
        sock.close()


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that accepts no connection, because its backlog is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.02)
        yield listener.getsockname()[1]


def closed_port() -> int:
    """Return a port of 127.0.0.1 without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def reset(sock: socket.socket) -> None:
    """Close the connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@functools.cache
def authority() -> trustme.CA:
    """Return the certificate authority that the tests trust."""
    return trustme.CA()


def server_context(*names: str, ca: trustme.CA | None = None, expired: bool = False) -> ssl.SSLContext:
    """Return a TLS context for a server, with a certificate for ``names``."""
    until = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if expired else None
    cert = (ca or authority()).issue_cert(
        *(names or ("127.0.0.1", "localhost")),
        not_before=until - datetime.timedelta(days=30) if until else None,
        not_after=until,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context
