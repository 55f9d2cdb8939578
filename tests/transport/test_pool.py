"""A host's pool: holding connections, what is handed out, and sharing it with requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback import HEAD, SOON, Server, answer_all, exchanged, opened, response_body
from urllib3.exceptions import ClosedPoolError, EmptyPoolError
from urllib3.util.wait import wait_for_read

from scrapepool.transport.net.channel import Condition
from scrapepool.transport.net.pool import HostPool


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(answer_all) as server:
        yield server


@pytest.fixture
def pool(server: Server) -> Iterator[HostPool]:
    pool = HostPool("127.0.0.1", server.port, maxsize=2, block=True)
    yield pool
    pool.close()


def ask(pool: HostPool) -> Condition:
    """One request over a held connection; what the connection looked like before."""
    conn, condition = pool.checkout(1)
    if conn.sock is None:
        opened(conn, pool)
    assert response_body(exchanged(conn)) == b"ok"
    pool.checkin(conn)
    return condition


def test_the_last_one_used_is_handed_out(pool: HostPool) -> None:
    """An idle connection is preferred to a new one."""
    assert [ask(pool) for _ in range(3)] == [Condition.CLOSED, Condition.QUIET, Condition.QUIET]
    assert (pool.opened, pool.idle, pool.in_use) == (1, 1, 0)


def test_a_pool_of_two_gives_two(pool: HostPool) -> None:
    """A third asker waits, and is told when nobody gives one back."""
    first, _ = pool.checkout(0.01)
    second, _ = pool.checkout(0.01)
    assert pool.in_use == 2
    with pytest.raises(EmptyPoolError):
        pool.checkout(0.01)
    pool.checkin(first)
    pool.checkin(second)
    assert pool.in_use == 0


def test_requests_and_the_fetcher_share_it(pool: HostPool, server: Server) -> None:
    """What ``urlopen`` opened is held by the fetcher next, and the other way round."""
    assert pool.urlopen("GET", "/").data == b"ok"
    assert ask(pool) is Condition.QUIET
    assert pool.urlopen("GET", "/").data == b"ok"
    assert server.accepted == 1


def test_a_connection_that_the_server_left_is_not_handed_out_open() -> None:
    """A connection that was closed meanwhile comes back closed and is opened again."""

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
    """Nothing can be had of a pool that was closed; it reports nothing held."""
    pool.close()
    assert (pool.idle, pool.in_use) == (0, 0)
    with pytest.raises(ClosedPoolError):
        pool.checkout(0.01)


def test_a_retired_pool_keeps_nothing_idle(pool: HostPool) -> None:
    """Nobody counts its connections: those idle go at once, the others when they come back; it can still be used."""
    ask(pool)
    held, _ = pool.checkout(0.01)
    opened(pool.checkout(0.01)[0], pool)
    pool.retire()
    pool.checkin(held)
    assert pool.idle == 0
    assert held.sock is None
    assert ask(pool) is Condition.CLOSED
    assert pool.idle == 0


def test_its_numbers_show(pool: HostPool) -> None:
    """The repr tells opened, requests and idle."""
    ask(pool)
    assert "opened=1" in repr(pool)
    assert "idle=1" in repr(pool)
