"""Tests redirects: the next URL, the next method, and the fields that may be sent there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, Hop, Redirected
from scrapepool.transport.errors import FetchError
from scrapepool.transport.exchange.cookies import Cookie, CookieStore
from scrapepool.transport.http1.redirect import next_method, next_url
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import follow, get, lease_context, only, run, target

HERE = "http://example.test/dir/page?q=1"


@pytest.fixture(scope="module")
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2) as server:
        yield server


def via(to: str, status: int = 302) -> str:
    """Return a path that redirects."""
    return f"/redirect?status={status}&to={quote(to, safe='')}"


def headers_of(result: Any) -> dict[str, str]:
    """Return the request that an /echo page received."""
    return {name.lower(): value for name, value in json.loads(result.body)["headers"]}


# -- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 302, "DELETE"),
        ("HEAD", 301, "HEAD"),
        ("HEAD", 303, "HEAD"),
        ("GET", 307, "GET"),
    ],
)
def test_the_method_changes_as_in_browsers(method: str, status: int, then: str) -> None:
    """The method changes as in step 12 of HTTP-redirect fetch in the Fetch standard."""
    assert next_method(method, status) == then


@pytest.mark.parametrize(
    ("location", "url", "path"),
    [
        (b"/other", "http://example.test/other", "/other"),
        (b"other", "http://example.test/dir/other", "/dir/other"),
        (b"?q=2", "http://example.test/dir/page?q=2", "/dir/page?q=2"),
        (b"", HERE, "/dir/page?q=1"),
        (b"../up", "http://example.test/up", "/up"),
        (b"//else.test/x", "http://else.test/x", "/x"),
        (b"https://else.test", "https://else.test/", "/"),
        (b"HTTP://ELSE.test/x", "http://else.test/x", "/x"),
        (b"/x#part", "http://example.test/x#part", "/x"),
        (b"  /spaces around\t", "http://example.test/spaces%20around", "/spaces%20around"),
        ("/café".encode(), "http://example.test/caf%C3%A9", "/caf%C3%A9"),
        (b"/caf\xe9?\xe9", "http://example.test/caf%E9?%E9", "/caf%E9?%E9"),
        ("/привет".encode("cp1251"), "http://example.test/%EF%F0%E8%E2%E5%F2", "/%EF%F0%E8%E2%E5%F2"),
        ("/中文".encode("gbk"), "http://example.test/%D6%D0%CE%C4", "/%D6%D0%CE%C4"),
        ("//bücher.test/".encode(), "http://xn--bcher-kva.test/", "/"),
        (b"/out/http://else.test/x", "http://example.test/out/http://else.test/x", "/out/http://else.test/x"),
        (b"/a//b/./../c", "http://example.test/a//c", "/a//c"),
        (b"/x?", "http://example.test/x?", "/x?"),
        (b"/x;", "http://example.test/x;", "/x;"),
        (b"/x?{a}|b", "http://example.test/x?{a}|b", "/x?{a}|b"),
        (b"\\\\else.test\\x", "http://else.test/x", "/x"),
        (b"///else.test/x", "http://else.test/x", "/x"),
        (b"http:/x", "http://example.test/x", "/x"),
        (b"http://else.test/a/../x", "http://else.test/x", "/x"),
        (b"http://ann:s3cret@else.test/x", "http://else.test/x", "/x"),
        (b"http:\\\\ann:s3cret@else.test/x", "http://else.test/x", "/x"),
    ],
)
def test_a_location_is_resolved(location: bytes, url: str, path: str) -> None:
    """Non-ASCII bytes are sent unchanged, as in browsers; a user and a password are removed."""
    text, parsed = next_url(HERE, location)
    assert (text, parsed.path) == (url, path)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        (b"http://[::1", ErrorKind.INVALID_URL),
        (b"http://" + b"a" * 70 + b".test/", ErrorKind.INVALID_URL),
        (b"http://x:99999/", ErrorKind.INVALID_URL),
        (b"http://", ErrorKind.INVALID_URL),
        (b"http://a..test/path", ErrorKind.INVALID_URL),
        (b"http://ann:s3cret@[x", ErrorKind.INVALID_URL),
        (b"ftp://ann:s3cret@else.test/", ErrorKind.UNSUPPORTED_SCHEME),
        (b"//ann:s3cret@else.test:99999/", ErrorKind.INVALID_URL),
        (b"javascript:alert(1)", ErrorKind.UNSUPPORTED_SCHEME),
        (b"file:///etc/passwd", ErrorKind.UNSUPPORTED_SCHEME),
        (b"ftp://example.test/", ErrorKind.UNSUPPORTED_SCHEME),
    ],
)
def test_a_location_that_cannot_be_fetched_is_a_fault(location: bytes, kind: ErrorKind) -> None:
    """No other exception is raised, and the detail has the Location."""
    with pytest.raises(FetchError) as caught:
        next_url(HERE, location)
    assert caught.value.kind is kind
    assert "redirected to" in caught.value.detail
    assert "s3cret" not in caught.value.detail


WITH_A_PASSWORD = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["http:", "https:", "HTTP:", "ftp:", "", "\thttp:", " h\tttp:"]),
    st.sampled_from(["//", "\\\\", "/\\", "", "/", "///"]),
    st.sampled_from(
        ["ann:s3cret@", ":s3cret@", "s3cret@", "ann:s3cret@x@", "an n:s3 s3cret@", "ann:s3cret/x@", "a:s3cret#@"]
    ),
    st.sampled_from(["h", "[bad", "h:99999", "h:x", "a..b", "", "h h", "[::1", "1.2.3.999", "h%zz", "\xff"]),
    st.sampled_from(["", "/p?q", "#f", "/ x@y"]),
)


@given(WITH_A_PASSWORD)
def test_no_spelling_of_a_password_shows(location: str) -> None:
    """A password appears neither in the URL nor in the error for an invalid Location."""
    try:
        url, _ = next_url(HERE, location.encode("latin-1"))
    except FetchError as fault:
        assert "s3cret" not in fault.detail
    else:
        assert "s3cret" not in url.split("/")[2]


@given(st.binary(max_size=200))
def test_any_location_is_a_url_or_a_fault(location: bytes) -> None:
    """No bytes raise another exception, and every result is an http or https URL."""
    try:
        _, parsed = next_url(HERE, location)
    except FetchError:
        return
    assert parsed.host.scheme in {"http", "https"}
    assert parsed.path.isascii()


# -- followed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_host_is_followed_over_the_same_connection(web: PoliteServer, status: int) -> None:
    """There are one lease, one connection, two requests and one attempt; the hop is recorded."""
    with lease_context() as made:
        done = run(made, web.url(via("/there", status)))
    result: Any = only(done.results)
    assert result.body == b"This is /there\n"
    assert (done.use.opened, done.use.requests, result.attempts) == (1, 2, 1)
    assert result.final_url == web.url("/there")
    assert result.redirects == (web.url(via("/there", status)),)


@pytest.mark.parametrize(("status", "method", "body"), [(302, "GET", ""), (307, "POST", "hello"), (303, "GET", "")])
def test_method_and_body_follow_the_status(web: PoliteServer, status: int, method: str, body: str) -> None:
    """A POST becomes a GET without a body, or stays a POST with its body."""
    seen = json.loads(get(web.url(via("/echo", status)), request={"method": "POST", "data": b"hello"}).body)
    assert (seen["method"], seen["body"]) == (method, body)


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_3xx_are_not_followed(web: PoliteServer, status: int) -> None:
    """Other 3xx responses are the outcome."""
    assert get(web.url(via("/there", status))).status == status


def test_a_redirect_to_another_host_goes_back_to_the_scheduler(web: PoliteServer) -> None:
    """The other host's limits apply to it; method, hops and used time are kept."""
    there = web.url("/there", host=1)
    with lease_context() as made:
        result = only(run(made, web.url(via(there))).results)
        assert isinstance(result, Redirected)
        hop = result.attempt.hop
        assert hop is not None
        assert (hop.url, hop.method, hop.redirects) == (there, "GET", (web.url(via(there)),))
        assert 0 < hop.spent < 4
        assert result.elapsed > 0
        final: Any = only(run(made, result.attempt).results)
    assert final.body == b"This is /there\n"
    assert (final.final_url, final.redirects, final.attempts) == (there, hop.redirects, 1)
    assert final.started == result.attempt.started


def test_another_port_and_another_scheme_are_another_host(web: PoliteServer) -> None:
    """An origin consists of scheme, host and port."""
    with PoliteServer(hosts=["127.0.2.1"]) as other:
        for there in (other.url(), web.url().replace("http:", "https:")):
            assert isinstance(get(web.url(via(there))), Redirected)


def test_time_spent_before_a_hop_counts(web: PoliteServer) -> None:
    """A hop without time left fails immediately, without a retry."""
    aim = target(web.url("/delay/1"))
    hop = Hop(aim.url, aim.host, aim.path, "GET", ("http://before.test/",), spent=3.9)
    with lease_context() as made:
        result = only(run(made, Attempt(aim, hop=hop)).results)
    assert isinstance(result, Failed)
    assert result.error is ErrorKind.DEADLINE
    assert result.retry is None


def test_no_redirects_makes_them_outcomes(web: PoliteServer) -> None:
    """With a limit of 0, the redirect itself is the outcome, with its body."""
    result = get(web.url(via("/there")), request={"max_redirects": 0})
    assert isinstance(result, Fetched)
    assert (result.status, result.body, result.redirects) == (302, b"elsewhere\n", ())


@pytest.mark.parametrize(("most", "fine"), [(1, False), (2, True)])
def test_the_limit_is_the_number_of_redirects_followed(web: PoliteServer, most: int, fine: bool) -> None:
    """Two redirects need a limit of two."""
    result = get(web.url(via(via("/there"))), request={"max_redirects": most})
    assert isinstance(result, Fetched) is fine
    assert fine or result.error is ErrorKind.TOO_MANY_REDIRECTS


def test_a_loop_ends() -> None:
    """The limit ends a redirect loop."""
    with PoliteServer(handler=lambda request: Response(302, [("Location", request.target)])) as server:
        result = get(server.url("/round"))
    assert result.error is ErrorKind.TOO_MANY_REDIRECTS
    assert len(result.redirects) == 20
    assert result.retry is None


def test_the_body_of_a_redirect_does_not_matter() -> None:
    """A body that cannot be decoded, or never ends, is skipped."""

    def respond(request: Request) -> Response | None:
        if request.target == "/broken":
            return Response(302, [("Location", "/there"), ("Content-Encoding", "gzip")], b"no gzip")
        if request.target == "/large":
            return Response(302, [("Location", "/there")], bytes(2**20))
        return None

    with PoliteServer(handler=respond) as server:
        for path in ("/broken", "/large"):
            assert get(server.url(path), size={"max_size": 1000}).body == b"This is /there\n"


# -- credentials and cookies -----------------------------------------------------------------------


GIVEN = (
    ("Authorization", "Bearer s3cret"),
    ("Cookie", "s=3cret"),
    ("Host", "s3cret.test"),
    ("Ocp-Apim-Subscription-Key", "s3cret"),
    ("CF-Access-Client-Id", "s3cret"),
    ("Referer", "http://s3cret.test/"),
    ("X-Other", "s3cret"),
    ("Accept", "text/csv"),
    ("User-Agent", "me/1"),
)


def test_only_harmless_fields_go_to_another_origin(web: PoliteServer) -> None:
    """Every field is sent to the same origin; other origins get only fields that do not identify the sender."""
    near = headers_of(follow(web.url(via("/echo")), request={"headers": GIVEN}))
    far = headers_of(follow(web.url(via(web.url("/echo", host=1))), request={"headers": GIVEN}))
    assert all(near[name.lower()] == value for name, value in GIVEN)
    assert (far["accept"], far["user-agent"]) == ("text/csv", "me/1")
    assert far["host"] == web.sites[1].origin.removeprefix("http://")
    assert "3cret" not in str(far)


def test_all_fields_go_everywhere_on_request(web: PoliteServer) -> None:
    """``--header-everywhere`` sends all fields, but no credentials of a URL or of ~/.netrc."""
    away = web.url(via(web.url("/echo", host=1))).replace("//", "//user:pass@", 1)
    far = headers_of(follow(away, request={"headers": GIVEN[3:], "header_everywhere": True}))
    assert all(far[name.lower()] == value for name, value in GIVEN[3:])
    assert "authorization" not in far


def test_userinfo_stays_with_its_origin(web: PoliteServer) -> None:
    """A URL's user and password are sent only to its own host, for any Location."""
    mine = web.url("/echo").replace("//", "//user:p%40ss@")
    assert headers_of(get(mine))["authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()
    away = web.url(via(web.url("/echo", host=1))).replace("//", "//user:pass@", 1)
    assert "authorization" not in headers_of(follow(away))
    lured = web.url(via(web.url("/echo", host=1).replace("//", "//evil:pass@")))
    assert "authorization" not in headers_of(follow(lured))


def test_netrc_is_read_only_on_request_and_never_for_a_hop(
    web: PoliteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--netrc`` applies only to the hosts of the list."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert "authorization" not in headers_of(get(web.url("/echo")))
    assert "authorization" in headers_of(get(web.url("/echo"), request={"netrc": True}))
    away = web.url(via(web.url("/echo", host=1)))
    assert "authorization" not in headers_of(follow(away, request={"netrc": True}))


def cookie_web(domain: str = "") -> PoliteServer:
    """Start a server whose /set redirects to ``to`` with a cookie."""

    def respond(request: Request) -> Response | None:
        if request.target.startswith("/set?"):
            fields = [("Location", request.target[5:]), ("Set-Cookie", f"a=1; Path=/{domain}"), ("Set-Cookie", "b=2")]
            return Response(302, fields)
        return None

    return PoliteServer(2, handler=respond)


def test_cookies_live_along_a_targets_redirects_and_no_longer() -> None:
    """Each target has its own jar: a cookie of one hop is sent to the next one, and dropped after the target."""
    with cookie_web() as server, lease_context() as made:
        first, second = run(made, server.url("/set?/cookies"), server.url("/cookies")).results
    assert json.loads(first.body) == {"a": "1", "b": "2"}
    assert json.loads(second.body) == {}


@pytest.mark.parametrize("domain", ["", "; Domain=127.0.2.2", "; Domain=elsewhere.test"])
def test_cookies_keep_to_their_domain(domain: str) -> None:
    """A host neither sets nor gets another host's cookies, and gets its own ones when a redirect returns to it."""
    with cookie_web(domain) as server:
        away = follow(server.url("/set?" + server.url("/cookies", host=1)))
        assert json.loads(away.body) == {}
        back = follow(server.url("/set?" + server.url(via(server.url("/cookies")), host=1)))
        assert json.loads(back.body).get("b") == "2"


def test_a_shared_jar_serves_all_targets() -> None:
    """With ``--cookies``, cookies of one target are sent with the next one, with or without redirects."""
    jar = CookieStore([Cookie(b"mine", b"0", "127.0.2.1")])
    with PoliteServer() as server, lease_context(jar=jar) as made:
        _, second = run(made, server.url("/set-cookie?c=3"), server.url("/cookies")).results
    assert json.loads(second.body) == {"mine": "0", "c": "3"}
