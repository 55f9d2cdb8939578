"""Responses without a network, for the tests of one's own code."""

from __future__ import annotations

import asyncio

from scrapepool import ErrorKind, Failed, Fetched, Request, Settings, Unchanged, afetch, fetch
from scrapepool.testing import StubRequest, StubResponse, stubbed

BODIES = Settings().with_(output={"body": True, "headers": True})


def test_what_is_stubbed_is_served() -> None:
    """Bodies, statuses, errors and functions by URL, over http and https; everything else is refused."""

    def echo(request: StubRequest) -> dict[str, object]:
        return {"method": request.method, "data": (request.data or b"").decode(), "headers": dict(request.headers)}

    responses = {
        "https://a.example/": "<title>Hi</title>",
        "https://a.example/b": b"bytes",
        "https://a.example/c": StubResponse({"x": 1}, 404, {"X-A": "b"}),
        "http://b.example/d": ErrorKind.DNS,
        "http://b.example/e": echo,
        "http://b.example/f": StubResponse(status=304),
    }
    with stubbed(responses) as stub:
        urls = [*responses, "http://other.example/"]
        urls.remove("http://b.example/e")
        posted = Request("http://b.example/e", data="x", headers={"A": "b"}, context=7)
        found = {outcome.target.url: outcome for outcome in fetch([*urls, posted], BODIES)}
    title, text = found["https://a.example/"], found["https://a.example/c"]
    assert (title.text, title.status, title.content_type) == ("<title>Hi</title>", 200, "text/html; charset=utf-8")
    assert found["https://a.example/b"].body == b"bytes"
    assert (text.status, text.json(), text.headers) == (404, {"x": 1}, [("X-A", "b")])
    echoed = found["http://b.example/e"]
    assert (echoed.context, echoed.json()) == (7, {"method": "POST", "data": "x", "headers": {"A": "b"}})
    assert isinstance(found["http://b.example/f"], Unchanged)
    errors = {url: one.error for url, one in found.items() if isinstance(one, Failed)}
    assert errors == {"http://b.example/d": ErrorKind.DNS, "http://other.example/": ErrorKind.CONNECT_REFUSED}
    assert StubRequest("GET", "https://a.example/") in stub.requests


def test_redirects_heads_and_expectations() -> None:
    """As in a run; bodies come only where they are asked for."""
    responses = {
        "http://a.example/1": StubResponse(status=302, headers={"Location": "/2"}),
        "http://a.example/2": "there",
        "http://a.example/3": StubResponse(status=301, headers={"location": "/3"}),
    }
    settings = Settings().with_(output={"expect": ("!text:nothing",), "select": ("t=re:there",), "extract_workers": 0})
    with stubbed(responses) as stub:
        led, circle = sorted(fetch([*responses][::2], settings), key=lambda one: one.target.url)
        assert isinstance(led, Fetched)
        assert (led.final_url, led.redirects) == ("http://a.example/2", ("http://a.example/1",))
        assert led.data == {"t": "there"}
        assert isinstance(circle, Failed)
        assert circle.error is ErrorKind.TOO_MANY_REDIRECTS
        (head,) = fetch([Request("http://a.example/2", method="HEAD")])
        assert (head.bytes, head.sha256, head.body) == (0, None, None)
        (wrong,) = fetch(["http://a.example/2"], Settings().with_(output={"expect": ("type:image/*",)}))
        assert isinstance(wrong, Failed)
        assert wrong.error is ErrorKind.UNEXPECTED
    assert stub.requests[-2].method == "HEAD"


def test_coroutines_are_served_too() -> None:
    """And outside of the block nothing is stubbed."""

    async def main() -> list[int | None]:
        return [outcome.status async for outcome in afetch(["http://a.example/"])]

    with stubbed({"http://a.example/": StubResponse("", 201)}):
        assert asyncio.run(main()) == [201]
    (outcome,) = fetch(["http://127.0.0.1:1/"], Settings().with_(retry={"retries": 0}, politeness={"robots": False}))
    assert isinstance(outcome, Failed)
