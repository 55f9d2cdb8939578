"""Whole runs that obey robots.txt, against real servers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from scrapepool import Settings, fetch
from scrapepool.model import ErrorKind, Outcome, Skipped, error_of, verdict
from tests.servers.polite import PoliteServer, Request, Response

PRIVATE = b"User-agent: scrapepool\nDisallow: /private\n"


def site(*answers: Response) -> PoliteServer:
    """A server whose hosts answer so when they are asked for their robots.txt."""
    by_host: dict[str, Response] = {}

    def handler(request: Request) -> Response | None:
        return by_host[request.header("Host") or ""] if request.target == "/robots.txt" else None

    server = PoliteServer(len(answers), handler)
    by_host |= {server.url("/", index).split("/")[2]: answer for index, answer in enumerate(answers)}
    return server


def run(urls: list[str], **groups: Any) -> dict[str, Outcome]:
    """What became of each URL, by the usual settings but for retries."""
    settings = Settings().with_(retry={"retries": 0}, **groups)
    return {outcome.target.url: outcome for outcome in fetch(urls, settings)}


def test_a_host_that_the_list_comes_back_to_is_not_asked_again() -> None:
    """What its robots.txt said holds on, though it was done with and forgotten in between."""
    done = Event()
    with site(Response(body=PRIVATE)) as server:

        def urls() -> Iterator[str]:
            yield server.url("/first")
            assert done.wait(10)
            yield from (server.url("/private"), server.url("/second"))

        ends = []
        for end in fetch(urls(), Settings()):
            ends.append((end.target.path, verdict(end)))
            done.set()
        assert sorted(ends) == [("/first", "ok"), ("/private", "skipped"), ("/second", "ok")]
        assert server.asked("/robots.txt") == 1


def test_what_a_host_keeps_to_itself_is_not_asked_for() -> None:
    """A refused URL ends as skipped with the rule that refused it; the rest is fetched; robots.txt is asked once."""
    with site(Response(body=PRIVATE), Response(404)) as server:
        paths = [f"/{'private' if n % 3 else 'public'}/{n}" for n in range(300)]
        ends = run([server.url(path, host) for host in (0, 1) for path in paths])

        assert len(ends) == 600
        assert [host.asked["/robots.txt"] for host in server.sites] == [1, 1]
        assert sum(path.startswith("/private") for path in server.sites[0].asked) == 0
        assert server.sites[1].requests == 301
    refused = [end for end in ends.values() if isinstance(end, Skipped)]
    assert len(refused) == 200
    assert {end.error for end in refused} == {ErrorKind.ROBOTS}
    assert all(end.detail and end.detail.endswith("Disallow: /private") and not end.attempts for end in refused)


def test_robots_txt_is_asked_for_before_anything_else() -> None:
    """Nothing of a host is asked for while its robots.txt is on its way."""
    early: list[str] = []

    def handler(request: Request) -> Response | None:
        if request.target == "/robots.txt":
            return Response(body=PRIVATE, delay=0.2)
        early.extend([] if request.site.asked.get("/robots.txt") else [request.target])
        return None

    with PoliteServer(1, handler) as server:
        ends = run([server.url(f"/{n}") for n in range(50)])

    assert Counter(map(verdict, ends.values())) == {"ok": 50}
    assert not early


def test_a_host_that_is_not_reachable_is_left_alone() -> None:
    """Where robots.txt cannot be had nothing is asked for, and every URL says why."""
    with site(Response(503)) as server:
        ends = run([server.url(f"/{n}") for n in range(20)])

        assert {(verdict(end), error_of(end)) for end in ends.values()} == {("skipped", ErrorKind.ROBOTS_UNREACHABLE)}
        assert all("503" in (end.detail or "") for end in ends.values())
        assert server.requests == 1


def test_a_host_that_nobody_listens_on_says_so() -> None:
    """Its URLs end as they would without robots.txt, and it is asked no more often."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ends = run([f"{origin}/{n}" for n in range(20)])

    assert {(verdict(end), error_of(end), end.attempts) for end in ends.values()} == {
        ("failed", ErrorKind.CONNECT_REFUSED, 0)
    }
    assert {end.detail for end in ends.values()} == {"connection refused; the request was for robots.txt"}


def test_a_redirect_obeys_the_host_that_it_leads_to() -> None:
    """A hop to another host asks for that host's robots.txt first, and ends where that refuses it."""
    with site(Response(404), Response(body=PRIVATE)) as server:
        ends = run([server.url(f"/redirect?to={server.url(path, 1)}") for path in ("/private/x", "/public")])

        assert server.sites[1].asked["/robots.txt"] == 1
        assert server.sites[1].asked.get("/private/x", 0) == 0
    refused, fetched = ends.values()
    if isinstance(fetched, Skipped):
        refused, fetched = fetched, refused
    assert error_of(refused) is ErrorKind.ROBOTS
    assert (refused.attempts, len(refused.redirects)) == (1, 1)
    assert verdict(fetched) == "ok"


def test_a_crawl_delay_is_kept() -> None:
    """Starts on a host lie as far apart as it asks for, the one after robots.txt included."""
    with site(Response(body=b"User-agent: *\nCrawl-delay: 0.2\n")) as server:
        ends = run([server.url(f"/{n}") for n in range(4)])

        gap = min(
            later - earlier for earlier, later in zip(server.sites[0].starts, server.sites[0].starts[1:], strict=False)
        )
    assert Counter(map(verdict, ends.values())) == {"ok": 4}
    assert gap > 0.1  # the two ends of a gap come through this machine's own queues


def test_without_robots_nobody_asks() -> None:
    """A run that does not obey does not ask either."""
    with site(Response(body=PRIVATE)) as server:
        ends = run([server.url("/private")], politeness={"robots": False})

        assert server.asked("/robots.txt") == 0
    assert verdict(*ends.values()) == "ok"


@pytest.mark.slow
def test_the_command_obeys(tmp_path: Path) -> None:
    """Unless an option says otherwise; ``-A`` decides whose group counts, and the record says what was refused."""
    records = tmp_path / "records.jsonl"
    with site(Response(body=b"User-agent: foobot\nDisallow: /a\n")) as server:
        command = [sys.executable, "-m", "scrapepool", "fetch", "-A", "FooBot/2.0", "--progress", "plain"]
        lists = ["-o", str(records), server.url("/a"), server.url("/b")]
        subprocess.run([*command, *lists], check=False, timeout=60, capture_output=True)
        refused = subprocess.run([*command, server.url("/a")], check=False, timeout=60, capture_output=True)

        assert server.asked("/a") == 0
    assert b"Disallow" not in refused.stderr, "what robots.txt refuses is no wrong line of the list"
    assert refused.returncode == 1, "a list of which all is refused is a list"
    ends = {record["url"][-2:]: (record["outcome"], record["error"]) for record in map(json.loads, records.open())}
    assert ends == {"/a": ("skipped", "robots"), "/b": ("ok", None)}
