"""The race for a TCP connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from loopback import Server, answer_all, black_hole, closed_port

from scrapepool.running_clock import monotonic
from scrapepool.transport.net.happy_eyeballs import dial
from scrapepool.transport.net.resolver import Address
from scrapepool.transport.net.steps import drive


def at(port: int) -> Address:
    return Address(socket.AF_INET, ("127.0.0.1", port))


def dialled(
    addresses: list[Address], seconds: float, *, check: Callable[[], object] = lambda: None, **kwargs: Any
) -> tuple[socket.socket, Address]:
    """What a race comes to that may take so long. check: see ``steps.drive``."""
    return drive(lambda _: dial(addresses, monotonic() + seconds, **kwargs), check)


def test_the_first_address_is_taken_where_it_answers() -> None:
    """Nobody else is bothered while the first one is quick."""
    with Server(answer_all) as first, Server(answer_all) as second:
        sock, address = dialled([at(first.port), at(second.port)], 1)
        sock.close()
        assert address.sockaddr[1] == first.port
        assert second.accepted == 0


def test_a_refusal_passes_the_turn_on() -> None:
    """Where the first address refuses, the next is tried at once."""
    with Server(answer_all) as server:
        sock, address = dialled([at(closed_port()), at(server.port)], 1)
        assert not sock.getblocking()
        sock.close()
        assert address.sockaddr[1] == server.port


def test_silence_passes_the_turn_on() -> None:
    """Where the first address stays silent, the next joins and wins."""
    with Server(answer_all) as server, black_hole() as hole:
        sock, address = dialled([at(hole), at(server.port)], 3)
        sock.close()
        assert address.sockaddr[1] == server.port


def test_the_first_refusal_is_told() -> None:
    """When all fail, the first one's reason is what comes out."""
    with pytest.raises(ConnectionRefusedError):
        dialled([at(closed_port()), at(closed_port())], 1)
    with pytest.raises(OSError, match="no address"):
        dialled([], 1)


def test_what_tells_most_is_told() -> None:
    """That there is no way to one address matters only where there is none to another."""
    nowhere = Address(socket.AF_INET, ("127.255.255.255", 80))  # TCP knows no broadcast
    with pytest.raises(ConnectionRefusedError):
        dialled([nowhere, at(closed_port())], 1)
    with pytest.raises(OSError, match="unreachable"):
        dialled([nowhere, nowhere], 1)


def test_an_address_that_cannot_be_tried_is_passed_over() -> None:
    """A family that this machine lacks, or an address that makes no sense, does not end the race."""
    with Server(answer_all) as server:
        sock, _ = dialled([Address(socket.AF_INET, ("no address", 1)), at(server.port)], 1)
        sock.close()


def test_the_time_has_an_end() -> None:
    """Nobody answers: TimeoutError."""
    with black_hole() as hole, pytest.raises(TimeoutError):
        dialled([at(hole)], 0.1)


def test_options_and_source_are_set() -> None:
    """Socket options and the source address are those asked for."""
    with Server(answer_all) as server:
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        sock, _ = dialled([at(server.port)], 1, options=options, source=("127.0.0.2", 0))
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockname()[0] == "127.0.0.2"
        sock.close()


def test_a_check_ends_the_race() -> None:
    """What the check of whoever drives it raises comes out, and no socket is left open."""

    def stop() -> None:
        raise KeyError("stop")

    with black_hole() as hole, pytest.raises(KeyError):
        dialled([at(hole)], 60, check=stop)
