"""One request and its response over an open connection.

Decides how bytes go out and come in: what an early response to an unread upload means, how a body is received against
its limits, and how long each step took. Closes no connection and opens none; knows no targets, no retries.

Whatever waits is a step, so that one thread runs many exchanges at once; see ``steps``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from math import inf
from ssl import SSLError

from ...model import Saved, Timings
from ...running_clock import monotonic
from ..errors import FetchError
from ..http1.body import Body
from ..http1.connect_request import refused
from ..http1.content_range import check_range
from ..http1.redirect import STATUSES
from ..http1.response import MISSING_END, NO_LAST_LINE_END, ResponseParser
from ..net.channel import LARGE_RECEIVE_SIZE, RECEIVE_SIZE
from ..net.connection import Connection
from ..net.steps import ROOM, SLICE, Offload, Steps
from .read_ahead import Allowance, ReadAhead

LOW_WATER = 128 * 1024  # bytes of such a body that are waited for at once
BURST = 4 * 1024 * 1024  # bytes of such a body that are taken in before other bodies have a turn
LARGE = 1024 * 1024  # a body from this length on is received in larger pieces
UPLOAD_PIECE = 16 * 1024  # less than the room that a socket has once it says that it can be written to
HOP_BODY = 64 * 1024  # bytes of a redirect's body that are read, where they have come, to save its connection

NewBody = Callable[[ResponseParser], Body]
"""Gets the response's head."""


class Exchange:
    """A request and its response.

    sent, headed, ended: monotonic times of the first byte sent, the header block's end, the last byte read; 0.0 for
    what has not come. unsent: the server responded before it had the whole request. location: where the response
    redirects to, None where it does not or is not followed. ambiguous: it named several places; the first one counts.
    body: None before the head.
    """

    __slots__ = (
        "_ahead",
        "_computes",
        "_quiet_since",
        "ambiguous",
        "body",
        "ended",
        "headed",
        "location",
        "parser",
        "reused",
        "sent",
        "unsent",
    )

    def __init__(self, method: str, *, reused: bool) -> None:
        self.parser = ResponseParser(method, slices=True)
        self.reused = reused
        self.sent = self.headed = self.ended = 0.0
        self.body: Body | None = None
        self.location: bytes | None = None
        self.unsent = self.ambiguous = False
        self._computes = False
        self._ahead: ReadAhead | None = None
        self._quiet_since = inf

    def run(
        self,
        conn: Connection,
        request: bytes,
        new_body: NewBody,
        offload: Offload,
        *,
        follow: bool,
        ranged: bool = False,
    ) -> Steps[None]:
        """Send ``request`` and read the response.

        offload: what takes in a long body beside the loop. follow: a redirect is followed, so that its body is of no
        interest. ranged: ``request`` asks for a range. Raises FetchError, OSError.
        """
        parser = self.parser
        if conn.bandwidth is not None:
            yield from conn.throttle()
        now = monotonic()
        if conn.deadline is not None and now >= conn.deadline:
            raise conn.timeout_error()
        self.sent = now
        yield from self._send(conn, request)
        while not parser.head_done:
            if (yield None) is False:
                raise conn.timeout_error()
            if conn.bandwidth is not None:
                yield from conn.throttle()
            data = conn.receive(RECEIVE_SIZE)
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
            yield from self._read_body(conn, new_body, ranged, offload)
        self.ended = monotonic()

    @property
    def saved(self) -> Saved | None:
        """The body as a file, where it has become one."""
        return None if self.body is None else self.body.saved

    def quiet_since(self, conn: Connection, now: float, allowance: Allowance) -> float:
        """Since when the response has been whole, as it seems, and its connection silent; infinite where it is not.

        Between two steps, while the body is worked on, this receives what has come, so that silence shows.
        """
        parser = self.parser
        if parser.done:
            whole = self._look_behind(conn)
        elif self.computes and conn.bandwidth is None:
            ahead = self._ahead
            if ahead is None:
                ahead = self._ahead = ReadAhead(allowance)
            before = len(ahead)
            whole = not ahead.fill(conn) and len(ahead) == before and ahead.completes(parser)
        else:
            whole = False
        self._quiet_since = min(self._quiet_since, now) if whole else inf
        return self._quiet_since

    @property
    def computes(self) -> bool:
        """Whether what has come of the body is worked on, so that nothing is waited for."""
        return self._computes and self.body is not None

    def _look_behind(self, conn: Connection) -> bool:
        """Whether nothing came behind the response."""
        try:
            data = conn.receive()
        except OSError:
            return True
        except FetchError:  # it could not be written down
            self.parser.keep_alive = False
            return False
        if data:
            self.parser.feed(data)
        return not self.parser.leftover

    def timings(self, conn: Connection) -> Timings:
        """How long each step took."""
        ttfb, download = self.headed - self.sent, self.ended - self.headed
        if self.reused:
            return Timings(None, None, None, ttfb, download)
        opened = conn.connect_timings
        return Timings(opened.dns, opened.connect, opened.tls, ttfb, download)

    def _send(self, conn: Connection, request: bytes) -> Steps[None]:
        """Send the request; a long one in pieces, until the server responds (RFC 9112 section 9.3).

        100 Continue is no response. A server may respond before it has read the whole request, and close.
        """
        parser, size = self.parser, len(request)
        try:
            at = conn.send_some(request if size <= UPLOAD_PIECE else memoryview(request)[:UPLOAD_PIECE])
            if at == size:
                return
            view = memoryview(request)
            while at < size:
                if (yield ROOM) is False:
                    raise conn.timeout_error("accepted no data")
                while (data := conn.receive()) is not None:
                    if data:
                        parser.feed(data)
                    else:
                        parser.eof()
                    if parser.head_done:
                        self.unsent = True
                        return
                at += conn.send_some(view[at : at + UPLOAD_PIECE])
        except (BrokenPipeError, ConnectionResetError, SSLError):
            self.unsent = not self.reused and conn.sock is not None
            if not self.unsent:
                raise

    def _read_body(self, conn: Connection, new_body: NewBody, ranged: bool, offload: Offload) -> Steps[None]:
        parser = self.parser
        unexpected_part = parser.status == 206 and not ranged
        if unexpected_part:
            check_range(parser)
        if ranged and parser.status == 206:  # what is there of a file is read once more, for its digest
            body = self.body = yield from offload.run(partial(new_body, parser))
        else:
            body = self.body = new_body(parser)
        body.declare(parser.length)
        if not parser.done:
            try:
                yield from self._receive_body(conn, body, offload)
            finally:
                self._leave_ahead()
        else:
            yield from self._take(conn, body, offload)
        if unexpected_part:
            check_range(parser, None if body.full else body.wire)
        if body.may_block(0):
            yield from offload.run(body.finish)
        else:
            body.finish()

    def _received(self, conn: Connection, size: int) -> Steps[bytes]:
        """What comes next, nothing at the end. Raises FetchError, OSError."""
        come = conn.pending() or (yield None)
        while come is not False:
            if conn.bandwidth is not None:
                yield from conn.throttle()
            data = conn.receive(size)
            if data is not None:
                return data
            come = yield None
        raise conn.timeout_error()

    def _rest(self, conn: Connection) -> Steps[None]:
        """Let others go first, amid long computation. Raises FetchError (``deadline``)."""
        self._computes = True
        if (yield SLICE) is False:
            raise conn.timeout_error()
        self._computes = False

    def _take(self, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
        """Let the body have what has come of it."""
        for piece in self.parser.take():
            if body.may_block(len(piece)):
                self._computes = True
                yield from offload.run(partial(body.feed, piece))
                self._computes = False
            elif body.coded:
                for _ in body.slices(piece):
                    yield from self._rest(conn)
            else:
                body.feed(piece)

    def _receive_body(self, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
        parser = self.parser
        large = parser.length is not None and parser.length >= LARGE
        size = LARGE_RECEIVE_SIZE if large else RECEIVE_SIZE
        while True:
            yield from self._take(conn, body, offload)
            if parser.done:
                break
            if parser.behind and not body.full:
                yield from self._rest(conn)
                parser.go_on()
                continue
            if self._ahead is not None:
                if body.full:
                    parser.keep_alive = False
                    break
                self._parse_ahead(self._ahead, size)
                continue
            if parser.data_over or (body.ended and body.size == parser.length):
                yield from self._conclude(conn)
                continue
            if large and body.passing:
                yield from self._receive_large(conn, body, offload)
                break
            if body.full:
                parser.keep_alive = False
                break
            data = yield from self._received(conn, size)
            if data:
                parser.feed(data)
            else:
                parser.eof()

    def _parse_ahead(self, ahead: ReadAhead, size: int) -> None:
        """Parse what was received ahead, ``size`` bytes of it; then what ended that. Raises FetchError, OSError."""
        if ahead:
            self.parser.feed(ahead.take(size))
            return
        self._ahead = None
        if ahead.fault is not None:
            raise ahead.fault
        if ahead.ended:
            self.parser.eof()

    def _leave_ahead(self) -> None:
        """Let go of what was received ahead and is no part of the response."""
        if self._ahead is not None:
            behind = self._ahead.take(len(self._ahead))
            if self.parser.done:
                self.parser.feed(behind)

    def _conclude(self, conn: Connection) -> Steps[None]:
        """Wait briefly for the formal end of a message whose body is whole; do without it where it does not come.

        Some servers omit the line end after the last chunk, or announce the length that a body has once it is decoded.
        """
        parser = self.parser
        end = monotonic() + MISSING_END
        if conn.deadline is not None:
            end = min(end, conn.deadline)
        try:
            while (data := conn.receive()) is None and monotonic() < end:
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

    def _receive_large(self, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
        """Receive what is left of a body of known length. A thread takes in what has come, digest and file included."""
        parser = self.parser
        try:
            while not parser.done and not body.full:
                if conn.bandwidth is not None:
                    yield from conn.throttle()
                conn.wait_for_much(min(LOW_WATER, parser.left))
                come = yield None
                size = yield from offload.run(partial(self._receive_burst, conn, body))
                if come is False and (not size or conn.is_late):
                    raise conn.timeout_error()
        finally:
            conn.wait_for_much(1)
        if body.full:
            parser.keep_alive = False

    def _receive_burst(self, conn: Connection, body: Body) -> int:
        """Take in what has come by now, up to ``BURST`` bytes; how many that was."""
        parser, buffer, received = self.parser, _buffer(), 0
        while not parser.done and not body.full and received < BURST:
            size = conn.receive_into(buffer[: parser.left])
            if size is None:
                break
            if not size:
                parser.eof()
            body.feed(buffer[:size])
            parser.passed(size)
            received += size
            if conn.bandwidth is not None:
                break
        return received

    def _pass_over_body(self, conn: Connection) -> Steps[None]:
        """Read a redirect's body away as far as it has come. A rest is not waited for: the connection must go then."""
        parser, size = self.parser, 0
        try:
            while not parser.done and size <= HOP_BODY and (parser.length or 0) <= HOP_BODY:
                if parser.behind:
                    yield from self._rest(conn)
                    parser.go_on()
                elif (data := conn.receive()) is None:
                    break
                elif data:
                    parser.feed(data)
                else:
                    parser.eof()
                size += sum(map(len, parser.take()))
        except (FetchError, OSError):
            parser.keep_alive = False
        parser.keep_alive &= parser.done


_buffers = threading.local()


def _buffer() -> memoryview:
    """A buffer that each thread has one of, so that it stays in the caches of its core."""
    buffer: memoryview | None = getattr(_buffers, "buffer", None)
    if buffer is None:
        buffer = _buffers.buffer = memoryview(bytearray(LARGE_RECEIVE_SIZE))
    return buffer
