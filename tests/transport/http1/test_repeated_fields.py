"""Tests repeated fields of a response, through the whole transport."""

from __future__ import annotations

from tests.transport.fetching import get
from tests.transport.loopback import Server, respond_with

PAGE = "<title>\u6c49\u5b57</title>".encode("gbk")


def response(*types: str) -> bytes:
    """Return a page with these Content-Type fields."""
    fields = "".join(f"Content-Type: {name}\r\n" for name in types)
    return f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE


def test_the_charset_stays_with_its_type() -> None:
    """A second Content-Type without a charset, added by a proxy, does not remove the charset."""
    with Server(respond_with(response("text/html; charset=gbk", "text/html"))) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/")
    assert (outcome.content_type, outcome.charset) == ("text/html;charset=gbk", "gbk")


def test_the_last_type_counts() -> None:
    """If the types differ, the last one counts, without the charset of the first one."""
    with Server(respond_with(response("text/plain; charset=gbk", "text/html"))) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/")
    assert (outcome.content_type, outcome.charset) == ("text/html", None)
