"""``--list`` with a URL: the list is fetched first, over the same session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import TIMEOUT, closed_port, here

from scrapepool import Settings, fetch
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
            case "/stuck.xml":
                children = "".join(loc.format("sitemap", path) for path in ("sitemap0", "never"))
                return Response(body=f"<sitemapindex>{children}</sitemapindex>".encode())
            case "/never":
                return Response(delay=TIMEOUT)
            case "/later" if request.nth == 1:
                return Response(503)
            case "/later":
                return Response(302, [("Location", "/sitemap0")])
            case "/robots.txt":
                return Response(body=b"User-agent: *\nDisallow: /later\nDisallow: /sitemap")
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
    sitemaps = {record["url"]: record["input"]["sitemap"] for record in ran.records}
    assert sitemaps == {web.url(f"/page{s}{n}"): web.url(f"/sitemap{s}") for s in range(2) for n in range(3)}
    assert web.sites[0].opened == 1


def test_a_list_is_retried_and_redirected(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """It is treated as a page, but without regard to robots.txt, and the summary does not count it."""
    ran = here(capfd, "fetch", "--list", web.url("/later"), "--backoff", "1ms", "--progress", "none")
    assert (ran.code, len(ran.records)) == (0, 3)
    assert web.asked("/later") == 2
    assert "3 URLs" in ran.err


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sitemap_that_hangs_holds_up_no_page(web: PoliteServer, processes: int) -> None:
    """What was read before it is fetched meanwhile, robots.txt and all; also where other processes fetch it."""
    pool = {"workers": 2, "per_host": 2, "processes": processes}
    settings = Settings().with_(input={"lists": (web.url("/stuck.xml"),)}, pool=pool)
    with closing(fetch([], settings)) as outcomes:
        assert {next(outcomes).target.path for _ in range(3)} == {f"/page0{n}" for n in range(3)}


def test_plan(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """A plan fetches the lists too, as a run would."""
    ran = here(capfd, "plan", "--offline", "--list", web.url("/index.xml"), "--list", web.url("/later"))
    assert ran.code == 0
    assert ran.out.startswith("plan      6 URLs on 1 host\n")
    ran = here(capfd, "plan", "--offline", "--list", web.url("/busy"), "--retries", "0")
    assert (ran.code, ran.err) == (2, f"scrapepool: {web.url('/busy')}: 503 Service Unavailable\n")


def test_no_list(capfd: pytest.CaptureFixture[str], web: PoliteServer) -> None:
    """A list that cannot be downloaded is an error with its URL and the reason, exit code 2 and no record."""
    ran = here(capfd, "fetch", "--list", web.url("/busy"), "--retries", "0", "--no-robots", "--progress", "none")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"scrapepool: {web.url('/busy')}: 503 Service Unavailable\n"


def test_an_argument_is_a_url_to_fetch(capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path) -> None:
    """Options of lists are a usage error if no argument is a list."""
    ran = here(capfd, "fetch", web.url("/index.xml"), "--input-format", "sitemap")
    assert ran.code == 2
    assert "use --list URL to read it as a list" in ran.err
    local = tmp_path / "urls.txt"
    local.write_text(web.url("/page00"))
    ran = here(capfd, "fetch", web.url("/ok"), "--list", local, "--no-robots", "-q")
    assert {(record["url"], record["line"]) for record in ran.records} == {
        (web.url("/ok"), None),
        (web.url("/page00"), 1),
    }


def test_a_list_that_is_fetched_itself_is_hinted_at(capfd: pytest.CaptureFixture[str]) -> None:
    """Its URL as an argument is a page; what fetches the URLs in it is said once, and for no other URL."""
    port = closed_port()
    for path, hinted in (
        ("sitemap.xml?x=1", True),
        ("Sitemap_index.XML.gz", True),
        ("blog/feed.rss", True),
        ("feed.atom#top", True),
        ("page.html", False),
        ("xml", False),
        ("x?y=sitemap.xml", False),
    ):
        url = f"http://127.0.0.1:{port}/{path}"
        ran = here(capfd, "fetch", url, url + "/other.html", "--no-robots", "--retries", 0, "--progress", "none")
        assert (f"{url} is fetched itself; to fetch the URLs in it, use --list {url}" in ran.err) == hinted
        assert ran.err.count("--list") == hinted


def test_a_list_without_a_url_is_named_with_its_format(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, tmp_path: Path
) -> None:
    """Standard error says as which format it was read, and which option chooses another."""
    hint = "--input-format chooses another format"
    page = tmp_path / "page.html"
    page.write_text("<p>no link")
    ran = here(capfd, "fetch", page, "--list", web.url("/page"), "-q")
    assert ran.code == 2
    assert ran.err == f"scrapepool: no usable URL in {page} (read as html), {web.url('/page')} (read as text); {hint}\n"
    ran = here(capfd, "plan", page, "--offline", "--input-format", "html")
    assert ran.err == f"scrapepool: no usable URL in {page} (read as html)\n"
