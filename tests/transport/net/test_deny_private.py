"""Tests ``--deny-private``: which addresses are connected to, and which never are."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from scrapepool.errors import UsageError
from scrapepool.model import ErrorKind, HostKey, Redirected, Skipped
from scrapepool.ports import Work
from scrapepool.schedule.lease import Lease
from scrapepool.settings import RequestSettings
from scrapepool.transport.exchange.check_request import check_request
from scrapepool.transport.net import address_policy
from scrapepool.transport.net import resolver as resolver_module
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.resolver import Resolver
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.robots.fetcher import RobotsFetcher
from tests.transport.fetching import lease_context, only, run, run_alone, settings
from tests.transport.loopback import Server, read_head, respond_to_all

DENY = {"request": {"deny_private": True}}


class Names:
    """A look-up function that returns another of its results at each call for a name."""

    def __init__(self, **results: list[list[str]]) -> None:
        self._results = results

    def __call__(self, host: str, port: None, **_: Any) -> list[Any]:
        results = self._results[host.partition(".")[0]]
        result = results.pop(0) if len(results) > 1 else results[0]
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in ip], socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in result]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the addresses of names."""

    def give(**results: list[list[str]]) -> None:
        monkeypatch.setattr(Connection, "resolver", Resolver(Names(**results)))

    yield give


@pytest.fixture
def public_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make 127.0.0.1 the only loopback address that counts as public."""

    def why(ip: str) -> str | None:
        return None if ip == "127.0.0.1" else f"not {ip}"

    monkeypatch.setattr(address_policy, "why_not_public", why)


def refused(url: str) -> Skipped:
    with lease_context(**DENY) as made:
        done = run(made, url)
        assert (done.use.opened, done.use.requests) == (0, 0)
        outcome = only(done.results)
    assert isinstance(outcome, Skipped)
    assert outcome.error is ErrorKind.FORBIDDEN_ADDRESS
    assert outcome.retry is None
    return outcome


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_an_address_in_the_url_is_refused(host: str) -> None:
    """This holds for every spelling, and no connection is made."""
    with Server(respond_to_all) as server:
        outcome = refused(f"http://{host}:{server.port}/")
        assert server.accepted == 0
    assert (outcome.attempts, outcome.started, outcome.final_url) == (0, None, None)
    assert "is not public" in (outcome.detail or "")


def test_a_name_is_checked_by_its_addresses(names: Callable[..., None]) -> None:
    """The error names all addresses."""
    names(inside=[["10.0.0.1", "fd00::1"]])
    with Server(respond_to_all) as server:
        detail = refused(f"http://inside.test:{server.port}/").detail
    assert detail == "10.0.0.1 is not public (a private network), fd00::1 is not public (a private network)"


@pytest.mark.usefixtures("public_loopback")
def test_of_mixed_addresses_only_the_public_ones_are_tried(names: Callable[..., None]) -> None:
    """The private address comes first, and a server listens there, but it gets no connection."""
    names(mixed=[["127.0.0.2", "127.0.0.1"]])
    with Server(respond_to_all) as public, Server(respond_to_all, at=("127.0.0.2", public.port)) as private:
        with lease_context(**DENY) as made:
            outcome = only(run(made, f"http://mixed.test:{public.port}/").results)
        assert (outcome.status, outcome.remote) == (200, "127.0.0.1")
        assert (public.accepted, private.accepted) == (1, 0)


@pytest.mark.usefixtures("public_loopback")
def test_a_name_with_new_addresses_is_checked_again(
    names: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding fails: a name that was public at the first look-up has a private address at the second."""
    names(rebound=[["127.0.0.1"], ["127.0.0.2"]])

    def close(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    monkeypatch.setattr(resolver_module, "TTL", 0.0)
    with Server(close) as public, Server(respond_to_all, at=("127.0.0.2", public.port)) as private:
        with lease_context(**DENY) as made:
            url = f"http://rebound.test:{public.port}/"
            assert only(run(made, url).results).status == 200
            assert only(run(made, url).results).error is ErrorKind.FORBIDDEN_ADDRESS
        assert private.accepted == 0


@pytest.mark.usefixtures("public_loopback")
def test_a_redirect_is_checked_at_its_hop(names: Callable[..., None]) -> None:
    """The target is requested, its redirect is not followed, and the error names both."""
    names(start=[["127.0.0.1"]], inside=[["127.0.0.2"]])

    def redirect(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://inside.test/admin\r\nContent-Length: 0\r\n\r\n")

    with Server(redirect) as server, lease_context(**DENY) as made:
        start = f"http://start.test:{server.port}/"
        hop = only(run(made, start).results)
        assert isinstance(hop, Redirected)
        outcome = only(run(made, hop.attempt).results)
    assert isinstance(outcome, Skipped)
    assert (outcome.attempts, outcome.redirects, outcome.final_url) == (1, (start,), "http://inside.test/admin")


def test_robots_txt_is_not_requested_either() -> None:
    """robots.txt counts as missing, and each URL of the host gets its own error."""
    with Server(respond_to_all) as server, lease_context(**DENY) as made:
        host = HostKey("http", "127.0.0.1", server.port)
        work = Work(Lease(host, robots=True), ())
        done = run_alone(made, work, RobotsFetcher(made, settings(**DENY)).chain(work))
        assert server.accepted == 0
    assert done.robots is not None
    assert done.robots.unreachable is None


def test_the_session_refuses_too() -> None:
    """``session.get`` raises requests' ConnectionError, and it does so for a proxy as well."""
    with Server(respond_to_all) as server, PooledSession(1, 1, deny_private=True) as session:
        url = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(requests.ConnectionError, match="not public"):
            session.get(url)
        with pytest.raises(requests.ConnectionError, match="through a proxy"):
            session.get("http://example.org/", proxies={"http": url})
        assert server.accepted == 0


def test_without_the_option_nothing_is_refused() -> None:
    """By default, every address is allowed."""
    with Server(respond_to_all) as server, lease_context() as made:
        assert only(run(made, f"http://127.0.0.1:{server.port}/").results).status == 200


def test_proxies_contradict_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A given proxy, one from the environment, and one for some hosts only raise an error."""
    with pytest.raises(UsageError, match="contradict"):
        RequestSettings(deny_private=True, proxy="http://p:1")
    deny = RequestSettings(deny_private=True)
    check_request(deny)
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        check_request(deny)
    monkeypatch.setenv("NO_PROXY", "*")
    check_request(deny)
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("all_proxy", "http://p:1")
    with lease_context(**DENY) as made:
        outcome = only(run(made, "http://93.184.216.34/").results)
    assert isinstance(outcome, Skipped)
    assert "through a proxy" in (outcome.detail or "")
