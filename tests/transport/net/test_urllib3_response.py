"""Tests a response as requests reads it: pieces, ends, truncation, and returned connections."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.transport.net.pool import HostPool
from tests.transport.loopback import Server, read_head


def served(
    raw: bytes, read: Callable[[urllib3.BaseHTTPResponse], object], method: str = "GET"
) -> tuple[object, HostPool]:
    """Return the result of ``read`` for a response of these bytes, after which the server closes, and the pool."""

    def script(sock: socket.socket) -> None:
        if read_head(sock):
            sock.sendall(raw)

    with Server(script) as server:
        pool = HostPool("127.0.0.1", server.port, maxsize=1, block=True)
        try:
            return read(pool.urlopen(method, "/", preload_content=False, retries=False)), pool
        finally:
            pool.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX: y\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabcdefg"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nabcdefg"


@pytest.mark.parametrize("raw", [CHUNKED, SIZED, UNTIL_CLOSE])
@pytest.mark.parametrize(
    "read",
    [
        lambda r: r.read(None),
        lambda r: b"".join(r.stream(2)),
        lambda r: b"".join(iter(lambda: r.read(3), b"")),
        lambda r: b"".join(iter(lambda: r.read1(3), b"")),
        b"".join,
        lambda r: r.data,
    ],
)
def test_every_way_of_reading_gives_the_body(raw: bytes, read: Callable[[urllib3.BaseHTTPResponse], object]) -> None:
    """The body is the same as a whole, in pieces and by iteration."""
    assert served(raw, read)[0] == b"abcdefg"


@given(size=st.integers(1, 20), chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_chunks_in_any_pieces(size: int, chunks: list[bytes]) -> None:
    """The body is correct for any split on the wire and any reads."""
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw += b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert served(raw, lambda r: b"".join(r.stream(size)))[0] == b"".join(chunks)
    assert served(raw, lambda r: r.read())[0] == b"".join(chunks)


@pytest.mark.parametrize("cut", [CHUNKED[:-30], SIZED[:-2]])
@pytest.mark.parametrize("read", [lambda r: r.read(), lambda r: list(r.stream(2)), lambda r: list(r.stream(None))])
def test_a_cut_body_is_an_error(cut: bytes, read: Callable[[urllib3.BaseHTTPResponse], object]) -> None:
    """A truncated body never looks complete."""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        served(cut, read)


def test_a_response_cut_in_its_head_is_an_error() -> None:
    """Without the blank line, there is no response."""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        served(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", lambda r: r.read())


def test_an_error_of_a_body_is_raised_when_it_is_read() -> None:
    """If an invalid chunk arrives with the head, status and headers are still available."""
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    statuses = []

    def read(response: urllib3.BaseHTTPResponse) -> bytes:
        statuses.append(response.status)
        return response.read()

    with pytest.raises(urllib3.exceptions.ProtocolError):
        served(raw, read)
    assert statuses == [200]


@pytest.mark.parametrize(("method", "raw"), [("HEAD", SIZED[:-7]), ("GET", b"HTTP/1.1 204 No\r\n\r\n"), ("GET", SIZED)])
def test_the_connection_comes_back(method: str, raw: bytes) -> None:
    """After the body was read, even an empty one, the pool has its connection back."""

    def read(response: urllib3.BaseHTTPResponse) -> int:
        list(response.stream(100))
        return response._pool.in_use  # type: ignore[attr-defined,no-any-return]

    assert served(raw, read, method)[0] == 0


def test_a_body_that_is_given_up_closes_its_connection() -> None:
    """The rest of a body cannot become the next response."""

    def read(response: urllib3.BaseHTTPResponse) -> object:
        response.read(2)
        conn = response.connection
        response.close()
        assert list(response.read_chunked()) == []  # type: ignore[attr-defined]
        return conn.sock if conn is not None else None  # type: ignore[attr-defined]

    assert served(CHUNKED, read)[0] is None


def test_repeated_headers_are_kept() -> None:
    """Both cookies arrive, in order."""
    raw = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"
    assert served(raw, lambda r: r.headers.getlist("set-cookie"))[0] == ["a", "b"]
