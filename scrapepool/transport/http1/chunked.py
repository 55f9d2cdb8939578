"""The chunked transfer coding (RFC 9112 section 7.1) and how it is removed.

Decides where chunks, trailers and the message end, to the byte. What follows the end must not be taken for the next
response on the connection, and httptools does not tell where llhttp stopped. Does not know the header block, and keeps
no body.
"""

from __future__ import annotations

import re
from math import inf
from typing import NoReturn

from ...model import ErrorKind
from ..errors import ResponseError
from .head import Field, parse_fields, shown

MAX_LINE = 8 * 1024
"""Bytes of one size line or trailer line; extensions are rare and short (Go stops at 4 KiB)."""
MAX_TRAILERS = 64 * 1024
"""Bytes of all trailer lines."""
MAX_CHUNK = 2**63 - 1
"""What llhttp, curl and browsers can count to."""

MOST_AT_ONCE = 400
"""Chunks taken apart before others get their turn, where somebody asks for that: a quarter of a millisecond's work."""
MANY = 8
"""Pieces that are cheaper to be handled joined to one."""

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)


_SMALL = {b"%x\r" % size: size for size in range(1, 256)}
"""Size lines of small chunks as they are usually written: who sends many of them is to cost little."""

LONGEST_SMALL = len(b"ff\r\n")

_SIZE, _DATA_END, _TRAILER = range(3)
"""Which line is expected next. Plain numbers: an Enum's members cost three times as much to look up."""


class ChunkedBody:
    """Takes a chunked body apart. ``last_seen``: the zero-sized chunk has come, so all data has.

    most: chunks that one ``feed`` takes apart at most. behind: what was fed holds more of them, for another ``feed``
    with nothing.
    """

    __slots__ = ("_expected", "_held", "_left", "_most", "_trailer_bytes", "_trailer_lines", "behind")

    def __init__(self, most: float = inf) -> None:
        self._most = most
        self.behind = False
        self._expected = _SIZE
        self._left = 0
        self._held = b""
        self._trailer_lines: list[bytes] = []
        self._trailer_bytes = 0

    @property
    def last_seen(self) -> bool:
        """Whether the zero-sized chunk has come."""
        return self._expected == _TRAILER

    @property
    def held(self) -> bytes:
        """What was fed and is not taken apart yet."""
        return self._held

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes | None:
        """Append the data of chunks to ``pieces``, that of many small ones joined.

        Returns None while the message goes on, and then what came after its end. Raises ResponseError
        (protocol) for a size that is none and for a chunk that is longer than its size.
        """
        if self._held:
            data, self._held = self._held + data, b""
        found: list[bytes] = []
        rest = self._take_apart(data, found)
        if len(found) > MANY:
            pieces.append(b"".join(found))
        else:
            pieces += found
        return rest

    def _take_apart(self, data: bytes, pieces: list[bytes]) -> bytes | None:
        at = 0
        self.behind = False
        while True:
            if self._expected == _SIZE and not self._left:
                at = _past_small(data, at, pieces, self._most)
            if len(pieces) >= self._most:
                self._held, self.behind = data[at:], at < len(data)
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
                    _fail(f"a chunk's line over {MAX_LINE} bytes")
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
        """Parse the trailer fields that came; what is skipped is added to ``notes``."""
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
            _fail(f"trailers over {MAX_TRAILERS} bytes")
        self._trailer_lines.append(line)


def _past_small(data: bytes, at: int, pieces: list[bytes], most: float) -> int:
    """Take whole small chunks from ``data``, until ``pieces`` are ``most``; the offset behind them."""
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
