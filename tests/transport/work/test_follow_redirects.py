"""How redirects are followed and recorded: bodies that never arrive, unusual Locations, hosts that are down."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, Hop, Redirect, Skipped
from scrapepool.transport.net.bandwidth import Bandwidth
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.work.attempt import AMBIGUOUS
from scrapepool.transport.work.context import LeaseContext
from tests.transport.fetching import follow, get, lease_context, on_loop, only, run, settings, target, work
from tests.transport.loopback import Server, closed_port, read_head, server_context

ONCE = {"read": 5.0, "total": 5.0}
"""A timeout that a single wait for a body uses up, so that a request that waits for one does not reach the page."""

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"


def redirect(*fields: str, status: str = "302 Found", body: bytes = b"") -> bytes:
    """The bytes of a redirect, as far as they come."""
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1") + body


@contextmanager
def site(first: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Any]:
    """A server that sends ``first`` for /start and keeps the connection open, and a page for all else.

    paths: requested so far. connections: by which each was requested.
    """

    def script(sock: socket.socket) -> None:
        number = server.accepted
        while head := read_head(sock):
            path = head.split(b" ")[1].decode("latin-1")
            with lock:
                server.paths.append(path)
                server.connections.append(number)
            sock.sendall(first if path.startswith("/start") else PAGE)

    lock = threading.Lock()
    with Server(script, tls=tls) as server:
        server.paths, server.connections = [], []
        server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.port}"
        yield server


# -- bodies that never come ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("Content-Length: 512",), b""),
        (("Content-Length: 512",), b"a beginning"),
        ((), b""),
        ((), b"a beginning"),
        (("Transfer-Encoding: chunked",), b""),
        (("Transfer-Encoding: chunked",), b"5\r\nhello\r\n"),
        (("Content-Length: 512", "Content-Encoding: gzip"), b""),
        (("Connection: close",), b""),
    ],
)
def test_the_body_of_a_redirect_is_not_waited_for(fields: tuple[str, ...], body: bytes) -> None:
    """Whatever was announced: the next URL is requested over another connection, with the time that is left."""
    with site(redirect("Location: /page", *fields, body=body)) as server:
        result = get(f"{server.url}/start", timeouts=ONCE)
    assert isinstance(result, Fetched), result
    assert (result.status, result.final_url) == (200, f"{server.url}/page")
    assert server.connections == [1, 2]


@pytest.mark.parametrize("body", [b"", b"a beginning"])
def test_nor_is_it_waited_for_over_tls(body: bytes) -> None:
    """Where a connection begins with records that carry no data."""
    with site(redirect("Location: /page", "Content-Length: 512", body=body), server_context()) as server:
        result = get(f"{server.url}/start", timeouts=ONCE, request={"insecure": True})
    assert isinstance(result, Fetched), result
    assert (result.status, server.connections) == (200, [1, 2])


def test_nor_among_other_leases() -> None:
    """They go on while it connects again."""
    with site(redirect("Location: /page", "Content-Length: 512")) as server, lease_context(timeouts=ONCE) as made:
        back = on_loop(made, [work(f"{server.url}/start?{n}") for n in range(8)])
    for done in back:
        result = only(done.results)
        assert (result.status, result.final_url) == (200, f"{server.url}/page")


@pytest.mark.parametrize("fields", [("Content-Length: 4",), ("Transfer-Encoding: chunked",)])
def test_a_body_that_came_with_the_head_saves_the_connection(fields: tuple[str, ...]) -> None:
    """The next URL of the host is requested over the same one."""
    body = b"gone" if fields[0].startswith("Content") else b"4\r\ngone\r\n0\r\n\r\n"
    with site(redirect("Location: /page", *fields, body=body)) as server:
        result = get(f"{server.url}/start")
    assert (result.status, server.connections) == (200, [1, 1])


def test_the_body_of_a_redirect_counts_for_the_bandwidth() -> None:
    """Under a limit for the bandwidth, every byte that was read counts."""

    class Counted(Bandwidth):
        received = 0

        def consume(self, size: int, now: float) -> float:
            Counted.received += size
            return super().consume(size, now)

    first = redirect("Location: /page", "Content-Length: 15000", body=bytes(15_000))
    bandwidth = Counted(1e5, time.monotonic())
    with site(first) as server, PooledSession(1, 1, bandwidth=bandwidth) as session:
        result = only(run(LeaseContext(session, settings()), f"{server.url}/start").results)
    assert (result.status, server.connections) == (200, [1, 1])
    assert Counted.received == len(first + PAGE)


def test_a_chain_of_redirects_without_bodies_ends_in_time() -> None:
    """No hop costs a timeout, so that ten of them fit into one."""

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            number = int(head.split(b" ")[1][1:])
            sock.sendall(PAGE if number == 10 else redirect(f"Location: /{number + 1}", "Content-Length: 512"))

    with Server(script) as server:
        result = get(f"http://127.0.0.1:{server.port}/0", timeouts={"read": 2.0, "total": 4.0})
    assert isinstance(result, Fetched), result
    assert [hop.status for hop in result.hops] == [302] * 10


def test_time_that_was_used_up_before_connecting_is_not_called_connecting() -> None:
    """The message tells when the time for a URL ended."""
    aim = target("http://127.0.0.1:9/")
    hop = Hop(aim.url, aim.host, "/", "GET", ("http://before.test/",), spent=60.0)
    with lease_context() as made:
        result = only(run(made, Attempt(aim, hop=hop)).results)
    assert result.error is ErrorKind.DEADLINE
    assert result.detail == "the time for this URL was used up before a connection to 127.0.0.1:9 was begun"


# -- odd Locations ---------------------------------------------------------------------------------


def test_an_empty_location_is_no_redirect() -> None:
    """The response is the record, with its body, as in browsers and curl."""
    with site(redirect("Location:", "Content-Length: 4", body=b"here")) as server:
        result = get(f"{server.url}/start")
    assert isinstance(result, Fetched)
    assert (result.status, result.body, result.redirects, result.hops) == (302, b"here", (), ())


def test_of_locations_that_differ_the_first_is_followed_and_that_is_noted() -> None:
    """Also where another host follows; the same one twice is nothing to note."""
    with site(redirect("Location: /page", "Location: /other", "Content-Length: 0")) as server:
        result = get(f"{server.url}/start")
    place = f"127.0.0.1:{server.port}"
    assert (result.final_url, result.detail) == (f"{server.url}/page", AMBIGUOUS.format(host=place))
    with site(b"") as other, site(redirect(f"Location: {other.url}/page", "Location: /x", "Content-Length: 0")) as web:
        result = follow(f"{web.url}/start")
    assert (result.status, result.detail) == (200, AMBIGUOUS.format(host=f"127.0.0.1:{web.port}"))
    with site(redirect("Location: /page", "Location: /page", "Content-Length: 0")) as server:
        assert get(f"{server.url}/start").detail is None


def test_bytes_of_a_location_are_requested_as_they_came() -> None:
    """Percent-encoded, whatever encoding they are in."""
    with site(redirect("Location: /caf\xe9?\xe9", "Content-Length: 0")) as server:
        result = get(f"{server.url}/start")
    assert (server.paths[-1], result.final_url) == ("/caf%E9?%E9", f"{server.url}/caf%E9?%E9")


@pytest.mark.parametrize("most", [0, 20])
def test_a_password_in_a_location_reaches_no_outcome(most: int) -> None:
    """Neither where it is followed nor where the redirect is the outcome."""
    with site(b"") as server:
        place = f"ann:s3cret@127.0.0.1:{server.port}"
    with site(redirect(f"Location: //{place}/page", "Content-Length: 0")) as server:
        result = follow(f"{server.url}/start", request={"max_redirects": most})
    assert "s3cret" not in repr(replace(result, retry=None))


# -- a dead host keeps the story -------------------------------------------------------------------


def test_a_redirect_to_a_dead_host_keeps_its_story() -> None:
    """The record says where it led, by which statuses, and names the host."""
    dead = f"127.0.0.1:{closed_port()}"
    with site(redirect(f"Location: http://{dead}/x", "Content-Length: 0", status="301 Moved")) as server:
        result = follow(f"{server.url}/start")
    assert isinstance(result, Failed)
    assert (result.error, result.attempts) == (ErrorKind.CONNECT_REFUSED, 1)
    assert (result.final_url, result.redirects) == (f"http://{dead}/x", (f"{server.url}/start",))
    assert result.hops == (Redirect(f"{server.url}/start", 301),)
    assert result.status is None
    assert dead in (result.detail or "")


def test_a_redirect_to_an_address_that_is_not_allowed_keeps_its_story() -> None:
    """It is skipped, and the detail names the host."""
    there = target("http://10.0.0.1/x")
    hop = Hop(there.url, there.host, "/x", "GET", ("http://a.test/",), 0.0, hops=(Redirect("http://a.test/", 302),))
    with lease_context(request={"deny_private": True}) as made:
        result = only(run(made, Attempt(target("http://a.test/"), hop=hop)).results)
    assert isinstance(result, Skipped)
    assert (result.final_url, result.hops) == ("http://10.0.0.1/x", hop.hops)
    assert "10.0.0.1" in (result.detail or "")


def test_a_host_that_dies_after_a_redirect_has_no_status() -> None:
    """The status of the redirect is not that of the URL that it led to."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        server._listener.shutdown(socket.SHUT_RDWR)
        sock.sendall(redirect("Location: /page", "Content-Length: 512"))
        read_head(sock)

    with Server(script) as server:
        result = get(f"http://127.0.0.1:{server.port}/start")
    assert isinstance(result, Failed)
    assert (result.status, result.headers) == (None, None)
    assert [hop.status for hop in result.hops] == [302]
