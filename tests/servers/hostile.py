"""A server that does everything wrong that servers do: a thread for each connection, scripted by path.

Decides who listens where and which script runs; the scripts, and what may come of them, are in ``zoo``. Each
behaviour has a host of its own, so that one's trouble is not another's.
Stand-alone: ``python -m tests.servers.hostile [NAME]…`` prints the URLs and serves until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Self

from scrapepool.demo.server import listen

from .wire import Behaviour, HangupError, Wire
from .zoo import ZOO

__all__ = ["ZOO", "Behaviour", "HostileServer", "Wire"]

JOIN = 2.0
"""Seconds that a script gets to notice that the server stops."""


class HostileServer:
    """Serves behaviours while its ``with`` block runs, each at an address of its own, 127.0.9.1 and on.

    names: of the behaviours, None for the whole zoo. tls: serve https where the behaviour does not say otherwise.
    extra: behaviours of the caller's own, beside the zoo's.

    On every host whose behaviour begins with a request, ``/plain/…`` is a correct page, ``/robots.txt`` is missing,
    and ``/<name>/…`` is that behaviour whichever host it is asked of.
    """

    def __init__(
        self, names: Iterable[str] | None = None, *, tls: ssl.SSLContext | None = None, extra: Sequence[Behaviour] = ()
    ) -> None:
        self.behaviours = {name: ZOO[name] for name in (ZOO if names is None else names)}
        self.behaviours |= {behaviour.name: behaviour for behaviour in extra}
        self.opened = dict.fromkeys(self.behaviours, 0)
        self.paths: list[str] = []
        self._tls = tls
        self._listeners = listen([f"127.0.9.{i + 1}" for i in range(len(self.behaviours))])
        self._places = dict(zip(self.behaviours, (sock.getsockname()[:2] for sock in self._listeners), strict=True))
        self._leaving = threading.Event()
        self._lock = threading.Lock()  # guards the next two, opened and paths
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._wake, self._woken = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="hostile-accept", daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def url(self, name: str, n: int | str = 0) -> str:
        """The URL of a behaviour; ``n`` tells several of them apart."""
        return f"{self.origin(name)}/{name}/{n}"

    def plain_url(self, name: str, n: int | str = 0) -> str:
        """The URL of a correct page on the same host."""
        return f"{self.origin(name)}/plain/{n}"

    def origin(self, name: str) -> str:
        """The host of a behaviour."""
        address, port = self._places[name]
        return f"{self.behaviours[name].scheme or ('https' if self._tls else 'http')}://{address}:{port}"

    def expected_body(self, name: str, n: int | str = 0) -> bytes | None:
        """The decoded body of an ``ok`` answer to ``url(name, n)``; None where nothing can be said."""
        body = self.behaviours[name].body
        return body(f"/{name}/{n}") if body else None

    def close(self) -> None:
        """Cut every connection and wait for the threads. May be called twice."""
        self._leaving.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        if self._acceptor.ident:
            self._acceptor.join()
        for sock in (*self._listeners, self._wake, self._woken):
            sock.close()
        with self._lock:
            sockets, threads = tuple(self._sockets), tuple(self._threads)
        for sock in sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in threads:
            thread.join(JOIN)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            for name, listener in zip(self.behaviours, self._listeners, strict=True):
                selector.register(listener, selectors.EVENT_READ, name)
            while not self._leaving.is_set():
                for key, _ in selector.select():
                    if key.data is not None and isinstance(key.fileobj, socket.socket):
                        with contextlib.suppress(OSError):
                            self._begin(key.data, key.fileobj.accept()[0])

    def _begin(self, name: str, sock: socket.socket) -> None:
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=self._converse, args=(name, sock), name=f"hostile-{name}", daemon=True)
        with self._lock:
            self.opened[name] += 1
            self._threads.add(thread)
            self._sockets.add(sock)
        thread.start()

    def _converse(self, name: str, sock: socket.socket) -> None:
        behaviour = self.behaviours[name]
        try:
            with contextlib.suppress(HangupError, OSError):
                if behaviour.at == "connect":
                    behaviour.script(Wire(sock, self._leaving))
                    return
                if self._tls and behaviour.scheme != "http":
                    with self._lock:
                        self._sockets.discard(sock)
                        sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                        self._sockets.add(sock)
                    sock.do_handshake()
                wire = Wire(sock, self._leaving)
                while True:
                    wire.read_request()
                    self._answer(behaviour, wire)
        finally:
            sock.close()
            with self._lock:
                self._sockets.discard(sock)
                self._threads.discard(threading.current_thread())

    def _answer(self, behaviour: Behaviour, wire: Wire) -> None:
        with self._lock:
            self.paths.append(wire.path)
        first = wire.path.split("/")[1]
        if first == "plain":
            wire.send_page()
        elif first == "robots.txt":
            wire.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            self.behaviours.get(first, behaviour).script(wire)


def main(names: Sequence[str]) -> None:
    """Print the URLs, with what may come of each, and serve until Ctrl-C."""
    with HostileServer(names or None) as server, contextlib.suppress(KeyboardInterrupt):
        for name, behaviour in server.behaviours.items():
            print(f"{server.url(name)}\t{' | '.join(sorted(behaviour.expected))}\t{behaviour.about}", flush=True)  # noqa: T201 - its output
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
