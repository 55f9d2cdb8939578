"""Tests one connection: its opening, the time limit of each wait, its abort, and its reuse."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError

from scrapepool.model import ErrorKind
from scrapepool.running_clock import monotonic
from scrapepool.transport.errors import FetchError
from scrapepool.transport.net.channel import Condition
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.resolver import Resolver
from scrapepool.transport.net.tls_connection import TLSConnection
from scrapepool.transport.net.tls_context import client_context
from tests.transport.loopback import (
    SOON,
    Server,
    authority,
    black_hole,
    closed_port,
    exchanged,
    opened,
    respond_to_all,
    response_body,
    server_context,
    silent,
)

BRIEF = 0.3
"""The seconds of a deadline that is expected to pass."""

Way = Callable[[Connection], object]

WAYS: dict[str, Way] = {"in steps": opened, "blocking": lambda conn: conn.connect()}
"""The two ways to open a connection: that of the event loop, and that of urllib3 and requests."""


def tls_connection(port: int, host: str = "127.0.0.1", **kwargs: Any) -> TLSConnection:
    context = client_context(True, None)
    authority().configure_trust(context)
    return TLSConnection(host, port, ssl_context=context, **kwargs)


@contextmanager
def connected(server: Server, *, tls: bool = False) -> Iterator[Connection]:
    conn = tls_connection(server.port) if tls else Connection("127.0.0.1", server.port)
    conn.timeout = SOON
    try:
        yield opened(conn)
    finally:
        conn.close()


def names(*addresses: str) -> Resolver:
    """Return a resolver that resolves every name to these addresses."""
    return Resolver(
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    )


def kind_of(act: Callable[[], object]) -> ErrorKind:
    with pytest.raises(FetchError) as caught:
        act()
    return caught.value.kind


def cut_while(conn: Connection, act: Callable[[], object], after: float = 0.1) -> BaseException:
    """Return what ``act`` raised when the connection was aborted during the call."""
    raised: list[BaseException] = []

    def acting() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)

    thread = threading.Thread(target=acting, daemon=True)
    thread.start()
    time.sleep(after)
    conn.abort()
    thread.join(SOON)
    assert not thread.is_alive(), "the wait went on"
    assert raised, "the wait ended well"
    return raised[0]


def test_a_literal_address_takes_no_look_up() -> None:
    """For a literal address, the time of the look-up is None, and ``remote`` is the address."""
    with Server(respond_to_all) as server, connected(server) as conn:
        assert conn.connect_timings.dns is None
        assert conn.connect_timings.connect is not None
        assert conn.connect_timings.tls is None
        assert conn.remote == "127.0.0.1"


def test_a_name_takes_a_look_up() -> None:
    """For a name, the time of the look-up is measured."""
    with Server(respond_to_all) as server:
        conn = Connection("some.name", server.port)
        conn.resolver = names("127.0.0.1")  # type: ignore[misc]
        opened(conn)
        assert conn.connect_timings.dns is not None
        conn.close()


def test_the_handshake_is_timed_apart() -> None:
    """The TLS time is the time of the handshake."""
    with Server(respond_to_all, tls=server_context()) as server, connected(server, tls=True) as conn:
        assert conn.connect_timings.tls is not None
        assert conn.connect_timings.tls > 0


@pytest.mark.parametrize("tls", [False, True])
def test_requests_go_one_after_another(tls: bool) -> None:
    """An open connection is reused several times, and it is quiet between the requests."""
    with Server(respond_to_all, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        for _ in range(3):
            assert response_body(exchanged(conn)) == b"ok"
            assert conn.condition() is Condition.QUIET
        assert server.accepted == 1


def test_a_dead_first_address_is_raced() -> None:
    """If the first address does not respond, the second one is used, and it comes first from then on."""
    with black_hole() as hole, Server(respond_to_all, at=("127.0.0.2", hole)):
        resolver = names("127.0.0.1", "127.0.0.2")
        conn = Connection("two.addresses", hole)
        conn.resolver = resolver  # type: ignore[misc]
        conn.timeout = SOON
        opened(conn)
        assert conn.remote == "127.0.0.2"
        conn.close()
        assert resolver.resolve("two.addresses", hole, 1)[0].ip == "127.0.0.2"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_refused_connection_is_reported(way: Way) -> None:
    """A port without a listener refuses the connection."""
    with pytest.raises(NewConnectionError):
        way(Connection("127.0.0.1", closed_port()))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_unknown_name_is_reported(way: Way) -> None:
    """A name without addresses raises NameResolutionError."""
    conn = Connection("no.such.name", 80)
    conn.resolver = names()  # type: ignore[misc]
    with pytest.raises((NameResolutionError, NewConnectionError)):
        way(conn)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_invalid_name_is_reported(way: Way) -> None:
    """A label of 64 letters raises urllib3's error for an invalid name."""
    with pytest.raises(LocationParseError):
        way(Connection("a" * 64 + ".example", 80))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_deadline_ends_a_connect(way: Way) -> None:
    """If the server does not accept, the connect ends at the deadline, long before its own timeout."""
    with black_hole() as hole:
        conn = Connection("127.0.0.1", hole, timeout=60)
        conn.deadline = monotonic() + BRIEF
        with pytest.raises(ConnectTimeoutError):
            way(conn)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_deadline_ends_a_handshake(way: Way) -> None:
    """If the server does not complete the handshake, the wait ends at the deadline."""
    with Server(silent) as server:
        conn = tls_connection(server.port, timeout=60)
        conn.deadline = monotonic() + BRIEF
        with pytest.raises(TimeoutError):
            way(conn)
        conn.close()


def test_after_the_deadline_nothing_is_started() -> None:
    """If no time is left, no connection is opened and nothing is sent."""
    with Server(respond_to_all) as server, connected(server) as conn:
        conn.deadline = monotonic() - 1
        assert kind_of(lambda: exchanged(conn)) is ErrorKind.DEADLINE
        assert conn.condition() is Condition.QUIET
        conn.close()
        assert kind_of(lambda: opened(conn)) is ErrorKind.DEADLINE
        assert conn.sock is None


@pytest.mark.parametrize("tls", [False, True])
def test_a_silent_server_times_out(tls: bool) -> None:
    """The wait for a response ends at the read timeout or at the deadline, whichever is earlier."""
    with Server(silent, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        conn.read_timeout = BRIEF
        assert kind_of(lambda: exchanged(conn)) is ErrorKind.READ_TIMEOUT
        conn.read_timeout = 60
        conn.deadline = monotonic() + BRIEF
        assert kind_of(lambda: exchanged(conn)) is ErrorKind.DEADLINE


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_reads_nothing_times_out(tls: bool) -> None:
    """A send of more bytes than the server reads ends at the deadline."""
    stop = threading.Event()

    def deaf(sock: socket.socket) -> None:
        stop.wait(SOON)

    with Server(deaf, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        conn.deadline = monotonic() + BRIEF
        assert kind_of(lambda: exchanged(conn, bytes(50_000_000))) is ErrorKind.DEADLINE
        stop.set()


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_reads_slowly_times_out(tls: bool) -> None:
    """A server that reads slowly does not extend the deadline."""
    stop = threading.Event()

    def sip(sock: socket.socket) -> None:
        while not stop.wait(0.02) and sock.recv(20_000):
            pass

    with Server(sip, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        conn.deadline = monotonic() + BRIEF
        assert kind_of(lambda: exchanged(conn, bytes(50_000_000))) is ErrorKind.DEADLINE
        assert time.monotonic() < conn.deadline + SOON
        stop.set()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_aborted_while_connecting(way: Way) -> None:
    """Another thread can abort a connect."""
    with black_hole() as hole:
        conn = Connection("127.0.0.1", hole, timeout=60)
        error = cut_while(conn, lambda: way(conn))
        assert isinstance(error, FetchError)
        assert error.kind is ErrorKind.INTERRUPTED


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_aborted_while_the_name_is_looked_up(way: Way) -> None:
    """Another thread can abort the wait for a name look-up."""
    release = threading.Event()
    conn = Connection("slow.name", 80, timeout=60)
    conn.resolver = Resolver(lambda *_, **__: release.wait(SOON) and [])  # type: ignore[misc]
    error = cut_while(conn, lambda: way(conn))
    release.set()
    assert isinstance(error, FetchError)
    assert error.kind is ErrorKind.INTERRUPTED


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_aborted_during_the_handshake(way: Way) -> None:
    """Another thread can abort a handshake."""
    with Server(silent) as server:
        conn = tls_connection(server.port, timeout=60)
        assert isinstance(cut_while(conn, lambda: way(conn)), OSError)
        conn.close()


@pytest.mark.parametrize("tls", [False, True])
def test_aborted_while_receiving(tls: bool) -> None:
    """An abort ends the wait for a response, and the connection is never opened again."""
    with Server(silent, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        assert isinstance(cut_while(conn, lambda: exchanged(conn)), FetchError | OSError)
        conn.close()
        for way in (opened, Connection.connect):
            assert kind_of(lambda way=way: way(conn)) is ErrorKind.INTERRUPTED


def test_aborted_while_sending() -> None:
    """Another thread can abort a send to a server that does not read."""
    stop = threading.Event()
    with Server(lambda sock: stop.wait(SOON) and None) as server, connected(server) as conn:
        assert isinstance(cut_while(conn, lambda: exchanged(conn, bytes(50_000_000))), OSError | FetchError)
        stop.set()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("surprise", "expected"), [(b"", Condition.CLOSED), (b"HTTP/1.1 408 Late", Condition.UNEXPECTED_DATA)]
)
def test_the_condition_of_an_idle_connection(tls: bool, surprise: bytes, expected: Condition) -> None:
    """A connection that the server closed is CLOSED; one with unsolicited data is UNEXPECTED_DATA."""

    def script(sock: socket.socket) -> None:
        if surprise:
            sock.sendall(surprise)
            sock.recv(1)

    with Server(script, tls=server_context() if tls else None) as server, connected(server, tls=tls) as conn:
        until = time.monotonic() + SOON
        while (condition := conn.condition()) is Condition.QUIET and time.monotonic() < until:
            time.sleep(0.002)
        assert condition is expected


def test_a_connection_that_cannot_be_checked_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system has no memory for the check, the connection counts as closed, since it may be desynchronized."""

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with Server(respond_to_all) as server, connected(server) as conn:
        monkeypatch.setattr(conn, "receive", fail)
        assert conn.condition() is Condition.CLOSED


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_that_blocked_is_used_in_steps_and_the_other_way_round(tls: bool) -> None:
    """requests sets its own timeouts on a connection of the pool; the event loop makes it non-blocking again."""
    with Server(respond_to_all, tls=server_context() if tls else None) as server:
        conn = tls_connection(server.port) if tls else Connection("127.0.0.1", server.port)
        conn.timeout = SOON
        conn.connect()
        assert conn.sock.gettimeout() == SOON
        assert conn.condition() is Condition.QUIET
        assert conn.sock.gettimeout() == 0
        assert response_body(exchanged(conn)) == b"ok"
        conn.request("GET", "/")
        assert conn.getresponse().data == b"ok"
        assert conn.condition() is Condition.QUIET
        conn.close()
