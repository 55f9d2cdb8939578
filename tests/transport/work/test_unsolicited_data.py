"""No URL gets the body of another: servers that send unsolicited data."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from urllib3.util.wait import wait_for_read

from scrapepool.model import ErrorKind, Fetched
from scrapepool.ports import Done
from scrapepool.transport.exchange.outcomes import AGAIN
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.steps import Resume, Steps
from scrapepool.transport.work.desync import DesyncState
from scrapepool.transport.work.loop import Loop
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.wire import OK, Wire
from tests.torture import desync
from tests.transport.fetching import LONG, get, lease_context, only, run, work

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nPOISON\n"


def behaviour(script: Any) -> Behaviour:
    """Serve one behaviour under the name ``it``."""
    return Behaviour("it", "", OK, script)


def bodies_are_right(server: HostileServer, name: str, results: Any) -> bool:
    """Return for each result, in the order of the URLs, whether it has its own body."""
    return [result.body for result in results] == [server.expected_body(name, n) for n in range(len(results))]


@pytest.mark.parametrize(
    "name",
    [
        "length_too_small",
        "leftover_crlf",
        "second_response",
        "second_response_late",
        "second_response_sometimes",
        "response_before_request",
    ],
)
def test_a_lease_of_several_urls_has_its_own_bodies(name: str) -> None:
    """Whatever the server adds to its responses is never taken for a URL's body."""
    with HostileServer([name]) as server, lease_context() as made:
        done = run(made, *(server.url(name, n) for n in range(8)))
        assert len(done.results) == 8
        assert bodies_are_right(server, name, done.results)


def test_a_response_that_comes_before_the_true_one_is_detected() -> None:
    """The wrong response is read first, and the check right after it finds nothing; the true one arrives soon after."""

    def script(wire: Wire) -> None:
        if wire.nth == 2:
            wire.send(POISON)
            wire.pause(0.005)
        wire.send_page()

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        results = []
        for n in range(4):
            results += run(made, server.url("it", n)).results
        assert bodies_are_right(server, "it", results)
    assert [result.detail for result in results] == [None, AGAIN, None, None]
    assert [result.attempts for result in results] == [1] * 4


def test_what_spoils_a_quarantined_lease_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """If bytes arrive while the connection is only watched, the URL is requested again over a new one."""
    monkeypatch.setattr(DesyncState, "verification_delay", lambda *_: 2.0)
    may_respond = threading.Event()

    def script(wire: Wire) -> None:
        wire.send_page()
        if wire.nth == 2:
            may_respond.wait(10)
            wire.send(POISON)

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        loop = Loop(made)
        loop.submit(work(server.url("it", 0), server.url("it", 1)))
        while loop.in_flight:
            assert loop.wait(LONG) == []
        may_respond.set()
        (done,) = loop.wait(LONG)
        assert isinstance(done, Done)
        assert bodies_are_right(server, "it", done.results)
    assert [result.detail for result in done.results] == [None, AGAIN]


def test_everything_since_the_last_clean_look_is_asked_again() -> None:
    """A wrong response in the middle of a lease shifts all that follow. Only the responses before it are kept."""

    def script(wire: Wire) -> None:
        if wire.nth == 3:
            wire.send(POISON)
        wire.pause(0.002)
        wire.send_page()

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        done = run(made, *(server.url("it", n) for n in range(6)))
        assert bodies_are_right(server, "it", done.results)
        assert server.paths.count("/it/0") == 1
        assert all(not result.reused for result in done.results if result.detail == AGAIN)
    assert AGAIN in [result.detail for result in done.results]


def test_a_host_with_unsolicited_data_is_not_trusted_for_a_while() -> None:
    """From then on, each request has its own connection."""

    def script(wire: Wire) -> None:
        wire.send_page()
        if wire.path.endswith("/1"):
            wire.send(POISON)

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        run(made, server.url("it", 0), server.url("it", 1))
        opened = server.opened["it"]
        done = run(made, *(server.url("it", n) for n in range(2, 5)))
        assert [result.body for result in done.results] == [server.expected_body("it", n) for n in range(2, 5)]
        assert server.opened["it"] - opened == 3
    assert done.use.idle == 0


def test_the_rest_of_an_earlier_response_is_not_the_next_urls_fault() -> None:
    """Late bytes break the next response's status line; the URL is requested again over a new connection."""

    def script(wire: Wire) -> None:
        if wire.nth == 2:
            wire.send(b"rubbish\r\n")
        wire.send_page()

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        results = run(made, server.url("it", 0), server.url("it", 1)).results
        assert bodies_are_right(server, "it", results)
    assert results[1].detail == AGAIN


def test_a_malformed_response_stays_a_failure() -> None:
    """Asked again over a new connection it is as malformed as before, and that is its outcome."""

    def script(wire: Wire) -> None:
        if wire.path.endswith("/1"):
            wire.send(b"rubbish\r\n")
        wire.send_page()

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        results = run(made, server.url("it", 0), server.url("it", 1)).results
        assert server.paths.count("/it/1") == 2
    assert results[1].error is ErrorKind.PROTOCOL


def test_a_post_is_not_sent_twice_for_a_doubt() -> None:
    """The response may belong to another request, and the request must not be repeated. So it is a failure."""

    def script(wire: Wire) -> None:
        wire.send_page()
        if wire.nth == 2:
            wire.send(POISON)

    with (
        HostileServer((), extra=[behaviour(script)]) as server,
        lease_context(request={"method": "POST", "data": b""}) as made,
    ):
        results = run(made, *(server.url("it", n) for n in range(2))).results
        assert server.paths == ["/it/0", "/it/1"]
    assert isinstance(results[0], Fetched)
    assert results[1].error is ErrorKind.PROTOCOL
    assert "not repeated" in results[1].detail
    assert results[1].retry is None


def test_a_farewell_is_read_to_its_end() -> None:
    """A wrong response that ends the connection is detected too: the true one arrives before the close."""

    def script(wire: Wire) -> None:
        if wire.nth == 2:
            wire.send(POISON.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            wire.pause(0.002)
            wire.send_page()
            wire.close()
        wire.send_page()

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        results = [only(run(made, server.url("it", n)).results) for n in range(2)]
        assert bodies_are_right(server, "it", results)


def test_a_server_that_speaks_first_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that arrive before the first request are not a response."""

    def script(wire: Wire) -> None:
        wire.send(POISON)
        wire.stay_silent()

    def open_and_be_greeted(conn: Connection, resume: Resume) -> Steps[None]:
        yield from opening(conn, resume)
        wait_for_read(conn.sock, 5)  # else the greeting and the request may cross

    opening = Connection.opening
    monkeypatch.setattr(Connection, "opening", open_and_be_greeted)
    first = Behaviour("first", "", OK, script, at="connect", scheme="http")
    with HostileServer((), extra=[first]) as server:
        result = get(server.url("first"), timeouts={"read": 0.2})
    assert result.error is ErrorKind.PROTOCOL


def test_redirects_over_a_doubtful_connection_are_followed_anew() -> None:
    """The response of a hop can be wrong, too; then the attempt starts again from its own URL."""

    def script(wire: Wire) -> None:
        if wire.path.endswith("/end"):
            if wire.nth == 2:
                wire.send(POISON)
                wire.pause(0.005)
            wire.send_page()
        else:
            wire.send(b"HTTP/1.1 302 Found\r\nLocation: /it/end\r\nContent-Length: 0\r\n\r\n")

    with HostileServer((), extra=[behaviour(script)]) as server, lease_context() as made:
        result: Any = only(run(made, server.url("it")).results)
        assert result.body == server.expected_body("it", "end")
        assert result.redirects == (server.url("it"),)
    assert result.detail == AGAIN


def test_none_of_many_is_wrong() -> None:
    """All kinds of unsolicited data together pass through ``fetch``; this is the short form of the torture."""
    tally = desync.run(800, 8, list(desync.behaviours(shares=(desync.OFTEN,), latencies=(0.0, 0.005))))
    assert not tally.wrong
    assert not tally.failed
    assert tally.ok == 800
    assert tally.again
