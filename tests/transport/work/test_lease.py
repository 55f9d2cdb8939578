"""A lease at work: what is begun, what is handed back, what is counted, and what a second try is."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import pytest
from urllib3.exceptions import NewConnectionError

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, Retryable, Unchanged
from scrapepool.running_clock import RUNNING_CLOCK
from scrapepool.transport.http1.rate_limit_headers import LONGEST_WAIT
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.pool import HostPool
from scrapepool.transport.net.resolver import Resolver
from scrapepool.transport.net.steps import Resume, Steps
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.polite import PoliteServer, Request, Response
from tests.servers.wire import OK, Wire
from tests.transport.fetching import get, lease_context, only, run, work
from tests.transport.loopback import Server, respond_to_all


@pytest.fixture(scope="module")
def polite() -> Iterator[PoliteServer]:
    with PoliteServer() as server:
        yield server


def test_a_lease_is_fetched_in_order_over_one_connection(polite: PoliteServer) -> None:
    """Each attempt has one result, in order, and only the first of them opened a connection."""
    with lease_context() as made:
        opened, requests = polite.opened, polite.requests
        done = run(made, *(polite.url(f"/page/{n}") for n in range(5)))
    assert [result.body for result in done.results] == [b"This is /page/%d\n" % n for n in range(5)]
    assert [result.reused for result in done.results] == [False, True, True, True, True]
    assert (done.use.opened, done.use.requests, done.use.idle) == (1, 5, 1)
    assert (polite.opened - opened, polite.requests - requests) == (1, 5)


def test_the_next_lease_goes_over_the_idle_connection(polite: PoliteServer) -> None:
    """What a lease leaves open serves the next one."""
    with lease_context() as made:
        run(made, polite.url())
        done = run(made, polite.url())
    assert (done.use.opened, done.use.requests) == (0, 1)
    assert only(done.results).reused


def test_a_lease_begins_nothing_more_after_its_process_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile another run may have taken its share of the host (``--host-memory``)."""
    monkeypatch.setattr(RUNNING_CLOCK, "stood", RUNNING_CLOCK.stood)  # and as before at the end

    def stop_at_the_second(request: Request) -> None:
        if request.target == "/1":
            RUNNING_CLOCK.stood += 0.001

    with PoliteServer(1, stop_at_the_second) as server, lease_context() as made:
        done = run(made, *(server.url(f"/{n}") for n in range(5)))
        assert len(done.results) == server.requests == 2
        assert len(run(made, *(server.url(f"/{n}") for n in range(2, 5))).results) == 3


def test_a_budget_that_is_used_up_hands_back_the_rest(polite: PoliteServer) -> None:
    """At least one attempt is begun; the others go back unbegun."""
    with lease_context() as made:
        assert len(run(made, polite.url("/1"), polite.url("/2"), budget=0.0).results) == 1


@pytest.mark.parametrize(
    "path", ["/status/304", "/status/503", "/redirect?to=http://elsewhere.test/", "/redirect?to=%23"]
)
def test_what_is_no_plain_success_ends_the_lease(polite: PoliteServer, path: str) -> None:
    """After a failure, an unchanged page, a hop or a status to be retried, the rest is handed back."""
    with lease_context() as made:
        assert len(run(made, polite.url(path), polite.url()).results) == 1


def test_a_lasting_http_error_goes_on(polite: PoliteServer) -> None:
    """A 404 says nothing about the next URL."""
    with lease_context() as made:
        statuses = [result.status for result in run(made, polite.url("/status/404"), polite.url()).results]
    assert statuses == [404, 200]


def test_a_draining_fetcher_begins_nothing(polite: PoliteServer) -> None:
    """Work that is submitted after the drain is given back, and nothing is requested."""
    requests = polite.requests
    with lease_context() as made:
        made.drain()
        assert not run(made, polite.url()).results
    assert polite.requests == requests


def test_drain_in_the_middle_of_a_lease_hands_back_the_rest() -> None:
    """What is in flight is finished, the rest is not begun."""
    with lease_context() as made:

        def respond(request: Request) -> Response | None:
            made.drain()
            return None

        with PoliteServer(handler=respond) as server:
            assert len(run(made, server.url("/1"), server.url("/2")).results) == 1


def test_abort_cuts_what_is_in_flight() -> None:
    """A worker that waits for a silent server comes back at once, and the connection is gone."""
    with HostileServer(["silence"]) as server, lease_context(timeouts={"read": 60.0, "total": 60.0}) as made:
        back: list[Any] = []
        worker = threading.Thread(target=lambda: back.append(run(made, server.url("silence"))))
        worker.start()
        while not server.paths:
            time.sleep(0.001)
        made.abort()
        worker.join(10)
        assert not worker.is_alive()
    failed = only(back[0].results)
    assert failed.error is ErrorKind.INTERRUPTED
    assert failed.retry is None
    assert not made.state.live


def test_nothing_is_opened_after_an_abort(polite: PoliteServer) -> None:
    """A lease that begins in an aborted run reports that and makes no request."""
    with lease_context() as made:
        made.state.aborted = True
        assert only(run(made, polite.url()).results).error is ErrorKind.INTERRUPTED


def test_a_connection_comes_back_without_a_deadline(polite: PoliteServer) -> None:
    """What a lease leaves in the pool obeys only its next user's clocks."""
    with lease_context() as made:
        run(made, polite.url())
        made.session.get(polite.url(), timeout=5)
        pool: Any = made.routes.get(work(polite.url()).lease.host, "GET").pool
        conn, _ = pool.checkout(0)
        assert conn.deadline is None
        assert not made.state.live


@pytest.mark.parametrize("name", ["stale", "stale_reset", "close_unannounced"])
def test_a_stale_connection_gets_one_uncounted_second_try(name: str) -> None:
    """A kept connection that the server closed costs no attempt."""
    with HostileServer([name]) as server, lease_context() as made:
        for n in range(4):
            result = only(run(made, server.url(name, n)).results)
            assert isinstance(result, Fetched)
            assert result.attempts == 1
            assert result.body == server.expected_body(name, n)


def test_a_post_over_a_stale_connection_is_not_repeated() -> None:
    """Nobody knows whether the server has acted on a request that must not be made twice."""
    with HostileServer(["stale"]) as server, lease_context(request={"method": "POST"}) as made:
        first, second = run(made, server.url("stale", 1), server.url("stale", 2)).results
    assert isinstance(first, Fetched)
    assert isinstance(second, Failed)
    assert second.error is ErrorKind.RESET
    assert second.retry is None


def test_a_second_try_is_the_last() -> None:
    """A server that closes every connection gets two of them, no more."""

    def script(wire: Wire) -> None:
        if wire.path.endswith("/plain"):
            wire.send_page()
        else:
            wire.cut()

    with HostileServer((), extra=[Behaviour("closes", "", OK, script)]) as server, lease_context() as made:
        results = run(made, server.url("closes", "plain"), server.url("closes", 1)).results
        assert server.opened["closes"] == 2
    assert results[1].error is ErrorKind.RESET
    assert results[1].retry == Retryable()


def test_a_304_is_unchanged(polite: PoliteServer) -> None:
    """Its own kind of outcome, without a body."""
    result = get(polite.url("/status/304"))
    assert isinstance(result, Unchanged)
    assert (result.status, result.bytes) == (304, 0)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("99999999999999", LONGEST_WAIT),
        ("86400", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("caf\xe9", None),
        ("Wed, 99 Foo 2015 07:28:00 GMT", None),
        ("9" * 5000, None),
    ],
)
def test_retry_after_is_understood_or_ignored(header: str, after: Any) -> None:
    """Seconds and dates are passed on, whatever they are; what is neither counts as none."""

    def respond(request: Request) -> Response:
        return Response(503, [("Retry-After", header)])

    with PoliteServer(handler=respond) as server:
        hint = get(server.url()).retry
    assert hint is not None
    assert hint.after == after


@pytest.mark.parametrize(
    ("status", "method", "again"),
    [(503, "GET", True), (404, "GET", False), (503, "POST", False), (429, "PUT", True), (500, "HEAD", True)],
)
def test_statuses_and_methods_decide_about_a_retry(polite: PoliteServer, status: int, method: str, again: bool) -> None:
    """A listed status is retried for methods that may be repeated."""
    result = get(polite.url(f"/status/{status}"), request={"method": method})
    assert (result.retry is not None) is again


def test_attempt_and_waiting_are_passed_on(polite: PoliteServer) -> None:
    """A later attempt's record counts on from the earlier ones."""
    with lease_context() as made:
        first = work(polite.url()).attempts[0]
        again = Attempt(first.target, number=3, waited=1.5, started=1_000.0)
        result: Any = only(run(made, again).results)
    assert (result.attempts, result.waited, result.started) == (3, 1.5, 1_000.0)


class FullTable(HostPool):
    """A pool of a process that finds no file descriptor the first times that it connects."""

    left = 2

    def opening(self, conn: Connection, resume: Resume, executor: Callable[[], Executor]) -> Steps[None]:
        if type(self).left:
            type(self).left -= 1
            error = NewConnectionError(conn, "no")
            error.__cause__ = OSError(errno.EMFILE, "Too many open files")
            raise error
        yield from super().opening(conn, resume, executor)


def test_a_want_of_descriptors_is_waited_out(polite: PoliteServer) -> None:
    """EMFILE is this process's trouble, not the URL's: no attempt is lost, and idle connections elsewhere go."""
    with PoliteServer() as other, lease_context() as made:
        run(made, other.url())
        made.session.adapter.poolmanager.pool_classes_by_scheme = {"http": FullTable}
        done = run(made, polite.url())
        assert other.wait_closed()
    assert FullTable.left == 0
    assert only(done.results).status == 200
    assert (done.use.opened, done.use.requests) == (1, 1)


def test_an_unknown_exception_becomes_a_record(polite: PoliteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong for one URL is that URL's outcome."""
    with lease_context() as made:

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise MemoryError

        monkeypatch.setattr(made.report, "fetched", fail)
        failed = only(run(made, polite.url()).results)
    assert failed.error is ErrorKind.INTERNAL
    assert "MemoryError" in failed.detail


def test_a_refused_connection_is_a_record() -> None:
    """Nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failed = get(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert failed.error is ErrorKind.CONNECT_REFUSED
    assert failed.retry == Retryable()


def test_a_look_up_without_a_file_descriptor_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third try finds one; the URL knows nothing of it."""
    errors = [OSError(errno.EMFILE, "Too many open files")] * 2

    def look_up(*_: Any, **__: Any) -> list[Any]:
        if errors:
            raise errors.pop()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(Connection, "resolver", Resolver(look_up))
    with Server(respond_to_all) as server:
        assert get(f"http://name.test:{server.port}/").status == 200
    assert not errors
