"""Whatever way the bytes are cut, the response is the same."""

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

NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12).map(str.encode)
VALUES = st.text(string.ascii_letters + string.digits + " ;=/\xe9", max_size=30).map(
    lambda v: v.strip().encode("latin-1")
)
FRAMING = {b"connection", b"content-length", b"transfer-encoding"}
FIELDS = st.lists(st.tuples(NAMES.filter(lambda name: name.lower() not in FRAMING), VALUES), max_size=8)
PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, list[tuple[bytes, bytes]], bytes, bool]:
    """A valid reply: its bytes, its fields, its body, and whether it says itself where it ends."""
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


def outcome(pieces: list[bytes]) -> Any:
    """All that a parser tells once it was fed these pieces and a close; of an error only its kind."""
    parser = ResponseParser()
    body = b""
    try:
        for piece in pieces:
            parser.feed(piece)
            body += b"".join(parser.take())
        whole = parser.done
        parser.eof()
    except ResponseError as error:
        return error.kind
    told = (parser.status, parser.reason, parser.version, parser.headers, parser.trailers, parser.informational)
    return told, body, whole, parser.framing, parser.length, parser.keep_alive, parser.leftover, parser.notes


@given(replies())
def test_valid_replies_are_read_back(reply: tuple[bytes, list[tuple[bytes, bytes]], bytes, bool]) -> None:
    """What a server means by a valid reply is what comes out."""
    raw, fields, body, ends_itself = reply
    parser = ResponseParser()
    parser.feed(raw)
    assert parser.headers == fields
    assert parser.done is ends_itself
    parser.eof()
    assert b"".join(parser.take()) == body
    assert (parser.leftover, parser.notes) == (b"", [])


@given(replies(), st.binary(max_size=20), st.lists(st.integers(0, 400), max_size=6))
def test_cuts_do_not_matter(reply: tuple[bytes, Any, Any, bool], rubbish: bytes, at: list[int]) -> None:
    """Fed whole, byte by byte and in random pieces, with rubbish after it, a reply is the same."""
    raw = reply[0] + rubbish
    whole = outcome([raw])
    assert outcome([bytes([byte]) for byte in raw]) == whole
    assert outcome(cuts(raw, at)) == whole
    if reply[3]:
        assert whole[6] == rubbish
        assert not (rubbish and whole[5])


@given(
    replies(), st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3), st.lists(st.integers(0, 400), max_size=4)
)
@settings(max_examples=300)
def test_damage_raises_nothing_else(
    reply: tuple[bytes, Any, Any, Any], place: int, new: bytes, drop: int, at: list[int]
) -> None:
    """A damaged reply is read or refused, in the same way however it is cut, and nothing else is raised."""
    raw = reply[0][:place] + new + reply[0][place + drop :]
    whole = outcome([raw])
    assert outcome(cuts(raw, at)) == whole
    assert outcome([bytes([byte]) for byte in raw]) == whole


LINES = st.one_of(
    st.tuples(NAMES, st.sampled_from([b":", b": ", b" :", b":\t ", b""]), st.binary(max_size=8)).map(b"".join),
    st.sampled_from([b"Content-Length: 5", b"content-length:x", b"Transfer-Encoding: chunked", b"Upgrade: h2c"]),
    st.sampled_from([b"Connection: upgrade", b"A: b \t", b" folded", b"\tfolded", b"A:\xff", b": no name", b"A:\x7f"]),
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"])
STARTS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 101 Switching", b"HTTP/1.1 204 "])


def read(parse: Callable[[bytes], Head | None], block: bytes) -> Any:
    """What a header block says; of an error its words."""
    try:
        return parse(block)
    except ResponseError as error:
        return error.kind, error.detail


@settings(max_examples=500)
@given(STARTS, ENDS, st.lists(st.tuples(LINES, ENDS), max_size=6), ENDS)
def test_what_is_remembered_of_lines_changes_nothing(
    start: bytes, end: bytes, lines: list[tuple[bytes, bytes]], blank: bytes
) -> None:
    """A block is read as llhttp reads it, or line by line where that refuses it, whatever was read before."""
    read(parse_head, start + b"\r\n\r\n")
    block = start + end + b"".join(map(b"".join, lines)) + blank
    expected = read(lambda block: _parse_strictly(block) or _parse_leniently(block), block)
    assert read(parse_head, block) == expected
    assert read(parse_head, block) == expected


def test_what_is_remembered_of_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts over when there are too many, and long lines are not kept."""
    monkeypatch.setattr(head, "LINES_KEPT", 10)
    for number in range(100):
        block = b"HTTP/1.1 200 OK %d\r\nA: %d\r\nB: %s\r\n\r\n" % (number, number, b"x" * 1000)
        assert parse_head(block).headers == parse_head(block).headers == [(b"A", b"%d" % number), (b"B", b"x" * 1000)]
        assert len(head._fields) <= 10
        assert len(head._starts) <= 10
    assert max(map(len, head._fields)) < 100


@given(replies(), st.integers(1, 400))
def test_a_cut_reply_is_never_whole(reply: tuple[bytes, Any, bytes, bool], missing: int) -> None:
    """A reply that says where it ends, and ends sooner, is never taken for whole with another body."""
    raw, _, body, ends_itself = reply
    told = outcome([raw[:-missing]])
    if ends_itself and isinstance(told, tuple):
        assert told[1] == body
