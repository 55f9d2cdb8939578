"""Lists by URL as they are requested: their bodies, limits and redirects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scrapepool import url as urls
from scrapepool.errors import ListError
from scrapepool.model import Attempt, ErrorKind, Fetched, ListTarget, Redirected
from scrapepool.ports import Work
from scrapepool.schedule.lease import Lease
from scrapepool.settings import SizeLimits
from scrapepool.transport.work import list_lease
from scrapepool.transport.work.list_lease import MIN_TIMEOUT, ListFetcher
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import lease_context, only, run_alone, settings


class Site:
    """``/away`` leads to another host, ``/none`` is no list."""

    away = ""

    def __call__(self, request: Request) -> Response | None:
        match request.target:
            case "/away":
                return Response(302, [("Location", self.away)])
            case "/none":
                return Response(404, body=b"a page that is no list")
            case "/plain":
                return Response(body=b"x" * 3_000_000)
            case _:
                method = request.method.encode()
                return Response(body=method * 1000, gzip=True, headers=[("Content-Type", "text/plain")])


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    site = Site()
    with PoliteServer(2, site) as server:
        site.away = server.url("/there", 1)
        yield server


class Kept:
    """What a list's body was. begun: how often."""

    def __init__(self) -> None:
        self.begun = 0
        self.body = bytearray()

    def begin(self) -> Any:
        self.begun += 1
        self.body = bytearray()
        return self.body.extend


def fetched(url: str, begin: Any, **groups: Any) -> Any:
    """The result of a lease on a list."""
    parsed = urls.parse(url)
    attempt = Attempt(ListTarget(url, parsed.host, parsed.path, begin=begin))
    groups = {"timeouts": {"total": 0.001}, "request": {"method": "POST", "data": b"x"}, **groups}
    with lease_context(**groups) as made:
        while True:
            work = Work(Lease(attempt.host, attempt=attempt), [attempt])
            result = only(run_alone(made, work, ListFetcher(made, settings(**groups)).chain(work)).results)
            if not isinstance(result, Redirected):
                return result
            attempt = result.attempt


@pytest.mark.parametrize("path", ["/x", "/away"])
def test_a_list_comes_whole(web: PoliteServer, path: str) -> None:
    """Decoded, with GET, and also from another host; it may take longer than a page."""
    kept = Kept()
    result = fetched(web.url(path), kept.begin)
    assert isinstance(result, Fetched)
    assert (result.status, result.content_type, len(result.redirects)) == (200, "text/plain", int(path == "/away"))
    assert (bytes(kept.body), kept.begun) == (b"GET" * 1000, 1)
    assert MIN_TIMEOUT > 60


def test_a_page_that_is_no_list_is_not_kept(web: PoliteServer) -> None:
    """Its status is what comes of it."""
    kept = Kept()
    assert fetched(web.url("/none"), kept.begin).status == 404
    assert kept.begun == 0


def test_too_large(web: PoliteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list has a limit of its own, decoded too."""
    monkeypatch.setattr(list_lease, "LIMITS", SizeLimits(max_size=100))
    result = fetched(web.url("/x"), Kept().begin)
    assert (result.error, result.detail) == (ErrorKind.TOO_LARGE, "over 100 bytes decoded, from 43 received")


def test_a_disk_that_is_full(web: PoliteServer) -> None:
    """Is what the list fails with."""

    def full(piece: bytes) -> None:
        raise ListError("x", "cannot keep it: No space left on device")

    result = fetched(web.url("/plain"), lambda: full)
    assert (result.error, result.detail) == (ErrorKind.DISK, "cannot keep it: No space left on device")
