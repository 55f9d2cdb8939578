"""One connection as a hostile script sees it, and what a behaviour is.

Knows blocking sockets and how to be rude with them; which rudeness is the scripts' matter.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

DRIP_EVERY = 0.25
"""Seconds between two drips: shorter than any read timeout, so that only a deadline ends it."""

FAREWELL = 1.0
"""Seconds that a client gets to close its side, too, before the server lets go."""

OK = frozenset({"ok"})


class HangupError(Exception):
    """The connection is over, by whosever choice."""


def page(path: str) -> bytes:
    """The body of a path: it names it, so that a body that arrived for the wrong URL shows."""
    return f"This is {path}\n".encode("latin-1") * 4


def no_body(path: str) -> bytes:
    """The body of a reply that has none."""
    return b""


class Wire:
    """A connection. Every method raises HangupError or OSError once the client, or the server, has left.

    method, path, head: of the request that was read last. nth: which request of the connection it is, from 1.
    """

    def __init__(self, sock: socket.socket, leaving: threading.Event) -> None:
        self.sock = sock
        self.method = self.path = ""
        self.head = b""
        self.nth = 0
        self._leaving = leaving
        self._unread = b""

    def read_request(self) -> None:
        """Wait for a request's head. Its body, if it has one, is left unread."""
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._receive()
        self.head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        self.method, self.path, _ = self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        self.nth += 1

    def header(self, name: bytes) -> bytes | None:
        """A field of the request, by its lower-case name."""
        lines = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return next((value.strip() for field, _, value in lines if field.lower() == name), None)

    def send(self, data: bytes) -> None:
        """Send it all."""
        self.sock.sendall(data)

    def send_page(self, *fields: str) -> None:
        """Send a correct reply that names the path."""
        body = page(self.path)
        head = "\r\n".join(
            ("HTTP/1.1 200 OK", "Content-Type: text/plain", f"Content-Length: {len(body)}", *fields, "", "")
        )
        self.send(head.encode("latin-1") + (b"" if self.method == "HEAD" else body))

    def drip(self, pieces: Iterable[bytes], every: float = DRIP_EVERY) -> None:
        """Send a piece every so many seconds."""
        for piece in pieces:
            self.send(piece)
            self.pause(every)

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        if self._leaving.wait(seconds):
            raise HangupError

    def stay_silent(self) -> NoReturn:
        """Say nothing until the client leaves; what it still sends is read and dropped."""
        while True:
            self._receive()

    def stay_deaf(self) -> NoReturn:
        """Read nothing and say nothing until the server stops."""
        self._leaving.wait()
        raise HangupError

    def close(self) -> NoReturn:
        """End the connection in good order, so that what was sent arrives: FIN, then wait for the client's."""
        with contextlib.suppress(OSError):
            self.sock.settimeout(FAREWELL)
            plain = self.sock.unwrap() if isinstance(self.sock, ssl.SSLSocket) else self.sock
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
        raise HangupError

    def cut(self) -> NoReturn:
        """End the connection without the TLS layer's goodbye, where there is one."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        raise HangupError

    def reset(self) -> NoReturn:
        """End the connection by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise HangupError

    def _receive(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise HangupError
        return data


Script = Callable[[Wire], None]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Something that a server does wrong, or that clients get wrong.

    name: its slug, and the first segment of its path. about: one sentence.
    expected: what may come of it: outcome words (``ok``, ``unchanged``, ``deferred``) and error slugs. Clients are
    meant to have timeouts of a few seconds, a deadline not far above them, a size limit under 512 MiB and no retries.
    script: called once for a request; the connection goes on after it.
    at: ``request``, or ``connect`` to be called once before TLS and before any request is read.
    scheme: of its URLs, where that is not as the server was set up.
    method, upload: what to ask with: the method, and bytes of request body.
    body: of an ``ok`` reply to a path; None where a redirect leads elsewhere or nothing can be said.
    """

    name: str
    about: str
    expected: frozenset[str]
    script: Script
    at: Literal["request", "connect"] = "request"
    scheme: Literal["http", "https"] | None = None
    method: str = "GET"
    upload: int = 0
    body: Callable[[str], bytes] | None = page


def enter(zoo: list[Behaviour], *words: str | frozenset[str], **rest: Any) -> Callable[[Script], Script]:
    """Decorate a script to put it into a zoo, with its name and docstring; ``words`` are what is expected of it."""
    expected = frozenset[str]().union(*({word} if isinstance(word, str) else word for word in words))

    def entered(script: Script) -> Script:
        zoo.append(Behaviour(script.__name__, (script.__doc__ or "").strip(), expected, script, **rest))
        return script

    return entered
