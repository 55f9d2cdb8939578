"""Tests which bodies are complete: partial content, truncated members, missing and wrong ends."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from scrapepool.model import ErrorKind, Failed, Fetched
from scrapepool.transport.net.session import PooledSession
from tests.transport.fetching import get
from tests.transport.loopback import Server, respond_with

PAGE = b"<p>Hello, world and all who live there.</p>" * 20
PACKED = gzip.compress(PAGE)


def fetched(response: bytes, *, close: bool = True, **groups: Any) -> Any:
    """Return the outcome of a URL whose server sends these bytes."""
    with Server(respond_with(response, close=close)) as server:
        return get(f"http://127.0.0.1:{server.port}/", retry={"retries": 0}, **groups)


def response(status: str, *fields: str, body: bytes = PAGE, length: bool = True) -> bytes:
    """Return the bytes of a response, with the true Content-Length if ``length`` is set."""
    lines = [f"HTTP/1.1 {status}", *fields, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*fields: str, end: bytes, body: bytes = PAGE) -> bytes:
    """Return a chunked response that ends with ``end``."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *fields, "", ""]).encode()
    return head + b"%x\r\n%b\r\n" % (len(body), body) + end


# -- 206 Partial Content -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("Content-Range: bytes 0-859/1000",),
        ("Content-Range: bytes 0-859/*",),
        ("Content-Range: bytes 140-999/1000",),
        ("Content-Range: bytes */860",),
        ("Content-Range: bytes 0-859/860x",),
        ("Content-Range: lines 0-859/860",),
        ("Content-Type: multipart/byteranges; boundary=x",),
        ("Content-Range: bytes 0-999/1000",),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_a_part_that_nobody_requested_is_no_success(fields: tuple[str, ...], length: bool) -> None:
    """A 206 without a Range request is partial, or its extent is unknown."""
    outcome = fetched(response("206 Partial Content", *fields, length=length))
    assert isinstance(outcome, Failed)
    assert (outcome.error, outcome.status, outcome.complete) == (ErrorKind.PARTIAL, 206, False)
    assert outcome.retry is None
    assert "206" in (outcome.detail or "")


@pytest.mark.parametrize("length", [True, False])
def test_a_range_that_covers_everything_is_the_whole_body(length: bool) -> None:
    """A range of the bytes 0 to 859 of 860 is the complete body."""
    outcome = fetched(response("206 Partial Content", "Content-Range: bytes 0-859/860", length=length))
    assert isinstance(outcome, Fetched)
    assert outcome.body == PAGE


def test_a_compressed_part_is_a_part() -> None:
    """A 206 with the first part of a compressed body is ``partial``, not ``truncated``."""
    outcome = fetched(
        response(
            "206 Partial Content",
            "Content-Encoding: gzip",
            f"Content-Range: bytes 0-49/{len(PACKED)}",
            body=PACKED[:50],
        )
    )
    assert outcome.error is ErrorKind.PARTIAL


def test_a_part_that_was_requested_is_a_success() -> None:
    """With ``-H 'Range: …'``, a 206 is the requested response."""
    outcome = fetched(
        response("206 Partial Content", "Content-Range: bytes 0-859/1000"),
        request={"headers": (("Range", "bytes=0-859"),)},
    )
    assert isinstance(outcome, Fetched)
    assert outcome.body == PAGE


# -- compressed bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [1, 2, 5])
@pytest.mark.parametrize("length", [True, False])
def test_a_body_that_is_cut_inside_a_further_member_is_truncated(begun: int, length: bool) -> None:
    """One byte of a second member shows that the body continues."""
    body = PACKED + PACKED[:begun]
    outcome = fetched(response("200 OK", "Content-Encoding: gzip", body=body, length=length))
    assert isinstance(outcome, Failed)
    assert outcome.error is ErrorKind.TRUNCATED


@pytest.mark.parametrize(
    ("coding", "body", "length", "complete"),
    [
        ("gzip", PACKED, False, None),
        ("gzip", PACKED + PACKED, False, None),
        ("gzip", PACKED + PACKED, True, True),
        ("gzip", PACKED + b"rubbish", False, True),
        ("deflate", zlib.compress(PAGE), False, True),
    ],
)
def test_a_close_after_a_whole_member_leaves_open_whether_more_was_to_come(
    coding: str, body: bytes, length: bool, complete: bool | None
) -> None:
    """Another gzip member may follow each one, so only a length or a declared end shows the end."""
    outcome = fetched(response("200 OK", f"Content-Encoding: {coding}", body=body, length=length))
    assert isinstance(outcome, Fetched)
    assert outcome.complete is complete


@pytest.mark.parametrize("close", [True, False])
def test_a_content_length_of_the_decoded_size(close: bool) -> None:
    """A gzip body with its end and checksum is complete if its decoded size is the declared length."""
    head = f"Content-Length: {len(PAGE)}"
    outcome = fetched(response("200 OK", "Content-Encoding: gzip", head, body=PACKED, length=False), close=close)
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.complete) == (PAGE, True)
    assert "decoded" in (outcome.detail or "")


@pytest.mark.parametrize("announced", [len(PAGE) - 1, len(PAGE) + 1])
def test_a_content_length_of_nothing_is_not_made_up_for(announced: int) -> None:
    """If neither the received nor the decoded size is the declared length, the body is truncated."""
    outcome = fetched(
        response("200 OK", "Content-Encoding: gzip", f"Content-Length: {announced}", body=PACKED, length=False)
    )
    assert outcome.error is ErrorKind.TRUNCATED


# -- chunked bodies ------------------------------------------------------------------------------


@pytest.mark.parametrize("close", [True, False])
@pytest.mark.parametrize("end", [b"0\r\n", b"0\r\n\r", b"0;last\n", b"0\r\nX-Sum: 1\r\n"])
def test_the_last_line_end_of_a_chunked_body_may_be_missing(end: bytes, close: bool) -> None:
    """After the last chunk, all data has arrived; the connection is not reused."""
    with Server(respond_with(chunked(end=end), close=close)) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/", timeouts={"read": 30.0, "total": 30.0})
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.complete) == (PAGE, True)
    assert outcome.detail


def test_a_session_s_own_request_does_without_the_last_line_end_too() -> None:
    """Direct use of the session returns the body as well."""
    with Server(respond_with(chunked(end=b"0\r\n"), close=False)) as server, PooledSession() as session:
        for _ in range(2):
            assert session.get(f"http://127.0.0.1:{server.port}/").content == PAGE
        assert server.accepted == 2


@pytest.mark.parametrize("end", [b"", b"0", b"0\r"])
def test_a_chunked_body_without_its_last_chunk_is_truncated(end: bytes) -> None:
    """Without the size line of the last chunk, data may be missing."""
    assert fetched(chunked(end=end)).error is ErrorKind.TRUNCATED


# -- responses without a body --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "method"),
    [(b"HTTP/1.1 304 Not Modified\r\n\r\n", "GET"), (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD")],
)
def test_what_has_no_body_has_no_digest(raw: bytes, method: str) -> None:
    """A 304 and a response to HEAD have no information about the bytes of a body."""
    outcome = fetched(raw, request={"method": method})
    assert (outcome.sha256, outcome.wire_bytes) == (None, 0)


def test_an_empty_body_has_a_size_and_a_digest() -> None:
    """An empty body has no bytes, and is complete."""
    outcome = fetched(response("200 OK", body=b""))
    assert (outcome.bytes, (outcome.sha256 or "")[:8]) == (0, "e3b0c442")


# -- compressed files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "coding", "body", "noted"),
    [
        ("pages.tar.gz", "gzip", PACKED, True),
        ("PAGES.TGZ?v=1", "x-gzip", PACKED, True),
        ("pages.tar.gz", "gzip", gzip.compress(PACKED), False),
        ("pages.tar", "gzip", PACKED, False),
        ("pages?name=x.gz", "gzip", PACKED, False),
        ("pages.tar.gz", "deflate", zlib.compress(PAGE), False),
        ("pages.tar.gz", "identity", PACKED, False),
    ],
)
def test_a_file_that_is_no_longer_compressed_as_its_name_says(name: str, coding: str, body: bytes, noted: bool) -> None:
    """If an archive is sent with Content-Encoding: gzip, a note says that the decoded body does not match its name."""
    raw = response("200 OK", f"Content-Encoding: {coding}", body=body)
    with Server(respond_with(raw)) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/{name}")
    assert isinstance(outcome, Fetched)
    assert ("the name ends in" in (outcome.detail or "")) is noted
