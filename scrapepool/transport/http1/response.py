"""One HTTP/1 response, parsed from the bytes of a connection (RFC 9112) by a sans-I/O state machine.

Decides what a response is, where its body begins and ends, whether it is whole, and whether the connection may serve
again. Bytes go in by ``feed``, and the peer's close by ``eof``. Pieces of the body come out by ``take``, with the
transfer coding removed and the content coding left on. Knows no sockets, no deadlines, no limits on bodies.
docs/responses.md states its rules for users.
"""

from __future__ import annotations

from math import inf

from ...model import ErrorKind
from ..errors import ResponseError
from .chunked import MOST_AT_ONCE, ChunkedBody
from .framing import Framing, has_no_body, is_chunked, is_persistent, read_length
from .head import Field, Head, not_http, parse_head

MAX_HEAD = 256 * 1024
"""Bytes of a header block: Chrome's figure; curl stops at 300 KiB."""
MAX_FIELDS = 5000
"""Fields of a header block: curl's figure; real servers send some hundreds at most."""
MAX_INTERIM = 100
"""1xx responses before the final one; real servers send one or two."""
MAX_BLANK = 4
"""Bytes of line ends before a status line: two empty lines."""
MISSING_END = 0.5
"""Seconds that the end of a message is waited for after all of its body has come."""
NO_LAST_LINE_END = "the last line end of the chunked body is missing"
LEFTOVER_KEPT = 4096
"""Bytes kept of what follows a message: enough to show what it was."""

LF = 0x0A

_LISTS = frozenset({b"connection", b"content-encoding", b"content-length", b"content-type", b"transfer-encoding"})


class ResponseParser:
    """Parses one response to a request of ``method``.

    slices: a piece that is fed and means much work is taken in only in part; see ``behind``.
    started: any byte has come. head_done: the fields below are set. done: the message is whole.
    status, reason, version (10 or 11): of the final status line. informational: 1xx skipped before it.
    headers: in order, names as sent, repeated ones kept. trailers: the fields after a chunked body.
    framing: how the body ends. length: of the body, in bytes, where ``framing`` is ``length``; else None.
    keep_alive: the connection may serve again, once ``done``.
    leftover: the beginning of what came after the message's end; then the stream is out of step and
    the connection must go. before, head, after: how many bytes came before the final status line (interim responses,
    empty lines), in the final header block, and after the message's end. notes: what was repaired or ignored, one
    human line each.
    """

    __slots__ = (
        "_blank",
        "_chunks",
        "_fields",
        "_held",
        "_left",
        "_method",
        "_pieces",
        "_reason",
        "_scan",
        "_slices",
        "after",
        "before",
        "done",
        "framing",
        "head",
        "head_done",
        "headers",
        "informational",
        "keep_alive",
        "leftover",
        "length",
        "notes",
        "started",
        "status",
        "trailers",
        "version",
    )

    def __init__(self, method: str = "GET", *, slices: bool = False) -> None:
        self._method = method
        self._slices = slices
        self.started = self.head_done = self.done = self.keep_alive = False
        self.status = self.version = self.informational = 0
        self._blank = self._scan = self._left = 0
        self.before = self.head = self.after = 0
        self._reason = self.leftover = b""
        self.headers: list[Field] = []
        self.trailers: list[Field] = []
        self.notes: list[str] = []
        self.framing: Framing = "none"
        self.length: int | None = None
        self._fields: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._held: bytearray | None = None
        self._chunks: ChunkedBody | None = None

    def __repr__(self) -> str:
        state = "done" if self.done else "body" if self.head_done else "head"
        return f"<ResponseParser {self._method} {state} status={self.status} framing={self.framing}>"

    @property
    def reason(self) -> str:
        """The reason phrase, as latin-1; may hold anything but line ends and NUL."""
        return self._reason.decode("latin-1")

    def get(self, name: bytes) -> bytes | None:
        """Return the value of the field of that name, given in lower case; None where there is none.

        Of repeated fields the first, but all of them joined where they are one list that says how to read the body.
        """
        return self._fields.get(name)

    @property
    def locations(self) -> list[bytes]:
        """The values of Location fields, in order; an empty one is none, as in browsers and curl."""
        if b"location" not in self._fields:
            return []
        return [value for name, value in self.headers if value and name.lower() == b"location"]

    @property
    def tells_limits(self) -> bool:
        """Whether some field tells what is left of a rate limit. Most responses have none, and pay 0.1 µs to be asked.

        A set operation, or a loop, would take three times as long.
        """
        fields = self._fields
        return (
            b"x-ratelimit-remaining" in fields
            or b"ratelimit" in fields
            or b"ratelimit-remaining" in fields
            or b"x-rate-limit-remaining" in fields
        )

    def take(self) -> list[bytes]:
        """Return the pieces of the body that came since the last take."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def feed(self, data: bytes) -> None:
        """Take bytes of the connection, in pieces of any size.

        Raises ResponseError (protocol) for what is no HTTP/1 response; the parser is of no use then.
        """
        if not data:
            return
        self.started = True
        if self.head_done:
            self._feed_body(data)
        elif self._held is None:
            self._feed_head(data)
        else:
            self._held += data
            self._feed_head(self._held)

    @property
    def behind(self) -> bool:
        """Whether what was fed is not all taken in yet; ``go_on`` takes in more of it, and must, before more is fed."""
        return self._chunks is not None and self._chunks.behind

    def go_on(self) -> None:
        """Take in more of what was fed. Raises as ``feed``."""
        self._feed_body(b"")

    @property
    def unparsed(self) -> bytes:
        """What was fed of a chunked body and is not taken in yet."""
        return b"" if self._chunks is None else self._chunks.held

    def eof(self) -> None:
        """Note that the peer has closed.

        Completes a body that ends with the connection. Raises ResponseError: ``reset`` where no response
        had begun, ``truncated`` where one had and is not whole.
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
    def data_over(self) -> bool:
        """Whether all data of a chunked body has come; only trailers and the last line end may be missing."""
        return self._chunks is not None and self._chunks.last_seen

    def conclude(self, note: str) -> None:
        """Take the message as whole although its end has not come; the connection cannot serve again."""
        self.notes.append(note)
        if self._chunks is not None:
            self.trailers = self._chunks.trailers(self.notes)
        self.keep_alive, self.done = False, True

    def _feed_head(self, data: bytes | bytearray) -> None:
        """Read header blocks, up to the final one and the body behind it, from all that came since the start."""
        start, scan = 0, self._scan
        while True:
            while start < len(data) and data[start] in b"\r\n":
                size = 1 if data[start] == LF else 2
                if start + size > len(data):
                    return self._hold(data, start)
                if data[start + size - 1] != LF:
                    raise not_http(bytes(data[start : start + 100]))
                start += size
                self._blank += size
                if self._blank > MAX_BLANK:
                    raise ResponseError(ErrorKind.PROTOCOL, "empty lines instead of a status line")
            end = _head_end(data, max(start, scan))
            if (end if end >= 0 else len(data)) - start > MAX_HEAD:
                raise ResponseError(ErrorKind.PROTOCOL, f"header block over {MAX_HEAD // 1024} KiB")
            if end < 0:
                return self._hold(data, start)
            head = parse_head(bytes(data[start:end]))
            if head.status >= 200:
                break
            self._skip_interim(head)
            start = end
        self.before += start
        self.head = end - start
        self._held = None
        self._accept(head)
        if end < len(data):
            self._feed_body(bytes(data[end:]))
        return None

    def _hold(self, data: bytes | bytearray, start: int) -> None:
        """Keep an unfinished header block, and remember how far it was searched."""
        begin = data[start : start + 5]
        if begin != b"\r" and not b"HTTP/".startswith(begin):
            raise not_http(bytes(data[start : start + 100]))
        self.before += start
        if self._held is None:
            self._held = bytearray(data[start:])
        else:
            del self._held[:start]
        self._scan = max(len(self._held) - 2, 0)

    def _skip_interim(self, head: Head) -> None:
        if head.status == 101:
            raise ResponseError(ErrorKind.PROTOCOL, "101 Switching Protocols, which was not requested")
        self.informational += 1
        self._blank = 0
        if self.informational > MAX_INTERIM:
            raise ResponseError(ErrorKind.PROTOCOL, f"over {MAX_INTERIM} interim responses")

    def _accept(self, head: Head) -> None:
        """Take over the final header block and find out how the body ends (RFC 9112 section 6.3)."""
        self.version, self.status, self._reason, self.headers, notes = head
        if notes:
            self.notes += notes
        if len(self.headers) > MAX_FIELDS:
            raise ResponseError(ErrorKind.PROTOCOL, f"over {MAX_FIELDS} header fields")
        self._fields = fields = {name.lower(): value for name, value in reversed(self.headers)}
        if len(fields) != len(self.headers):
            for name in _LISTS & fields.keys():
                fields[name] = b", ".join([value for field, value in self.headers if field.lower() == name])
        self.head_done = True
        self.keep_alive = is_persistent(head.version, fields.get(b"connection"))
        declared = fields.get(b"content-length")
        if has_no_body(self._method, head.status):
            self.done = True
        elif (coding := fields.get(b"transfer-encoding")) is not None and is_chunked(coding):
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
            self._leave(data)
        elif self._chunks is not None:
            rest = self._chunks.feed(data, self._pieces)
            if rest is not None:
                self.done = True
                self.trailers = self._chunks.trailers(self.notes)
                self._leave(rest)
        elif size == self._left:
            self._pieces.append(data)
            self._left, self.done = 0, True
        elif self.framing == "close" or size < self._left:
            self._pieces.append(data)
            self._left -= size
        else:
            self._pieces.append(data[: self._left])
            self.done = True
            self._leave(data[self._left :])
            self._left = 0

    @property
    def left(self) -> int:
        """Bytes of a body of known length that are still to come."""
        return self._left

    def passed(self, size: int) -> None:
        """Take note that ``size`` bytes of such a body, ``left`` at most, went another way than through ``feed``."""
        self._left -= size
        self.done = not self._left

    def _leave(self, rest: bytes) -> None:
        """Keep the beginning of what came after the end of the message."""
        if rest:
            self.keep_alive = False
            self.after += len(rest)
            self.leftover = (self.leftover + rest)[:LEFTOVER_KEPT]


def _head_end(data: bytes | bytearray, scan: int) -> int:
    """Find the offset behind the first blank line, whose line ends may be bare LF; -1 where none has come."""
    crlf = data.find(b"\n\r\n", scan)
    bare = data.find(b"\n\n", scan, len(data) if crlf < 0 else crlf + 1)
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1
