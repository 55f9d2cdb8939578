"""``--cookies`` and ``--save-cookies``, and cookies along the redirects of one URL."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response

SECRET = "s3cret-t0ken"


def cookies_of(request: Request) -> str:
    """What the request's Cookie field says."""
    return {name.lower(): value for name, value in request.headers}.get("cookie", "")


def site(request: Request) -> Response | None:
    """A login that takes a form, pages behind it, and a cookie wall whose attributes are the query."""
    path, _, query = request.target.partition("?")
    if path == "/login" and request.method == "POST":
        good = request.body == b"user=ann&password=pw"
        fields = [("Set-Cookie", f'session="{SECRET}\\"x"; Path="/"; Max-Age="60"; HttpOnly')]
        return Response(200 if good else 403, fields if good else [])
    if path == "/wall" and "wall=1" not in cookies_of(request):
        attributes = unquote(query)
        return Response(302, [("Location", request.target), ("Set-Cookie", f"wall=1; {attributes}")])
    if path.startswith("/page"):
        return Response(200 if f'session="{SECRET}\\"x"' in cookies_of(request) else 403)
    return None


@pytest.mark.parametrize(
    "attributes",
    [
        'Max-Age="60"',
        "Max-Age",
        'Path="/"',
        "Path",
        "Domain=",
        "Version=x",
        "Port=80",
        "Path=/a;Path=/",
        "Domain=127.0.2.1",
    ],
)
def test_a_cookie_wall_is_passed(capfd: pytest.CaptureFixture[str], attributes: str) -> None:
    """A redirect to itself with a cookie whose attributes are odd leads to the page, and nothing is printed."""
    with PoliteServer(handler=site) as web:
        ran = here(capfd, "fetch", "-q", web.url(f"/wall?{attributes}"))
    assert (ran.code, ran.err) == (0, "")
    assert [record["outcome"] for record in ran.records] == ["ok"]


def test_log_in_first(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A form is posted, its cookies are saved, and the next run gets the pages with them."""
    cookies = tmp_path / "cookies.txt"
    with PoliteServer(handler=site) as web:
        form = ("--data", "user=ann&password=pw", "-H", "Content-Type: application/x-www-form-urlencoded")
        login = here(capfd, "fetch", "-q", web.url("/login"), *form, "--save-cookies", cookies)
        pages = [web.url(f"/page/{number}") for number in range(5)]
        ran = here(capfd, "fetch", "-q", *pages, "--cookies", cookies, "--save-cookies", cookies)
        without = here(capfd, "fetch", "-q", *pages)
    assert (login.code, ran.code, without.code) == (0, 0, 1)
    assert stat.S_IMODE(cookies.stat().st_mode) == 0o600
    assert SECRET in cookies.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["cookies.txt"]


def test_a_file_that_others_could_read_is_its_owners_alone(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Once cookies are saved there."""
    cookies = tmp_path / "cookies.txt"
    cookies.touch(0o644)
    with PoliteServer(handler=site) as web:
        assert here(capfd, "fetch", "-q", web.url(), "--save-cookies", cookies).code == 0
    assert stat.S_IMODE(cookies.stat().st_mode) == 0o600


def test_a_file_that_is_not_there_yet_is_begun(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """If the same file is also written, it need not exist: a script may always give both options."""
    cookies = tmp_path / "cookies.txt"
    with PoliteServer(handler=site) as web:
        both = here(capfd, "fetch", "-q", web.url(), "--cookies", cookies, "--save-cookies", cookies)
        cookies.unlink()
        one = here(capfd, "fetch", "-q", web.url(), "--cookies", cookies)
    assert both.code == 0
    assert (one.code, one.err) == (2, f"scrapepool: {cookies}: No such file or directory\n")


def test_a_bad_line_is_named_by_its_number(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its content is not shown, since it may be a secret. The other lines are used."""
    cookies = tmp_path / "cookies.txt"
    with PoliteServer(handler=site) as web:
        host = urlsplit(web.url()).hostname
        line = f'{host}\tFALSE\t/\tFALSE\t0\tsession\t"{SECRET}\\"x"\n'
        cookies.write_text(f"# a comment\n{SECRET} is bad\n{line}")
        ran = here(capfd, "fetch", web.url("/page"), "--cookies", cookies, "--progress", "none")
        cookies.write_text(f"session={SECRET}\n")
        refused = here(capfd, "fetch", web.url("/page"), "--cookies", cookies)
    assert ran.code == 0
    assert f"{cookies}: line 2 " in ran.err
    assert refused.code == 2
    assert "line 1" in refused.err
    assert SECRET not in ran.err + refused.err


def test_an_empty_file_is_taken(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It has no cookies, and is none the worse for it."""
    cookies = tmp_path / "cookies.txt"
    cookies.touch()
    with PoliteServer(handler=site) as web:
        ran = here(capfd, "fetch", "-q", web.url(), "--cookies", cookies)
    assert (ran.code, ran.err) == (0, "")


def test_cookies_are_saved_where_urls_failed(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What a run got is kept, whatever became of its URLs."""
    cookies = tmp_path / "cookies.txt"
    with PoliteServer(handler=site) as web:
        ran = here(capfd, "fetch", "-q", web.url("/wall?Max-Age=60"), web.url("/status/404"), "--save-cookies", cookies)
    assert ran.code == 1
    assert "\twall\t1\n" in cookies.read_text()


@pytest.mark.parametrize("name", ["", "none/cookies.txt"])
def test_a_file_that_cannot_be_written_is_reported_at_once(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    """The exit code is 3, before anything is fetched."""
    with PoliteServer(handler=site) as web:
        ran = here(capfd, "fetch", "-q", web.url(), "--save-cookies", tmp_path / name)
        assert web.stats()["requests"] == 0
    assert (ran.code, ran.out) == (3, "")
    assert str(tmp_path / name) in ran.err


def test_records_are_not_overwritten_with_cookies(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One file cannot be two outputs, either."""
    records = tmp_path / "out.jsonl"
    with PoliteServer(handler=site) as web:
        assert here(capfd, "fetch", "-q", web.url(), "-o", records).code == 0
        before = records.read_bytes()
        assert here(capfd, "fetch", "-q", web.url(), "--save-cookies", records).code == 2
        assert here(capfd, "fetch", "-q", web.url(), "-o", records, "--save-cookies", records).code == 2
    assert records.read_bytes() == before


def test_a_public_suffix_gets_no_cookie(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What one shop of evil.co.uk sets for all of .co.uk, the bank there is not sent."""
    cookies = tmp_path / "cookies.txt"

    def evil(request: Request) -> Response | None:
        return Response(200, [("Set-Cookie", "a=b; Domain=.co.uk"), ("Set-Cookie", "c=d; Domain=.evil.co.uk")])

    with PoliteServer(handler=evil) as proxy:
        here(
            capfd,
            "fetch",
            "-q",
            "http://evil.co.uk/",
            "--proxy",
            proxy.url(""),
            "--no-robots",
            "--save-cookies",
            cookies,
        )
    assert "\tc\td\n" in cookies.read_text()
    assert "\ta\tb\n" not in cookies.read_text()
