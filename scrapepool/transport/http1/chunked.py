"""A decoder for the chunked transfer coding (RFC 9112 section 7.1).

It finds the exact byte at which each chunk, the trailer section and the message end. The bytes after the end must not
be taken for the next response on the connection, and httptools does not report where llhttp stopped. The decoder does
not know the header block, and it keeps no body.
"""

from __future__ import annotations

import re
from math import inf
from typing import NoReturn

from ...lazy_pattern import lazy_pattern
from ...model import ErrorKind
from ..errors import ResponseError
from .head import Field, parse_fields, shown

MAX_LINE = 8 * 1024
"""The maximum bytes of one size line or trailer line. Chunk extensions are rare and short; Go allows 4 KiB."""
MAX_TRAILERS = 64 * 1024
"""The maximum bytes of all trailer lines together."""
MAX_CHUNK = 2**63 - 1
"""The maximum size of a chunk, as in llhttp, curl and browsers."""

MOST_AT_ONCE = 400
"""The chunks that one call decodes in the event loop before other connections are served; they take about 0.25 ms."""
MANY = 8
"""If a call yields more pieces than this, joining them costs less than handling each one."""

_SIZE_LINE = lazy_pattern(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)


_SMALL = {b"%x\r" % size: size for size in range(1, 256)}
"""The size lines of small chunks in their usual form. A lookup keeps the cost of many small chunks low."""

LONGEST_SMALL = len(b"ff\r\n")
"""The bytes of the longest such size line, with its line end."""

_SIZE, _DATA_END, _TRAILER = range(3)
"""The line that is expected next. Numbers are used because the lookup of an Enum member takes three times as long."""


class ChunkedBody:
    """Decodes one chunked body.

    most: the maximum number of chunks that one ``feed`` decodes.
    has_unparsed: whether the bytes fed so far contain more chunks. Call ``feed`` with no bytes to decode them.
    """

    __slots__ = ("_expected", "_held", "_left", "_most", "_trailer_bytes", "_trailer_lines", "has_unparsed")

    def __init__(self, most: float = inf) -> None:
        self._most = most
        self.has_unparsed = False
        self._expected = _SIZE
        self._left = 0
        self._held = b""
        self._trailer_lines: list[bytes] = []
        self._trailer_bytes = 0

    @property
    def last_seen(self) -> bool:
        """Whether the last chunk (of size 0) has arrived, and so all of the data has."""
        return self._expected == _TRAILER

    @property
    def held(self) -> bytes:
        """The bytes that were fed and are not decoded yet."""
        return self._held

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes | None:
        """Decode ``data`` and append the data of its chunks to ``pieces``; many small chunks become one piece.

        Returns None until the message ends, and then the bytes that follow its end. Raises ResponseError (``protocol``)
        for an invalid chunk size and for a chunk that is longer than its size.
        """
        if self._held:
            data, self._held = self._held + data, b""
        found: list[bytes] = []
        rest = self._decode(data, found)
        if len(found) > MANY:
            pieces.append(b"".join(found))
        else:
            pieces += found
        return rest

    def _decode(self, data: bytes, pieces: list[bytes]) -> bytes | None:
        at = 0
        self.has_unparsed = False
        while True:
            if self._expected == _SIZE and not self._left:
                at = _skip_small_chunks(data, at, pieces, self._most)
            if len(pieces) >= self._most:
                self._held, self.has_unparsed = data[at:], at < len(data)
                return None
            if self._left:
                piece = data[at : at + self._left]
                if not piece:
                    return None
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            newline = data.find(b"\n", at, at + MAX_LINE)
            if self._expected == _DATA_END and data[at : at + 2] not in {b"\r\n", b"\r", b""} and newline != at:
                _fail("a chunk is longer than its size")
            if newline < 0:
                if len(data) - at >= MAX_LINE:
                    _fail(f"a line of the chunked coding is over {MAX_LINE} bytes long")
                self._held = data[at:]
                return None
            line = data[at:newline].removesuffix(b"\r")
            at = newline + 1
            if self._expected == _DATA_END:
                self._expected = _SIZE
            elif self._expected == _SIZE:
                self._begin_chunk(line)
            elif line:
                self._add_trailer(line)
            else:
                return data[at:]

    def trailers(self, notes: list[str]) -> list[Field]:
        """Parse the trailer fields, and add to ``notes`` which lines were skipped."""
        return parse_fields(self._trailer_lines, notes)

    def _begin_chunk(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            _fail(f"not a chunk size: {shown(line)}")
        self._left = int(match[1], 16)
        if self._left > MAX_CHUNK:
            _fail(f"not a chunk size: {shown(line)}")
        self._expected = _DATA_END if self._left else _TRAILER

    def _add_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line) + 1
        if self._trailer_bytes > MAX_TRAILERS:
            _fail(f"the trailers are over {MAX_TRAILERS} bytes long")
        self._trailer_lines.append(line)


def _skip_small_chunks(data: bytes, at: int, pieces: list[bytes], most: float) -> int:
    """Decode complete small chunks from offset ``at``, up to ``most`` pieces, and return the offset after them."""
    while len(pieces) < most:
        newline = data.find(b"\n", at, at + LONGEST_SMALL)
        size = None if newline < 0 else _SMALL.get(data[at:newline])
        if size is None:
            break
        end = newline + 1 + size
        if data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[newline + 1 : end])
        at = end + 2
    return at


def _fail(detail: str) -> NoReturn:
    raise ResponseError(ErrorKind.PROTOCOL, detail)
