"""Tests proxies: forwarding, tunnels and SOCKS, for the session and for the fetcher."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from scrapepool.model import ErrorKind, Fetched, HostKey
from scrapepool.ports import LEASES_OUT
from scrapepool.settings import RequestSettings, RetryPolicy
from scrapepool.transport.classify import classify
from scrapepool.transport.errors import FetchError
from scrapepool.transport.exchange.route import Route, RouteTable
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.session import PooledSession
from tests.servers.polite import PoliteServer
from tests.servers.proxies import HTTPProxy, SOCKS5Proxy
from tests.transport.fetching import get, lease_context, on_loop, work
from tests.transport.loopback import (
    SOON,
    Server,
    authority,
    closed_port,
    exchanged,
    opened,
    respond_to_all,
    response_body,
    server_context,
    silent,
)

BRIEF = 0.4
"""The seconds of a deadline that is expected to pass."""

DRIP = 0.1
"""The seconds between two bytes; shorter than any timeout."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def session() -> Iterator[PooledSession]:
    with PooledSession(2, 2, max_retries=RetryPolicy(retries=0)) as session:
        yield session


def fetched(route: Route, path: str = "/", deadline: float = SOON) -> bytes:
    """Return the body that the event loop receives."""
    pool = route.current_pool()
    conn, _ = pool.checkout(1)
    conn.deadline = time.monotonic() + deadline
    try:
        conn.timeout = 60
        return response_body(exchanged(opened(conn, pool), route.request(path)))
    finally:
        conn.deadline = None
        conn.close()
        pool.checkin(conn)


def refused(route: Route, deadline: float = SOON) -> FetchError:
    with pytest.raises(Exception) as caught:
        fetched(route, deadline=deadline)
    return classify(caught.value)


def host(port: int, scheme: str = "http", name: str = "127.0.0.1") -> HostKey:
    return HostKey(scheme, name, port)


@pytest.mark.parametrize("secure_proxy", [False, True])
def test_a_request_is_forwarded(session: PooledSession, pem: str, secure_proxy: bool) -> None:
    """A plain http request is sent to the proxy with its absolute URL, also if the proxy is reached over TLS."""
    tls = server_context() if secure_proxy else None
    with Server(respond_to_all) as server, HTTPProxy(user="me:word", tls=tls) as proxy:
        url = f"http://127.0.0.1:{server.port}"
        table = RouteTable(session, RequestSettings(proxy=proxy.url("me:word"), cacert=pem))
        assert fetched(table.get(host(server.port), "GET"), "/a?b") == b"ok"
        assert proxy.asked == [f"GET {url}/a?b"]
        assert session.get(url + "/c", proxies={"http": proxy.url("me:word")}, verify=pem).text == "ok"


@pytest.mark.parametrize("secure_proxy", [False, True])
def test_https_goes_through_a_tunnel(session: PooledSession, pem: str, secure_proxy: bool) -> None:
    """An https request opens a tunnel and does the TLS handshake with the origin; only the proxy gets the password."""
    tls = server_context() if secure_proxy else None
    with Server(respond_to_all, tls=server_context()) as server, HTTPProxy(user="me:word", tls=tls) as proxy:
        settings = RequestSettings(proxy=proxy.url("me:word"), cacert=pem)
        route = RouteTable(session, settings).get(host(server.port, "https"), "GET")
        assert fetched(route) == b"ok"
        assert b"authorization" not in route.request("/").lower()
        proxies = {"https": proxy.url("me:word")}
        assert session.get(f"https://127.0.0.1:{server.port}/", proxies=proxies, verify=pem).text == "ok"
        assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port}"] * 2


def test_a_connection_through_a_tunnel_is_reused(session: PooledSession, pem: str) -> None:
    """One tunnel is used for many requests."""
    with Server(respond_to_all, tls=server_context()) as server, HTTPProxy() as proxy:
        for _ in range(3):
            session.get(f"https://127.0.0.1:{server.port}/", proxies={"https": proxy.url()}, verify=pem)
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_refuses_a_tunnel_is_at_fault(session: PooledSession, status: int) -> None:
    """A refused CONNECT is a proxy error with the status."""
    with HTTPProxy(refuse=status) as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(443, "https"), "GET")
        fault = refused(route)
        assert fault.kind is ErrorKind.PROXY
        assert str(status) in fault.detail
        with pytest.raises(requests.exceptions.ProxyError):
            session.get("https://127.0.0.1/", proxies={"https": proxy.url()})


def test_a_proxy_that_wants_a_password_is_at_fault(session: PooledSession) -> None:
    """Without credentials, the proxy refuses a tunnel with 407."""
    with HTTPProxy(user="me:word") as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(443, "https"), "GET")
        assert "407" in refused(route).detail


def test_a_proxy_that_is_not_there_is_at_fault(session: PooledSession) -> None:
    """If the proxy does not listen, http and https requests get a proxy error."""
    table = RouteTable(session, RequestSettings(proxy=f"http://127.0.0.1:{closed_port()}"))
    for scheme in ("http", "https"):
        assert refused(table.get(host(1, scheme), "GET")).kind is ErrorKind.PROXY


def test_a_proxys_certificate_error_is_a_sentence(session: PooledSession) -> None:
    """The error of a proxy's certificate has the same words as that of an origin, not those of OpenSSL."""
    with HTTPProxy(tls=server_context()) as proxy:
        settings = RequestSettings(proxy=proxy.url())
        fault = refused(RouteTable(session, settings).get(host(1, "https"), "GET"))
    assert (fault.kind, fault.detail.partition(": ")[2]) == (ErrorKind.PROXY, "the certificate's issuer is unknown")


def test_a_proxy_whose_handshake_hangs_is_reported(session: PooledSession) -> None:
    """The error names the time limit, and no line of a C file."""
    with Server(silent) as server:
        settings = RequestSettings(proxy=f"https://127.0.0.1:{server.port}")
        pool = RouteTable(session, settings).get(host(1, "https"), "GET").current_pool()
        conn, _ = pool.checkout()
        conn.timeout = BRIEF
        with pytest.raises(FetchError, match=r"no connection within 0\.4 s"):
            opened(conn, pool)
        conn.close()
        pool.checkin(conn)


def test_an_environments_proxy_that_is_no_url_is_a_proxy_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid proxy URL is a proxy error, not an error of the URL; it is not quoted, as it may be a password."""
    monkeypatch.setenv("http_proxy", "http://me:word@[bad")
    failed = get("http://127.0.0.1:1/")
    assert (failed.error, failed.detail) == (ErrorKind.PROXY, "the proxy's URL is invalid")


def test_the_origins_certificate_is_the_origins_fault(session: PooledSession) -> None:
    """An untrusted origin behind a working proxy is not a proxy error."""
    with Server(respond_to_all, tls=server_context()) as server, HTTPProxy() as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(server.port, "https"), "GET")
        assert refused(route).kind is ErrorKind.TLS


def test_a_proxy_that_responds_slowly_meets_the_deadline(session: PooledSession) -> None:
    """A response to CONNECT that arrives byte by byte ends at the deadline."""
    with HTTPProxy(say=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100, pause=0.05) as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(443, "https"), "GET")
        began = time.monotonic()
        refused(route, deadline=BRIEF)
        assert time.monotonic() - began < SOON


def test_a_proxy_that_sends_unsolicited_data_is_at_fault(session: PooledSession) -> None:
    """Bytes after the proxy's response are an error, since they would be taken for the origin's."""
    with HTTPProxy(say=b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(443, "https"), "GET")
        assert refused(route).kind is ErrorKind.PROXY


def test_a_tunnels_headers_cannot_be_smuggled() -> None:
    """A line end in a proxy header or a host raises an error before anything is sent."""
    with Server(silent) as server:
        for name, headers in (("x", {"A": "b\r\nC: d"}), ("x", {"A\r\n": "b"}), ("x\r\ny", {})):
            conn = Connection("127.0.0.1", server.port)
            conn._tunnel_host, conn._tunnel_port, conn._tunnel_headers = name, 443, headers  # type: ignore[attr-defined]
            with pytest.raises(ValueError, match=r"header|host"):
                opened(conn)
            conn.close()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("secure", [False, True])
def test_socks(session: PooledSession, pem: str, scheme: str, secure: bool) -> None:
    """SOCKS5 works for http and https; with socks5h, the proxy resolves names."""
    served = server_context() if secure else None
    with Server(respond_to_all, tls=served) as server, SOCKS5Proxy(user="me:word") as proxy:
        url = proxy.url("me:word").replace("socks5h", scheme)
        key = host(server.port, "https" if secure else "http", "localhost")
        route = RouteTable(session, RequestSettings(proxy=url, cacert=pem)).get(key, "GET")
        assert fetched(route) == b"ok"
        assert session.get(route.prepared.url or "", proxies={key.scheme: url}, verify=pem).text == "ok"
        assert ("localhost" in proxy.asked[0]) is (scheme == "socks5h")


def test_a_socks_proxy_with_another_password_is_at_fault(session: PooledSession) -> None:
    """A wrong password is a proxy error."""
    with SOCKS5Proxy(user="me:word") as proxy:
        for user in (None, "me:guess"):
            route = RouteTable(session, RequestSettings(proxy=proxy.url(user))).get(host(1), "GET")
            assert refused(route).kind is ErrorKind.PROXY


def test_a_socks_proxy_that_is_not_there_is_at_fault(session: PooledSession) -> None:
    """A SOCKS proxy that does not listen is a proxy error."""
    port = closed_port()
    settings = RequestSettings(proxy=f"socks5h://127.0.0.1:{port}")
    fault = refused(RouteTable(session, settings).get(host(1), "GET"))
    assert (fault.kind, fault.detail) == (ErrorKind.PROXY, f"SOCKS proxy 127.0.0.1:{port}: connection refused")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, ErrorKind.PROXY),
        (2, ErrorKind.PROXY),
        (3, ErrorKind.UNREACHABLE),
        (4, ErrorKind.UNREACHABLE),
        (5, ErrorKind.CONNECT_REFUSED),
        (6, ErrorKind.UNREACHABLE),
    ],
)
def test_who_refuses_behind_a_socks_proxy(session: PooledSession, code: int, kind: ErrorKind) -> None:
    """A refused or unreachable origin is its own error; a general failure or a rule is a proxy error."""
    with SOCKS5Proxy(fail=code) as proxy:
        assert refused(RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(1), "GET")).kind is kind


def test_a_silent_socks_proxy_meets_the_deadline(session: PooledSession) -> None:
    """The wait for a proxy that does not respond ends at the deadline."""
    with SOCKS5Proxy(silent=True) as proxy:
        route = RouteTable(session, RequestSettings(proxy=proxy.url())).get(host(1), "GET")
        began = time.monotonic()
        refused(route, deadline=BRIEF)
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("secure", [False, True])
def test_the_proxys_address_is_not_the_remote_address(pem: str, secure: bool) -> None:
    """``remote`` is the origin's address if this machine resolved its name, and null if the proxy did."""
    with (
        Server(respond_to_all, tls=server_context() if secure else None) as server,
        HTTPProxy() as http,
        SOCKS5Proxy() as socks,
    ):
        url = f"{'https' if secure else 'http'}://localhost:{server.port}/"
        far = socks.url()
        near = far.replace("socks5h", "socks5")
        seen = [get(url, request={"proxy": proxy, "cacert": pem}).remote for proxy in (http.url(), far, near)]
    assert seen == [None, None, "127.0.0.1"]


def test_the_environments_proxy_and_its_exceptions(session: PooledSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY applies to all hosts except those in NO_PROXY; each host is looked up once."""
    with Server(respond_to_all) as server, HTTPProxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url())
        monkeypatch.setenv("no_proxy", "localhost")
        table = RouteTable(session, RequestSettings())
        through = table.get(host(server.port), "GET")
        fetched(through, "/proxied")
        fetched(table.get(host(server.port, name="localhost"), "GET"), "/direct")
        assert [asked.rpartition("/")[2] for asked in proxy.asked] == ["proxied"]
        monkeypatch.delenv("http_proxy")
        assert table.get(host(server.port), "GET") is through
        fetched(through, "/still")
        assert len(proxy.asked) == 2


@pytest.mark.parametrize(
    "exceptions", ["a.test localhost", "a.test  localhost,b.test", "a.test,\tlocalhost", " localhost "]
)
def test_exceptions_may_be_separated_by_spaces(
    session: PooledSession, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    """NO_PROXY is parsed as in curl and wget, for runs, for the session's requests, and for prepared requests."""
    with Server(respond_to_all) as server, HTTPProxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url())
        monkeypatch.setenv("no_proxy", exceptions)
        table = RouteTable(session, RequestSettings())
        fetched(table.get(host(server.port, name="localhost"), "GET"), "/run")
        url = f"http://localhost:{server.port}/session"
        assert session.get(url).text == "ok"
        assert session.send(requests.Request("GET", url).prepare()).text == "ok"
        assert proxy.asked == []
        assert session.get(f"http://127.0.0.1:{server.port}/other").text == "ok"
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("user", ["me", "me:", "me%40home"])
def test_a_proxy_s_user_may_have_no_password(session: PooledSession, pem: str, user: str) -> None:
    """The user is sent with an empty password, as in curl, for forwarded requests and for tunnels."""
    said = "me@home:" if "%" in user else "me:"
    with Server(respond_to_all) as server, HTTPProxy(user=said) as proxy:
        table = RouteTable(session, RequestSettings(proxy=proxy.url(user)))
        assert fetched(table.get(host(server.port), "GET"), "/a") == b"ok"
    with Server(respond_to_all, tls=server_context()) as server, HTTPProxy(user=said) as proxy:
        table = RouteTable(session, RequestSettings(proxy=proxy.url(user), cacert=pem))
        assert fetched(table.get(host(server.port, "https"), "GET")) == b"ok"


def test_a_forwarding_proxy_has_a_connection_for_every_lease() -> None:
    """Hosts behind one proxy share its pool, so the pool is larger than that of a host."""
    with Server(respond_to_all) as server, HTTPProxy() as proxy, PooledSession(7, 2) as session:
        session.get(f"http://127.0.0.1:{server.port}/", proxies={"http": proxy.url()})
        pool = session.adapter.proxy_manager[proxy.url()].pools
        (key,) = pool.keys()
        assert pool[key].pool.maxsize == 7 * LEASES_OUT
        assert session.pool_stats()[f"127.0.0.1:{proxy.port}"].opened == 1


def test_leases_do_not_wait_for_each_others_connections() -> None:
    """Each lease behind one proxy has its own connection."""
    with PoliteServer(hosts=LEASES_OUT) as server, HTTPProxy() as proxy:
        works = [work(server.url("/1", host=host), server.url("/2", host=host)) for host in range(LEASES_OUT)]
        with lease_context(pool={"workers": 1}, request={"proxy": proxy.url()}) as made:
            results = [result for done in on_loop(made, works) for result in done.results]
    assert [type(result) for result in results] == [Fetched] * 2 * LEASES_OUT


def at_once(sock: socket.socket) -> None:
    """Do the handshake, and respond to each request in many TLS records that arrive together."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server_context().wrap_bio(incoming, outgoing, server_side=True)

    def waited_for(step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
            else:
                sock.sendall(outgoing.read())
                return

    waited_for(tls.do_handshake)
    for _ in range(2):
        waited_for(lambda: tls.read(65536))
        for piece in ANSWER:
            tls.write(piece)
        sock.sendall(outgoing.read())
    sock.recv(1)


ANSWER = [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x" * 100] * 10]


def test_data_between_the_two_tls_layers_is_read() -> None:
    """Poll does not report records that are buffered between the layers, but a lease still reads them."""
    with Server(at_once) as server, HTTPProxy(tls=server_context()) as proxy:
        url = f"https://127.0.0.1:{server.port}/"
        with lease_context(request={"proxy": proxy.url(), "insecure": True}) as made:
            done = on_loop(made, [work(url + "1", url + "2")])
    assert [(result.status, result.bytes) for result in done[0].results] == [(200, 1000)] * 2
    assert done[0].use.opened == 1


def drip_a_handshake(sock: socket.socket) -> None:
    """Send a ServerHello byte by byte until the client closes the connection."""
    sock.recv(65536)
    for byte in b"\x16\x03\x03\x40\x00" + bytes(2 * int(SOON / DRIP)):
        sock.sendall(bytes([byte]))
        time.sleep(DRIP)


def test_a_slow_handshake_through_a_proxys_tls_meets_the_deadline(session: PooledSession) -> None:
    """Each wait for a byte gets only the time that is left."""
    with Server(drip_a_handshake) as server, HTTPProxy(tls=server_context()) as proxy:
        settings = RequestSettings(proxy=proxy.url(), insecure=True)
        route = RouteTable(session, settings).get(host(server.port, "https"), "GET")
        began = time.monotonic()
        refused(route, deadline=BRIEF)
        assert time.monotonic() - began < SOON


def test_tls_within_tls_can_be_aborted() -> None:
    """An abort shuts down the socket below both TLS layers."""
    with (
        Server(silent, tls=server_context()) as server,
        HTTPProxy(tls=server_context()) as proxy,
        lease_context() as made,
    ):
        settings = RequestSettings(proxy=proxy.url(), insecure=True)
        pool = RouteTable(made.session, settings).get(host(server.port, "https"), "GET").current_pool()
        conn, _ = pool.checkout()
        conn.timeout = SOON
        opened(conn, pool)
        conn.abort()
        with pytest.raises((FetchError, OSError)):
            exchanged(conn)
        conn.close()
        pool.checkin(conn)
