"""Proxies in small, each with a thread a connection: forward and CONNECT by HTTP, and SOCKS5 (RFC 1928, RFC 1929).

Decides what is let through and what is written down of it; speaks only as much as tests need.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

JOIN = 2.0
"""Seconds that a connection's thread gets to notice that the proxy stops."""


class _Proxy:
    """Listens on 127.0.0.1 while its ``with`` block runs. asked: what clients wanted, in order."""

    scheme = ""

    def __init__(self, *, user: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self._user = user
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for sock in (self._listener, *self._socks):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(JOIN)
        for sock in self._socks:
            sock.close()

    def url(self, user: str | None = None) -> str:
        """The URL of this proxy, with ``user:password`` where they are given."""
        scheme = "https" if self._tls else self.scheme
        return f"{scheme}://{user + '@' if user else ''}127.0.0.1:{self.port}"

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._socks.append(sock)
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._socks.append(sock)
            self._converse(sock)
        sock.close()

    def _converse(self, sock: socket.socket) -> None:
        raise NotImplementedError

    def _relay(self, client: socket.socket, host: str, port: int, first: bytes = b"") -> None:
        """Join the client with the target until both have had enough."""
        with socket.create_connection((host, port)) as target:
            self._socks.append(target)
            target.sendall(first)
            self._start(_pump, target, client)
            _pump(client, target)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sink, socket.SHUT_WR)


class HTTPProxy(_Proxy):
    """Forwards absolute-form requests and opens tunnels.

    refuse: the status that a CONNECT gets instead of a tunnel. say: raw bytes instead of any answer, sent at once, or
    one by one with ``pause`` seconds between them.
    """

    scheme = "http"

    def __init__(
        self,
        *,
        user: str | None = None,
        tls: ssl.SSLContext | None = None,
        refuse: int | None = None,
        say: bytes = b"",
        pause: float = 0.0,
    ) -> None:
        super().__init__(user=user, tls=tls)
        self._refuse = refuse
        self._say = say
        self._pause = pause
        self._leaving = threading.Event()

    def __exit__(self, *exc_info: object) -> None:
        self._leaving.set()
        super().__exit__(*exc_info)

    def _converse(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536) or _leave()
        line, *fields = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, wanted, _ = line.split(" ")
        self.asked.append(f"{method} {wanted}")
        if self._say:
            step = 1 if self._pause else len(self._say)
            for at in range(0, len(self._say), step):
                sock.sendall(self._say[at : at + step])
                if self._leaving.wait(self._pause):
                    return
            sock.recv(1)
            return
        if self._user is not None:
            word = base64.b64encode(self._user.encode()).decode()
            if f"Proxy-Authorization: Basic {word}" not in fields:
                sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        if method == "CONNECT":
            if self._refuse is not None:
                sock.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self._refuse)
                return
            host, _, port = wanted.rpartition(":")
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(sock, host.strip("[]"), int(port))
        else:
            parts = urlsplit(wanted)
            kept = [field for field in fields if not field.lower().startswith("proxy-")]
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            first = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1")
            self._relay(sock, parts.hostname or "", parts.port or 80, first)


class SOCKS5Proxy(_Proxy):
    """Connects anywhere for clients that know the user, if there is one. fail: a reply code instead."""

    scheme = "socks5h"

    def __init__(self, *, user: str | None = None, fail: int = 0, silent: bool = False) -> None:
        super().__init__(user=user)
        self._fail = fail
        self._silent = silent

    def _converse(self, sock: socket.socket) -> None:
        _, count = _exactly(sock, 2)
        methods = _exactly(sock, count)
        if self._silent:
            sock.recv(1)
            return
        if self._user is None:
            sock.sendall(b"\x05\x00")
        elif 2 in methods:
            sock.sendall(b"\x05\x02")
            _, length = _exactly(sock, 2)
            name = _exactly(sock, length)
            word = _exactly(sock, _exactly(sock, 1)[0])
            good = f"{name.decode()}:{word.decode()}" == self._user
            sock.sendall(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return
        else:
            sock.sendall(b"\x05\xff")
            return
        kind = _exactly(sock, 4)[3]
        if kind == 3:
            host = _exactly(sock, _exactly(sock, 1)[0]).decode()
        else:
            host = socket.inet_ntop(
                *((socket.AF_INET, _exactly(sock, 4)) if kind == 1 else (socket.AF_INET6, _exactly(sock, 16)))
            )
        (port,) = struct.unpack("!H", _exactly(sock, 2))
        self.asked.append(f"{host}:{port}")
        sock.sendall(b"\x05" + bytes([self._fail]) + b"\x00\x01\x7f\x00\x00\x01\x00\x00")
        if not self._fail:
            self._relay(sock, host, port)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data)) or _leave()
    return data


def _leave() -> bytes:
    raise EOFError
