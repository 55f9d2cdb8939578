"""What must hold for the reply parser whatever it is fed, as one function of some bytes.

Every input is fed whole, byte by byte, in pieces, and with rubbish after it. The parser's limits are lowered meanwhile,
so that inputs of a few hundred bytes reach them. The fuzzer beside it looks for inputs; the suite replays what it kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from unittest import mock

from scrapepool.transport.errors import ResponseError
from scrapepool.transport.http1 import chunked
from scrapepool.transport.http1 import response as reply

METHODS = ("GET", "HEAD", "CONNECT", "POST")
RUBBISH = b"HTTP/1.1 200 OK\r\n"
MOST_CUTS = 8

LIMITS = {
    reply: {"MAX_HEAD": 400, "MAX_FIELDS": 6, "MAX_INTERIM": 2, "LEFTOVER_KEPT": 2**20},
    chunked: {"MAX_LINE": 24, "MAX_TRAILERS": 48},
}
"""The parser's limits meanwhile: within reach, but for what it keeps of the bytes behind a message, which is all."""


class Told(NamedTuple):
    """All that a parser tells once it was fed some bytes and a close."""

    status: int
    reason: str
    version: int
    headers: list[tuple[bytes, bytes]]
    trailers: list[tuple[bytes, bytes]]
    informational: int
    body: bytes
    whole: bool  # before the close
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


def told(pieces: list[bytes], method: str) -> Told | str:
    """What a parser tells of these pieces; of an error only its kind. Raises what is no ResponseError."""
    parser = reply.ResponseParser(method)
    body = b""
    try:
        for piece in pieces:
            parser.feed(piece)
            body += b"".join(parser.take())
        whole = parser.done
        parser.eof()
    except ResponseError as error:
        return error.kind
    return Told(
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
    whole = told([raw], method)
    assert told([raw[at : at + 1] for at in range(len(raw))], method) == whole, "byte by byte"
    assert told(_cuts(raw, seed[0] if seed else 0), method) == whole, "in pieces"
    if isinstance(whole, str):
        return
    _nothing_invented(raw, whole)
    again = told([raw + RUBBISH], method)
    if whole.whole:
        more = whole._replace(leftover=whole.leftover + RUBBISH, keep_alive=False)
        assert again == more, "with rubbish after it"
    elif whole.framing == "close":
        assert again == whole._replace(body=whole.body + RUBBISH), "with more after it"


def _cuts(raw: bytes, seed: int) -> list[bytes]:
    """Pieces of unlike sizes."""
    edges = sorted((seed + 1) * (n * n + 1) % (len(raw) + 1) for n in range(min(MOST_CUTS, seed)))
    return [raw[start:end] for start, end in pairwise([0, *edges, len(raw)])]


def _nothing_invented(raw: bytes, whole: Told) -> None:
    """Every byte of the body and behind it is one that came, in its place, and none is missing."""
    assert raw.endswith(whole.leftover)
    message = raw[: len(raw) - len(whole.leftover)]
    if whole.framing == "chunked":
        bodies = (_without_chunks(message[end:]) for end in _head_ends(message))
        assert whole.body in bodies, "the body is not what the chunks hold"
    else:
        assert message.endswith(whole.body), "the body is not what stands before its end"
        assert len(message) - len(whole.body) in _head_ends(message), "bytes are missing between head and body"
    assert whole.framing != "length" or len(whole.body) == whole.length
    assert not (whole.leftover and whole.keep_alive)
    assert whole.whole or not whole.keep_alive
    assert all(name in raw for name, _ in (*whole.headers, *whole.trailers))


def _head_ends(message: bytes) -> list[int]:
    """Every place that may be the end of a header block."""
    return [match.end() for match in re.finditer(rb"(?<=\n)\r?\n", message)]


def _without_chunks(wire: bytes) -> bytes | None:
    """The data of a chunked body, read in one go; None for what is none or goes on behind its trailers."""
    body = b""
    while (chunk := re.match(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n", wire)) is not None:
        size, wire = int(chunk[1], 16), wire[chunk.end() :]
        if not size:
            *lines, rest = re.split(rb"\r?\n", wire)
            return body if b"" not in lines or (lines.index(b"") == len(lines) - 1 and not rest) else None
        body, wire = body + wire[:size], wire[size:]
        wire = wire.removeprefix(b"\r").removeprefix(b"\n")
    return None
