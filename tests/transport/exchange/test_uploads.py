"""Long requests: what comes of servers that do not read them, or that speak while they are sent."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from scrapepool.model import ErrorKind, Fetched, Retryable
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.polite import PoliteServer
from tests.servers.wire import OK, Wire
from tests.transport.fetching import get, lease_context, only, run
from tests.transport.loopback import authority, server_context

LONG = bytes(2**24)
"""More than all the buffers on the way hold."""

PIECES = bytes(200_000)
"""Several pieces, which the buffers hold."""

REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long"
HINTS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@pytest.fixture(params=["http", "https"])
def tls(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    """The TLS version of the server: with TLS 1.3 it first sends session tickets, which are no response."""
    return server_context("127.0.9.1") if request.param == "https" else None


@pytest.fixture
def bundle(tmp_path: Any) -> str:
    path = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def uploaded(script: Any, tls: ssl.SSLContext | None, bundle: str, data: bytes, **timeouts: float) -> Any:
    """What comes of an upload to a server that runs ``script`` once it has the request's head."""
    request = {"method": "PUT", "data": data, "cacert": bundle}
    with (
        HostileServer((), tls=tls, extra=[Behaviour("odd", "", OK, script)]) as server,
        lease_context(request=request, timeouts=timeouts) as made,
    ):
        return only(run(made, server.url("odd")).results)


def test_a_server_that_reads_nothing_meets_the_read_timeout(tls: ssl.SSLContext | None, bundle: str) -> None:
    """The wait for room is a wait for the server as any other."""
    failed = uploaded(Wire.stay_deaf, tls, bundle, LONG, read=0.3)
    assert (failed.error, failed.retry) == (ErrorKind.READ_TIMEOUT, Retryable())
    assert failed.detail == "the server accepted no data for 0.3 s"


def test_a_response_to_an_unread_upload_is_taken(tls: ssl.SSLContext | None, bundle: str) -> None:
    """The server neither reads the upload nor closes the connection; its response is read."""

    def script(wire: Wire) -> None:
        wire.send(REFUSAL)
        wire.stay_deaf()

    refused = uploaded(script, tls, bundle, LONG)
    assert (refused.status, refused.body) == (413, b"too long")


def test_a_response_that_ends_with_the_connection_is_taken(tls: ssl.SSLContext | None, bundle: str) -> None:
    """The response of a server that responds at the beginning of an upload and closes is read."""

    def script(wire: Wire) -> None:
        wire.send(REFUSAL)
        wire.close()

    assert uploaded(script, tls, bundle, LONG).status == 413


def test_interim_responses_do_not_end_an_upload(tls: ssl.SSLContext | None, bundle: str) -> None:
    """A server may say 100 Continue to whom did not ask for it, and goes on to read."""

    def script(wire: Wire) -> None:
        wire.send(HINTS)
        left = len(LONG) - len(wire._unread)
        while left > 0:
            left -= len(wire.sock.recv(65536))
        wire._unread = b""
        wire.send_page()

    assert type(uploaded(script, tls, bundle, LONG)) is Fetched


def test_a_server_that_closes_without_a_response_is_reported(tls: ssl.SSLContext | None, bundle: str) -> None:
    """It may be tried again."""
    failed = uploaded(Wire.cut, tls, bundle, LONG)
    assert (failed.error, failed.retry) == (ErrorKind.RESET, Retryable())


def test_a_used_connection_that_was_closed_is_no_failure(tls: ssl.SSLContext | None, bundle: str) -> None:
    """An upload that meets the end of a connection which has served is sent again over a new one."""

    def script(wire: Wire) -> None:
        left = len(PIECES) - len(wire._unread)
        if wire.nth > 1:
            wire.cut()
        while left > 0:
            left -= len(wire.sock.recv(65536))
        wire._unread = b""
        wire.send_page()

    request = {"method": "PUT", "data": PIECES, "cacert": bundle}
    with (
        HostileServer((), tls=tls, extra=[Behaviour("odd", "", OK, script)]) as server,
        lease_context(request=request) as made,
    ):
        results = run(made, server.url("odd", 1), server.url("odd", 2)).results
        assert [type(result) for result in results] == [Fetched, Fetched]
        assert server.opened["odd"] == 2


def test_a_whole_upload_arrives() -> None:
    """A body of several pieces comes out as it went in."""
    data = bytes(range(65, 91)) * 20_000
    with PoliteServer() as polite:
        result = get(polite.url("/echo"), request={"method": "POST", "data": data})
    assert result.body.endswith(data[-100:] + b'"}')
    assert len(result.body) > len(data)
