"""The route to a host: the bytes of a request, made once, and the pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapepool.errors import UsageError
from scrapepool.model import HostKey
from scrapepool.overrides import HostOverride, HostOverrides
from scrapepool.settings import RequestSettings
from scrapepool.transport.exchange import route as route_module
from scrapepool.transport.exchange.check_request import check_request
from scrapepool.transport.exchange.cookies import Cookie, CookieStore
from scrapepool.transport.exchange.route import Route, RouteTable
from scrapepool.transport.net.session import PooledSession
from tests.transport.loopback import Server, respond_to_all

HOST = HostKey("http", "127.0.0.1", 8080)


@pytest.fixture
def session() -> Iterator[PooledSession]:
    with PooledSession(2, 2) as session:
        yield session


def request_lines(
    session: PooledSession, settings: RequestSettings, path: str = "/a?b=c", **kwargs: object
) -> list[str]:
    """The lines of a request, the body last."""
    foreign = bool(kwargs.pop("foreign", False))
    method = str(kwargs.pop("method", settings.method))
    route = RouteTable(session, settings).get(HOST, method, foreign=foreign)
    head, _, body = route.request(path, **kwargs).decode("latin-1").partition("\r\n\r\n")  # type: ignore[arg-type]
    return [*head.split("\r\n"), body]


def test_a_plain_request(session: PooledSession) -> None:
    """Method and path, then Host, then the defaults."""
    line, host, *fields, body = request_lines(session, RequestSettings())
    assert line == "GET /a?b=c HTTP/1.1"
    assert host == "Host: 127.0.0.1:8080"
    assert any(field.startswith("User-Agent: scrapepool/") for field in fields)
    assert any(field.startswith("Accept-Encoding: ") for field in fields)
    assert body == ""


def test_default_ports_and_ipv6_in_host(session: PooledSession) -> None:
    """The Host field has no default port, and brackets around an IPv6 address."""
    table = RouteTable(session, RequestSettings())
    assert b"\r\nHost: x.example\r\n" in table.get(HostKey("https", "x.example", 443), "GET").request("/")
    assert b"\r\nHost: [::1]:8080\r\n" in table.get(HostKey("http", "::1", 8080), "GET").request("/")


def test_own_headers_and_body(session: PooledSession) -> None:
    """Headers of the user go before the defaults; a body has its length."""
    settings = RequestSettings(
        method="POST", headers=(("Host", "other"), ("X-A", "1")), user_agent="me/1", data=b"hello"
    )
    lines = request_lines(session, settings)
    assert lines[0].startswith("POST ")
    for line in ("Host: other", "X-A: 1", "User-Agent: me/1", "Content-Length: 5"):
        assert lines.count(line) == 1
    assert lines[-1] == "hello"


def test_a_redirect_to_get_loses_the_body(session: PooledSession) -> None:
    """After a POST that became a GET there is no body, and no length of one."""
    lines = request_lines(session, RequestSettings(method="POST", data=b"hello"), method="GET")
    assert lines[-1] == ""
    assert not [line for line in lines if line.startswith("Content-Length")]


def test_secrets_stay_with_their_origin(session: PooledSession) -> None:
    """A host that was reached by a redirect gets harmless fields only."""
    headers = (("Authorization", "Bearer x"), ("Cookie", "a=b"), ("X-Any", "k"), ("Accept-Language", "de"))
    settings = RequestSettings(headers=headers)
    own, foreign = request_lines(session, settings), request_lines(session, settings, foreign=True)
    for name, value in headers[:3]:
        assert f"{name}: {value}" in own
        assert f"{name}: {value}" not in foreign
    assert "Accept-Language: de" in foreign


def test_userinfo_becomes_basic_auth(session: PooledSession) -> None:
    """User and password of the URL are sent, decoded, where the user gave no Authorization."""
    lines = request_lines(session, RequestSettings(), userinfo="me:p%40ss")
    assert "Authorization: Basic bWU6cEBzcw==" in lines
    own = RequestSettings(headers=(("Authorization", "Bearer x"),))
    assert "Authorization: Basic bWU6cEBzcw==" not in request_lines(session, own, userinfo="me:p%40ss")


def test_cookies_of_a_jar(session: PooledSession) -> None:
    """Cookies are sent where their path and host fit."""
    jar = CookieStore([Cookie(b"a", b"b", "127.0.0.1", b"/in")])
    assert "Cookie: a=b" in request_lines(session, RequestSettings(), "/in/x", cookies=jar)
    assert not [
        line for line in request_lines(session, RequestSettings(), "/out", cookies=jar) if line.startswith("Cookie")
    ]


def test_netrc_only_when_request_lines(session: PooledSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~/.netrc is read with ``--netrc`` only, and never for a redirect's host."""
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password word\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    line = "Authorization: Basic bWU6d29yZA=="
    assert line not in request_lines(session, RequestSettings())
    assert line in request_lines(session, RequestSettings(netrc=True))
    assert line not in request_lines(session, RequestSettings(netrc=True), foreign=True)


def test_a_given_authorization_goes_before_netrc(
    session: PooledSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a field of a host's section or of a row does; requests would let the file win."""
    file = tmp_path / "netrc"
    file.write_text("default login me password word\n")
    monkeypatch.setenv("NETRC", str(file))
    lines = request_lines(session, RequestSettings(netrc=True, headers=(("authorization", "Bearer x"),)))
    assert [line for line in lines if "uthorization" in line] == ["authorization: Bearer x"]


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), ("nonsense\n", "nonsense"), (b"machine \xff\xfe", "codec")]
)
def test_a_netrc_that_cannot_be_read_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes | None, words: str
) -> None:
    """A user who gives ``--netrc`` does not want requests without credentials."""
    file = tmp_path / "netrc"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.setenv("NETRC", str(file))
    with pytest.raises(UsageError, match=rf"request\.netrc: .*{words}"):
        check_request(RequestSettings(netrc=True))
    file.write_text("machine example.org login me password word\n")
    check_request(RequestSettings(netrc=True))


def test_fields_of_one_name_are_all_sent(session: PooledSession) -> None:
    """As one list (RFC 9110 section 5.3); cookies as they are joined (RFC 6265 section 5.4)."""
    fields = (("Accept", "text/html"), ("Cookie", "a=1"), ("accept", "text/plain"), ("cookie", "b=2"))
    lines = request_lines(session, RequestSettings(headers=fields))
    given = [line for line in lines if line.lower().startswith(("accept:", "cookie:"))]
    assert given == ["accept: text/html, text/plain", "cookie: a=1; b=2"]


def test_the_pool_comes_back_after_the_manager_let_it_go() -> None:
    """A host whose pool was evicted gets a new one."""
    with Server(respond_to_all) as server, PooledSession(1, 1) as session:
        route = RouteTable(session, RequestSettings()).get(HostKey("http", "127.0.0.1", server.port), "GET")
        before = route.current_pool()
        assert route.current_pool() is before
        before.close()
        session.adapter.poolmanager.clear()
        after = route.current_pool()
        assert after is not before
        assert after.pool is not None


def test_a_retired_pool_is_not_asked_for_more() -> None:
    """A route that was just looked up asks the manager again where it has let the pool go meanwhile."""
    with PooledSession(workers=1, per_host=1) as session:
        route = RouteTable(session, RequestSettings()).get(HOST, "GET")
        pool = route.current_pool()
        assert route.current_pool() is pool
        session.adapter.poolmanager.pools.clear()
        assert route.current_pool() is not pool
        assert not route.current_pool().retired


def test_routes_are_kept_and_bounded(session: PooledSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's route is made once; the oldest goes when there are too many."""
    monkeypatch.setattr(route_module, "MAX_ROUTES", 2)
    table = RouteTable(session, RequestSettings())
    hosts = [HostKey("http", f"127.0.0.{n}", 80) for n in range(1, 4)]
    first = table.get(hosts[0], "GET")
    assert table.get(hosts[0], "GET") is first
    for host in hosts[1:]:
        table.get(host, "GET")
    assert table.get(hosts[0], "GET") is not first
    assert "127.0.0.1:80" in repr(first)


@pytest.mark.parametrize(
    "settings",
    [
        RequestSettings(),
        RequestSettings(method="POST", headers=(("X-A", "1"), ("Authorization", "Basic eA==")), data=b"hello"),
        RequestSettings(headers=(("Host", "other"), ("Cookie", "a=b"))),
        RequestSettings(proxy="http://127.0.0.1:3128"),
        RequestSettings(netrc=True),
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_every_host_is_asked_as_the_first_is(session: PooledSession, settings: RequestSettings, foreign: bool) -> None:
    """What was found out for one host serves for the next, where that comes to the same."""
    table = RouteTable(session, settings)
    hosts = [
        HOST,
        HostKey("http", "a.test", 80),
        HostKey("https", "b.test", 443),
        HostKey("https", "::1", 8443),
        HostKey("http", "::1", 80),
    ]
    for host in hosts:
        got = table.get(host, settings.method, foreign=foreign)
        made = Route(session, settings, host, settings.method, foreign=foreign)
        assert got.request("/x?y", userinfo="u:p") == made.request("/x?y", userinfo="u:p")
        assert got.pool is made.pool
        assert got.prepared.headers == made.prepared.headers
        assert (got.host, got.method, got.foreign) == (host, settings.method, foreign)


def test_a_proxy_of_the_environment_has_its_exceptions(session: PooledSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which hosts it is for is found out for each."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "b.test,d.test")
    table = RouteTable(session, RequestSettings())
    through = [table.get(HostKey("http", f"{name}.test", 80), "GET").pool.proxy is not None for name in "abcd"]
    assert through == [True, False, True, False]


def test_a_hosts_own_section_is_for_it_alone(session: PooledSession) -> None:
    """Neither the first host's nor a later one's is sent to others."""
    overrides = HostOverrides(tuple((name, HostOverride(headers=(("X-Own", name),))) for name in ("a.test", "c.test")))
    table = RouteTable(session, RequestSettings(), overrides)
    for name in "abcd":
        sent = table.get(HostKey("http", f"{name}.test", 80), "GET").request("/")
        assert (b"X-Own: %s.test" % name.encode() in sent) is (name in "ac")
        assert sent.count(b"X-Own") <= 1
