"""``--fresh`` and ``--min-age``: pages that are not requested at all."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from running import here

from scrapepool.demo.wire import Request
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

OPTIONS = ("-q", "--no-robots", "--retries", 0)

PAGES = {
    "/fresh": [("Cache-Control", "max-age=3600")],
    "/private": [("Cache-Control", "private, max-age=3600"), ("ETag", '"1"')],
    "/encoded": [("Cache-Control", "max-age=3600"), ("Vary", "Accept-Encoding, User-Agent")],
    "/cookie": [("Cache-Control", "max-age=3600"), ("Vary", "Cookie")],
    "/no-cache": [("Cache-Control", "no-cache, max-age=3600")],
    "/plain": [],
}
FRESH = {"/fresh", "/private", "/encoded"}


class Web:
    """Counts what is requested. gone: what is 404."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone: set[str] = set()

    def __call__(self, request: Request) -> Response:
        self.asked.append(request.target)
        if request.target in self.gone:
            return Response(404)
        if request.target == "/moved":
            return Response(302, [("Location", "/fresh"), ("Cache-Control", "max-age=3600")])
        return Response(200, PAGES.get(request.target, ()), f"page {request.target}".encode())


@pytest.fixture
def web() -> Web:
    return Web()


def by_path(path: Path, server: PoliteServer) -> dict[str, dict[str, Any]]:
    records = map(json.loads, path.read_text().splitlines())
    return {record["url"].removeprefix(server.url("")): record for record in records}


def test_fresh_pages_are_not_requested(capfd: pytest.CaptureFixture[str], tmp_path: Path, web: Web) -> None:
    """Their records are whole, and the run after that still knows; others are requested."""
    with PoliteServer(handler=web) as server:
        urls = tmp_path / "urls.txt"
        urls.write_text("".join(f"{server.url(path)}\n" for path in [*PAGES, "/moved"]))
        out = [tmp_path / f"{number}.jsonl" for number in range(3)]
        assert here(capfd, "fetch", urls, *OPTIONS, "-o", out[0]).code == 0
        for number in (1, 2):
            web.asked.clear()
            args = ("--since", out[number - 1], "--fresh", "--summary-json", tmp_path / "s.json")
            assert here(capfd, "fetch", urls, *OPTIONS, "-o", out[number], *args).code == 0
            assert set(web.asked) == {*PAGES, "/moved"} - FRESH | {"/fresh"}  # where /moved leads
            assert web.asked.count("/fresh") == 1
            first, now = by_path(out[0], server), by_path(out[number], server)
            assert {path for path, record in now.items() if record.get("fresh")} == FRESH
            for path in FRESH:
                record = now[path]
                assert (record["outcome"], record["change"], record["attempts"]) == ("unchanged", "same", 0)
                for name in ("url", "line", "sha256", "bytes", "started", "fresh_until", "etag", "vary", "final_url"):
                    assert record[name] == first[path][name], name
            summary = json.loads((tmp_path / "s.json").read_text())
            assert (summary["changes"]["same"], summary["outcomes"]["unchanged"], summary["total"]) == (7, 3, 7)


def test_what_is_no_more_is_requested(capfd: pytest.CaptureFixture[str], tmp_path: Path, web: Web) -> None:
    """A page that was gone or failed, and one whose time is over, or that another header field asks for."""
    with PoliteServer(handler=web) as server:
        out = tmp_path / "1.jsonl"
        here(capfd, "fetch", server.url("/fresh"), server.url("/encoded"), *OPTIONS, "-o", out)
        web.asked.clear()
        args = ("fetch", server.url("/fresh"), server.url("/encoded"), *OPTIONS, "--since", out, "--fresh")
        here(capfd, *args, "-A", "other")
        assert web.asked == ["/encoded"]
        here(capfd, *args, "-X", "HEAD")
        assert sorted(web.asked) == ["/encoded", "/encoded", "/fresh"]
        web.asked.clear()
        out.write_text(out.read_text().replace('"fresh_until":"20', '"fresh_until":"19'))
        here(capfd, *args)
        assert sorted(web.asked) == ["/encoded", "/fresh"]


def test_young_pages_are_not_requested(capfd: pytest.CaptureFixture[str], tmp_path: Path, web: Web) -> None:
    """That holds whatever their headers say, over many runs, by the time of their last request."""
    web.gone.add("/gone")
    with PoliteServer(handler=web) as server:
        urls = [server.url("/plain"), server.url("/no-cache"), server.url("/gone")]
        out = tmp_path / "0.jsonl"
        here(capfd, "fetch", *urls, *OPTIONS, "-o", out)
        started = by_path(out, server)["/plain"]["started"]
        for number in (1, 2):
            web.asked.clear()
            before, out = out, tmp_path / f"{number}.jsonl"
            here(capfd, "fetch", *urls, *OPTIONS, "-o", out, "--since", before, "--min-age", "1h")
            assert web.asked == ["/gone"]
            assert by_path(out, server)["/plain"]["started"] == started
        web.asked.clear()
        time.sleep(0.02)
        here(capfd, "fetch", *urls, *OPTIONS, "--since", out, "--min-age", "10ms")
        assert len(web.asked) == 3


def test_fresh_pages_keep_their_place(capfd: pytest.CaptureFixture[str], tmp_path: Path, web: Web) -> None:
    """They do so with --ordered, in tables with columns of their own, with --resume and among rows with requests."""
    with PoliteServer(handler=web) as server:
        rows = [{"url": server.url(path), "id": path} for path in PAGES]
        rows.append({"url": server.url("/fresh"), "request": {"method": "POST", "data": "x"}, "id": "post"})
        urls = tmp_path / "urls.jsonl"
        urls.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
        assert here(capfd, "fetch", urls, *OPTIONS, "-o", first).code == 0
        web.asked.clear()
        args = ("fetch", urls, *OPTIONS, "-o", second, "--since", first, "--fresh", "--ordered")
        assert here(capfd, *args).code == 0
        written = [json.loads(line) for line in second.read_text().splitlines()]
        assert [record["input"]["id"] for record in written] == [*PAGES, "post"]
        assert [bool(record.get("fresh")) for record in written] == [*(path in FRESH for path in PAGES), False]
        assert web.asked.count("/fresh") == 1  # the POST
        web.asked.clear()
        assert here(capfd, *args, "--resume").code == 0
        assert web.asked == []
        assert len(second.read_text().splitlines()) == len(rows)


def test_robots_of_hosts_that_need_no_request_are_not_fetched(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: Web
) -> None:
    """Such a host gets no request at all."""
    with PoliteServer(handler=web) as server:
        out = tmp_path / "1.jsonl"
        here(capfd, "fetch", server.url("/fresh"), "-q", "-o", out)
        web.asked.clear()
        assert here(capfd, "fetch", server.url("/fresh"), "-q", "--since", out, "--fresh").code == 0
        assert web.asked == []
