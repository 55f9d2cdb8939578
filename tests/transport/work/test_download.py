"""Lists that are fetched before they are read."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from scrapepool.errors import ListError
from scrapepool.ports import Downloaded
from scrapepool.settings import SizeLimits
from scrapepool.transport.work import download as download_module
from scrapepool.transport.work.download import Downloader
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import lease_context, settings

DELAY = 0.2


class Site:
    """``/busy`` responds at the third try, ``/cut`` is whole at the second; ``/away`` leads to another host."""

    away = ""

    def __call__(self, request: Request) -> Response | None:
        match request.target:
            case "/busy" if request.nth < 3:
                return Response(503)
            case "/cut" if request.nth < 2:
                return Response(reset=True)
            case "/away":
                return Response(302, [("Location", self.away)])
            case "/none":
                return Response(404, body=b"a page that is no list")
            case _:
                return Response(body=b"list" * 1000, gzip=True, headers=[("Content-Type", "text/plain")])


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    site = Site()
    with PoliteServer(2, site) as server:
        site.away = server.url("/there", 1)
        yield server


class Kept:
    """What a download gave. begun: how often."""

    def __init__(self) -> None:
        self.begun = 0
        self.body = bytearray()

    def begin(self):
        self.begun += 1
        self.body = bytearray()
        return self.body.extend


def fetched(url: str, delay: float = 0.0, **groups: object) -> tuple[Downloaded, Kept]:
    groups = {"retry": {"backoff": 0.001}, **groups}
    kept = Kept()
    with lease_context(**groups) as made:
        return Downloader(made, settings(**groups), lambda _: delay)(url, kept.begin), kept


@pytest.mark.parametrize(("path", "end"), [("/x", "/x"), ("/busy", "/busy"), ("/cut", "/cut")])
def test_a_list_comes_whole(web: PoliteServer, path: str, end: str) -> None:
    """Decoded, at the first try or a later one, with where it was found and what it is called."""
    downloaded, kept = fetched(web.url(path))
    assert downloaded == Downloaded(web.url(end), "text/plain")
    assert (bytes(kept.body), kept.begun) == (b"list" * 1000, 1)


def test_redirects_to_other_hosts(web: PoliteServer) -> None:
    """They are followed, and the list is where they lead."""
    downloaded, kept = fetched(web.url("/away"))
    assert downloaded.url == web.url("/there", 1)
    assert len(kept.body) == 4000


@pytest.mark.parametrize(
    ("path", "groups", "reason"),
    [
        ("/none", {}, "404 Not Found"),
        ("/busy", {"retry": {"retries": 1, "backoff": 0.001}}, "503 Service Unavailable"),
        ("/away", {"request": {"max_redirects": 0}}, "302 Found"),
    ],
)
def test_what_is_no_list(web: PoliteServer, path: str, groups: dict[str, object], reason: str) -> None:
    """Another status than success is an error that names it, and its page is no list."""
    with pytest.raises(ListError) as raised:
        fetched(web.url(path), **groups)
    assert (raised.value.source, raised.value.reason) == (web.url(path), reason)


def test_too_large(web: PoliteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list has a limit of its own, decoded too."""
    monkeypatch.setattr(download_module, "LIMITS", SizeLimits(max_size=100))
    with pytest.raises(ListError, match=r"too_large: over 100 bytes decoded"):
        fetched(web.url("/x"))


def test_no_url() -> None:
    """An invalid URL is reported like any list that cannot be read."""
    with pytest.raises(ListError, match="not a valid host"):
        fetched("http://a b/")


def test_a_hosts_delay_holds(web: PoliteServer) -> None:
    """Two lists of one host are requested at least its delay apart; those of other hosts are not."""
    with lease_context() as made:
        download = Downloader(made, settings(), lambda host: DELAY if host.host.endswith(".1") else 0.0)
        began = time.monotonic()
        for host in (0, 0, 1, 1):
            download(web.url("/x", host), Kept().begin)
        assert time.monotonic() - began >= DELAY


def test_a_stop_ends_the_waiting(web: PoliteServer) -> None:
    """A run that stops waits for no further try."""
    with lease_context() as made:
        download = Downloader(made, settings(retry={"backoff": 60.0}), lambda _: 0.0)
        made.drain()
        with pytest.raises(ListError, match="the run was stopped"):
            download(web.url("/busy"), Kept().begin)
