"""What is received of a body before it can be taken apart: bounded, in order, and whole where it seems so."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from scrapepool.transport.exchange import read_ahead
from scrapepool.transport.exchange.read_ahead import Allowance, ReadAhead
from scrapepool.transport.http1.response import ResponseParser

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


class Connection:
    """A connection over which this has come, piece by piece; an error is raised."""

    def __init__(self, *pieces: bytes | OSError) -> None:
        self._pieces = deque(pieces)

    def receive(self, size: int) -> bytes | None:
        """Return the next piece, up to the requested size."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        if isinstance(piece, OSError):
            raise piece
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
        return piece[:size]


def filled(*pieces: bytes | OSError) -> ReadAhead:
    """All that has come, received."""
    ahead = ReadAhead(Allowance())
    connection: Any = Connection(*pieces)
    assert not ahead.fill(connection)
    return ahead


def parser(data: bytes, **options: bool) -> ResponseParser:
    """A parser that has these bytes."""
    made = ResponseParser("GET", **options)
    made.feed(data)
    return made


@pytest.mark.parametrize(
    ("parsed", "ahead", "whole"),
    [
        (LENGTH + b"12", b"3456", True),
        (LENGTH + b"12", b"345", False),
        (LENGTH + b"12", b"34567", False),
        (CHUNKED + b"1\r\n", b"x\r\n0\r\n\r\n", True),
        (CHUNKED + b"1\r\nx\r\n", b"0\r\n\r\n", True),
        (CHUNKED + b"1\r\n", b"x\r\n0\r\n", False),
        (CHUNKED + b"1\r\n", b"x\r\n10\r\n\r\n", False),
        (CHUNKED + b"1\r\n", b"x\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n", False),
        (CHUNKED + b"0\r\n", b"\r\n0\r\n\r\n", False),
        (CLOSE + b"12", b"3456", False),
    ],
)
def test_a_response_is_whole_where_its_end_has_come_and_nothing_follows(
    parsed: bytes, ahead: bytes, whole: bool
) -> None:
    """By its length, or by what looks like the last chunk; never where it ends with the connection."""
    assert filled(ahead).completes(parser(parsed)) is whole


def test_what_the_parser_holds_counts_as_well() -> None:
    """A status line may begin among the bytes that were fed and not taken in."""
    behind = parser(CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", slices=True)
    assert behind.has_unparsed
    assert not filled(b"0\r\n\r\n").completes(behind)
    assert filled(b"0\r\n\r\n").completes(parser(CHUNKED + b"1\r\nx\r\n" * 1000, slices=True))


def test_bytes_come_out_as_they_came() -> None:
    """In order, in pieces of any size."""
    ahead = filled(b"abc", b"defg", b"")
    assert [ahead.take(2), ahead.take(9), ahead.take(1)] == [b"ab", b"cdefg", b""]
    assert ahead.ended


def test_an_error_is_kept() -> None:
    """What came before it is parsed first; a response that it cuts is not whole."""
    ahead = filled(b"3456", ConnectionResetError("gone"))
    assert isinstance(ahead.fault, ConnectionResetError)
    assert not ahead.completes(parser(LENGTH + b"12"))
    assert ahead.take(9) == b"3456"


def test_what_is_received_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Per response and over all of them; what was taken makes room."""
    monkeypatch.setattr(read_ahead, "MAX_PER_RESPONSE", 10)
    allowance = Allowance()
    allowance.left = 15
    connection: Any = Connection(bytes(30))
    one, other = ReadAhead(allowance), ReadAhead(allowance)
    assert one.fill(connection)
    assert other.fill(connection)
    assert (len(one), len(other), allowance.left) == (10, 5, 0)
    one.take(7)
    assert allowance.left == 7
    assert other.fill(connection)
    assert (len(other), allowance.left) == (10, 2)


def test_one_step_receives_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are not kept waiting by what a fast server sends."""
    monkeypatch.setattr(read_ahead, "MAX_PER_STEP", 4)
    ahead = ReadAhead(Allowance())
    connection: Any = Connection(*[b"x"] * 6)
    assert ahead.fill(connection)
    assert len(ahead) == 4
    assert not ahead.fill(connection)
    assert len(ahead) == 6
