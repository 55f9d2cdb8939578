"""The invariants of the response parser, checked by one function for any input bytes.

Every input is fed as a whole, byte by byte, in pieces, and with unsolicited data after it. The limits of the parser are
lowered, so that inputs of a few hundred bytes reach them. ``fuzz_response`` searches for inputs, and the test suite
replays those that it kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from unittest import mock

from scrapepool.transport.errors import ResponseError
from scrapepool.transport.http1 import chunked, head_reader, response

METHODS = ("GET", "HEAD", "CONNECT", "POST")
UNSOLICITED = b"HTTP/1.1 200 OK\r\n"
MOST_CUTS = 8

LIMITS = {
    head_reader: {"MAX_HEAD": 400, "MAX_INTERIM": 2},
    response: {"MAX_FIELDS": 6, "LEFTOVER_KEPT": 2**20},
    chunked: {"MAX_LINE": 24, "MAX_TRAILERS": 48},
}
"""The limits during a check. They are low, except that all bytes after the end of a message are kept."""


class Parsed(NamedTuple):
    """Everything that a parser reports after it received some bytes and the end of the connection."""

    status: int
    reason: str
    version: int
    headers: list[tuple[bytes, bytes]]
    trailers: list[tuple[bytes, bytes]]
    informational: int
    body: bytes
    whole: bool  # before the connection ended
    framing: str
    length: int | None
    keep_alive: bool
    leftover: bytes
    notes: list[str]


@contextlib.contextmanager
def small_limits() -> Iterator[None]:
    """Lower the parser's limits."""
    with contextlib.ExitStack() as stack:
        for module, limits in LIMITS.items():
            stack.enter_context(mock.patch.multiple(module, **limits))
        yield


def parse(pieces: list[bytes], method: str) -> Parsed | str:
    """Return what a parser reports for these pieces, or the kind of its ResponseError. Other errors are raised."""
    parser = response.ResponseParser(method)
    body = b""
    try:
        for piece in pieces:
            parser.feed(piece)
            body += b"".join(parser.take())
        whole = parser.done
        parser.eof()
    except ResponseError as error:
        return error.kind
    return Parsed(
        parser.status,
        parser.reason,
        parser.version,
        parser.headers,
        parser.trailers,
        parser.informational,
        body,
        whole,
        parser.framing,
        parser.length,
        parser.keep_alive,
        parser.leftover,
        parser.notes,
    )


def check(data: bytes) -> None:
    """Parse ``data``, whose first two bytes choose the method and the cuts. Raises AssertionError for a finding."""
    method, seed, raw = METHODS[data[0] % len(METHODS)] if data else "GET", data[1:2], data[2:]
    whole = parse([raw], method)
    assert parse([raw[at : at + 1] for at in range(len(raw))], method) == whole, "byte by byte"
    assert parse(_cuts(raw, seed[0] if seed else 0), method) == whole, "in pieces"
    if isinstance(whole, str):
        return
    _nothing_invented(raw, whole)
    again = parse([raw + UNSOLICITED], method)
    if whole.whole:
        more = whole._replace(leftover=whole.leftover + UNSOLICITED, keep_alive=False)
        assert again == more, "with unsolicited data after it"
    elif whole.framing == "close":
        assert again == whole._replace(body=whole.body + UNSOLICITED), "with more after it"


def _cuts(raw: bytes, seed: int) -> list[bytes]:
    """Return pieces of different sizes."""
    edges = sorted((seed + 1) * (n * n + 1) % (len(raw) + 1) for n in range(min(MOST_CUTS, seed)))
    return [raw[start:end] for start, end in pairwise([0, *edges, len(raw)])]


def _nothing_invented(raw: bytes, whole: Parsed) -> None:
    """Check that each byte of the body and after it was in the input, at its place, and that none is missing."""
    assert raw.endswith(whole.leftover)
    message = raw[: len(raw) - len(whole.leftover)]
    if whole.framing == "chunked":
        bodies = (_without_chunks(message[end:]) for end in _head_ends(message))
        assert whole.body in bodies, "the body is not what the chunks contain"
    else:
        assert message.endswith(whole.body), "the body is not at the end of the message"
        assert len(message) - len(whole.body) in _head_ends(message), "bytes are missing between head and body"
    assert whole.framing != "length" or len(whole.body) == whole.length
    assert not (whole.leftover and whole.keep_alive)
    assert whole.whole or not whole.keep_alive
    assert all(name in raw for name, _ in (*whole.headers, *whole.trailers))


def _head_ends(message: bytes) -> list[int]:
    """Return every offset that may be the end of a header block."""
    return [match.end() for match in re.finditer(rb"(?<=\n)\r?\n", message)]


def _without_chunks(wire: bytes) -> bytes | None:
    """Decode a complete chunked body; return None if it is invalid or continues after its trailers."""
    body = b""
    while (chunk := re.match(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n", wire)) is not None:
        size, wire = int(chunk[1], 16), wire[chunk.end() :]
        if not size:
            *lines, rest = re.split(rb"\r?\n", wire)
            return body if b"" not in lines or (lines.index(b"") == len(lines) - 1 and not rest) else None
        body, wire = body + wire[:size], wire[size:]
        wire = wire.removeprefix(b"\r").removeprefix(b"\n")
    return None
