"""Cookies: what a Set-Cookie field sets, and which requests get it (RFC 6265 section 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.exchange.cookies import (
    MAX_COOKIES,
    MAX_PER_DOMAIN,
    Cookie,
    CookieStore,
)
from scrapepool.transport.exchange.set_cookie import parse_date, parse_set_cookie

NOW = 1_800_000_000.0
HOST = "www.example.org"


def stored(*fields: bytes, host: str = HOST, path: str = "/dir/page?q=/x/") -> CookieStore:
    """A store after a response with these Set-Cookie fields."""
    store = CookieStore()
    store.store([(b"Set-Cookie", field) for field in fields], host, path, NOW)
    return store


def sent(store: CookieStore, host: str = HOST, path: str = "/dir/page", *, later: float = 0.0) -> bytes | None:
    """The Cookie field of a request over TLS."""
    return store.header(host, path, NOW + later, secure=True)


@pytest.mark.parametrize(
    "attribute",
    [
        b'Max-Age="60"',
        b"Max-Age=3600.0",
        b"Max-Age",
        b"Max-Age=",
        b"Max-Age=+60",
        b"Max-Age=soon",
        b"Max-Age=" + b"9" * 400,
        b'Path="/"',
        b"Path",
        b"Path=",
        b"Path=dir",
        b"Path=/other; Path=/dir",
        b"Path=/other; Path",
        b"Domain",
        b"Domain=",
        b"Domain=.",
        b"Domain=other.test; Domain=example.org",
        b"Domain=WWW.Example.ORG",
        b"Version=x",
        b"Version=1",
        b"Port=80",
        b'Port="80,8080"',
        b"Expires",
        b"Expires=0",
        b"Expires=tomorrow",
        b"Expires=Thu, 31 Feb 2050 10:00:00 GMT",
        b"SameSite=Strict; Partitioned; Priority=High",
        b"Comment=\xff\xfe",
        b";;; = ;=x",
        b"HttpOnly=no",
        b"Secure=0",
    ],
)
def test_an_odd_attribute_does_not_cost_the_cookie(attribute: bytes) -> None:
    """An attribute that cannot be read is ignored, and nothing else."""
    assert sent(stored(b"wall=passed; " + attribute)) == b"wall=passed"


@pytest.mark.parametrize(
    "value",
    [
        b'"{\\"a\\":1}"',
        b"{'a': [1, 2]}",
        b"a=b=c",
        b"",
        b'"quoted"',
        b'"',
        b"a,b c",
        "gr\u00fc\u00df".encode(),
        b"\xff\x80",
        b"a\tb",
    ],
)
def test_values_come_back_byte_for_byte(value: bytes) -> None:
    """Quotes, backslashes, commas and bytes of any charset are the server's own affair."""
    assert sent(stored(b"v=" + value)) == b"v=" + value


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"  a  =  b  ", b"a=b"),
        (b"\ta\t=\tb\t;Path=/", b"a=b"),
        (b"a", None),
        (b"=b", None),
        (b" = b", None),
        (b"; Path=/", None),
        (b"", None),
        (b"a=b\x00", None),
        (b"a=b\x7f; Path=/", None),
        (b"a=b; Path=/\x01", None),
        (b"a=" + b"x" * 4095, b"a=" + b"x" * 4095),
        (b"a=" + b"x" * 4096, None),
    ],
)
def test_what_is_a_cookie(field: bytes, expected: bytes | None) -> None:
    """A name, an equals sign and a value, without control characters, 4,096 bytes at most."""
    assert sent(stored(field)) == expected


@pytest.mark.parametrize(
    ("field", "later", "kept"),
    [
        (b"a=b; Max-Age=60", 59, True),
        (b"a=b; Max-Age=60", 60, False),
        (b"a=b; Max-Age=0", 0, False),
        (b"a=b; Max-Age=-1", 0, False),
        (b"a=b; Max-Age=-" + b"9" * 30, 0, False),
        (b"a=b; Max-Age=10; Max-Age=60", 30, True),
        (b"a=b; Max-Age=60; Max-Age=10", 30, False),
        (b'a=b; Max-Age=60; Max-Age="x"', 30, True),
        (b"a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 30, True),
        (b"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0, False),
        (b"a=b; Expires=Thu, 01-Jan-70 00:00:00 GMT", 0, False),
        (b"a=b; Expires=Wed, 09 Jun 2100 10:18:14 GMT", 1e6, True),
        (b"a=b", 1e9, True),
    ],
)
def test_how_long_a_cookie_lasts(field: bytes, later: float, kept: bool) -> None:
    """Max-Age goes before Expires, the last one of each counts, and without both it lasts as long as the run."""
    assert (sent(stored(field), later=later) is not None) is kept


def test_a_cookie_that_has_expired_removes_the_one_of_its_name() -> None:
    """This is how servers delete cookies."""
    store = stored(b"a=b; Path=/", b"c=d; Path=/", b"a=; Path=/; Max-Age=0")
    assert (sent(store), len(store)) == (b"c=d", 1)


@pytest.mark.parametrize(
    ("host", "domain", "to", "expected"),
    [
        (HOST, b"", HOST, True),
        (HOST, b"", "example.org", False),
        (HOST, b"", "sub.www.example.org", False),
        (HOST, b"example.org", "example.org", True),
        (HOST, b".example.org", "other.example.org", True),
        (HOST, b"example.org", "badexample.org", False),
        (HOST, b"www.example.org", "sub.www.example.org", True),
        (HOST, b"sub.www.example.org", HOST, False),
        (HOST, b"other.test", HOST, False),
        (HOST, b"other.test", "other.test", False),
        (HOST, b"org", HOST, False),
        ("evil.co.uk", b".co.uk", "evil.co.uk", False),
        ("evil.co.uk", b"co.uk", "bank.co.uk", False),
        ("evil.co.uk", b"uk", "bank.co.uk", False),
        ("evil.github.io", b"github.io", "bank.github.io", False),
        ("github.io", b"github.io", "github.io", True),
        ("github.io", b"github.io", "bank.github.io", False),
        ("a.corp", b"corp", "b.corp", False),
        ("a.b.corp", b"b.corp", "b.corp", True),
        ("xn--e1afmkfd.xn--p1ai", b"xn--p1ai", "xn--e1afmkfd.xn--p1ai", False),
        ("localhost", b"localhost", "localhost", True),
        ("localhost", b"", "localhost", True),
        ("intranet", b"intranet", "intranet", True),
        ("intranet", b".intranet", "sub.intranet", False),
        ("127.0.0.1", b"localhost", "127.0.0.1", False),
        ("127.0.0.1", b"127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", b".127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", b"0.0.1", "127.0.0.1", False),
        ("127.0.0.1", b"1", "127.0.0.1", False),
        ("1.127.0.0.1", b"127.0.0.1", "127.0.0.1", True),
        ("::1", b"", "::1", True),
        ("::1", b"::1", "::1", True),
    ],
)
def test_which_hosts_get_a_cookie(host: str, domain: bytes, to: str, expected: bool) -> None:
    """The host itself, with Domain those below it, and never all that share a public suffix."""
    store = stored(b"a=b; Domain=" + domain if domain else b"a=b", host=host)
    assert (sent(store, to) is not None) is expected


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (b"/", "/", True),
        (b"/", "/any/where?x", True),
        (b"/dir", "/dir", True),
        (b"/dir", "/dir/", True),
        (b"/dir", "/dir/page", True),
        (b"/dir", "/directory", False),
        (b"/dir/", "/dir", False),
        (b"/dir/", "/dir/page", True),
        (b"/dir", "/Dir", False),
        (b"/dir", "/?/dir", False),
        (b"/dir", "/dir?x", True),
        (b"/%7Edir", "/~dir", False),
    ],
)
def test_which_paths_get_a_cookie(path: bytes, to: str, expected: bool) -> None:
    """The path itself and what lies below it, compared byte by byte."""
    assert (sent(stored(b"a=b; Path=" + path), path=to) is not None) is expected


@pytest.mark.parametrize(
    ("requested", "inside", "outside"),
    [
        ("/", "/x", None),
        ("/page", "/x", None),
        ("/dir/page?a=/b/c", "/dir/x", "/x"),
        ("/a/b/", "/a/b", "/a"),
        ("*", "/", None),
    ],
)
def test_without_a_path_it_is_the_folder_of_the_url(requested: str, inside: str, outside: str | None) -> None:
    """The default path is the request's, up to its last slash."""
    store = stored(b"a=b", path=requested)
    assert sent(store, path=inside) == b"a=b"
    assert outside is None or sent(store, path=outside) is None


def test_the_order_in_which_cookies_are_sent() -> None:
    """Longer paths first, then the older ones; a cookie that is set again keeps its place."""
    store = stored(b"a=1; Path=/", b"b=2; Path=/", b"c=3; Path=/dir", b"a=4; Path=/")
    assert sent(store) == b"c=3; a=4; b=2"


def test_a_secure_cookie_is_sent_over_tls_only() -> None:
    """Other cookies are sent with and without."""
    store = stored(b"a=1; Secure", b"b=2")
    assert sent(store) == b"a=1; b=2"
    assert store.header(HOST, "/dir/page", NOW, secure=False) == b"b=2"


def test_only_set_cookie_sets_cookies() -> None:
    """In any case of letters; other fields do not."""
    store = CookieStore()
    store.store([(b"SET-COOKIE", b"a=1"), (b"Set-Cookie2", b"b=2"), (b"Cookie", b"c=3")], HOST, "/", NOW)
    assert sent(store) == b"a=1"


def test_what_is_kept_has_a_bound() -> None:
    """Of a domain the oldest cookies go, of too many domains the one that was set longest ago."""
    store = stored(*(b"c%d=x; Path=/" % number for number in range(MAX_PER_DOMAIN + 10)))
    assert len(store) == MAX_PER_DOMAIN
    header = sent(store) or b""
    assert header.startswith(b"c10=x; ")
    many = CookieStore(Cookie(b"a", b"b", f"h{number}.test") for number in range(MAX_COOKIES + 5))
    assert len(many) == MAX_COOKIES
    assert (sent(many, "h4.test"), sent(many, "h5.test")) == (None, b"a=b")


def test_values_are_not_in_the_repr() -> None:
    """What a debugger or a log shows of a store holds no secret."""
    assert "passed" not in repr(stored(b"wall=passed"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 09 Jun 2021 10:18:14 GMT", 1_623_233_894),
        ("Wed, 09-Jun-2021 10:18:14 GMT", 1_623_233_894),
        ("Wednesday, 09-Jun-21 10:18:14 UTC", 1_623_233_894),
        ("Wed Jun  9 10:18:14 2021", 1_623_233_894),
        ("9 jun 2021 10:18:14 +0200", 1_623_233_894),
        ("June 9, 2021 10:18:14", 1_623_233_894),
        ("2021 Jun 09 10:18:14", 1_623_233_894),
        ("09 Jun 69 10:18:14", 3_137_998_694),
        ("09 Jun 70 10:18:14", 13_774_694),
        ("09 Jun 1600 10:18:14", None),
        ("31 Feb 2021 10:18:14", None),
        ("09 Jun 2021 24:00:00", None),
        ("09 Jun 2021 10:60:00", None),
        ("09 Jun 2021", None),
        ("10:18:14", None),
        ("1623233894", None),
        ("", None),
        ("09 Jun 20210 10:18:14", None),
    ],
)
def test_dates(text: str, expected: int | None) -> None:
    """As section 5.1.1 reads them: time, day, month and year in any order that is unambiguous."""
    assert parse_date(text) == expected


@given(st.binary(max_size=80), st.text(alphabet="ab.c1:", max_size=12), st.text(alphabet="/ab?%", max_size=8))
def test_nothing_that_a_server_sends_raises(field: bytes, host: str, path: str) -> None:
    """Whatever is stored is sent back to the very URL that set it as it came, or not at all."""
    store = stored(field, b"Domain=" + field, b"a=b; Domain=" + field, host=host, path="/" + path)
    header = store.header(host, "/" + path, NOW, secure=True)
    assert header is None or not set(header) & {0, 10, 13}
    parse_set_cookie(field)
