"""Cookie files: which lines are cookies, and how cookies are written."""

from __future__ import annotations

import http.cookiejar
from pathlib import Path

import pytest

from scrapepool.transport.exchange.cookie_file import FIRST_LINE, read_cookies, spell_cookies
from scrapepool.transport.exchange.cookies import Cookie, CookieStore

LINE = b".example.org\tTRUE\t/\tFALSE\t4102444800\tname\tvalue"
COOKIE = Cookie(b"name", b"value", "example.org", host_only=False, expires=4102444800)


@pytest.mark.parametrize(
    "data",
    [
        FIRST_LINE + LINE + b"\n",
        b"# HTTP Cookie File\r\n" + LINE + b"\r\n",
        LINE,
        b"\n\n" + LINE,
        b"\xef\xbb\xbf" + FIRST_LINE + LINE,
        b"\xef\xbb\xbf" + LINE,
        FIRST_LINE + b"\xef\xbb\xbf" + LINE,
        FIRST_LINE + b"# a comment\twith\ttabs\n  \n" + LINE + b"\n\n",
        LINE.removeprefix(b"."),
        LINE.replace(b"TRUE", b"true", 1),
        LINE.replace(b"\t/\t", b"\t\t"),
        LINE.replace(b"\t/\t", b"\t"),
        LINE.replace(b"\t/\t", b'\t"/"\t'),
        LINE.replace(b"example.org", b"Example.ORG"),
        LINE.replace(b"4102444800", b"4102444800.5"),
        b"Set-Cookie: name=value; domain=.example.org; path=/; expires=Fri, 01 Jan 2100 00:00:00 GMT",
        b"Set-Cookie: name=value; domain=other.test; domain=example.org; expires=Fri, 01-Jan-2100 00:00:00 GMT",
    ],
)
def test_files_that_curl_takes(data: bytes) -> None:
    """With and without a first line, blank lines, a byte order mark, a dot, a path; and header fields."""
    assert read_cookies(data) == ([COOKIE], [])


@pytest.mark.parametrize("data", [b"", b"\n", FIRST_LINE, b"\xef\xbb\xbf", b"# nothing\n\n"])
def test_an_empty_file_has_no_cookies(data: bytes) -> None:
    """That is no fault: a login that sets none leaves such a file."""
    assert read_cookies(data) == ([], [])


@pytest.mark.parametrize(("domain", "host_only"), [(b"TRUE", False), (b"FALSE", True), (b"x", True)])
@pytest.mark.parametrize("dot", [b"", b"."])
def test_the_second_column_tells_whether_other_hosts_get_it(domain: bytes, host_only: bool, dot: bytes) -> None:
    """And not the dot before the domain."""
    (cookie,), _ = read_cookies(dot + b"example.org\t" + domain + b"\t/\tFALSE\t0\ta\tb")
    assert (cookie.domain, cookie.host_only) == ("example.org", host_only)


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (b"0", None),
        (b"", None),
        (b"-1", None),
        (b"1", 1),
        (b"9" * 18, 253402300799),
        (b"13344555666777888", 253402300799),
    ],
)
def test_session_cookies(expires: bytes, expected: int | None) -> None:
    """curl, wget and browsers' exporters write 0, nothing or -1 for a cookie that lasts as long as its session."""
    (cookie,), _ = read_cookies(b"example.org\tFALSE\t/\tFALSE\t%b\ta\tb" % expires)
    assert cookie.expires == expected


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        (b"\ta\t", b""),
        (b"\ta", b""),
        (b'\ta\t"b"', b'"b"'),
        (b'\ta\t"{\\"x\\"}"', b'"{\\"x\\"}"'),
        ("\ta\tgr\u00fc\u00df".encode(), "gr\u00fc\u00df".encode()),
        (b"\ta\t\xff", b"\xff"),
        (b"\ta\tb=c; d", b"b=c; d"),
        (b"\ta\tb\t\t", b"b"),
        (b"\ta\t b ", b" b "),
    ],
)
def test_values_are_taken_byte_for_byte(columns: bytes, value: bytes) -> None:
    """Also an empty one without the tab before it, as editors leave it that strip the ends of lines."""
    (cookie,), bad = read_cookies(b"example.org\tFALSE\t/\tFALSE\t0" + columns + b"\n")
    assert (cookie.name, cookie.value, bad) == (b"a", value, [])


def test_http_only_cookies_are_no_comments() -> None:
    """Browsers' exporters and curl mark them so."""
    (cookie,), _ = read_cookies(b"#HttpOnly_" + LINE)
    assert (cookie.http_only, cookie.domain) == (True, "example.org")


@pytest.mark.parametrize(
    "line",
    [
        b"a=b",
        b"only\tthree\tcolumns",
        b"example.org FALSE / FALSE 0 a b",
        LINE.replace(b"4102444800", b"never"),
        LINE.replace(b".example.org", b""),
        LINE.replace(b"name", b""),
        LINE.replace(b"value", b"va\0lue"),
        LINE.replace(b"example.org", b"\xff\xfe"),
        LINE + b"\tmore",
        b"Set-Cookie: name=value",
        b"Set-Cookie: name",
        b'{"name": "session", "value": "secret"}',
        b"Set-Cookie3: a=b; path=/; domain=example.org",
    ],
)
def test_a_bad_line_costs_no_other(line: bytes) -> None:
    """It is reported by its number."""
    assert read_cookies(FIRST_LINE + LINE + b"\n" + line + b"\n" + LINE) == ([COOKIE, COOKIE], [3])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """By this program and, as the format is theirs, by others."""
    cookies = [
        COOKIE,
        Cookie(b"plain", b"1", "h.test", b"/dir", created=1),
        Cookie(b"safe", b'"x\\"y"', "h.test", secure=True, http_only=True, created=2),
        Cookie(b"empty", b"", "localhost", created=3),
    ]
    data = spell_cookies(CookieStore([*cookies, Cookie(b"tab", b"a\tb", "127.0.0.1")]).cookies(0.0))
    assert data.startswith(b"# Netscape HTTP Cookie File\n.example.org\tTRUE\t/\tFALSE\t4102444800\tname\tvalue\n")
    again, bad = read_cookies(data)
    assert (CookieStore(again).cookies(0.0), bad) == (cookies, [])
    path = tmp_path / "cookies.txt"
    path.write_bytes(data)
    theirs = http.cookiejar.MozillaCookieJar(path)
    theirs.load(ignore_discard=True, ignore_expires=True)
    assert {(cookie.name, cookie.domain) for cookie in theirs} >= {("plain", "h.test"), ("name", ".example.org")}
