"""Tests a host's pool: checked-out connections, the choice of a connection, and its use by requests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from urllib3.exceptions import ClosedPoolError, EmptyPoolError
from urllib3.util.wait import wait_for_read

from scrapepool.transport.net.channel import Condition
from scrapepool.transport.net.pool import HostPool, TLSHostPool
from scrapepool.transport.net.slots import IdleConnections
from tests.transport.loopback import HEAD, SOON, Server, exchanged, opened, respond_to_all, response_body


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(respond_to_all) as server:
        yield server


@pytest.fixture
def pool(server: Server) -> Iterator[HostPool]:
    pool = HostPool("127.0.0.1", server.port, maxsize=2, block=True)
    yield pool
    pool.close()


def ask(pool: HostPool) -> Condition:
    """Send one request over a checked-out connection, and return its condition before that."""
    conn, condition = pool.checkout(1)
    if conn.sock is None:
        opened(conn, pool)
    assert response_body(exchanged(conn)) == b"ok"
    pool.checkin(conn)
    return condition


def test_the_last_connection_used_is_reused(pool: HostPool) -> None:
    """An idle connection is used before a new one is created."""
    assert [ask(pool) for _ in range(3)] == [Condition.CLOSED, Condition.QUIET, Condition.QUIET]
    assert (pool.opened, pool.idle, pool.in_use) == (1, 1, 0)


def test_a_pool_of_two_has_two_connections(pool: HostPool) -> None:
    """A third checkout waits, and raises an error if no connection is returned."""
    first, _ = pool.checkout(0.01)
    second, _ = pool.checkout(0.01)
    assert pool.in_use == 2
    with pytest.raises(EmptyPoolError):
        pool.checkout(0.01)
    pool.checkin(first)
    pool.checkin(second)
    assert pool.in_use == 0


def test_requests_and_the_fetcher_share_it(pool: HostPool, server: Server) -> None:
    """The fetcher reuses a connection that ``urlopen`` opened, and the other way round."""
    assert pool.urlopen("GET", "/").data == b"ok"
    assert ask(pool) is Condition.QUIET
    assert pool.urlopen("GET", "/").data == b"ok"
    assert server.accepted == 1


def test_a_connection_that_the_server_closed_is_not_returned_open() -> None:
    """A connection that the server closed is returned closed, and is opened again."""

    def once(sock: object) -> None:
        sock.recv(65536)  # type: ignore[attr-defined]
        sock.sendall(HEAD + b"ok")  # type: ignore[attr-defined]

    with Server(once) as server:
        pool = HostPool("127.0.0.1", server.port, maxsize=1, block=True)
        ask(pool)
        conn, _ = pool.checkout(1)
        if conn.sock is not None:
            wait_for_read(conn.sock, SOON)
        pool.checkin(conn)
        assert ask(pool) is Condition.CLOSED
        assert pool.opened == 2
        pool.close()


def test_a_closed_pool_says_so(pool: HostPool) -> None:
    """A closed pool gives no connection, and reports none in use."""
    pool.close()
    assert (pool.idle, pool.in_use) == (0, 0)
    with pytest.raises(ClosedPoolError):
        pool.checkout(0.01)


def test_a_retired_pool_keeps_nothing_idle(pool: HostPool) -> None:
    """A retired pool closes idle connections at once, and others when they are returned; it still works."""
    ask(pool)
    held, _ = pool.checkout(0.01)
    opened(pool.checkout(0.01)[0], pool)
    pool.retire()
    pool.checkin(held)
    assert pool.idle == 0
    assert held.sock is None
    assert ask(pool) is Condition.CLOSED
    assert pool.idle == 0


def test_its_repr_has_its_numbers(pool: HostPool) -> None:
    """The repr has the numbers of opened connections, requests and idle connections."""
    ask(pool)
    assert "opened=1" in repr(pool)
    assert "idle=1" in repr(pool)


@pytest.mark.parametrize("kind", [HostPool, TLSHostPool])
def test_a_pool_for_another_host_is_as_urllib3_makes_it(kind: type[HostPool]) -> None:
    """Only its slots and its counts are its own."""
    idle = IdleConnections(9)
    options: dict[str, Any] = {"maxsize": 3, "block": True, "timeout": 2.0, "all_idle": idle, "public_only": True}
    first, made = kind("a.test", 80, **options), kind("b.test", 8080, **options)
    first.num_requests = 7
    first.retire()
    other = first.for_host("b.test", 8080)
    own = {"pool", "_openings", "_model", "conn_kw", "timeout"}
    assert {name: value for name, value in vars(other).items() if name not in own} == {
        name: value for name, value in vars(made).items() if name not in own
    }
    assert (repr(other.pool), repr(other.timeout), other.conn_kw) == (
        repr(made.pool),
        repr(made.timeout),
        made.conn_kw,
    )
    other.num_connections += 1
    assert (first.num_connections, other.opened, other.idle, other.in_use) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", [HostPool, TLSHostPool])
def test_a_connection_for_another_host_is_as_urllib3_makes_it(kind: type[HostPool]) -> None:
    """Only the callback that counts it is its own, and it shares nothing that can change."""
    first = kind("a.test", 80, maxsize=1, block=True, timeout=2.0, public_only=True)
    other = first.for_host("b.test", 8080)
    (copied, _), made = other.checkout(0), other.new_connection()
    second = first.for_host("c.test", 80).checkout(0)[0]
    assert {**vars(copied), "on_open": None} == {**vars(made), "on_open": None}
    assert (copied.host, copied.port, other.num_connections, first.num_connections) == ("b.test", 8080, 2, 0)
    assert not any(
        value is vars(second)[name]
        for name, value in vars(copied).items()
        if isinstance(value, list | dict) and name != "socket_options"
    )
    copied.on_open()
    assert (other.opened, first.opened) == (1, 0)


def test_a_pool_for_another_host_closes_its_connections_when_it_is_forgotten(server: Server) -> None:
    """As pools of urllib3 do."""
    pool = HostPool("127.0.0.2", server.port, maxsize=2, block=True).for_host("127.0.0.1", server.port)
    conn, _ = pool.checkout(1)
    opened(conn, pool)
    pool.checkin(conn)
    assert pool.idle == 1
    del pool
    gc.collect()
    assert conn.sock is None
