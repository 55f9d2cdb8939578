"""``--list`` with a URL: the list is fetched first, over the same session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response


class Site:
    """A sitemap index, its sitemaps, and pages."""

    url = ""

    def __call__(self, request: Request) -> Response | None:
        loc = "<{0}><loc>" + self.url + "{1}</loc></{0}>"
        match request.target:
            case "/index.xml":
                children = "".join(loc.format("sitemap", f"sitemap{n}") for n in range(2))
                return Response(body=f"<sitemapindex>{children}</sitemapindex>".encode())
            case "/sitemap0" | "/sitemap1":
                urls = "".join(loc.format("url", f"page{request.target[-1]}{n}") for n in range(3))
                return Response(body=f"<urlset>{urls}</urlset>".encode())
            case "/busy":
                return Response(503)
            case _:
                return None


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    site = Site()
    with PoliteServer(1, site) as server:
        site.url = server.url("/")
        yield server


def test_a_sitemap_index(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """Its URLs are fetched, each with the sitemap that named it; connections are shared with the lists."""
    ran = here(capfd, "fetch", "--list", web.url("/index.xml"), "--no-robots", "-q", "--per-host", "1")
    assert ran.code == 0
    told = {record["url"]: record["input"]["sitemap"] for record in ran.records}
    assert told == {web.url(f"/page{s}{n}"): web.url(f"/sitemap{s}") for s in range(2) for n in range(3)}
    assert web.sites[0].opened == 1


def test_plan(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """A plan fetches the list too."""
    ran = here(capfd, "plan", "--offline", "--list", web.url("/index.xml"))
    assert ran.code == 0
    assert ran.out.startswith("plan      6 URLs on 1 host\n")


def test_no_list(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """A list that cannot be had is told with its URL and why, with exit code 2 and no record."""
    ran = here(capfd, "fetch", "--list", web.url("/busy"), "--retries", "0", "--no-robots", "--progress", "none")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"scrapepool: {web.url('/busy')}: 503 Service Unavailable\n"


def test_an_argument_is_a_url_to_fetch(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """Where nothing is a list, what is said of lists is a mistake that is told."""
    ran = here(capfd, "fetch", web.url("/index.xml"), "--input-format", "sitemap")
    assert ran.code == 2
    assert "a list by its URL is --list URL" in ran.err
    local = tmp_path / "urls.txt"
    local.write_text(web.url("/page00"))
    ran = here(capfd, "fetch", web.url("/ok"), "--list", local, "--no-robots", "-q")
    assert {(record["url"], record["line"]) for record in ran.records} == {
        (web.url("/ok"), None),
        (web.url("/page00"), 1),
    }
