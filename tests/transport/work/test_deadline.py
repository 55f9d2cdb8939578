"""The deadline holds, whatever the server does with the time; and the server sees the connection go.

How exactly it holds is measured in ``benchmarks``, not here.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from scrapepool.model import ErrorKind, Failed, Retryable
from scrapepool.transport.net.connection import Connection
from tests.servers.hostile import HostileServer
from tests.transport.fetching import get
from tests.transport.loopback import Server, read_head

TOTAL = 0.3
"""Seconds of the deadline: longer than a drip."""

SOON = 5.0
"""Seconds in which a thread of the server notices that its client has left, on the busiest machine."""

DRIPS = ("drip_body", "drip_body_until_close", "drip_status_line", "drip_headers", "drip_chunks", "drip_chunk_sizes")
FLOODS = ("endless_body", "endless_chunks", "endless_headers", "endless_interim", "endless_trailers")
SILENCES = (
    "silence",
    "silence_after_headers",
    "silence_in_body",
    "accept_then_silence",
    "drip_interim",
    "drip_redirects",
)


@pytest.fixture(scope="module")
def tls() -> Iterator[tuple[ssl.SSLContext, str]]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(f"127.0.9.{n}" for n in range(1, 20))).configure_cert(context)
    with authority.cert_pem.tempfile() as bundle:
        yield context, bundle


def ended(server: HostileServer) -> bool:
    """Whether the server's threads come to notice that nobody is there."""
    end = time.monotonic() + SOON
    while server._sockets and time.monotonic() < end:
        time.sleep(0.005)
    return not server._sockets


@pytest.mark.parametrize("name", [*DRIPS, *SILENCES])
def test_a_deadline_ends_what_takes_its_time(name: str) -> None:
    """It is failed, deadline, for good: another try would take as long."""
    with HostileServer([name]) as server:
        failed = get(server.url(name), timeouts={"total": TOTAL})
        assert isinstance(failed, Failed)
        assert failed.error is ErrorKind.DEADLINE
        assert failed.retry is None
        assert name == "accept_then_silence" or ended(server)


@pytest.mark.parametrize("name", ["drip_body", "drip_headers", "silence"])
def test_it_holds_through_tls(name: str, tls: tuple[ssl.SSLContext, str]) -> None:
    """The same over HTTPS."""
    with HostileServer([name], tls=tls[0]) as server:
        failed = get(server.url(name), timeouts={"total": TOTAL}, request={"cacert": tls[1]})
        assert failed.error is ErrorKind.DEADLINE
        assert ended(server)


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_by_a_limit_or_the_deadline(name: str) -> None:
    """Nothing that goes on for ever is read for ever."""
    with HostileServer([name]) as server:
        failed = get(server.url(name), timeouts={"total": TOTAL}, size={"max_size": 2**40})
        assert failed.error in {ErrorKind.DEADLINE, ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE}
        assert ended(server)


@pytest.mark.parametrize("name", ["tls_silence", "tls_drip"])
def test_a_handshake_that_never_ends_is_ended(name: str) -> None:
    """By the deadline or by the connect timeout, whichever comes first."""
    with HostileServer([name]) as server:
        late = get(server.url(name), timeouts={"total": TOTAL})
        assert late.error is ErrorKind.DEADLINE
        assert "connected to 127.0.9.1, no TLS response" in (late.detail or "")
        failed = get(server.url(name), timeouts={"connect": TOTAL})
        assert failed.error is ErrorKind.CONNECT_TIMEOUT
        assert f"connected to 127.0.9.1, no TLS response within {TOTAL:g} s" in (failed.detail or "")
        assert failed.retry == Retryable()


def test_a_black_hole_is_a_connect_timeout() -> None:
    """A listener with a full queue completes no further handshake."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        slow: Any = get(url, timeouts={"connect": 0.2})
        late: Any = get(url, timeouts={"total": 0.2})
        for filler in fillers:
            filler.close()
    assert slow.error is ErrorKind.CONNECT_TIMEOUT
    assert slow.retry == Retryable()
    assert late.error is ErrorKind.DEADLINE


def test_a_server_that_does_not_read_the_upload_meets_the_deadline() -> None:
    """Sending is bounded as receiving is."""
    with HostileServer(["deaf_to_upload"]) as server:
        request = {"method": "POST", "data": bytes(2**25)}
        assert get(server.url("deaf_to_upload"), timeouts={"total": TOTAL}, request=request).error is ErrorKind.DEADLINE


def test_a_read_timeout_is_shorter_and_may_be_tried_again() -> None:
    """A pause is not the end of a URL's time."""
    with HostileServer(["silence_in_body"]) as server:
        failed = get(server.url("silence_in_body"), timeouts={"read": 0.1})
    assert failed.error is ErrorKind.READ_TIMEOUT
    assert failed.retry == Retryable()
    assert (failed.status, failed.complete) == (200, False)


def test_a_deadline_ends_a_long_body_that_keeps_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where every look finds some of it, so that nothing is ever waited for."""

    def begin(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n" + bytes(65536))
        sock.recv(1)

    monkeypatch.setattr(Connection, "receive_into", lambda _, buffer: len(buffer))
    with Server(begin) as server:
        failed = get(
            f"http://127.0.0.1:{server.port}/",
            timeouts={"total": TOTAL},
            size={"max_size": 2**60},
            output={"fields": ("url",), "body": False, "headers": False},
        )
    assert failed.error is ErrorKind.DEADLINE
