"""Tests Keep-Alive, stale connections, and requests that must not be repeated."""

from __future__ import annotations

import socket

import pytest

from scrapepool.transport.http1.keep_alive import KeepAlive, read_keep_alive
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.session import PooledSession
from tests.transport.fetching import lease_context, run, settings
from tests.transport.loopback import Server, read_head


def keeping(field: bytes) -> Server:
    """A server that keeps its connections open and sends a Keep-Alive field with every response."""

    def script(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\n" + field + b"Content-Length: 2\r\n\r\nok")

    return Server(script)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"timeout=5, max=100", KeepAlive(5, 100)),
        (b"max=0,timeout=15", KeepAlive(15, 0)),
        (b'Timeout = "5"', KeepAlive(5, None)),
        (b"max=7", KeepAlive(None, 7)),
        (b"", KeepAlive()),
        (b"timeout=soon, max=-1", KeepAlive()),
        (b"timeout=99999999999999", KeepAlive()),
        (b"300", KeepAlive()),
    ],
)
def test_the_field_is_read(field: bytes, expected: KeepAlive) -> None:
    """Both parameters are parsed in any order, and invalid ones are ignored."""
    assert read_keep_alive(field) == expected


@pytest.mark.parametrize(
    ("field", "idle", "stale"),
    [
        (None, 0.9, False),
        (None, 1.0, True),
        (b"timeout=60", 0.9, False),
        (b"timeout=60", 1.0, True),
        (b"max=5", 0.9, False),
        (b"timeout=0", 0.0, True),
    ],
)
def test_an_idle_connection_is_stale_after_a_second(field: bytes | None, idle: float, stale: bool) -> None:
    """The time is shorter if the server says so."""
    conn = Connection("h.test")
    assert conn.takes_another(field, 100.0)
    assert conn.is_stale(100.0 + idle) is stale


def test_requests_are_counted_down() -> None:
    """This works if only the first response says how many requests are accepted."""
    conn = Connection("h.test")
    assert [conn.takes_another(field, 0.0) for field in (b"max=2", None, None)] == [True, True, False]
    conn = Connection("h.test")
    assert [conn.takes_another(b"timeout=5, max=%d" % left, 0.0) for left in (2, 1, 0)] == [True, True, False]


@pytest.mark.parametrize(("method", "opened"), [("GET", 1), ("PUT", 1), ("POST", 3), ("PATCH", 3), ("PROPFIND", 3)])
def test_what_must_not_be_repeated_goes_over_a_new_connection(method: str, opened: int) -> None:
    """A new connection is opened if the server may close the idle one at any moment."""
    with keeping(b"Keep-Alive: timeout=0\r\n") as server, lease_context(request={"method": method}) as made:
        done = run(made, *(f"http://127.0.0.1:{server.port}/{number}" for number in range(3)))
        assert {result.status for result in done.results} == {200}
        assert server.accepted == opened


def test_a_post_goes_over_a_connection_that_was_just_used() -> None:
    """A connection that was just used is reused, also for POST."""
    with keeping(b"") as server, lease_context(request={"method": "POST"}) as made:
        run(made, *(f"http://127.0.0.1:{server.port}/{number}" for number in range(3)))
        assert server.accepted == 1


def test_a_server_s_count_of_requests_is_kept() -> None:
    """The announced number of requests is never exceeded; with 0, each request has its own connection."""
    with keeping(b"Keep-Alive: max=1\r\n") as server, lease_context() as made:
        done = run(made, *(f"http://127.0.0.1:{server.port}/{number}" for number in range(4)))
        assert [result.status for result in done.results] == [200] * 4
        assert server.accepted == 1
    with keeping(b"Keep-Alive: timeout=5, max=0\r\n") as server, lease_context() as made:
        run(made, *(f"http://127.0.0.1:{server.port}/{number}" for number in range(4)))
        assert server.accepted == 4


def test_direct_use_keeps_the_count_too() -> None:
    """Direct requests of the session respect the announced number too."""
    with keeping(b"Keep-Alive: max=0\r\n") as server, PooledSession(timeout=settings().timeouts) as session:
        for number in range(3):
            assert session.get(f"http://127.0.0.1:{server.port}/{number}").text == "ok"
        assert server.accepted == 3


@pytest.mark.parametrize(("method", "opened"), [("GET", 1), ("POST", 3)])
def test_direct_use_does_not_post_over_a_stale_connection(method: str, opened: int) -> None:
    """A direct request that must not be repeated gets a new connection."""
    with keeping(b"Keep-Alive: timeout=0\r\n") as server, PooledSession(timeout=settings().timeouts) as session:
        for number in range(3):
            assert session.request(method, f"http://127.0.0.1:{server.port}/{number}").text == "ok"
        assert server.accepted == opened
