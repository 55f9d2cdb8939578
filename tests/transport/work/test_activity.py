"""What requests in flight wait for, seen from outside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.phase import Phase
from scrapepool.transport.net.resolver import Resolver
from scrapepool.transport.work.activity import Activity, in_flight
from scrapepool.transport.work.context import LeaseContext
from tests.transport.fetching import lease_context, run
from tests.transport.loopback import SOON, Server, black_hole, read_head, silent

POLL = 0.005
"""Seconds between two looks."""

UPLOAD = b"x" * 30_000_000
"""More than two sockets' buffers hold."""


@contextmanager
def at_work(url: str, **groups: Any) -> Iterator[LeaseContext]:
    """A fetcher at work on a URL that never ends; cut at the block's end."""
    with lease_context(**groups) as made:
        thread = threading.Thread(target=run, args=(made, url))
        thread.start()
        try:
            yield made
        finally:
            made.abort()
            thread.join(SOON)
        assert not thread.is_alive()
        assert in_flight(made) == []


def seen(made: LeaseContext, phase: Phase) -> Activity:
    """What the only request is doing, once it is in this phase."""
    end = time.monotonic() + SOON
    doing: list[Activity] = []
    while time.monotonic() < end:
        doing = in_flight(made)
        if doing and doing[0].phase is phase:
            return doing[0]
        time.sleep(POLL)
    raise AssertionError(doing)


def begin(head: bytes) -> Any:
    """Return a script of a server that sends only this."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(head)
        silent(sock)

    return script


@pytest.mark.parametrize(
    ("head", "phase", "received"),
    [
        (b"", Phase.FIRST_BYTE, 0),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Phase.HEAD, 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234", Phase.BODY, 4),
    ],
)
def test_a_response_that_stops_is_shown_in_the_phase_where_it_stopped(head: bytes, phase: Phase, received: int) -> None:
    """With the address and the URL."""
    with Server(begin(head)) as server:
        url = f"http://127.0.0.1:{server.port}/x"
        with at_work(url) as made:
            doing = seen(made, phase)
    assert doing == (f"127.0.0.1:{server.port}", url, phase, doing.seconds, "127.0.0.1", received)
    assert 0 <= doing.seconds < SOON


def test_a_connection_that_nobody_takes() -> None:
    """There is no address to name yet."""
    with black_hole() as port, at_work(f"http://127.0.0.1:{port}/") as made:
        assert seen(made, Phase.CONNECTION).remote is None


def test_a_handshake_without_a_response() -> None:
    """A server reads the handshake and sends nothing."""
    with Server(silent) as server, at_work(f"https://127.0.0.1:{server.port}/") as made:
        assert seen(made, Phase.HANDSHAKE).remote == "127.0.0.1"


def test_a_request_that_nobody_reads() -> None:
    """The kernel knows how much of it was not taken."""
    stay = threading.Event()
    request = {"method": "POST", "data": UPLOAD}
    with Server(lambda _: stay.wait(SOON) and None) as server:
        with at_work(f"http://127.0.0.1:{server.port}/", request=request) as made:
            seen(made, Phase.SENDING)
        stay.set()


def test_a_name_that_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up hangs."""
    stay = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        stay.wait(SOON)
        return []

    monkeypatch.setattr(Connection, "resolver", Resolver(hang))
    with at_work("http://slow.test/") as made:
        assert seen(made, Phase.NAME).host == "slow.test"
        stay.set()
