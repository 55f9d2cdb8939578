"""Tests that the result does not depend on how the bytes are split."""

from __future__ import annotations

import string
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.transport.errors import ResponseError
from scrapepool.transport.http1 import head
from scrapepool.transport.http1.head import Head, _parse_leniently, _parse_strictly, parse_head
from scrapepool.transport.http1.response import ResponseParser
from tests.torture.response_invariants import Parsed, parse

NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12).map(str.encode)
VALUES = st.text(string.ascii_letters + string.digits + " ;=/\xe9", max_size=30).map(
    lambda v: v.strip().encode("latin-1")
)
FRAMING = {b"connection", b"content-length", b"transfer-encoding"}
FIELDS = st.lists(st.tuples(NAMES.filter(lambda name: name.lower() not in FRAMING), VALUES), max_size=8)
PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, list[tuple[bytes, bytes]], bytes, bool]:
    """Draw a valid response: its bytes, its fields, its body, and whether it declares its own end."""
    fields, pieces, interim = draw(FIELDS), draw(PIECES), draw(st.integers(0, 2))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    end = draw(st.sampled_from([b"\r\n", b"\n"]))
    body = b"".join(pieces)
    wire = body
    if framing == "length":
        fields = [*fields, (b"Content-Length", b"%d" % len(body))]
    elif framing == "chunked":
        fields = [(b"Transfer-Encoding", b"chunked"), *fields]
        extension = draw(st.sampled_from([b"", b";a=b", b' ; q="x"']))
        trailer = draw(st.sampled_from([b"", b"X-T: 1" + end]))
        wire = b"".join(b"%x" % len(piece) + extension + end + piece + end for piece in pieces)
        wire += b"0" + end + trailer + end
    head = b"HTTP/1.1 200 OK" + end + b"".join(name + b": " + value + end for name, value in fields) + end
    return (b"HTTP/1.1 103 Hints" + end + b"A: b" + end + end) * interim + head + wire, fields, body, framing != "close"


def cuts(raw: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(edge, len(raw)) for edge in at), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges)]


@given(responses())
def test_valid_responses_are_read_back(response: tuple[bytes, list[tuple[bytes, bytes]], bytes, bool]) -> None:
    """A valid response is parsed into its own fields and body."""
    raw, fields, body, ends_itself = response
    parser = ResponseParser()
    parser.feed(raw)
    assert parser.headers == fields
    assert parser.done is ends_itself
    parser.eof()
    assert b"".join(parser.take()) == body
    assert (parser.leftover, parser.notes) == (b"", [])


@pytest.mark.slow
@given(responses(), st.binary(max_size=20), st.lists(st.integers(0, 400), max_size=6))
def test_cuts_do_not_matter(response: tuple[bytes, Any, Any, bool], unsolicited: bytes, at: list[int]) -> None:
    """The result is the same as a whole, byte by byte and in random pieces, with unsolicited data after it."""
    raw = response[0] + unsolicited
    whole = parse([raw], "GET")
    assert parse([bytes([byte]) for byte in raw], "GET") == whole
    assert parse(cuts(raw, at), "GET") == whole
    if response[3]:
        assert isinstance(whole, Parsed)
        assert whole.leftover == unsolicited
        assert not (unsolicited and whole.keep_alive)


@pytest.mark.slow
@given(
    responses(),
    st.integers(0, 400),
    st.binary(max_size=3),
    st.integers(0, 3),
    st.lists(st.integers(0, 400), max_size=4),
)
@settings(max_examples=300)
def test_damage_raises_nothing_else(
    response: tuple[bytes, Any, Any, Any], place: int, new: bytes, drop: int, at: list[int]
) -> None:
    """A damaged response is parsed or refused in the same way for any split, and nothing else is raised."""
    raw = response[0][:place] + new + response[0][place + drop :]
    whole = parse([raw], "GET")
    assert parse(cuts(raw, at), "GET") == whole
    assert parse([bytes([byte]) for byte in raw], "GET") == whole


LINES = st.one_of(
    st.tuples(NAMES, st.sampled_from([b":", b": ", b" :", b":\t ", b""]), st.binary(max_size=8)).map(b"".join),
    st.sampled_from([b"Content-Length: 5", b"content-length:x", b"Transfer-Encoding: chunked", b"Upgrade: h2c"]),
    st.sampled_from([b"Connection: upgrade", b"A: b \t", b" folded", b"\tfolded", b"A:\xff", b": no name", b"A:\x7f"]),
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"])
STARTS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 101 Switching", b"HTTP/1.1 204 "])


def read(parse: Callable[[bytes], Head | None], block: bytes) -> Any:
    """Return the parsed header block, or the message of its error."""
    try:
        return parse(block)
    except ResponseError as error:
        return error.kind, error.detail


@pytest.mark.slow
@settings(max_examples=500)
@given(STARTS, ENDS, st.lists(st.tuples(LINES, ENDS), max_size=6), ENDS)
def test_what_is_remembered_of_lines_changes_nothing(
    start: bytes, end: bytes, lines: list[tuple[bytes, bytes]], blank: bytes
) -> None:
    """The cache of lines does not change how a block is parsed, by llhttp or line by line."""
    read(parse_head, start + b"\r\n\r\n")
    block = start + end + b"".join(map(b"".join, lines)) + blank
    expected = read(lambda block: _parse_strictly(block) or _parse_leniently(block), block)
    assert read(parse_head, block) == expected
    assert read(parse_head, block) == expected


def test_what_is_remembered_of_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is cleared if it is full, and long lines are not cached."""
    monkeypatch.setattr(head, "LINES_KEPT", 10)
    for number in range(100):
        block = b"HTTP/1.1 200 OK %d\r\nA: %d\r\nB: %s\r\n\r\n" % (number, number, b"x" * 1000)
        assert parse_head(block).headers == parse_head(block).headers == [(b"A", b"%d" % number), (b"B", b"x" * 1000)]
        assert len(head._fields) <= 10
        assert len(head._starts) <= 10
    assert max(map(len, head._fields)) < 100


@pytest.mark.slow
@given(responses(), st.integers(1, 400))
def test_a_cut_response_is_never_whole(response: tuple[bytes, Any, bytes, bool], missing: int) -> None:
    """A truncated response with a declared end is never complete with another body."""
    raw, _, body, ends_itself = response
    reported = parse([raw[:-missing]], "GET")
    if ends_itself and isinstance(reported, Parsed):
        assert reported.body == body
