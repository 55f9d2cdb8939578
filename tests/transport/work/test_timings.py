"""Tests the times, the address and the completeness in a record."""

from __future__ import annotations

import time

import pytest

from scrapepool.ports import Done
from scrapepool.transport.net.bandwidth import Bandwidth
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.work.context import LeaseContext
from scrapepool.transport.work.loop import Loop
from tests.servers.hostile import HostileServer
from tests.servers.polite import PoliteServer
from tests.transport.fetching import LONG, get, lease_context, run, settings, work


def test_a_new_connection_has_every_time_and_a_reused_one_only_its_own() -> None:
    """A step that did not happen is null: the look-up of an IP address, TLS for http, all steps when reused."""
    with PoliteServer() as server, lease_context() as made:
        first, second = (result.timings for result in run(made, server.url("/1"), server.url("/2")).results)
    assert first.connect is not None
    assert first.dns is None
    assert first.tls is None
    assert (second.dns, second.connect, second.tls) == (None, None, None)
    for timings in (first, second):
        assert timings.ttfb > 0
        assert timings.download >= 0


def test_elapsed_runs_from_the_first_byte_sent_to_the_last_read() -> None:
    """The time includes redirects on the host, but not the connect."""
    with PoliteServer() as server:
        result = get(server.url("/redirect?to=/delay/0.05"))
    assert result.elapsed >= 0.05
    assert result.elapsed >= result.timings.ttfb + result.timings.download


def test_elapsed_includes_what_this_process_was_busy_for() -> None:
    """It is never shorter than the server took. What may be too long of it is reported beside it, for the scheduler."""
    with PoliteServer() as server, lease_context() as made:
        loop = Loop(made)
        loop.submit(work(server.url("/delay/0.3")))
        loop.wait(0.05)
        time.sleep(0.2)  # the caller's work
        (done,) = loop.wait(LONG)
    (result,) = done.results
    assert isinstance(done, Done)
    assert result.elapsed >= 0.3
    assert result.timings.ttfb >= 0.3
    assert 0.1 < done.use.delayed <= 0.3


class Dear(Bandwidth):
    """A bandwidth that allows the received bytes half a second later."""

    def consume(self, size: int, now: float) -> float:
        return now + 0.5


def test_what_waits_for_bandwidth_is_not_the_server() -> None:
    """A lease's next request starts when the last response is within the bandwidth, and so does its clock."""
    with PoliteServer() as server, PooledSession(bandwidth=Dear(1e6, time.monotonic())) as session:
        results = run(LeaseContext(session, settings()), server.url("/1"), server.url("/2")).results
    assert [result.timings.ttfb < 0.5 for result in results] == [True, True]
    assert results[1].elapsed < 0.5


def test_the_address_that_responded_is_recorded() -> None:
    """``remote`` is the connected address."""
    with PoliteServer() as server:
        assert get(server.url()).remote == "127.0.2.1"


@pytest.mark.parametrize(
    ("name", "complete"),
    [("drip_body", False), ("eof_in_body", False), ("gzip_members", None), ("body_bytewise", True)],
)
def test_complete_says_what_is_known(name: str, complete: bool | None) -> None:
    """A body with a length is complete, a cut one is not, and gzip members that end with the connection are unknown."""
    with HostileServer([name]) as server:
        assert get(server.url(name), timeouts={"total": 0.5}).complete is complete


def test_a_body_that_ends_with_the_connection_may_be_cut() -> None:
    """It cannot be known, and the record says so."""
    from tests.servers.wire import OK, Behaviour, Wire

    def script(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nso far")
        wire.close()

    with HostileServer((), extra=[Behaviour("until_close", "", OK, script)]) as server:
        result = get(server.url("until_close"))
    assert result.body == b"so far"
    assert result.complete is None
