"""A sans-I/O parser for one HTTP/1 response (RFC 9112).

It decides what a response is, where its body begins and ends, whether it is complete, and whether the connection can be
reused. ``feed`` receives bytes, and ``eof`` reports that the peer closed the connection. ``take`` returns pieces of the
body, with the transfer coding removed and the content coding kept. The parser knows no sockets, no deadlines and no
limits on bodies. docs/responses.md explains its rules to users.
"""

from __future__ import annotations

from math import inf

from ...model import ErrorKind
from ..errors import ResponseError
from .chunked import MOST_AT_ONCE, ChunkedBody
from .framing import Framing, has_no_body, is_chunked, is_persistent, read_length
from .head import Field, Head
from .head_reader import HeadReader, read_whole

MAX_FIELDS = 5000
"""The maximum fields of a header block, as in curl; real servers send some hundreds at most."""
MISSING_END = 0.5
"""The seconds to wait for the end of a message after all of its body has arrived."""
NO_LAST_LINE_END = "the last line end of the chunked body is missing"
LEFTOVER_KEPT = 4096
"""The number of bytes after the end of a message that are kept, to show what they are."""


class ResponseParser:
    """Parses one response to a request with the method ``method``.

    slices: whether ``feed`` may parse only a part of a piece that means much work; see ``has_unparsed``.

    started: whether any byte has arrived.
    head_done: whether the final header block was parsed; the attributes below are valid then.
    done: whether the message is complete.
    head: the number of bytes of the final header block.
    status, reason, version: from the final status line; the version is 10 or 11.
    headers: the fields in their order, with the names as sent; repeated fields are kept.
    values: the values of the fields by lower-case name, as in ``head.values_of``.
    trailers: the fields after a chunked body.
    framing: how the body ends.
    length: the length of the body in bytes if ``framing`` is ``length``, else None.
    keep_alive: whether the connection can be reused, once ``done`` is True.
    leftover: the first bytes that arrived after the end of the message. If there are any, the stream is
        desynchronized, and the connection must be closed.
    after: the number of bytes after the end of the message.
    notes: what was repaired or ignored, one line for people per item.
    """

    __slots__ = (
        "_chunks",
        "_left",
        "_method",
        "_pieces",
        "_reader",
        "_reason",
        "_slices",
        "after",
        "done",
        "framing",
        "head",
        "head_done",
        "headers",
        "keep_alive",
        "leftover",
        "length",
        "notes",
        "started",
        "status",
        "trailers",
        "values",
        "version",
    )

    def __init__(self, method: str = "GET", *, slices: bool = False) -> None:
        self._method = method
        self._slices = slices
        self.started = self.head_done = self.done = self.keep_alive = False
        self.status = self.version = self.head = self.after = self._left = 0
        self._reason = self.leftover = b""
        self.headers: list[Field] = []
        self.trailers: list[Field] = []
        self.notes: list[str] = []
        self.framing: Framing = "none"
        self.length: int | None = None
        self.values: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._reader: HeadReader | None = None  # None if the final header block came first and whole
        self._chunks: ChunkedBody | None = None

    def __repr__(self) -> str:
        state = "done" if self.done else "body" if self.head_done else "head"
        return f"<ResponseParser {self._method} {state} status={self.status} framing={self.framing}>"

    @property
    def reason(self) -> str:
        """The reason phrase, decoded as latin-1; it may contain any character except line ends and NUL."""
        return self._reason.decode("latin-1")

    @property
    def informational(self) -> int:
        """The number of 1xx responses before the final one."""
        return 0 if self._reader is None else self._reader.informational

    @property
    def before(self) -> int:
        """The number of bytes before the final status line: interim responses and empty lines."""
        return 0 if self._reader is None else self._reader.before

    @property
    def locations(self) -> list[bytes]:
        """The values of the Location fields in their order, without empty ones, as in browsers and curl."""
        if b"location" not in self.values:
            return []
        return [value for name, value in self.headers if value and name.lower() == b"location"]

    @property
    def has_rate_limits(self) -> bool:
        """Whether a field reports the remaining requests of a rate limit.

        Most responses have no such field, and this test costs 0.1 µs; a set operation or a loop costs 0.3 µs.
        """
        values = self.values
        return (
            b"x-ratelimit-remaining" in values
            or b"ratelimit" in values
            or b"ratelimit-remaining" in values
            or b"x-rate-limit-remaining" in values
        )

    def take(self) -> list[bytes]:
        """Return the pieces of the body that arrived since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def feed(self, data: bytes) -> None:
        """Parse bytes from the connection, in pieces of any size.

        Raises ResponseError (``protocol``) for bytes that are not an HTTP/1 response; do not use the parser after that.
        """
        if not data:
            return
        self.started = True
        if self.head_done:
            self._feed_body(data)
        elif self._reader is None and (whole := read_whole(data)) is not None:
            head, self.head = whole
            self._accept(head)
            if len(data) > self.head:
                self._feed_body(data[self.head :])
        else:
            self._feed_head(data)

    def _feed_head(self, data: bytes) -> None:
        """Parse bytes of header blocks that come in pieces, or after something else."""
        if self._reader is None:
            self._reader = HeadReader()
        if (found := self._reader.feed(data)) is not None:
            head, body = found
            self.head = self._reader.size
            self._accept(head)
            if body:
                self._feed_body(body)

    @property
    def has_unparsed(self) -> bool:
        """Whether some of the fed bytes are not parsed yet. If so, call ``parse_more`` before the next ``feed``."""
        return self._chunks is not None and self._chunks.has_unparsed

    def parse_more(self) -> None:
        """Parse more of the bytes that were fed. Raises the same errors as ``feed``."""
        self._feed_body(b"")

    @property
    def unparsed(self) -> bytes:
        """The bytes of a chunked body that were fed and are not parsed yet."""
        return b"" if self._chunks is None else self._chunks.held

    def eof(self) -> None:
        """Report that the peer closed the connection.

        This completes a body that ends when the connection closes. Raises ResponseError: ``reset`` if no response had
        begun, ``truncated`` if the response is incomplete.
        """
        if self.done:
            return
        if not self.started:
            raise ResponseError(ErrorKind.RESET, "the server closed the connection without a response", fresh=True)
        if not self.head_done:
            raise ResponseError(ErrorKind.TRUNCATED, "the connection ended inside the header block")
        self.keep_alive = False
        if self.framing == "length":
            got = (self.length or 0) - self._left
            raise ResponseError(ErrorKind.TRUNCATED, f"the connection ended after {got} of {self.length} bytes")
        if self._chunks is not None:
            if not self._chunks.last_seen:
                raise ResponseError(ErrorKind.TRUNCATED, "the connection ended before the last chunk")
            self.conclude("the connection ended inside the trailers")
        self.done = True

    @property
    def all_data_arrived(self) -> bool:
        """Whether all data of a chunked body has arrived; only trailers and the last line end may be missing."""
        return self._chunks is not None and self._chunks.last_seen

    def conclude(self, note: str) -> None:
        """Accept the message as complete although its end has not arrived. The connection cannot be reused."""
        self.notes.append(note)
        if self._chunks is not None:
            self.trailers = self._chunks.trailers(self.notes)
        self.keep_alive, self.done = False, True

    def _accept(self, head: Head) -> None:
        """Store the final header block, and determine how the body ends (RFC 9112 section 6.3)."""
        self.version, self.status, self._reason, self.headers, self.values, notes = head
        values = self.values
        if notes:
            self.notes += notes
        if len(self.headers) > MAX_FIELDS:
            raise ResponseError(ErrorKind.PROTOCOL, f"the response has over {MAX_FIELDS} header fields")
        self.head_done = True
        self.keep_alive = is_persistent(head.version, values.get(b"connection"))
        declared = values.get(b"content-length")
        if has_no_body(self._method, head.status):
            self.done = True
        elif (coding := values.get(b"transfer-encoding")) is not None and is_chunked(coding):
            self.framing, self._chunks = "chunked", ChunkedBody(MOST_AT_ONCE if self._slices else inf)
            if declared is not None:
                self.notes.append("ignored a Content-Length beside Transfer-Encoding")
            if declared is not None or self.version == 10:
                self.keep_alive = False
        elif declared is not None and (length := read_length(declared, self.notes)) is not None:
            self.framing, self.length, self._left, self.done = "length", length, length, not length
        else:
            self.framing, self.keep_alive = "close", False

    def _feed_body(self, data: bytes) -> None:
        size = len(data)
        if self.done:
            self._keep_leftover(data)
        elif self._chunks is not None:
            rest = self._chunks.feed(data, self._pieces)
            if rest is not None:
                self.done = True
                self.trailers = self._chunks.trailers(self.notes)
                self._keep_leftover(rest)
        elif size == self._left:
            self._pieces.append(data)
            self._left, self.done = 0, True
        elif self.framing == "close" or size < self._left:
            self._pieces.append(data)
            self._left -= size
        else:
            self._pieces.append(data[: self._left])
            self.done = True
            self._keep_leftover(data[self._left :])
            self._left = 0

    @property
    def left(self) -> int:
        """The bytes of a body of known length that have not arrived yet."""
        return self._left

    def count_received(self, size: int) -> None:
        """Count ``size`` bytes of such a body, at most ``left``, that the caller received without ``feed``."""
        self._left -= size
        self.done = not self._left

    def _keep_leftover(self, rest: bytes) -> None:
        """Count the bytes after the end of the message, and keep the first of them."""
        if rest:
            self.keep_alive = False
            self.after += len(rest)
            self.leftover = (self.leftover + rest)[:LEFTOVER_KEPT]
