"""The event loop: each lease gets what is its own, none waits for another, and what wakes or ends it."""

from __future__ import annotations

import errno
import gc
import os
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from math import inf
from typing import Any

import pytest

from scrapepool.fallbacks import IN, OUT
from scrapepool.model import Attempt, ErrorKind, Failed, Fetched
from scrapepool.ports import Done, Unbegun, Work
from scrapepool.schedule.lease import Lease
from scrapepool.transport.net.bandwidth import Bandwidth
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.resolver import Resolver
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.net.steps import Steps, Watch, in_thread
from scrapepool.transport.robots.fetcher import RobotsFetcher
from scrapepool.transport.work import lease as lease_run
from scrapepool.transport.work import loop as loop_module
from scrapepool.transport.work import poller as poller_module
from scrapepool.transport.work.attempt import RunningAttempt
from scrapepool.transport.work.context import LeaseContext
from scrapepool.transport.work.desync import DesyncState
from scrapepool.transport.work.lease import RunningLease
from scrapepool.transport.work.list_lease import ListFetcher
from scrapepool.transport.work.loop import Loop
from scrapepool.transport.work.task import Chain
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.polite import PoliteServer
from tests.servers.proxies import SOCKS5Proxy
from tests.servers.wire import OK, Wire
from tests.transport.fetching import LONG, all_of, lease_context, on_loop, only, run, run_alone, settings, target, work
from tests.transport.loopback import HEAD, SOON, Server, black_hole, read_head, server_context, silent

PAUSE = 0.6
"""Seconds that somebody keeps the thread."""

EARLY = 1000
"""Calls of ``resume`` before there is a wait that they could end."""

SHORT = 0.4
"""Seconds of a timeout that is shorter than that."""


def warm(made: LeaseContext, *urls: str) -> None:
    """Open a connection to each host."""
    for url in urls:
        run(made, url)


class Crowded:
    """The system's poll, which has room for a few descriptors, as epoll does where memory is short."""

    def __init__(self, system: Any) -> None:
        self._poll, self._room = system, 4
        self.poll, self.modify, self.close = self._poll.poll, self._poll.modify, self._poll.close

    def register(self, fd: int, events: int) -> None:
        """Watch a descriptor."""
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._poll.register(fd, events)
        self._room -= 1

    def unregister(self, fd: int) -> None:
        """Watch it no more."""
        self._poll.unregister(fd)
        self._room += 1


@pytest.fixture(params=["epoll", "poll", "no room for epoll"])
def poller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the loop waits with: the system's best, what every system has, and the one after the other."""
    if request.param == "poll":
        monkeypatch.setattr(poller_module, "_system_poll", poller_module._Poll)
    elif request.param != "epoll":
        system = poller_module._system_poll
        monkeypatch.setattr(poller_module, "_system_poll", lambda: Crowded(system()))
    return str(request.param)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[RunningLease], Steps[Any]]], None]:
    """Replaces the steps of all leases."""

    def script(steps: Callable[[RunningLease], Steps[Any]]) -> None:
        monkeypatch.setattr(RunningLease, "_steps", steps)

    return script


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop, and whatever its leases need."""
    with lease_context() as made:
        yield Loop(made)


def next_descriptor() -> int:
    """The lowest number that no descriptor has."""
    with socket.socket() as sock:
        return sock.fileno()


def some_work() -> Work:
    """A lease on one URL."""
    return work("http://a.test/")


# -- each lease gets its own -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("poller")
@pytest.mark.parametrize("path", ["/page", "/chunked/20000", "/gzip/300000", "/bytes/3000000"])
def test_each_lease_gets_its_own(path: str) -> None:
    """Many leases on many hosts: every body is that of its URL."""
    hosts = 17
    with PoliteServer(hosts=hosts) as server, lease_context(timeouts={"read": LONG, "total": LONG}) as made:
        works = [work(*(server.url(f"{path}?{host}-{n}", host=host) for n in range(5))) for host in range(hosts)]
        alone = [run_alone(made, one) for one in works]
        together = on_loop(made, works)
        assert len(together) == hosts
        for done in together:
            expected = alone[works.index(done.work)].results
            assert [r.sha256 for r in done.results] == [r.sha256 for r in expected]
            assert [r.target for r in done.results] == [a.target for a in done.work.attempts]
        assert server.opened <= hosts


@pytest.mark.usefixtures("poller")
def test_a_connection_that_went_stale_is_opened_again() -> None:
    """Its descriptor may have the number of the one that was closed, and is watched all the same."""
    with HostileServer(["stale"]) as server, lease_context(timeouts={"read": 5.0}) as made:
        works = [work(*(server.url("stale", 3 * lease + n) for n in range(3))) for lease in range(4)]
        back = on_loop(made, works)
    assert [type(result) for done in back for result in done.results] == [Fetched] * 12


@pytest.mark.usefixtures("poller")
def test_a_descriptor_number_that_is_used_again_is_watched_anew(
    loop: Loop, scripted: Callable[[Callable[[RunningLease], Steps[Any]]], None]
) -> None:
    """By the same lease in the same step, as the first or a further socket of a wait, and by the next lease."""
    numbers: list[int] = []

    def steps(run: RunningLease) -> Steps[Done]:
        stays, peer = socket.socketpair()
        for _ in range(3):
            for others_first in (False, True):
                one, other = socket.socketpair()
                numbers.append(one.fileno())
                other.send(b"x")
                watched = [(one, IN), (stays, IN)] if others_first else [(stays, IN), (one, IN)]
                assert (yield Watch(tuple(watched), inf)) is True
                assert one.recv(1) == b"x"
                one.close()
                other.close()
        peer.send(b"x")
        assert (yield Watch(((stays, IN | OUT),), inf)) is True
        stays.close()
        peer.close()
        return Done(run.work, ())

    scripted(steps)
    for _ in range(2):
        assert len(all_of(loop, [some_work()])) == 1
    assert max(Counter(numbers).values()) > 1


def test_a_socket_that_is_closed_is_watched_no_more(
    monkeypatch: pytest.MonkeyPatch, loop: Loop, scripted: Callable[[Callable[[RunningLease], Steps[Any]]], None]
) -> None:
    """Without epoll, too, the loop sleeps then."""
    monkeypatch.setattr(poller_module, "_system_poll", poller_module._Poll)

    def steps(run: RunningLease) -> Steps[Done]:
        one, other = socket.socketpair()
        yield Watch(((one, OUT),), inf)
        one.close()
        other.close()
        until = loop_module.monotonic() + 0.2
        while loop_module.monotonic() < until:
            yield Watch((), until)
        return Done(run.work, ())

    scripted(steps)
    mine = Loop(loop._context)
    assert len(all_of(mine, [some_work()])) == 1
    assert mine._poller.round < 100


def test_a_loop_leaves_no_descriptor_open(loop: Loop) -> None:
    """A program may have many runs."""
    before = next_descriptor()
    for _ in range(20):
        Loop(loop._context).wait(0)
    gc.collect()
    assert next_descriptor() <= before


# -- none waits for another ------------------------------------------------------------------------


def test_a_slow_lease_holds_nobody_up() -> None:
    """Quick leases that came later are done before a slow one."""
    with PoliteServer(hosts=3) as server, lease_context() as made:
        slow = work(server.url("/delay/0.5"), server.url("/delay/0.5?2"))
        quick = [work(*(server.url(f"/ok?{n}", host=host) for n in range(20))) for host in (1, 2)]
        back = on_loop(made, [slow, *quick])
    assert [done.work for done in back][-1] is slow
    assert all(len(done.results) == len(done.work.attempts) for done in back)


def test_stuck_leases_leave_room_for_others() -> None:
    """Silent servers do not keep the others from theirs."""
    names = ["accept_then_silence"]
    with (
        HostileServer(names) as bad,
        PoliteServer(hosts=3) as good,
        lease_context(pool={"per_host": 8}, timeouts={"read": 1.5}) as made,
    ):
        stuck = [work(bad.url(names[0], 2 * n), bad.url(names[0], 2 * n + 1)) for n in range(8)]
        quick = [work(*(good.url(f"/ok?{n}", host=host) for n in range(5))) for host in range(3)]
        back = on_loop(made, [*stuck, *quick])
    assert {id(done.work) for done in back[:3]} == {id(one) for one in quick}


@contextmanager
def hanging(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, Any]]]:
    """The URL of a host whose connection is never had, and settings to request it with."""
    with ExitStack() as stack:
        if kind == "connect":
            yield f"http://127.0.0.1:{stack.enter_context(black_hole())}/", {}
        elif kind == "handshake":
            yield f"https://127.0.0.1:{stack.enter_context(Server(silent)).port}/", {}
        elif kind == "tunnel":
            proxy = f"http://127.0.0.1:{stack.enter_context(Server(silent)).port}"
            yield "https://a.test/", {"request": {"proxy": proxy}}
        elif kind == "thread":
            proxy = stack.enter_context(SOCKS5Proxy(silent=True)).url()
            yield "http://a.test/", {"request": {"proxy": proxy}}
        else:
            release = threading.Event()
            stack.callback(release.set)
            monkeypatch.setattr(Connection, "resolver", Resolver(lambda *_, **__: release.wait(LONG) and []))
            yield "http://slow.test/", {}


HANGING = ["connect", "handshake", "tunnel", "name", "thread"]


@pytest.mark.usefixtures("poller")
@pytest.mark.parametrize("kind", [kind for kind in HANGING if kind not in ("tunnel", "thread")])
def test_connections_that_are_not_had_hold_nobody_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connects, handshakes and look-ups that hang end by their own timeouts, after all the others."""
    with (
        hanging(kind, monkeypatch) as (url, groups),
        PoliteServer(hosts=3) as good,
        lease_context(pool={"per_host": 8}, timeouts={"connect": 1.5}, **groups) as made,
    ):
        stuck = [work(f"{url}{n}") for n in range(8)]
        quick = [work(*(good.url(f"/ok?{n}", host=host) for n in range(5))) for host in range(3)]
        back = on_loop(made, [*stuck, *quick])
    assert {id(done.work) for done in back[:3]} == {id(one) for one in quick}
    assert [type(result) for done in back[:3] for result in done.results] == [Fetched] * 15
    errors = {only(done.results).error for done in back[3:]}
    assert errors == {ErrorKind.DNS if kind == "name" else ErrorKind.CONNECT_TIMEOUT}


def test_leases_that_only_watch_their_connections_do_not_count_as_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """``wait`` comes back with nothing once their responses are there, so that others begin, and with each later."""
    monkeypatch.setattr(DesyncState, "verification_delay", lambda *_: 0.5)
    hosts = 16
    with PoliteServer(hosts=hosts) as server, lease_context() as made:
        works = [work(server.url("/ok", host=host), server.url("/ok?2", host=host)) for host in range(hosts)]
        warm(made, *(server.url("/", host=host) for host in range(hosts)))
        loop = Loop(made)
        for one in works:
            loop.submit(one)
        assert loop.in_flight == hosts
        while loop.in_flight:
            assert loop.wait(LONG) == []
        assert len(made.state.live) == hosts
        back = list[Done | Unbegun]()
        while len(back) < hosts:
            back += loop.wait(LONG)
        assert (loop.in_flight, made.state.live) == (0, {})
    assert {id(one.work) for one in back} == {id(one) for one in works}
    assert [type(result) for one in back for result in one.results] == [Fetched] * 2 * hosts


def test_requests_are_sent_before_responses_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round of the loop begins with them, so that servers work while responses are handled."""
    seen: list[tuple[str, bool]] = []
    sent: dict[int, socket.socket] = {}
    may_respond = threading.Event()
    may_respond.set()
    send, receive = Connection.send_some, Connection.receive

    def respond(sock: socket.socket, may: threading.Event | None = None) -> None:
        while read_head(sock):
            if may is not None:
                may.wait(LONG)
            sock.sendall(HEAD + b"ok")

    def send_some(conn: Connection, data: bytes) -> int:
        seen.append(("sent", conn.port == first.port))
        sent[conn.port] = conn.sock
        return send(conn, data)

    def receive_some(conn: Connection, *size: int) -> bytes | None:
        data = receive(conn, *size)
        if data:
            seen.append(("received", conn.port == first.port))
            may_respond.set()
            if len(seen) == 3:
                select.select([sent[second.port]], [], [], LONG)
        return data

    with Server(respond) as first, Server(lambda sock: respond(sock, may_respond)) as second, lease_context() as made:
        urls = [f"http://127.0.0.1:{server.port}/" for server in (first, second)]
        warm(made, *urls)
        may_respond.clear()
        monkeypatch.setattr(Connection, "send_some", send_some)
        monkeypatch.setattr(Connection, "receive", receive_some)
        on_loop(made, [work(urls[0], f"{urls[0]}?2"), work(urls[1])])
    assert seen[:5] == [("sent", True), ("sent", False), ("received", True), ("sent", True), ("received", False)]


def test_more_is_begun_while_connections_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is submitted meanwhile gets its response meanwhile."""
    monkeypatch.setattr(DesyncState, "verification_delay", lambda *_: 1.5)
    with PoliteServer(hosts=2) as server, lease_context() as made:
        warm(made, server.url("/"), server.url("/", host=1))
        loop = Loop(made)
        for host in range(2):
            loop.submit(work(server.url("/ok", host=host), server.url("/ok?2", host=host)))
            while loop.in_flight:
                assert loop.wait(LONG) == []
        assert len(made.state.live) == 2


def test_what_hangs_does_not_count_as_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once that is looked for; it is counted once, whatever becomes of it, and others are in flight as ever."""
    monkeypatch.setattr(lease_run, "HANGS", 0.2)
    with Server(silent) as server, PoliteServer() as good, lease_context(timeouts={"read": 1.0}) as made:
        loop = Loop(made)
        loop.submit(work(f"http://127.0.0.1:{server.port}/"))
        loop.discount_hanging()
        assert loop.in_flight == 1
        while loop.in_flight:
            assert loop.wait(0.05) == []
            loop.discount_hanging()
        loop.submit(work(good.url("/delay/0.1")))
        loop.discount_hanging()
        assert loop.in_flight == 1
        back = list[Done | Unbegun]()
        while len(back) < 2:
            back += loop.wait(LONG)
        assert loop.in_flight == 0


def test_a_look_up_hangs_early_and_counts_again_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no request to a server; what follows it is."""
    monkeypatch.setattr(lease_run, "NAME_HANGS", 0.0)
    go = threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        go.wait(LONG)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(Connection, "resolver", Resolver(look_up))
    with Server(silent) as server, lease_context(timeouts={"read": LONG, "total": LONG}) as made:
        loop = Loop(made)
        loop.submit(work(f"http://slow.test:{server.port}/"))
        loop.discount_hanging()
        assert loop.in_flight == 0
        go.set()
        while not loop.in_flight:
            assert loop.wait(0.05) == []
            loop.discount_hanging()
        loop.abort()
        assert len(loop.wait(LONG)) == 1
        assert loop.in_flight == 0


@pytest.mark.parametrize("name", ["drip_body", "drip_headers", "accept_then_silence"])
def test_a_deadline_holds_among_others(name: str) -> None:
    """The request to a server that trickles bytes ends at its deadline; the others get their responses."""
    with (
        HostileServer([name]) as bad,
        PoliteServer() as good,
        lease_context(timeouts={"total": 0.4, "read": 0.3}) as made,
    ):
        works = [work(bad.url(name, 0), bad.url(name, 1)), work(*(good.url(f"/ok?{n}") for n in range(30)))]
        back = on_loop(made, works)
    ends = {done.work is works[0]: done.results for done in back}
    assert isinstance(ends[True][0], Failed)
    assert ends[True][0].error in (ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT)
    assert [type(result) for result in ends[False]] == [Fetched] * 30


def test_a_call_that_blocks_for_too_long_is_waited_for_asleep(
    loop: Loop, scripted: Callable[[Callable[[RunningLease], Steps[Any]]], None]
) -> None:
    """It should have ended by a timeout of its own, and keeps nobody busy."""

    def steps(run: RunningLease) -> Steps[Done]:
        with ThreadPoolExecutor(1) as executor:
            yield from in_thread(lambda: time.sleep(PAUSE), executor, run.resume)
        return Done(run.work, ())

    scripted(steps)
    assert len(all_of(loop, [some_work()])) == 1
    assert loop._poller.round < 100


# -- whoever keeps the thread ----------------------------------------------------------------------


def test_what_one_lease_takes_is_not_the_others_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that blocks the thread for longer than a deadline fails nobody else."""

    def slow_start(run: RunningLease) -> Any:
        if run.work.attempts[0].target.path == "/slow":
            time.sleep(PAUSE)
        return (yield from steps(run))

    steps = RunningLease._steps
    monkeypatch.setattr(RunningLease, "_steps", slow_start)
    with PoliteServer(hosts=2) as server, lease_context(timeouts={"total": SHORT}) as made:
        warm(made, server.url("/"), server.url("/", host=1))
        works = [work(server.url("/ok"), server.url("/ok?2")), work(server.url("/slow", host=1))]
        back = on_loop(made, works)
    first = next(done for done in back if done.work is works[0])
    assert [type(result) for result in first.results] == [Fetched] * 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_caller_that_keeps_the_thread_fails_no_lease(scheme: str) -> None:
    """Neither a request nor a handshake that is under way; nor does the host look slow to the scheduler."""
    tls = server_context() if scheme == "https" else None

    def respond(sock: socket.socket) -> None:
        while read_head(sock):
            sock.sendall(HEAD + b"ok")

    timeouts = {"connect": SHORT, "read": SHORT, "total": SHORT}
    with Server(respond, tls=tls) as server, lease_context(timeouts=timeouts, request={"insecure": True}) as made:
        loop = Loop(made)
        loop.submit(work(f"{scheme}://127.0.0.1:{server.port}/"))
        back = list[Done | Unbegun]()
        while not back:
            time.sleep(PAUSE)
            back += loop.wait(0)
    result: Any = only(back[0].results)
    assert isinstance(result, Fetched)
    assert result.timings is not None
    assert result.timings.ttfb - back[0].use.delayed < PAUSE


def test_a_lease_that_begins_after_a_pause_has_no_more_time_than_others() -> None:
    """The caller had the thread before, and took nothing from it."""
    with Server(silent) as server, lease_context(timeouts={"read": LONG, "total": SHORT}) as made:
        loop = Loop(made)
        time.sleep(PAUSE)
        loop.submit(work(f"http://127.0.0.1:{server.port}/"))
        loop.wait(0)
        (conn,) = made.state.live
        assert conn.deadline is not None
        assert conn.deadline - loop_module.monotonic() <= SHORT
        (done,) = loop.wait(LONG)
    assert only(done.results).error is ErrorKind.DEADLINE


# -- waiting ---------------------------------------------------------------------------------------


def test_a_wait_can_be_ended_and_times_out(loop: Loop) -> None:
    """Both give nothing; to wake the loop often is as good as once."""
    loop.wake()
    assert loop.wait(None) == []
    assert loop.wait(0) == []
    assert loop.wait(0.01) == []
    for _ in range(100_000):
        loop.wake()
    assert loop.wait(None) == []
    assert repr(loop) == "<Loop 0 leases, 0 in flight>"


def test_another_thread_ends_a_wait() -> None:
    """Also one in which a lease is in flight, and that goes on with the next."""
    with Server(silent) as server, lease_context(timeouts={"read": 1.0}) as made, ThreadPoolExecutor(1) as executor:
        loop = Loop(made)
        loop.submit(work(f"http://127.0.0.1:{server.port}/"))
        executor.submit(lambda: time.sleep(0.1) or loop.wake())
        assert loop.wait(None) == []
        (done,) = loop.wait(None)
    assert only(done.results).error is ErrorKind.READ_TIMEOUT


def test_resume_early_late_and_often(
    loop: Loop, scripted: Callable[[Callable[[RunningLease], Steps[Any]]], None]
) -> None:
    """A call before the wait is not lost, calls too many do no harm, after the end of the lease neither."""
    runs: list[RunningLease] = []
    come: list[object] = []

    def steps(run: RunningLease) -> Steps[Done]:
        runs.append(run)
        for _ in range(EARLY):
            run.resume()
        timer = threading.Timer(0.1, run.resume)
        timer.start()
        for _ in range(EARLY + 1):
            event = yield Watch((), inf)
            come.append(event)
        timer.join()
        run.resume()
        return Done(run.work, ())

    scripted(steps)
    first, second = some_work(), some_work()
    assert [one.work for one in all_of(loop, [first])] == [first]
    assert set(come) == {True}
    runs[0].resume()
    assert loop.wait(0) == []
    assert [one.work for one in all_of(loop, [second])] == [second]


# -- the end ---------------------------------------------------------------------------------------


def test_a_run_that_stops_gives_all_back() -> None:
    """While the run is draining, nothing is begun."""
    with PoliteServer() as server, lease_context() as made:
        loop = Loop(made)
        loop.drain()
        back = all_of(loop, [work(server.url("/ok"), server.url("/ok?2")) for _ in range(3)])
        assert [list(done.results) for done in back] == [[], [], []]
        assert server.requests == 0


@pytest.mark.parametrize("kind", ["response", "upload", *HANGING])
def test_abort_ends_what_is_in_flight(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every lease ends, whatever it waits for, and each has a record that says so."""
    monkeypatch.setattr(lease_run, "STUCK_FROM", LONG)  # however long a busy machine takes to begin
    with ExitStack() as stack:
        groups: dict[str, Any] = {}
        if kind in HANGING:
            url, groups = stack.enter_context(hanging(kind, monkeypatch))
        else:
            server = stack.enter_context(Server(silent if kind == "response" else lambda _: time.sleep(PAUSE)))
            url = f"http://127.0.0.1:{server.port}/"
            groups = {"request": {"method": "PUT", "data": bytes(2**24)} if kind == "upload" else {}}
        timeouts = {"connect": LONG, "read": LONG, "total": LONG}
        made = stack.enter_context(lease_context(timeouts=timeouts, **groups))
        loop = Loop(made)
        for n in range(2):
            loop.submit(work(f"{url}{n}", f"{url}{n}?2"))
        assert loop.wait(0.1) == []
        loop.abort()
        back = loop.wait(0)
        assert (len(back), loop.in_flight, made.state.live) == (2, 0, {})
    assert [only(done.results).error for done in back] == [ErrorKind.INTERRUPTED] * 2


def test_abort_ends_what_waits_for_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that has begun nothing is given back, a request that waits for its turn has a record."""
    monkeypatch.setattr(lease_run, "STUCK_FROM", LONG)

    class Dear(Bandwidth):
        """What comes is paid for after long."""

        def consume(self, size: int, now: float) -> float:
            self._next_read_at = now + LONG
            return self._next_read_at

    bandwidth = Dear(1e6, time.monotonic())
    with PoliteServer(hosts=2) as server, PooledSession(2, 1, bandwidth=bandwidth) as session:
        made = LeaseContext(session, settings(timeouts={"total": LONG}))
        loop = Loop(made)
        works = [work(server.url("/ok", host=host), server.url("/ok?2", host=host)) for host in range(2)]
        loop.submit(works[0])
        while server.requests == 0 or bandwidth.next_read_at <= time.monotonic():
            assert loop.wait(0.01) == []
        loop.submit(works[1])
        assert loop.wait(0.05) == []
        loop.abort()
        ends = {id(done.work): done.results for done in loop.wait(0)}
    assert [type(result) for result in ends[id(works[0])]] == [Fetched, Failed]
    assert ends[id(works[0])][1].error is ErrorKind.INTERRUPTED
    assert list(ends[id(works[1])]) == []


def test_abort_ends_what_only_watches_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the responses that have come."""
    monkeypatch.setattr(DesyncState, "verification_delay", lambda *_: LONG)
    with PoliteServer() as server, lease_context(timeouts={"total": LONG}) as made:
        warm(made, server.url("/"))
        loop = Loop(made)
        loop.submit(work(server.url("/ok"), server.url("/ok?2")))
        while loop.in_flight:
            assert loop.wait(LONG) == []
        loop.abort()
        (done,) = loop.wait(0)
    assert [type(result) for result in done.results] == [Fetched] * 2


def test_abort_ends_a_chain() -> None:
    """A robots.txt that does not come has no verdict; a list that does not come is interrupted."""
    with Server(silent) as server, lease_context(timeouts={"read": LONG, "total": LONG}) as made:
        robots = RobotsFetcher(made, settings())
        aim = target(f"http://127.0.0.1:{server.port}/")
        attempt = Attempt(aim)
        lists = ListFetcher(made, settings())
        loop = Loop(made, lambda one: robots.chain(one) or lists.chain(one))
        loop.submit(Work(Lease(aim.host, robots=True), ()))
        loop.submit(Work(Lease(aim.host, attempt=attempt), [attempt]))
        assert loop.wait(0.1) == []
        loop.abort()
        verdict, done = loop.wait(0)
    assert isinstance(verdict, Done)
    assert (verdict.robots, list(verdict.results)) == (None, [])
    assert only(done.results).error is ErrorKind.INTERRUPTED


# -- bugs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_a_wait", [False, True])
def test_a_bug_costs_one_lease_a_record(monkeypatch: pytest.MonkeyPatch, after_a_wait: bool) -> None:
    """The first target fails as internal, the rest is given back, and the others go on."""

    def broken(run: RunningLease) -> Any:
        if run.work.attempts[0].target.path != "/broken":
            return (yield from steps(run))
        if after_a_wait:
            yield Watch((), 0.0)
        raise SystemExit("a bug")

    steps = RunningLease._steps
    monkeypatch.setattr(RunningLease, "_steps", broken)
    with PoliteServer() as server, lease_context() as made:
        attempts = [Attempt(target(server.url(path)), number=2, waited=1.5) for path in ("/broken", "/b")]
        back = on_loop(made, [work(*attempts), work(server.url("/ok"))])
    kinds = {done.work.attempts[0].target.path: only(done.results) for done in back}
    failed = kinds["/broken"]
    assert (failed.error, failed.attempts, failed.waited) == (ErrorKind.INTERNAL, 2, 1.5)
    assert failed.detail == "a bug in scrapepool: SystemExit: a bug"
    assert isinstance(kinds["/ok"], Fetched)


class Broken:
    """A chain of leases that cannot be begun, or not be gone on with."""

    def __init__(self, chain: Chain | None = None) -> None:
        self._chain = chain

    def first(self, resume: Callable[[], object]) -> RunningLease:
        if self._chain is None:
            raise ZeroDivisionError
        return self._chain.first(resume)

    def next(self, done: Done) -> RunningLease | Done:
        raise ZeroDivisionError


def test_a_bug_in_a_chain_costs_one_lease_a_record() -> None:
    """At its beginning and after its first part."""
    with PoliteServer() as server, lease_context() as made:
        one = work(server.url("/ok"))
        for chain in (Broken(), Broken(ListFetcher(made, settings()).chain(one))):
            loop = Loop(made, lambda _, chain=chain: chain)
            (done,) = all_of(loop, [one])
            assert only(done.results).error is ErrorKind.INTERNAL
            assert loop.in_flight == 0


@pytest.mark.parametrize("after_a_wait", [False, True])
def test_ctrl_c_comes_out(
    loop: Loop, scripted: Callable[[Callable[[RunningLease], Steps[Any]]], None], after_a_wait: bool
) -> None:
    """It is no bug of the lease that had the thread, and leaves a loop that can be aborted."""

    def steps(run: RunningLease) -> Steps[Done]:
        if after_a_wait:
            yield Watch((), 0.0)
        raise KeyboardInterrupt

    scripted(steps)
    with pytest.raises(KeyboardInterrupt):
        all_of(loop, [some_work()])
    loop.abort()
    assert loop.in_flight == 0


# -- stuck requests --------------------------------------------------------------------------------


def test_what_a_stuck_lease_has_not_begun_is_left_to_others() -> None:
    """It is given back while the stuck request goes on to its own end."""
    names = ["accept_then_silence"]
    with HostileServer(names) as server, lease_context(timeouts={"read": 1.0}) as made:
        stuck = work(*(server.url(names[0], n) for n in range(5)))
        unbegun, done = all_of(Loop(made), [stuck])
    assert isinstance(unbegun, Unbegun)
    assert (unbegun.work, unbegun.begun) == (stuck, 1)
    assert only(done.results).error is ErrorKind.READ_TIMEOUT


def test_a_slow_request_that_gets_its_response_ends_its_lease() -> None:
    """Its responses are reported, and the targets that it gave back are not requested a second time."""
    with PoliteServer() as server, lease_context() as made:
        slow = work(server.url("/ok"), server.url("/delay/0.5"), server.url("/ok?2"), server.url("/ok?3"))
        warm(made, server.url("/"))
        unbegun, done = all_of(Loop(made), [slow])
        requests = server.requests
    assert isinstance(unbegun, Unbegun)
    assert unbegun.begun == 2
    results = [*unbegun.results, *done.results]
    assert [(type(result), result.target) for result in results] == [(Fetched, a.target) for a in slow.attempts[:2]]
    assert (unbegun.use.requests + done.use.requests, requests) == (2, 3)


def test_responses_before_a_stuck_request_are_reported_at_once() -> None:
    """Its results come once the connection was silent for long enough, and not a second time with the lease's end."""
    with PoliteServer() as server, lease_context(timeouts={"read": 1.5}) as made:
        stuck = work(server.url("/ok?1"), server.url("/ok?2"), server.url("/delay/9"))
        warm(made, server.url("/"))
        unbegun, done = all_of(Loop(made), [stuck])
    assert isinstance(unbegun, Unbegun)
    assert [type(result) for result in unbegun.results] == [Fetched] * 2
    assert [type(result) for result in done.results] == [Failed]
    assert (unbegun.use.requests, done.use.requests) == (3, 0)


def test_a_stuck_request_that_is_sent_again_gives_back_nothing_twice() -> None:
    """Its response came with rubbish: the second try is late from its beginning, and others have what is behind it."""

    def script(wire: Wire) -> None:
        if wire.path.endswith("/3"):
            wire.pause(1.5 if wire.nth > 1 else 0.2)
        wire.send_page()
        if wire.path.endswith("/3") and wire.nth > 1:
            wire.send(b"rubbish")

    kind = Behaviour("it", "", OK, script)
    with HostileServer((), extra=[kind]) as server, lease_context() as made:
        warm(made, server.url("it"))
        slow = work(*(server.url("it", n) for n in range(1, 6)))
        back = all_of(Loop(made), [slow])
    assert [type(one) for one in back] == [Unbegun, Done]
    unbegun, done = back
    assert isinstance(unbegun, Unbegun)
    assert unbegun.begun == 3
    results = [*unbegun.results, *done.results]
    assert [(type(result), result.target) for result in results] == [(Fetched, a.target) for a in slow.attempts[:3]]


def test_a_bug_after_that_costs_the_stuck_target_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none that has one already."""
    with PoliteServer() as server, lease_context(timeouts={"read": 1.0}) as made:
        stuck = work(server.url("/ok?1"), server.url("/ok?2"), server.url("/delay/9"))
        warm(made, server.url("/"))
        loop = Loop(made)
        loop.submit(stuck)
        (unbegun,) = loop.wait(LONG)
        assert isinstance(unbegun, Unbegun)

        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(RunningAttempt, "_failed", broken)
        (done,) = loop.wait(LONG)
    failed = only(done.results)
    assert (failed.error, failed.target) == (ErrorKind.INTERNAL, stuck.attempts[2].target)


def test_the_end_of_an_idle_connection_is_noticed() -> None:
    """Its descriptor does not stay open, and the next request opens a new one without a failure."""

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(HEAD + b"ok")

    with Server(script) as server, lease_context() as made:
        loop = Loop(made)
        url = f"http://127.0.0.1:{server.port}/"
        (done,) = all_of(loop, [work(url)])
        pool = made.session.adapter.pool_for(done.work.lease.host, True, None)
        until = time.monotonic() + SOON
        while pool.idle and time.monotonic() < until:
            loop.wait(0.01)
        assert (pool.idle, pool.in_use) == (0, 0)
        (again,) = all_of(loop, [work(url)])
    assert isinstance(again, Done)
    assert isinstance(again.results[0], Fetched)
    assert (again.use.opened, again.use.requests) == (1, 1)


def test_unsolicited_data_on_an_idle_connection_is_noticed() -> None:
    """The connection is not used again, and its host not trusted for a while."""
    go = threading.Event()

    def script(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(HEAD + b"ok")
        go.wait(SOON)
        sock.sendall(HEAD + b"no")
        read_head(sock)

    with Server(script) as server, lease_context() as made:
        loop = Loop(made)
        (done,) = all_of(loop, [work(f"http://127.0.0.1:{server.port}/")])
        host = done.work.lease.host
        go.set()
        until = time.monotonic() + SOON
        while not made.desync.of(host).distrusted and time.monotonic() < until:
            loop.wait(0.01)
        assert made.desync.of(host).distrusted
        assert made.session.adapter.pool_for(host, True, None).idle == 0


def test_an_idle_connection_that_somebody_else_uses_is_left_alone() -> None:
    """What comes over it is theirs."""
    with PoliteServer() as server, lease_context() as made:
        loop = Loop(made)
        (done,) = all_of(loop, [work(server.url("/ok"))])
        pool = made.session.adapter.pool_for(done.work.lease.host, True, None)
        conn, _ = pool.checkout(0)
        assert conn.sock is not None
        conn.send_some(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(20):
            loop.wait(0.01)
        assert conn.receive()
        pool.checkin(conn)


def elapsed_of(loop: Loop) -> float:
    """Seconds that the one request in flight took."""
    while not (back := loop.wait(LONG)):
        pass
    (done,) = back
    assert isinstance(done, Done)
    return only(done.results).elapsed


def test_no_response_comes_before_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that begins while the caller has the thread is given back only the time that the caller took since."""
    monkeypatch.setattr(loop_module, "SLOW_STEP", 0.2)
    with PoliteServer() as server, lease_context() as made:
        warm(made, server.url("/ok"))
        loop = Loop(made)
        time.sleep(0.15)
        loop.submit(work(server.url("/ok?2")))
        time.sleep(0.1)
        assert elapsed_of(loop) >= 0


def test_a_slow_first_step_is_not_given_back_to_its_own_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is sent at its end, and the response took no part of it."""
    with PoliteServer() as server, lease_context() as made:
        warm(made, server.url("/ok"))
        loop, routes_get = Loop(made), made.routes.get

        def slowly(*args: Any, **options: Any) -> Any:
            time.sleep(0.1)
            return routes_get(*args, **options)

        monkeypatch.setattr(made.routes, "get", slowly)
        loop.submit(work(server.url("/ok?2")))
        assert elapsed_of(loop) >= 0


def test_what_may_have_been_there_for_long_is_not_taken_for_slow() -> None:
    """The loop reports for how long it did not poll; that is zero if it slept until something came."""
    with PoliteServer() as server, lease_context() as made:
        loop = Loop(made)
        all_of(loop, [work(server.url("/ok"))])
        loop.submit(work(server.url("/ok?2")))
        time.sleep(0.015)  # shorter than what is given back
        lags = []
        while not loop.wait(LONG):
            lags.append(made.state.lag)
        lags.append(made.state.lag)
        assert max(lags) >= 0.01
        loop.submit(work(server.url("/delay/0.2")))
        while not loop.wait(LONG):
            pass
        assert made.state.lag == 0.0
