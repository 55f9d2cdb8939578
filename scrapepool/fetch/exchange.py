"""One request and its reply over an open connection.

Decides how bytes go out and come in: what an early answer to an unread upload means, how a body is received against
its limits, and how long each step took. Closes no connection and opens none; knows no targets, no retries.

What has to wait is a generator (``Waits``), so that a thread may work several leases in turns; see ``turns``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from ssl import SSLError
from typing import TypeVar

from ..model import Saved, Timings
from .body import Body
from .connection import LARGE_RECEIVE_SIZE, RECEIVE_SIZE, Connection
from .content_range import check_range
from .faults import FetchError
from .redirect import STATUSES
from .reply import ReplyParser

T = TypeVar("T")

LARGE = 1024 * 1024  # a body from this length on is received in larger pieces
LONG_REQUEST = (
    64 * 1024
)  # one that may not fit into the socket's buffer, so that the server may answer while it is sent
UPLOAD_PIECE = 16 * 1024  # less than the room that a socket has once it says that it can be written to
MISSING_END = 0.5  # seconds that the end of a message is waited for after all of its body has come
HOP_BODY = 64 * 1024  # bytes of a redirect's body that are read to save its connection
monotonic = time.monotonic

NewBody = Callable[[ReplyParser], Body]
"""Gets the reply's head."""

Waits = Generator[float | None, bool | None, T]
"""Yields before each wait for bytes: None for as long as the connection allows, or the monotonic time of its end.

It is sent False where that time passed without a byte; True where there is one; None to do the waiting itself.
"""

LOOK = 0.0
"""What is yielded for no wait at all: only whether there is a byte by now."""


class Exchange:
    """A request and its reply.

    sent, headed, ended: monotonic times of the first byte sent, the header block's end, the last byte read; 0.0 for
    what has not come. unsent: the server answered before it had the whole request. location: where the reply redirects
    to, None where it does not or is not followed. body: None before the head.
    """

    __slots__ = ("body", "ended", "headed", "location", "parser", "reused", "sent", "unsent")

    def __init__(self, method: str, *, reused: bool) -> None:
        self.parser = ReplyParser(method)
        self.reused = reused
        self.sent = self.headed = self.ended = 0.0
        self.body: Body | None = None
        self.location: bytes | None = None
        self.unsent = False

    def run(
        self, conn: Connection, request: bytes, new_body: NewBody, follow: bool, ranged: bool = False
    ) -> Waits[None]:
        """Send ``request`` and read the reply.

        follow: a redirect is followed, so that its body is of no interest. ranged: ``request`` asks for a range.
        Raises FetchError, OSError.
        """
        parser = self.parser
        if conn.bandwidth is not None:
            conn.slow_down()
        self.sent = monotonic()
        self._send(conn, request)
        while not parser.head_done:
            if (come := (yield None)) is False:
                raise conn.too_late()
            data = conn.receive(RECEIVE_SIZE, come)
            if data:
                parser.feed(data)
            else:
                parser.eof()
        self.headed = monotonic()
        if follow and parser.status in STATUSES:
            self.location = parser.get(b"location")
        if self.location is not None:
            yield from self._pass_over_body(conn)
        else:
            unexpected_part = parser.status == 206 and not ranged
            if unexpected_part:
                check_range(parser)
            body = self.body = new_body(parser)
            body.declare(parser.length)
            if not parser.done:
                yield from self._receive_body(conn, body)
            for piece in parser.take():
                body.feed(piece)
            if unexpected_part:
                check_range(parser, None if body.full else body.wire)
            body.finish()
        self.ended = monotonic()

    @property
    def saved(self) -> Saved | None:
        """The body as a file, where it has become one."""
        return None if self.body is None else self.body.saved

    def timings(self, conn: Connection) -> Timings:
        """How long each step took."""
        ttfb, download = self.headed - self.sent, self.ended - self.headed
        if self.reused:
            return Timings(None, None, None, ttfb, download)
        opening = conn.opening
        return Timings(opening.dns, opening.connect, opening.tls, ttfb, download)

    def _send(self, conn: Connection, request: bytes) -> None:
        try:
            if len(request) <= LONG_REQUEST:
                conn.send_all(request)
            else:
                self._upload(conn, request)
        except (BrokenPipeError, ConnectionResetError, SSLError):
            if self.reused or not conn.sock:
                raise
            # A server may answer before it has read the whole request, and close: its answer is still to be had.
            self.unsent = True

    def _upload(self, conn: Connection, request: bytes) -> None:
        """Send a long request in pieces, until the server answers (RFC 9112 section 9.3); 100 Continue is no answer."""
        parser = self.parser
        for at in range(0, len(request), UPLOAD_PIECE):
            conn.await_room()
            while (data := conn.arrived()) is not None:
                if data:
                    parser.feed(data)
                else:
                    parser.eof()
                if parser.head_done:
                    self.unsent = True
                    return
            conn.send_all(request[at : at + UPLOAD_PIECE])

    def _receive_body(self, conn: Connection, body: Body) -> Waits[None]:
        parser = self.parser
        large = parser.length is not None and parser.length >= LARGE
        size = LARGE_RECEIVE_SIZE if large else RECEIVE_SIZE
        while True:
            for piece in parser.take():
                body.feed(piece)
            if parser.done:
                break
            if parser.data_over or (body.ended and body.size == parser.length):
                yield from self._conclude(conn)
                continue
            if large and body.passing:
                yield from self._receive_large(conn, body)
                break
            if body.full:
                parser.keep_alive = False
                break
            if not conn.pending() and (yield None) is False:
                raise conn.too_late()
            data = conn.receive(size)
            if data:
                parser.feed(data)
            else:
                parser.eof()

    def _conclude(self, conn: Connection) -> Waits[None]:
        """Wait briefly for the formal end of a message whose body is whole; do without it where it does not come.

        Some servers omit the line end after the last chunk, or announce the length that a body has once it is decoded.
        """
        parser = self.parser
        end = monotonic() + MISSING_END
        if conn.deadline is not None:
            end = min(end, conn.deadline)
        try:
            while (data := conn.arrived()) is None and monotonic() < end:
                yield end
        except OSError:
            data = None
        if data:
            parser.feed(data)
        elif parser.data_over and data is not None:
            parser.eof()
        elif parser.data_over:
            parser.conclude("the last line end of the chunked body is missing")
        else:
            parser.conclude(f"the Content-Length {parser.length} is that of the decoded body")

    def _receive_large(self, conn: Connection, body: Body) -> Waits[None]:
        """Receive what is left of a body of known length through one buffer."""
        parser = self.parser
        buffer = memoryview(bytearray(LARGE_RECEIVE_SIZE))
        while not parser.done and not body.full:
            if not conn.pending() and (yield None) is False:
                raise conn.too_late()
            size = conn.receive_into(buffer[: parser.left])
            if not size:
                parser.eof()
            body.feed(buffer[:size])
            parser.passed(size)
        if body.full:
            parser.keep_alive = False

    def _pass_over_body(self, conn: Connection) -> Waits[None]:
        """Read a redirect's body away where that is cheap; what is wrong with it changes nothing."""
        parser, size = self.parser, 0
        if (parser.length or 0) > HOP_BODY:
            parser.keep_alive = False
            return
        try:
            while not parser.done:
                if not conn.pending() and (yield None) is False:
                    raise conn.too_late()
                data = conn.receive()
                if data:
                    parser.feed(data)
                else:
                    parser.eof()
                size += sum(map(len, parser.take()))
                if size > HOP_BODY:
                    parser.keep_alive = False
                    return
        except (FetchError, OSError):
            parser.keep_alive = False
