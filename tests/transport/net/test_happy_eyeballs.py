"""Tests the choice of an address for a TCP connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from scrapepool.running_clock import monotonic
from scrapepool.transport.net.happy_eyeballs import dial
from scrapepool.transport.net.resolver import Address
from scrapepool.transport.net.steps import drive
from tests.transport.loopback import Server, black_hole, closed_port, respond_to_all


def at(port: int) -> Address:
    return Address(socket.AF_INET, ("127.0.0.1", port))


def dialled(
    addresses: list[Address], seconds: float, *, check: Callable[[], object] = lambda: None, **kwargs: Any
) -> tuple[socket.socket, Address]:
    """Return the result of a race with a time limit. check: see ``steps.drive``."""
    return drive(lambda _: dial(addresses, (now := monotonic()), now + seconds, **kwargs), check)


def test_the_first_address_is_used_if_it_accepts() -> None:
    """No other address is tried if the first one accepts quickly."""
    with Server(respond_to_all) as first, Server(respond_to_all) as second:
        sock, address = dialled([at(first.port), at(second.port)], 1)
        sock.close()
        assert address.sockaddr[1] == first.port
        assert second.accepted == 0


def test_after_a_refusal_the_next_address_is_tried() -> None:
    """If the first address refuses, the next one is tried immediately."""
    with Server(respond_to_all) as server:
        sock, address = dialled([at(closed_port()), at(server.port)], 1)
        assert not sock.getblocking()
        sock.close()
        assert address.sockaddr[1] == server.port


def test_after_silence_the_next_address_is_tried() -> None:
    """If the first address does not respond, the next one is tried too, and is used."""
    with Server(respond_to_all) as server, black_hole() as hole:
        sock, address = dialled([at(hole), at(server.port)], 3)
        sock.close()
        assert address.sockaddr[1] == server.port


def test_the_first_refusal_is_reported() -> None:
    """If all addresses fail, the error of the first one is raised."""
    with pytest.raises(ConnectionRefusedError):
        dialled([at(closed_port()), at(closed_port())], 1)
    with pytest.raises(OSError, match="no address"):
        dialled([], 1)


def test_the_most_useful_error_is_reported() -> None:
    """An unreachable address is reported only if no other address failed with another error."""
    nowhere = Address(socket.AF_INET, ("127.255.255.255", 80))  # TCP knows no broadcast
    with pytest.raises(ConnectionRefusedError):
        dialled([nowhere, at(closed_port())], 1)
    with pytest.raises(OSError, match="unreachable"):
        dialled([nowhere, nowhere], 1)


def test_an_address_that_cannot_be_tried_is_skipped() -> None:
    """An unsupported address family or an invalid address does not end the race."""
    with Server(respond_to_all) as server:
        sock, _ = dialled([Address(socket.AF_INET, ("no address", 1)), at(server.port)], 1)
        sock.close()


def test_the_race_has_a_time_limit() -> None:
    """If no address responds, TimeoutError is raised."""
    with black_hole() as hole, pytest.raises(TimeoutError):
        dialled([at(hole)], 0.1)


def test_options_and_source_are_set() -> None:
    """The socket has the given options and source address."""
    with Server(respond_to_all) as server:
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        sock, _ = dialled([at(server.port)], 1, options=options, source=("127.0.0.2", 0))
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockname()[0] == "127.0.0.2"
        sock.close()


def test_a_check_ends_the_race() -> None:
    """An exception of ``check`` is raised, and no socket stays open."""

    def stop() -> None:
        raise KeyError("stop")

    with black_hole() as hole, pytest.raises(KeyError):
        dialled([at(hole)], 60, check=stop)
