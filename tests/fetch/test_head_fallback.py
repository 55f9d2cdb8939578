"""``--head-fallback``: what a server that knows no HEAD is sent instead."""

from __future__ import annotations

from typing import Any

import pytest
from fetching import get

from scrapepool.model import Fetched
from tests.servers.polite import PoliteServer, Request, Response


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
