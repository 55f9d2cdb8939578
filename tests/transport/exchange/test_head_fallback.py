"""``--head-fallback``: what a server that knows no HEAD is sent instead."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from scrapepool.model import ErrorKind, Failed, Fetched
from scrapepool.transport.exchange.outcomes import HEAD_REFUSED
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import get
from tests.transport.loopback import Server, read_head


def refusing(status: int, seen: list[str]) -> Any:
    """A handler that refuses HEAD."""

    def handler(request: Request) -> Response | None:
        seen.append(request.method)
        if request.method == "HEAD":
            return Response(status)
        return Response(302, [("Location", "/end")]) if request.target == "/go" else Response(200, body=b"page")

    return handler


@pytest.mark.parametrize(
    ("status", "fallback", "methods", "end"),
    [
        (405, True, ["HEAD", "GET"], 200),
        (501, True, ["HEAD", "GET"], 200),
        (405, False, ["HEAD"], 405),
        (403, True, ["HEAD"], 403),
        (404, True, ["HEAD"], 404),
    ],
)
def test_get_is_sent_where_head_is_refused(status: int, fallback: bool, methods: list[str], end: int) -> None:
    """On request, for the two statuses that say so, and the record notes it."""
    seen: list[str] = []
    with PoliteServer(handler=refusing(status, seen)) as web:
        outcome = get(web.url("/page"), request={"method": "HEAD", "head_fallback": fallback}, retry={"retries": 0})
    assert isinstance(outcome, Fetched)
    assert (outcome.status, seen) == (end, methods)
    assert ("GET" in (outcome.detail or "")) is (len(methods) > 1)


def test_redirects_go_on_with_get() -> None:
    """A server that refuses HEAD once is not sent it again by the same URL."""
    seen: list[str] = []
    with PoliteServer(handler=refusing(405, seen)) as web:
        outcome = get(web.url("/go"), request={"method": "HEAD", "head_fallback": True})
    assert (outcome.status, outcome.body, seen) == (200, b"page", ["HEAD", "GET", "GET"])


def test_get_is_not_sent_twice() -> None:
    """A 405 to GET is the response."""
    seen: list[str] = []

    def handler(request: Request) -> Response | None:
        seen.append(request.method)
        return Response(405)

    with PoliteServer(handler=handler) as web:
        assert get(web.url("/"), request={"method": "HEAD", "head_fallback": True}).status == 405
    assert seen == ["HEAD", "GET"]


@pytest.mark.parametrize("method", ["HEAD", "head"])
def test_the_note_knows_the_method_in_any_case(method: str) -> None:
    """The library's caller may spell it as he likes."""
    seen: list[str] = []
    with PoliteServer(handler=refusing(405, seen)) as web:
        outcome = get(web.url("/page"), request={"method": method, "head_fallback": True})
    assert (outcome.status, seen) == (200, ["HEAD", "GET"])
    assert outcome.detail == HEAD_REFUSED


def test_a_failure_after_the_refusal_has_no_response() -> None:
    """Where no connection can be had for the GET, the response to HEAD tells nothing of it."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        server.refuse()
        sock.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with Server(script) as server:
        failed = get(f"http://127.0.0.1:{server.port}/", request={"method": "HEAD", "head_fallback": True})
    assert isinstance(failed, Failed)
    assert (failed.error, failed.status, failed.unsent) == (ErrorKind.CONNECT_REFUSED, None, True)
