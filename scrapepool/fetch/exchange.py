"""One request and its reply over an open connection.

Decides how bytes go out and come in: what an early answer to an unread upload means, how a body is received against
its limits, and how long each step took. Closes no connection and opens none; knows no targets, no retries.

What has to wait is a generator (``Waits``), so that a thread may work several leases in turns; see ``turns``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from ssl import SSLError
from typing import TypeVar

from ..model import Saved, Timings
from ..uptime import monotonic
from .body import Body
from .connection import LARGE_RECEIVE_SIZE, RECEIVE_SIZE, Connection
from .content_range import check_range
from .faults import FetchError
from .redirect import STATUSES
from .reply import MISSING_END, NO_LAST_LINE_END, ReplyParser
from .tunnel import refused

T = TypeVar("T")

LARGE = 1024 * 1024  # a body from this length on is received in larger pieces
LONG_REQUEST = (
    16 * 1024
)  # one that may not fit into the socket's buffer, so that the server may answer while it is sent
UPLOAD_PIECE = 16 * 1024  # less than the room that a socket has once it says that it can be written to
HOP_BODY = 64 * 1024  # bytes of a redirect's body that are read, where they have come, to save its connection

NewBody = Callable[[ReplyParser], Body]
"""Gets the reply's head."""

Waits = Generator[float | None, bool | None, T]
"""Yields before each wait for bytes: None for as long as the connection allows, or the monotonic time of its end.

It is sent False where that time passed without a byte; True where there is one; None to do the waiting itself.
"""

LOOK = 0.0
"""What is yielded for no wait at all: only whether there is a byte by now."""

SLICE = -1.0
"""What is yielded for no wait at all, amid work that takes long: others go first. What is sent means nothing."""

ROOM = -2.0
"""What is yielded to wait for bytes or for room to send some, for as long as the connection allows."""


class Exchange:
    """A request and its reply.

    sent, headed, ended: monotonic times of the first byte sent, the header block's end, the last byte read; 0.0 for
    what has not come. unsent: the server answered before it had the whole request. location: where the reply redirects
    to, None where it does not or is not followed. ambiguous: it named several places, of which the first counts.
    body: None before the head.
    """

    __slots__ = ("ambiguous", "body", "ended", "headed", "location", "parser", "reused", "sent", "unsent")

    def __init__(self, method: str, *, reused: bool) -> None:
        self.parser = ReplyParser(method, slices=True)
        self.reused = reused
        self.sent = self.headed = self.ended = 0.0
        self.body: Body | None = None
        self.location: bytes | None = None
        self.unsent = self.ambiguous = False

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
        if len(request) <= LONG_REQUEST:
            self._send(conn, request)
        else:
            yield from self._upload(conn, request)
        while not parser.head_done:
            if (come := (yield None)) is False:
                raise conn.too_late()
            data = conn.receive(RECEIVE_SIZE, come)
            if data:
                parser.feed(data)
            elif data is not None:
                parser.eof()
        self.headed = monotonic()
        if parser.status == 407 and conn.forwards:
            raise refused(parser)
        if follow and parser.status in STATUSES and (locations := parser.locations):
            self.location = locations[0]
            self.ambiguous = any(location != self.location for location in locations)
        if self.location is not None:
            yield from self._pass_over_body(conn)
        else:
            yield from self._read_body(conn, new_body, ranged)
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
            conn.send_all(request)
        except (BrokenPipeError, ConnectionResetError, SSLError):
            if not self._may_have_answered(conn):
                raise

    def _may_have_answered(self, conn: Connection) -> bool:
        """A server may answer before it has read the whole request, and close: its answer is still to be had."""
        self.unsent = not self.reused and conn.sock is not None
        return self.unsent

    def _upload(self, conn: Connection, request: bytes) -> Waits[None]:
        """Send a long request in pieces, until the server answers (RFC 9112 section 9.3); 100 Continue is no answer."""
        parser, view, at = self.parser, memoryview(request), 0
        try:
            while at < len(view):
                room = yield ROOM
                if room is False:
                    raise conn.too_late("took no data")
                if room is None:
                    conn.await_room()
                while (data := conn.arrived()) is not None:
                    if data:
                        parser.feed(data)
                    else:
                        parser.eof()
                    if parser.head_done:
                        self.unsent = True
                        return
                at += conn.send_some(view[at : at + UPLOAD_PIECE])
        except (BrokenPipeError, ConnectionResetError, SSLError):
            if not self._may_have_answered(conn):
                raise

    def _read_body(self, conn: Connection, new_body: NewBody, ranged: bool) -> Waits[None]:
        parser = self.parser
        unexpected_part = parser.status == 206 and not ranged
        if unexpected_part:
            check_range(parser)
        body = self.body = new_body(parser)
        body.declare(parser.length)
        if not parser.done:
            yield from self._receive_body(conn, body)
        elif body.coded:
            yield from self._take(body)
        else:
            for piece in parser.take():
                body.feed(piece)
        if unexpected_part:
            check_range(parser, None if body.full else body.wire)
        body.finish()

    def _received(self, conn: Connection, size: int = RECEIVE_SIZE) -> Waits[bytes]:
        """What comes next, nothing at the end. Raises FetchError, OSError."""
        come = True if conn.pending() else (yield None)
        while come is not False:
            data = conn.receive(size, come)
            if data is not None:
                return data
            come = yield None
        raise conn.too_late()

    def _take(self, body: Body) -> Waits[None]:
        """Let the body have what has come of it."""
        for piece in self.parser.take():
            if body.coded:
                for _ in body.slices(piece):
                    yield SLICE
            else:
                body.feed(piece)

    def _receive_body(self, conn: Connection, body: Body) -> Waits[None]:
        parser = self.parser
        large = parser.length is not None and parser.length >= LARGE
        size = LARGE_RECEIVE_SIZE if large else RECEIVE_SIZE
        while True:
            yield from self._take(body)
            if parser.done:
                break
            if parser.behind and not body.full:
                yield SLICE
                parser.go_on()
                continue
            if parser.data_over or (body.ended and body.size == parser.length):
                yield from self._conclude(conn)
                continue
            if large and body.passing:
                yield from self._receive_large(conn, body)
                break
            if body.full:
                parser.keep_alive = False
                break
            data = yield from self._received(conn, size)
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
            parser.conclude(NO_LAST_LINE_END)
        else:
            parser.conclude(f"the Content-Length {parser.length} is that of the decoded body")

    def _receive_large(self, conn: Connection, body: Body) -> Waits[None]:
        """Receive what is left of a body of known length through one buffer."""
        parser = self.parser
        buffer = memoryview(bytearray(LARGE_RECEIVE_SIZE))
        size: int | None = None
        while not parser.done and not body.full:
            if (come := (yield None) if size is None or not conn.pending() else True) is False:
                raise conn.too_late()
            size = conn.receive_into(buffer[: parser.left], come)
            if size is None:
                continue
            if not size:
                parser.eof()
            body.feed(buffer[:size])
            parser.passed(size)
            if size == LARGE_RECEIVE_SIZE:
                yield SLICE
        if body.full:
            parser.keep_alive = False

    def _pass_over_body(self, conn: Connection) -> Waits[None]:
        """Read a redirect's body away as far as it has come. A rest is not waited for: the connection must go then."""
        parser, size = self.parser, 0
        try:
            while not parser.done and size <= HOP_BODY and (parser.length or 0) <= HOP_BODY:
                if parser.behind:
                    yield SLICE
                    parser.go_on()
                elif (data := conn.arrived()) is None:
                    break
                elif data:
                    parser.feed(data)
                else:
                    parser.eof()
                size += sum(map(len, parser.take()))
        except (FetchError, OSError):
            parser.keep_alive = False
        parser.keep_alive &= parser.done
