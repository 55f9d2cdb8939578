"""``scrapepool fetch`` when something happens to many hosts at once: it is not theirs, and costs no page.

Hosts have networks of their own, so that they have nothing in common. Counts and orders are asserted, never seconds.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from outage import Outage
from running import here

from scrapepool.transport.net import connection
from scrapepool.transport.net.resolver import Resolver
from tests.servers.polite import PoliteServer, Request, Response

FETCH = ("fetch", "--no-robots", "--progress", "none")
HOSTS = [f"127.{number}.0.1" for number in range(1, 13)]
PAGES = 12
MANY = 30  # so that all hosts have pages left when the outage begins


def when_all_have_answered(outage: Outage, server: Callable[[], PoliteServer], response: Response | None) -> Any:
    """A handler: pages, each over a connection of its own, until all hosts have given three; then the outage."""

    def handler(request: Request) -> Response:
        if not outage.was and all(site.requests >= 3 for site in server().sites):
            outage.begin()
        if response is not None and outage.is_failing():
            return response
        return Response(body=b"page", close=True)

    return handler


def urls(server: PoliteServer, hosts: int = len(HOSTS), pages: int = PAGES) -> list[str]:
    """The pages of all hosts in turn."""
    return [server.url(f"/{page}", host) for page in range(pages) for host in range(hosts)]


@pytest.mark.parametrize(
    "response", [Response(500, close=True), Response(502, close=True), Response(503, close=True), Response(reset=True)]
)
def test_failures_of_a_kind_on_all_hosts_pause_the_run(capfd: pytest.CaptureFixture[str], response: Response) -> None:
    """A gateway in front of all of them fails for a moment: all pages are fetched, none is given up, few are asked."""
    outage = Outage()
    server = PoliteServer(HOSTS, when_all_have_answered(outage, lambda: server, response))
    with server:
        ran = here(capfd, *FETCH, "--retries", 1, "--backoff", "50ms", "-w", 8, *urls(server, pages=MANY))
    assert outage.was
    assert not outage.now
    assert Counter(record["error"] for record in ran.records) == {None: len(HOSTS) * MANY}
    assert outage.failed <= 40


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, lookup: Callable[[str], str]) -> Iterator[None]:
    """Let ``lookup`` give the address of a name, in a resolver that knows nothing yet."""

    def getaddrinfo(host: str, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (lookup(host), 0))]

    monkeypatch.setattr(connection.Connection, "resolver", Resolver(getaddrinfo), raising=False)
    yield


def test_a_name_server_that_refuses_for_a_moment_loses_no_page(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EAI_AGAIN is the resolver's failure: the names are looked up again, and every page is fetched."""
    outage = Outage(mended_by=2)
    looked_up: Counter[str] = Counter()

    def lookup(name: str) -> str:
        looked_up[name] += 1
        if len(looked_up) == 12:
            outage.begin()
        if outage.is_failing():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return "127.0.0.1"

    with PoliteServer(["127.0.0.1"]) as server, names(monkeypatch, lookup):
        pages = [f"http://h{host}.{host}.test:{server.port}/{page}" for host in range(60) for page in range(3)]
        ran = here(capfd, *FETCH, "--retries", 1, "--backoff", "50ms", *pages)
    assert outage.was
    assert Counter(record["error"] for record in ran.records) == {None: 180}


def test_names_whose_look_up_hangs_hold_up_no_other_name(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty look-ups hang, and forty names are found: the pages of those are fetched while the others hang."""
    over = threading.Event()
    looked_up: set[str] = set()

    def lookup(name: str) -> str:
        looked_up.add(name)
        if name.startswith("hangs"):
            over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return "127.0.0.1"

    with PoliteServer(["127.0.0.1"]) as server, names(monkeypatch, lookup):
        pages = [
            *(f"http://hangs{host}.{host}.test:{server.port}/{page}" for host in range(60) for page in range(3)),
            *(f"http://good{host}.1{host}.test:{server.port}/{page}" for host in range(40) for page in range(2)),
        ]
        try:
            ran = here(capfd, *FETCH, "-w", 64, "--retries", 0, "--connect-timeout", "1s", *pages)
        finally:
            over.set()
    ends = {record["url"]: record["error"] for record in ran.records}
    assert [url for url in pages[180:] if ends.get(url, "no record") is not None] == []
    failed = {url for url, error in ends.items() if error == "dns"}
    assert failed <= set(pages[:180])
    assert all(url.split("/")[2].split(":")[0] in looked_up for url in failed), "never looked up, and yet recorded"


def test_a_slow_host_is_begun_before_the_quick_ones_are_done(capfd: pytest.CaptureFixture[str]) -> None:
    """The host with the Crawl-delay decides the end of the run: its robots.txt and its first page come early."""
    order: list[int] = []

    def handler(request: Request) -> Response | None:
        host = server.sites.index(request.site)
        order.append(host)
        if request.target == "/robots.txt" and host == 0:
            return Response(body=b"User-agent: *\nCrawl-delay: 0.1\n")
        return None

    with PoliteServer(21, handler) as server:
        pages = [server.url(f"/{n}") for n in range(20)]
        pages += [server.url(f"/{n}", host) for host in range(1, 21) for n in range(30)]
        ran = here(capfd, "fetch", "--progress", "none", "-w", 4, *pages)
    assert ran.code == 0
    assert order.count(0) == 21
    assert order.index(0) < len(order) // 4


def test_a_list_of_many_hosts_goes_into_a_temporary_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every URL is fetched once, whether what is known of it was in memory or in the file."""
    monkeypatch.setattr("scrapepool.schedule.queue.ticket_chains.MAX_HELD", 8)
    monkeypatch.setattr("scrapepool.schedule.queue.ticket_chains.BLOCK", 4)
    with PoliteServer(hosts=HOSTS) as server:
        urls = [server.url(f"/ok?{page}", host) for page in range(6) for host in range(len(HOSTS))]
        (tmp_path / "urls.txt").write_text("".join(f"{url}\n" for url in urls))
        ran = here(capfd, *FETCH, "--per-host", "1", tmp_path / "urls.txt")
    assert ran.code == 0
    assert sorted((record["line"], record["url"]) for record in ran.records) == list(enumerate(urls, 1))
