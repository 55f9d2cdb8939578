"""One request and its response over an open connection.

Decides how a request is sent and how its response is received: what an early response to an upload means, how a body
is received within its limits, and how long each phase took. Neither opens nor closes connections, and does not know
targets and retries. ``large_body`` and ``body_end`` handle two rare cases of bodies. This file is long because the
phases of an exchange share its state.

Every wait is a step of a generator, so that one thread runs many exchanges at once; see ``steps``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from ssl import SSLError

from ...model import Saved, Timings, TLSFacts
from ...running_clock import monotonic
from ..errors import FetchError
from ..http1.body import Body
from ..http1.redirect import STATUSES
from ..http1.response import ResponseParser
from ..net.channel import LARGE_RECEIVE_SIZE, RECEIVE_SIZE
from ..net.connection import Connection
from ..net.steps import ROOM, SLICE, Offload, Steps
from .body_end import wait_for_end
from .read_ahead import Allowance, ReadAhead

LARGE = 1024 * 1024  # bytes; a body of at least this length is received in larger pieces
UPLOAD_PIECE = 16 * 1024  # less than the free space of a socket that is reported as writable
MAX_DISCARDED = 64 * 1024  # bytes of a redirect's body that are read so that its connection can be reused

NewBody = Callable[[ResponseParser], Body]
"""Makes the body of a response whose head has been parsed."""


class Exchange:
    """A request and its response.

    sent, headed, ended: monotonic times of the first byte sent, the end of the header block, and the last byte read;
    0.0 if that has not happened yet.
    delayed: seconds between these for which nobody looked at the connection, so that bytes may have waited.
    unsent: the server responded before it had received the whole request.
    location: the target of the redirect; None if the response is no redirect or redirects are not followed.
    ambiguous: the response has several different Location fields; the first one counts.
    body: None until the head has arrived.
    """

    __slots__ = (
        "_ahead",
        "_decoding",
        "_quiet_since",
        "ambiguous",
        "body",
        "delayed",
        "ended",
        "headed",
        "location",
        "parser",
        "reused",
        "sent",
        "tls",
        "unsent",
    )

    def __init__(self, method: str, reused: bool) -> None:
        self.parser = ResponseParser(method, slices=True)
        self.reused = reused
        self.sent = self.headed = self.ended = self.delayed = 0.0
        self.body: Body | None = None
        self.location: bytes | None = None
        self.tls: TLSFacts | None = None
        self.unsent = self.ambiguous = False
        self._decoding = False
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

        offload: runs blocking work in another thread. follow: redirects are followed, so their bodies are not needed.
        ranged: ``request`` has a Range field. Raises FetchError, OSError.
        """
        parser = self.parser
        if conn.bandwidth is not None:
            yield from conn.throttle()
        now = monotonic()
        if conn.deadline is not None and now >= conn.deadline:
            raise conn.timeout_error()
        self.sent = now
        size = self._send_piece(conn, request if len(request) <= UPLOAD_PIECE else memoryview(request)[:UPLOAD_PIECE])
        if size != len(request) and not self.unsent:
            yield from self._send_rest(conn, memoryview(request), size)
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
        if parser.status >= 300:
            self._find_location(conn, follow=follow)
        if self.location is not None:
            yield from self._discard_body(conn)
        elif self._read_at_once(new_body):
            self.ended = self.headed
            return
        else:
            yield from self._read_body(conn, new_body, ranged, offload)
        self.ended = monotonic()

    def _find_location(self, conn: Connection, *, follow: bool) -> None:
        """Find out whether the response is a redirect. Raises ProxyError if it comes from a proxy that refuses."""
        parser = self.parser
        if parser.status == 407 and conn.forwards:
            from ..http1.connect_request import refused  # noqa: PLC0415 - rarely needed

            raise refused(parser)
        if follow and parser.status in STATUSES and (locations := parser.locations):
            self.location = locations[0]
            self.ambiguous = any(location != self.location for location in locations)

    @property
    def saved(self) -> Saved | None:
        """The file of the body, if it was saved to one."""
        return None if self.body is None else self.body.saved

    def quiet_since(self, conn: Connection, now: float, allowance: Allowance) -> float:
        """Return the time since which the response seems whole and its connection silent; infinite if it is not so.

        While the body is being decoded, this receives the bytes that have arrived, because only then silence shows.
        """
        parser = self.parser
        if parser.done:
            whole = self._is_followed_by_nothing(conn)
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
        """Whether the received part of the body is being decoded, so that the exchange waits for no bytes."""
        return self._decoding and self.body is not None

    def _is_followed_by_nothing(self, conn: Connection) -> bool:
        """Return whether no bytes have followed the response."""
        try:
            data = conn.receive()
        except OSError:
            return True
        except FetchError:  # the bytes could not be written to the archive
            self.parser.keep_alive = False
            return False
        if data:
            self.parser.feed(data)
        return not self.parser.leftover

    def timings(self, conn: Connection) -> Timings:
        """Return how long each phase took."""
        ttfb, download = self.headed - self.sent, self.ended - self.headed
        if self.reused:
            return Timings(None, None, None, ttfb, download)
        opened = conn.connect_timings
        return Timings(opened.dns, opened.connect, opened.tls, ttfb, download)

    def _send_piece(self, conn: Connection, piece: bytes | memoryview) -> int:
        """Send the beginning of a request; return how many bytes the socket accepted."""
        try:
            return conn.send_some(piece)
        except (BrokenPipeError, ConnectionResetError, SSLError):
            if not self._may_have_responded(conn):
                raise
            return 0

    def _send_rest(self, conn: Connection, request: memoryview, at: int) -> Steps[None]:
        """Send the rest of a request in pieces, and stop when the server responds (RFC 9112 section 9.3).

        A server may respond and close the connection before it has read the whole request. 100 Continue is no response.
        """
        parser = self.parser
        try:
            while at < len(request):
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
                at += conn.send_some(request[at : at + UPLOAD_PIECE])
        except (BrokenPipeError, ConnectionResetError, SSLError):
            if not self._may_have_responded(conn):
                raise

    def _may_have_responded(self, conn: Connection) -> bool:
        """Return whether a server that takes no more of the request may have responded."""
        self.unsent = not self.reused and conn.sock is not None
        return self.unsent

    def _read_at_once(self, new_body: NewBody) -> bool:
        """Take a body that arrived whole with its head; return whether there is one, and nothing that may take long."""
        parser = self.parser
        if not parser.done or parser.status == 206:
            return False
        body = self.body = new_body(parser)
        body.declare(parser.length)
        if body.coded or body.may_block(RECEIVE_SIZE if parser.length is None else parser.length):
            return False
        for piece in parser.take():
            body.feed(piece)
        body.finish()
        return True

    def _read_body(self, conn: Connection, new_body: NewBody, ranged: bool, offload: Offload) -> Steps[None]:
        parser = self.parser
        unexpected_part = parser.status == 206 and not ranged
        if unexpected_part:
            from ..http1.content_range import check_range  # noqa: PLC0415 - rarely needed

            check_range(parser)
        body = self.body  # it was made already if it has arrived whole
        if ranged and parser.status == 206:  # the partial file is read again to compute its digest
            body = self.body = yield from offload.run(partial(new_body, parser))
        elif body is None:
            body = self.body = new_body(parser)
        body.declare(parser.length)
        if not parser.done:
            try:
                yield from self._receive_body(conn, body, offload)
            finally:
                self._end_read_ahead()
        else:
            yield from self._feed_body(conn, body, offload)
        if unexpected_part:
            check_range(parser, None if body.full else body.wire)
        if body.may_block(0):
            yield from offload.run(body.finish)
        else:
            body.finish()

    def _receive(self, conn: Connection, size: int) -> Steps[bytes]:
        """Return the next bytes, which are empty at the end of the stream. Raises FetchError, OSError."""
        readable = conn.pending() or (yield None)
        while readable is not False:
            if conn.bandwidth is not None:
                yield from conn.throttle()
            data = conn.receive(size)
            if data is not None:
                return data
            readable = yield None
        raise conn.timeout_error()

    def _yield_slice(self, conn: Connection) -> Steps[None]:
        """Let other leases run between two slices of decoding. Raises FetchError (``deadline``)."""
        self._decoding = True
        if (yield SLICE) is False:
            raise conn.timeout_error()
        self._decoding = False

    def _feed_body(self, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
        """Pass the parsed pieces to the body."""
        for piece in self.parser.take():
            if body.may_block(len(piece)):
                self._decoding = True
                yield from offload.run(partial(body.feed, piece))
                self._decoding = False
            elif body.coded:
                for _ in body.slices(piece):
                    yield from self._yield_slice(conn)
            else:
                body.feed(piece)

    def _receive_body(self, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
        parser = self.parser
        large = parser.length is not None and parser.length >= LARGE
        size = LARGE_RECEIVE_SIZE if large else RECEIVE_SIZE
        while True:
            yield from self._feed_body(conn, body, offload)
            if parser.done:
                break
            if parser.has_unparsed and not body.full:
                yield from self._yield_slice(conn)
                parser.parse_more()
                continue
            if self._ahead is not None:
                if body.full:
                    parser.keep_alive = False
                    break
                self._parse_ahead(self._ahead, size)
                continue
            if parser.all_data_arrived or (body.ended and body.size == parser.length):
                yield from wait_for_end(parser, conn)
                continue
            if large and body.keeps_nothing:
                from .large_body import receive_large  # noqa: PLC0415 - for long bodies

                yield from receive_large(parser, conn, body, offload)
                break
            if body.full:
                parser.keep_alive = False
                break
            data = yield from self._receive(conn, size)
            if data:
                parser.feed(data)
            else:
                parser.eof()

    def _parse_ahead(self, ahead: ReadAhead, size: int) -> None:
        """Parse up to ``size`` bytes that were received ahead; after the last ones, handle their end.

        Raises FetchError, OSError.
        """
        if ahead:
            self.parser.feed(ahead.take(size))
            return
        self._ahead = None
        if ahead.fault is not None:
            raise ahead.fault
        if ahead.ended:
            self.parser.eof()

    def _end_read_ahead(self) -> None:
        """Release the bytes that were received ahead; those behind a whole response count as unsolicited data."""
        if self._ahead is not None:
            behind = self._ahead.take(len(self._ahead))
            if self.parser.done:
                self.parser.feed(behind)

    def _discard_body(self, conn: Connection) -> Steps[None]:
        """Discard as much of a redirect's body as has arrived; if more is missing, the connection cannot be reused."""
        parser = self.parser
        size = 0
        try:
            while not parser.done and size <= MAX_DISCARDED and (parser.length or 0) <= MAX_DISCARDED:
                if parser.has_unparsed:
                    yield from self._yield_slice(conn)
                    parser.parse_more()
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
