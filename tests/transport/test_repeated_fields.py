"""Fields that a response has twice, seen through the whole stage."""

from __future__ import annotations

from fetching import get
from loopback import Server, answers

PAGE = "<title>\u6c49\u5b57</title>".encode("gbk")


def response(*types: str) -> bytes:
    """A page with these Content-Types."""
    fields = "".join(f"Content-Type: {name}\r\n" for name in types)
    return f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE


def test_the_charset_stays_with_its_type() -> None:
    """A proxy that adds a bare Content-Type behind the page's own does not cost the charset."""
    with Server(answers(response("text/html; charset=gbk", "text/html"))) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/")
    assert (outcome.content_type, outcome.charset) == ("text/html;charset=gbk", "gbk")


def test_the_last_type_counts() -> None:
    """Where the two differ it is another type, without the first one's charset."""
    with Server(answers(response("text/plain; charset=gbk", "text/html"))) as server:
        outcome = get(f"http://127.0.0.1:{server.port}/")
    assert (outcome.content_type, outcome.charset) == ("text/html", None)
