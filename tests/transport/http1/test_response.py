"""The rules of the response parser, one by one, each with a response that needs it."""

from __future__ import annotations

import pytest

from scrapepool.model import ErrorKind
from scrapepool.transport.errors import ResponseError
from scrapepool.transport.http1.head_reader import MAX_HEAD, MAX_INTERIM
from scrapepool.transport.http1.response import LEFTOVER_KEPT, MAX_FIELDS, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def parsed(raw: bytes, method: str = "GET") -> ResponseParser:
    parser = ResponseParser(method)
    parser.feed(raw)
    return parser


def fault(raw: bytes, *, eof: bool = False) -> ResponseError:
    parser = ResponseParser()
    with pytest.raises(ResponseError) as caught:
        parser.feed(raw)
        if eof:
            parser.eof()
    assert "\n" not in caught.value.detail
    assert caught.value.detail.isprintable()
    return caught.value


def test_a_plain_response() -> None:
    """An ordinary response has its status, reason, version, headers and body, and the connection persists."""
    parser = parsed(OK + b"Content-Length: 5\r\nX-A: b  \r\nx-a: c\r\n\r\nhello")
    assert (parser.status, parser.reason, parser.version) == (200, "OK", 11)
    assert parser.headers == [(b"Content-Length", b"5"), (b"X-A", b"b"), (b"x-a", b"c")]
    assert (parser.framing, parser.length) == ("length", 5)
    assert parser.take() == [b"hello"]
    assert parser.take() == []
    assert parser.done
    assert parser.keep_alive
    assert parser.leftover == b""
    assert parser.notes == []


def test_get_takes_the_first_of_repeated_fields() -> None:
    """A repeated field has its first value, but all values if it says how to read the body."""
    parser = parsed(OK + b"Location: /a\r\nLocation: /b\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n\r\n")
    assert parser.values.get(b"location") == b"/a"
    assert parser.values.get(b"content-encoding") == b"gzip, br"
    assert parser.values.get(b"etag") is None


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_responses_are_skipped(status: int) -> None:
    """Any 1xx except 101 is skipped, and the body is that of the final response."""
    parser = parsed(b"HTTP/1.1 %d Wait\r\nLink: </a>\r\n\r\n" % status * 3 + OK + b"Content-Length: 1\r\n\r\nx")
    assert (parser.status, parser.informational) == (200, 3)
    assert parser.values.get(b"link") is None
    assert parser.take() == [b"x"]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Length: 5", b"Content-Length: nah, 7"])
def test_statuses_without_a_body(status: int, framing: bytes) -> None:
    """204 and 304 end with their header block for any header, and bytes after it are leftover."""
    parser = parsed(b"HTTP/1.1 %d No\r\n%s\r\n\r\n" % (status, framing))
    assert (parser.done, parser.framing, parser.keep_alive) == (True, "none", True)
    parser.feed(b"hello")
    assert parser.leftover == b"hello"
    assert not parser.keep_alive


@pytest.mark.parametrize(("method", "done"), [("HEAD", True), ("CONNECT", True), ("GET", False), ("POST", False)])
def test_methods_without_a_body(method: str, done: bool) -> None:
    """A response to HEAD, and a successful one to CONNECT, has no body even if it declares one."""
    parser = parsed(OK + b"Content-Length: 5\r\n\r\n", method)
    assert parser.done is done
    assert parser.length == (None if done else 5)


def test_a_refused_tunnel_has_a_body() -> None:
    """A refusal of CONNECT has a body."""
    parser = parsed(b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", "CONNECT")
    assert parser.take() == [b"no"]


def test_a_body_that_ends_with_the_connection() -> None:
    """Without length and chunks, the body ends at the close, and the connection cannot be reused."""
    parser = parsed(OK + b"\r\nhel")
    parser.feed(b"lo")
    assert (parser.done, parser.framing, parser.keep_alive) == (False, "close", False)
    parser.eof()
    assert parser.done
    assert b"".join(parser.take()) == b"hello"


def test_chunks_with_extensions_and_trailers() -> None:
    """Chunk extensions are dropped, and trailers are separate from the headers."""
    raw = b"Transfer-Encoding: chunked\r\n\r\n5;a=b;c\r\nhello\r\n6 \n world\n0\r\nX-Sum: 1\r\n 2\r\nbad\r\n\r\n"
    parser = parsed(OK + raw)
    assert parser.done
    assert parser.keep_alive
    assert b"".join(parser.take()) == b"hello world"
    assert parser.trailers == [(b"X-Sum", b"1 2")]
    assert parser.values.get(b"x-sum") is None
    assert parser.notes == ["skipped a malformed header line: 'bad'"]


def test_chunked_wins_over_content_length() -> None:
    """With both fields, the chunks count, a note is added, and the connection is not reused (RFC 9112 section 6.3)."""
    parser = parsed(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert b"".join(parser.take()) == b"hello"
    assert parser.length is None
    assert not parser.keep_alive
    assert parser.notes == ["ignored a Content-Length beside Transfer-Encoding"]


def test_the_last_chunk_is_enough() -> None:
    """After the last chunk, a close truncates only trailers, and the body is complete (RFC 9112 section 8)."""
    parser = parsed(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")
    assert not parser.done
    parser.eof()
    assert parser.done
    assert not parser.keep_alive
    assert parser.notes == ["the connection ended inside the trailers"]


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: X-Foo, CLOSE\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: closed\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_keep_alive(head: bytes, keep_alive: bool) -> None:
    """Version and Connection decide whether the connection persists (RFC 9112 section 9.3)."""
    assert parsed(head + b"Content-Length: 0\r\n\r\n").keep_alive is keep_alive


def test_chunks_from_http_1_0() -> None:
    """Chunks from a 1.0 server are decoded, but its connection is not reused."""
    parser = parsed(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert parser.done
    assert not parser.keep_alive


@pytest.mark.parametrize(
    ("raw", "headers", "notes"),
    [
        (b"HTTP/1.1 200 OK\nA: b\nC:d\n\n", [(b"A", b"b"), (b"C", b"d")], 0),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\t c\r\n d\r\n\r\n", [(b"A", b"b c d")], 0),
        (b"HTTP/1.1 200 OK\r\n A: b\r\nC: d\r\n\r\n", [(b"C", b"d")], 1),
        (b"HTTP/1.1 200 OK\r\nfoo\r\nA: b\r\n\r\n", [(b"A", b"b")], 1),
        (b"HTTP/1.1 200 OK\r\nfoo\r\n bar\r\nA: b\r\n\r\n", [(b"A", b"b")], 2),
        (b"HTTP/1.1 200 OK\r\n: x\r\nA b: c\r\nA\xe9: d\r\nE: f\r\n\r\n", [(b"E", b"f")], 3),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", [(b"A", b"b")], 0),
        (b"HTTP/1.1 200 OK\r\nA: b\x01c\xff\r\n\r\n", [(b"A", b"b\x01c\xff")], 0),
        (b"HTTP/1.1 200\r\nA:\r\n\r\n", [(b"A", b"")], 0),
        (b"\r\n\r\nHTTP/1.1  200 OK\r\nA: b\r\n\r\n", [(b"A", b"b")], 0),
        (b"HTTP/1.1 200OK\r\nA: b\r\n\r\n", [(b"A", b"b")], 0),
    ],
)
def test_odd_header_blocks(raw: bytes, headers: list[tuple[bytes, bytes]], notes: int) -> None:
    """Valid lines are kept, invalid ones are skipped with a note, and the status is kept."""
    parser = parsed(raw)
    assert parser.status == 200
    assert parser.headers == headers
    assert len(parser.notes) == notes


@pytest.mark.parametrize(
    "line",
    [
        b"\rHTTP/1.1 200 OK",
        b"\r\r\nHTTP/1.1 200 OK",
        b"\n\rHTTP/1.1 200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 \t200 OK",
        b"HTTP/1.1 200: OK",
        b"HTTP/1.1 200:",
        b"HTTP/1.1 200\tOK",
        b"HTTP/1.1 200-OK",
        b"HTTP/1.1 200.0 OK",
        b"HTTP/1.1 200\x0bOK",
        b"HTTP/1.1 200\xa0OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1200 OK",
        b" HTTP/1.1 200 OK",
    ],
)
def test_status_lines_that_are_none(line: bytes) -> None:
    """Only spaces are allowed around the three digits of the status, and only line ends before the line."""
    raw = line + b"\r\nContent-Length: 0\r\n\r\n"
    for pieces in [raw], [raw[at : at + 1] for at in range(len(raw))]:
        parser = ResponseParser()
        with pytest.raises(ResponseError) as caught:
            for piece in pieces:
                parser.feed(piece)
        assert caught.value.kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize("ends", [b"\r\n", b"\n", b"\r\n\r\n", b"\n\n\r\n", b"\n\n\n\n"])
def test_empty_lines_before_the_status_line(ends: bytes) -> None:
    """At most two empty lines are accepted, for any split."""
    raw = ends + b"HTTP/1.1 204 No Content\r\n\r\n"
    for pieces in [raw], [raw[at : at + 1] for at in range(len(raw))]:
        parser = ResponseParser()
        for piece in pieces:
            parser.feed(piece)
        assert (parser.done, parser.status, parser.before) == (True, 204, len(ends))


@pytest.mark.parametrize(("line", "reason"), [(b"200", ""), (b"200 ", ""), (b"404 Not  Found", "Not  Found")])
def test_reason(line: bytes, reason: str) -> None:
    """The reason may be missing; otherwise it is kept as sent."""
    assert parsed(b"HTTP/1.1 " + line + b"\r\n\r\n").reason == reason


@pytest.mark.parametrize("status", [299, 600, 999])
def test_statuses_that_nobody_knows(status: int) -> None:
    """Any status of three digits except 1xx is a final response."""
    assert parsed(b"HTTP/1.1 %d Hm\r\n\r\n" % status).status == status


def test_hundreds_of_headers() -> None:
    """Many header fields are accepted."""
    fields = b"".join(b"X-%d: y\r\n" % n for n in range(1500))
    assert len(parsed(OK + fields + b"\r\n").headers) == 1500


@pytest.mark.parametrize(
    ("value", "length"), [(b"42", 42), (b"42, 42", 42), (b"042", 42), (b"0", 0), (b"0" * 5000 + b"7", 7)]
)
def test_lengths(value: bytes, length: int) -> None:
    """A length may be repeated, and may have leading zeros."""
    assert parsed(OK + b"Content-Length: " + value + b"\r\n\r\n").length == length


@pytest.mark.parametrize("value", [b"-1", b"+5", b"0x10", b"5 5", b"", b"nah", b"9" * 5000, b"9223372036854775808"])
def test_lengths_that_are_none(value: bytes) -> None:
    """An invalid Content-Length is ignored, as in browsers, and the body ends with the connection."""
    parser = parsed(OK + b"Content-Length: " + value + b"\r\n\r\nhello")
    assert (parser.framing, parser.length, parser.keep_alive) == ("close", None, False)
    assert len(parser.notes) == 1


PROTOCOL_ERRORS = {
    b"SSH-2.0-OpenSSH_9.6\r\n": "not an HTTP/1 status line: 'SSH-2.0-OpenSSH_9.6'",
    b"<html>": "not an HTTP/1 status line",
    b"\x15\x03\x01\x00\x02\x02": r"not an HTTP/1 status line: '\x15\x03\x01",
    b"\r\n\r\n\r\n": "empty lines",
    b"HTTP/1.2 200 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/2 200 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/0.9 200 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/1.1 2 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/1.1 2000 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/1.1 000 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/1.1 -20 OK\r\n\r\n": "not an HTTP/1 status line",
    b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n": "101",
    b"HTTP/1.1 101 Switching\r\n\r\n": "101",
    OK + b"A: b\0c\r\n\r\n": "a NUL",
    b"HTTP/1.1 200 O\0K\r\n\r\n": "a NUL",
    OK + b"A: b\rC: d\r\n\r\n": "a bare carriage return",
    OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n": "different Content-Lengths",
    OK + b"Content-Length: 4,\r\n\r\n": "different Content-Lengths",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n": "the Transfer-Encoding cannot be decoded",
    OK + b"Transfer-Encoding: chunked, identity\r\n\r\n": "the Transfer-Encoding cannot be decoded",
    OK + b"Transfer-Encoding: xchunked\r\n\r\n": "the Transfer-Encoding cannot be decoded",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n": "not a chunk size: '-5'",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n": "not a chunk size",
    OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n": "not a chunk size: ''",
    OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n": "not a chunk size",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n": "a chunk is longer",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhell\rx": "a chunk is longer",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4;" + b"x" * 9000: "a line of the chunked coding is over 8192 bytes",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 20_000: "the trailers are over",
    OK + b"A: " + b"x" * MAX_HEAD: "the header block is over 256 KiB",
    OK + b"A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n": "over 5000 header fields",
    b"HTTP/1.1 103 Wait\r\n\r\n" * (MAX_INTERIM + 1): "over 100 interim responses",
}


@pytest.mark.slow
@pytest.mark.parametrize("raw", PROTOCOL_ERRORS, ids=range(len(PROTOCOL_ERRORS)))
def test_protocol_errors(raw: bytes) -> None:
    """Bytes that are not an HTTP/1 response raise a printable error, as a whole and byte by byte."""
    error = fault(raw)
    assert error.kind is ErrorKind.PROTOCOL
    assert PROTOCOL_ERRORS[raw] in error.detail
    parser = ResponseParser()
    with pytest.raises(ResponseError) as caught:
        for at in range(len(raw)):
            parser.feed(raw[at : at + 1])
    assert caught.value.kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize(
    "raw",
    [
        b"H",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 100 Go on\r\n\r\n",
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0",
    ],
)
def test_cut_responses(raw: bytes) -> None:
    """A close before the end is a truncation, in the header block and in the body."""
    error = fault(raw, eof=True)
    assert (error.kind, error.fresh) == (ErrorKind.TRUNCATED, False)


def test_a_connection_that_was_closed_already() -> None:
    """A close before the first byte is a reset, since a reused connection can then be replaced."""
    parser = ResponseParser()
    with pytest.raises(ResponseError) as caught:
        parser.eof()
    assert (caught.value.kind, caught.value.fresh, parser.started) == (ErrorKind.RESET, True, False)


def test_leftover_is_bounded() -> None:
    """Only the first bytes after the end are kept, however many arrive."""
    parser = parsed(OK + b"Content-Length: 0\r\n\r\nHTTP/1.1")
    for _ in range(10):
        parser.feed(b"x" * 10_000)
    assert parser.leftover.startswith(b"HTTP/1.1xxx")
    assert len(parser.leftover) == LEFTOVER_KEPT


def test_a_close_after_the_end_changes_nothing() -> None:
    """A complete response stays complete when the peer closes."""
    parser = parsed(OK + b"Content-Length: 0\r\n\r\n")
    parser.eof()
    assert parser.done


def test_repr_tells_the_state() -> None:
    """The repr has the state, status and framing."""
    assert repr(parsed(OK)) == "<ResponseParser GET head status=0 framing=none>"
    assert repr(parsed(OK + b"\r\n")) == "<ResponseParser GET body status=200 framing=close>"
