"""Tests PooledSession: the features of requests, and pools that block, count and are sized for bulk work."""

from __future__ import annotations

import copy
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import EmptyPoolError
from urllib3.util import Retry

from scrapepool.demo.wire import Request
from scrapepool.errors import UsageError
from scrapepool.settings import PoolSettings, RetryPolicy, Timeouts
from scrapepool.transport.net.adapter import MOST_IDLE, most_idle
from scrapepool.transport.net.bandwidth import Bandwidth
from scrapepool.transport.net.descriptors import budget, raise_soft_limit
from scrapepool.transport.net.session import USER_AGENT, PooledSession, urllib3_retry
from tests.servers.polite import PoliteServer, Response
from tests.transport.loopback import HEAD, Server, authority, read_head, respond_to_all, server_context


@pytest.fixture
def session() -> Iterator[PooledSession]:
    with PooledSession(4, 2) as session:
        yield session


def echo(request: Request) -> Response | None:
    """Respond with the received request."""
    if request.target == "/cookie":
        return Response(body=b"set", headers=(("Set-Cookie", "a=b; Path=/"),))
    if request.target == "/away":
        return Response(302, headers=(("Location", "/landed"),))
    return None


def test_it_needs_no_arguments() -> None:
    """The defaults are those of the settings."""
    with PooledSession() as session:
        assert session.adapter._pool_maxsize == PoolSettings().per_host
        assert isinstance(session, requests.Session)


def test_everything_that_requests_does(session: PooledSession) -> None:
    """Redirects, cookies, hooks, methods and bodies work as in requests."""
    with PoliteServer(handler=echo) as server:
        seen: list[int] = []
        landed = session.get(server.url("/away"), hooks={"response": lambda r, **_: seen.append(r.status_code)})
        assert landed.url.endswith("/landed")
        assert [r.status_code for r in landed.history] == [302]
        assert seen == [302, 200]
        session.get(server.url("/cookie"))
        assert session.cookies["a"] == "b"
        assert session.head(server.url("/x")).content == b""
        assert session.get(server.url("/x"), allow_redirects=False).ok


def test_what_is_sent(session: PooledSession) -> None:
    """JSON, forms, auth, cookies and headers reach the server, with the defaults for all others."""
    heads: list[bytes] = []

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            while b"json" in head and not head.endswith(b"}"):
                head += sock.recv(65536)
            heads.append(head)
            sock.sendall(HEAD + b"ok")

    with Server(script) as server:
        url = f"http://127.0.0.1:{server.port}/"
        session.post(url, json={"a": 1}, headers={"X-Own": "1"}, cookies={"c": "d"}, auth=HTTPBasicAuth("u", "p"))
        assert b'{"a": 1}' in heads[0]
        for line in (b"POST / HTTP/1.1", b"X-Own: 1", b"Cookie: c=d", b"Authorization: Basic dTpw"):
            assert line in heads[0]
        assert f"User-Agent: {USER_AGENT}".encode() in heads[0]
        session.post(url, data=iter([b"one", b"two"]))
        assert b"Transfer-Encoding: chunked" in heads[1]


def test_a_stream_returns_what_has_arrived(session: PooledSession) -> None:
    """Pieces of a chunked body are available when they arrive, not only when the requested size has arrived."""
    go_on = threading.Event()

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        go_on.wait(3)
        sock.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    with Server(script) as server:
        response = session.get(f"http://127.0.0.1:{server.port}/", stream=True)
        pieces = response.iter_content(10_000)
        assert next(pieces) == b"first"
        go_on.set()
        assert list(pieces) == [b"second"]


def test_a_body_that_was_not_read_gives_its_connection_back(session: PooledSession) -> None:
    """A streamed HEAD, a 204 and an empty body return their connection."""
    with PoliteServer() as server:
        for _ in range(6):
            with session.head(server.url("/x"), stream=True) as response:
                assert not list(response.iter_content(10))
        assert session.pool_stats()[f"127.0.2.1:{server.port}"].in_use == 0


def test_the_pool_blocks_rather_than_overflows() -> None:
    """With 4 connections per host and 16 threads, 4 connections are open and the other threads wait."""
    with PoliteServer(latency="fixed:0.01") as server, PooledSession(16, 4) as session:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda n: session.get(server.url(f"/{n}")).text, range(64)))
        assert server.opened <= 4
        assert server.peak <= 4
        stats = session.pool_stats()[f"127.0.2.1:{server.port}"]
        assert stats.requests == 64
        assert stats.opened == server.opened
        assert stats.idle == server.opened
        assert stats.in_use == 0
        assert stats.reuse == 1 - server.opened / 64


def test_each_opening_counts(session: PooledSession) -> None:
    """A connection that is opened again is counted again."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    with Server(script) as server:
        for _ in range(5):
            session.get(f"http://127.0.0.1:{server.port}/")
        stats = session.pool_stats()[f"127.0.0.1:{server.port}"]
        assert (stats.opened, stats.requests, stats.idle, stats.reuse) == (5, 5, 0, 0.0)


def test_tls_connections_are_reused(session: PooledSession, tmp_path: str) -> None:
    """Over https, many requests use one handshake."""
    path = f"{tmp_path}/ca.pem"
    authority().cert_pem.write_to_path(path)
    with Server(respond_to_all, tls=server_context()) as server:
        for _ in range(5):
            assert session.get(f"https://127.0.0.1:{server.port}/", verify=path).text == "ok"
        assert session.pool_stats()[f"127.0.0.1:{server.port}"].opened == 1


def test_leaving_the_block_closes_everything() -> None:
    """After ``with``, no connection is open and the stats are empty."""
    with PoliteServer() as server:
        with PooledSession(2, 2) as session:
            session.get(server.url())
            assert server.open == 1
        assert server.wait_closed()
        assert session.pool_stats() == {}
        assert "0 connections" in repr(session)


def test_the_default_timeouts_apply() -> None:
    """A request without a timeout uses the timeout of the session."""
    policy = RetryPolicy(retries=0)
    with Server(lambda sock: sock.recv(1) and time.sleep(1)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        timeouts = Timeouts(read=0.1)
        with PooledSession(1, 1, timeout=timeouts, max_retries=policy) as session, pytest.raises(requests.ReadTimeout):
            session.get(url)
        with PooledSession(1, 1, max_retries=policy) as session, pytest.raises(requests.ReadTimeout):
            session.get(url, timeout=0.1)


def test_statuses_are_retried() -> None:
    """Direct use honours the retry policy, Retry-After included."""
    requested_at: list[float] = []

    def script(sock: socket.socket) -> None:
        while read_head(sock):
            requested_at.append(time.monotonic())
            if len(requested_at) == 1:
                sock.sendall(b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
            else:
                sock.sendall(HEAD + b"ok")

    with Server(script) as server, PooledSession(1, 1, max_retries=RetryPolicy(retries=1, backoff=0)) as session:
        assert session.get(f"http://127.0.0.1:{server.port}/").text == "ok"
    assert requested_at[1] - requested_at[0] >= 1


def test_a_status_that_stays_is_returned() -> None:
    """After the last retry, the caller gets the response itself."""
    with PoliteServer() as server, PooledSession(1, 1, max_retries=RetryPolicy(retries=1, backoff=0)) as session:
        assert session.get(server.url("/status/503")).status_code == 503


def test_the_well_known_pattern_is_a_session() -> None:
    """urllib3's Retry is used unchanged, under the name that HTTPAdapter has for it."""
    retry = Retry(total=3, backoff_factor=0, status_forcelist=[503])
    with PoliteServer() as server, PooledSession(pool_connections=10, pool_maxsize=20, max_retries=retry) as session:
        assert session.adapter.max_retries is retry
        with pytest.raises(requests.exceptions.RetryError):
            session.get(server.url("/status/503"))
        (stats,) = session.pool_stats().values()
    assert stats.requests == 4


@pytest.mark.parametrize("retries", [0, 2])
def test_a_number_of_retries_is_what_it_is_to_an_adapter(retries: int) -> None:
    """An int counts retries of failed connections, and not of statuses."""
    adapter = requests.adapters.HTTPAdapter(max_retries=retries)
    with PoliteServer() as server, PooledSession(max_retries=retries) as session:
        assert vars(session.adapter.max_retries) == vars(adapter.max_retries)
        assert session.get(server.url("/status/503")).status_code == 503


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({"per_host": 1}, True),
        ({"pool_maxsize": 1}, False),
        ({"pool_maxsize": 1, "pool_block": True}, True),
        ({"per_host": 1, "pool_block": False}, False),
    ],
)
def test_pools_of_pool_maxsize_overflow(options: dict[str, Any], waits: bool) -> None:
    """The pool opens another connection, as in HTTPAdapter, unless it is configured to block."""
    with PoliteServer() as server, PooledSession(**options, timeout=(0.2, 5)) as session:
        held = session.get(server.url("/bytes/3000000"), stream=True)
        if waits:
            with pytest.raises(EmptyPoolError):
                session.get(server.url("/page"))
        else:
            assert session.get(server.url("/page")).ok
        held.close()


@pytest.mark.parametrize(
    ("given", "timeout"), [(3, (3, 3)), ((1.5, None), (1.5, None)), (Timeouts(connect=1, read=2), (1, 2))]
)
def test_a_timeout_is_a_number_a_pair_or_timeouts(given: Any, timeout: tuple[float, float | None]) -> None:
    """The types are those of ``session.get``."""
    assert PooledSession(timeout=given).timeout == timeout


def test_options_that_contradict_each_other_are_refused() -> None:
    """The error is a sentence."""
    with pytest.raises(UsageError, match="give one of them"):
        PooledSession(per_host=2, pool_maxsize=2)
    with pytest.raises(UsageError, match="at least 1"):
        PooledSession(pool_maxsize=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timeout": "10"}, r"timeout takes a number of seconds, \(connect, read\) or Timeouts, not str"),
        ({"max_retries": "3"}, "max_retries takes an int, urllib3's Retry or a RetryPolicy, not str"),
        ({"headers": "A: b"}, "headers takes a mapping of names to values, not str"),
    ],
)
def test_values_of_other_types_are_refused(given: dict[str, Any], message: str) -> None:
    """The error is a sentence that names the parameter."""
    with pytest.raises(UsageError, match=message):
        PooledSession(**given)


def test_retry_after_has_a_limit() -> None:
    """No server can make a caller sleep for longer than ``max_park``."""
    assert urllib3_retry(RetryPolicy(max_park=7)).retry_after_max == 7


@pytest.mark.parametrize("workers", [1, 32, 100_000])
def test_idle_connections_are_kept_within_the_descriptors(workers: int) -> None:
    """The connections in use and the idle ones stay within the budget, and at least one may be idle."""
    kept = most_idle(workers)
    assert 1 <= kept <= MOST_IDLE
    assert kept == 1 or kept + workers <= budget()


def test_the_limit_can_be_raised() -> None:
    """Raising the soft limit never lowers the budget."""
    before = budget()
    raise_soft_limit()
    assert budget() >= before


def test_the_article_s_mistake_is_not_made() -> None:
    """More hosts than workers keep their open connections."""
    with PoliteServer(20) as server, PooledSession(4, 2) as session:
        for _ in range(3):
            for host in range(20):
                session.get(server.url("/x", host))
        assert server.opened == 20


def test_the_connection_that_was_idle_for_longest_is_closed() -> None:
    """The number of open connections is limited for any number of hosts, and each pool still works."""
    with PoliteServer(12) as server, PooledSession(1, 1) as session:
        session.adapter.idle.most = 5
        for host in range(12):
            session.get(server.url("/x", host))
        until = time.monotonic() + 3
        while server.open > 5 and time.monotonic() < until:
            time.sleep(0.005)
        assert server.open == len(session.adapter.idle) == 5
        assert session.get(server.url("/y", 11)).ok
        assert server.opened == 12
        assert session.get(server.url("/y", 0)).ok
        assert server.opened == 13


def test_dropped_pools_close_what_is_idle() -> None:
    """Dropped pools close their idle connections, even if they are still referenced."""
    with PoliteServer(12) as server, PooledSession(1, 1) as session:
        session.adapter.poolmanager.pools.maxsize = 5
        known = []
        for host in range(12):
            url = server.url("/x", host)
            session.get(url)
            known.append(session.adapter.poolmanager.connection_from_url(url))
        until = time.monotonic() + 3
        while server.open > 5 and time.monotonic() < until:
            time.sleep(0.005)
        assert server.open == 5
        assert known[0].urlopen("GET", "/x").status == 200


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))])
def test_a_copy_works_as_a_session_of_its_own(copied: Callable[[PooledSession], PooledSession]) -> None:
    """``pickle`` and ``copy.deepcopy`` copy settings, headers and cookies, but no connections."""
    timeouts = Timeouts(connect=3, read=4)
    options = {"tls_resume": True, "headers": {"X-Own": "1"}, "bandwidth": Bandwidth(1e6, 0.0)}
    with PoliteServer() as server, PooledSession(3, 1, timeout=timeouts, **options) as session:
        session.cookies.set("a", "b", domain="127.0.2.1")
        session.get(server.url("/1"))
        with copied(session) as other:
            assert other.pool_stats() == {}
            assert other.adapter is other.get_adapter("https://x/") is other.get_adapter("http://x/")
            assert other.timeout == (3, 4)
            assert other.adapter._pool_maxsize == 1
            assert other.adapter._tls_resume
            fields = dict(other.get(server.url("/echo")).json()["headers"])
            assert (fields["X-Own"], fields["Cookie"]) == ("1", "a=b")
            assert session.pool_stats()[f"127.0.2.1:{server.port}"].opened == 1
            assert other.pool_stats()[f"127.0.2.1:{server.port}"].opened == 1


@pytest.mark.slow
def test_a_copy_keeps_to_public_addresses(session: PooledSession) -> None:
    """A copy of a session refuses the same addresses."""
    with PoliteServer() as server, PooledSession(deny_private=True) as session:
        for copied in (copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
            with copied, pytest.raises(requests.ConnectionError):
                copied.get(server.url("/"))


def test_a_full_pool_is_not_waited_for_for_ever() -> None:
    """Streamed responses keep their connections, and the next request waits only for the connect timeout."""
    with PoliteServer() as server, PooledSession(4, 2, timeout=Timeouts(connect=0.2)) as session:
        held = [session.get(server.url(f"/bytes/3000000?{n}"), stream=True) for n in range(2)]
        with pytest.raises(EmptyPoolError):
            session.get(server.url("/page"))
        with pytest.raises(EmptyPoolError):
            session.get(server.url("/page"), timeout=(0.1, 5))
        for response in held:
            response.close()
        assert session.get(server.url("/page")).ok


@pytest.mark.parametrize(
    ("field", "seconds"), [("2, 2", 2), ("2, 7", 7), ("soon", 0), ("", 0), ("9999", 300), (" 5 ", 5)]
)
def test_direct_use_reads_waits_as_a_run_does(field: str, seconds: float) -> None:
    """A Retry-After that raises an exception in urllib3 is parsed, or means no wait."""
    assert urllib3_retry(RetryPolicy()).parse_retry_after(field) == seconds


def test_pools_for_other_options_are_pools_of_their_own() -> None:
    """Other pool options than the adapter's TLS context are not lost."""
    with PooledSession(1, 1) as session:
        manager = session.adapter.poolmanager
        usual = manager.connection_from_host("a.test", 443, "https")
        assert usual is manager.connection_from_url("https://A.test/x")
        insecure = manager.connection_from_host("a.test", 443, "https", {"cert_reqs": "CERT_NONE"})
        assert insecure is not usual
        assert insecure.cert_reqs == "CERT_NONE"
