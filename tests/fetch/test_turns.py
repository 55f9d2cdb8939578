"""Several leases on one thread: each gets what is its own, and none waits for another."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest
from fetching import LONG, Waiting, fetcher, in_turns, work
from loopback import black_hole

from scrapepool.fetch import turns
from scrapepool.fetch.fetcher import Fetcher
from scrapepool.fetch.lease_run import LeaseRun
from scrapepool.fetch.trust import Standing
from scrapepool.fetch.turns import Turns
from scrapepool.model import ErrorKind, Failed, Fetched
from scrapepool.ports import Begun, Done, Resting, Unbegun
from tests.servers.hostile import HostileServer
from tests.servers.polite import PoliteServer


def warm(made: Fetcher, *urls: str) -> None:
    """Open a connection to each host."""
    for url in urls:
        made.run(work(url))


def unexpected(begun: Begun) -> None:
    """For what has its connection."""
    raise AssertionError(begun.work)


@pytest.mark.parametrize("path", ["/page", "/chunked/20000", "/gzip/300000", "/bytes/3000000"])
def test_each_lease_gets_its_own(path: str) -> None:
    """Many leases on many hosts: every body is that of its URL."""
    hosts = 17
    with PoliteServer(hosts=hosts) as server, fetcher(patience={"read": LONG, "total": LONG}) as made:
        works = [work(*(server.url(f"{path}?{host}-{n}", host=host) for n in range(5))) for host in range(hosts)]
        alone = [made.run(one) for one in works]
        together = in_turns(made, works)
        assert len(together) == hosts
        for done in together:
            expected = alone[works.index(done.work)].results
            assert [r.sha256 for r in done.results] == [r.sha256 for r in expected]
            assert [r.target for r in done.results] == [a.target for a in done.work.attempts]
        assert server.opened <= hosts


def test_a_slow_lease_holds_nobody_up() -> None:
    """Quick leases that came later are done before a slow one."""
    with PoliteServer(hosts=3) as server, fetcher() as made:
        slow = work(server.url("/delay/0.5"), server.url("/delay/0.5?2"))
        quick = [work(*(server.url(f"/ok?{n}", host=host) for n in range(20))) for host in (1, 2)]
        back = in_turns(made, [slow, *quick])
    assert [done.work for done in back][-1] is slow
    assert all(len(done.results) == len(done.work.attempts) for done in back)


def test_stuck_leases_leave_room_for_others() -> None:
    """Silent servers do not keep the others from theirs."""
    names = ["accept_then_silence"]
    with (
        HostileServer(names) as bad,
        PoliteServer(hosts=3) as good,
        fetcher(pool={"per_host": 8}, patience={"read": 1.5}) as made,
    ):
        stuck = [work(bad.url(names[0], 2 * n), bad.url(names[0], 2 * n + 1)) for n in range(8)]
        quick = [work(*(good.url(f"/ok?{n}", host=host) for n in range(5))) for host in range(3)]
        back = in_turns(made, [*stuck, *quick])
    assert {id(done.work) for done in back[:3]} == {id(one) for one in quick}


def test_leases_that_only_watch_their_connections_leave_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many have nothing left to do but to see that nothing more comes, others begin."""
    monkeypatch.setattr(Standing, "silence", lambda *_: 0.5)
    hosts = 16
    with PoliteServer(hosts=hosts) as server, fetcher() as made:
        works = [work(server.url("/ok", host=host), server.url("/ok?2", host=host)) for host in range(hosts)]
        warm(made, *(server.url("/", host=host) for host in range(hosts)))
        back = list[Done | Resting]()
        with closing(Waiting(works[1:])) as waiting:
            Turns(made, waiting, back.extend, unexpected).run(works[0])
    assert {id(one.work) for one in back[:hosts]} == {id(one) for one in works}
    assert [isinstance(one, Done) for one in back] == [False] * hosts + [True] * hosts
    assert all(one.rested for one in back if isinstance(one, Done))


def test_a_resting_lease_goes_on_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that rests on one thread is seen to its end on another, which believes it only after the silence."""
    monkeypatch.setattr(Standing, "silence", lambda *_: 0.2)
    with PoliteServer() as server, fetcher() as made:
        resting = made.run_to_rest(work(server.url("/ok"), server.url("/ok?2")))
        assert isinstance(resting, LeaseRun)
        assert made.live
        (done,) = in_turns(made, [resting])
        assert not made.live
    assert done.rested
    assert [type(result) for result in done.results] == [Fetched] * 2


def test_more_is_begun_while_connections_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put meanwhile wakes the thread."""
    monkeypatch.setattr(turns, "LONGEST_POLL", 60.0)
    monkeypatch.setattr(Standing, "silence", lambda *_: 1.5)
    with PoliteServer(hosts=2) as server, fetcher() as made, closing(Waiting(())) as waiting:
        warm(made, server.url("/"), server.url("/", host=1))
        back = list[Done | Resting]()
        first = work(server.url("/ok"), server.url("/ok?2"))
        thread = threading.Thread(target=lambda: Turns(made, waiting, back.extend, unexpected).run(first))
        thread.start()
        while not back:
            assert waiting.listening.acquire(timeout=10)
        waiting.put(work(server.url("/ok", host=1)))
        thread.join()
    assert [isinstance(one, Done) for one in back] == [False, False, True, True]
    assert back[1].work is not first


def test_what_has_to_connect_holds_nobody_up() -> None:
    """It is passed on, with nothing asked, and goes on where it was left."""
    with PoliteServer(hosts=2) as server, fetcher() as made, closing(Waiting(())) as waiting:
        passed, back = list[Begun](), list[Done | Resting]()
        Turns(made, waiting, back.extend, passed.append).run(work(server.url("/ok"), server.url("/ok?2")))
        assert (server.requests, server.opened, back) == (0, 0, [])
        (begun,) = passed
        assert isinstance(begun, LeaseRun)
        done = begun.done()
        assert [type(result) for result in done.results] == [Fetched] * 2
        assert (done.opened, server.opened, server.requests) == (1, 1, 2)


def test_what_connects_in_no_time_is_not_passed_on() -> None:
    """Where the last connection to a host took next to nothing, the next is opened on the shared thread."""
    with PoliteServer() as server, fetcher() as made, closing(Waiting(())) as waiting:
        one = work(server.url("/ok"), server.url("/ok?2"))
        made.trust.of(one.lease.host).opened_in = 0.0001
        back = list[Done | Resting]()
        Turns(made, waiting, back.extend, unexpected).run(one)
        done = back[-1]
        assert isinstance(done, Done)
        assert [type(result) for result in done.results] == [Fetched] * 2
        assert (done.opened, server.opened, server.requests) == (1, 1, 2)


def test_what_did_connect_in_no_time_and_hangs_now_is_passed_on() -> None:
    """It is begun anew where it holds nobody up, and the host's next connections are too."""
    with black_hole() as hole, fetcher(patience={"connect": 0.3}) as made, closing(Waiting(())) as waiting:
        one = work(f"http://127.0.0.1:{hole}/")
        standing = made.trust.of(one.lease.host)
        standing.opened_in = 0.0001
        passed, back = list[Begun](), list[Done | Resting]()
        Turns(made, waiting, back.extend, passed.append).run(one)
        assert back == []
        assert standing.opened_in > 1
        (begun,) = passed
        assert isinstance(begun, LeaseRun)
        (result,) = begun.done().results
        assert isinstance(result, Failed)
        assert result.error is ErrorKind.CONNECT_TIMEOUT


def test_a_connection_that_went_stale_is_opened_again_on_the_same_thread() -> None:
    """Its descriptor may have the number of the one that was closed, and is listened to all the same."""
    with HostileServer(["stale"]) as server, fetcher(patience={"read": 5.0}) as made:
        works = [work(*(server.url("stale", 3 * lease + n) for n in range(3))) for lease in range(4)]
        made.trust.of(works[0].lease.host).opened_in = 0.0001
        back = in_turns(made, works)
    assert [type(result) for done in back for result in done.results] == [Fetched] * 12


@pytest.mark.parametrize("name", ["drip_body", "drip_headers", "accept_then_silence"])
def test_a_deadline_holds_among_others(name: str) -> None:
    """A server that drips ends at its deadline, the others are answered."""
    with HostileServer([name]) as bad, PoliteServer() as good, fetcher(patience={"total": 0.4, "read": 0.3}) as made:
        works = [work(bad.url(name, 0), bad.url(name, 1)), work(*(good.url(f"/ok?{n}") for n in range(30)))]
        back = in_turns(made, works)
    ends = {done.work is works[0]: done.results for done in back}
    assert isinstance(ends[True][0], Failed)
    assert ends[True][0].error in (ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT)
    assert [type(result) for result in ends[False]] == [Fetched] * 30


def test_what_one_lease_takes_is_not_the_others_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that blocks the thread for longer than a deadline fails nobody else."""
    import time

    def slow_start(run: LeaseRun) -> Any:
        if run.work.attempts[0].target.path == "/slow":
            time.sleep(0.6)
        return (yield from steps(run))

    steps = LeaseRun.steps
    monkeypatch.setattr(LeaseRun, "steps", slow_start)
    with PoliteServer(hosts=2) as server, fetcher(patience={"total": 0.4}) as made:
        warm(made, server.url("/"), server.url("/", host=1))
        works = [work(server.url("/ok"), server.url("/ok?2")), work(server.url("/slow", host=1))]
        back = in_turns(made, works)
    first = next(done for done in back if done.work is works[0])
    assert [type(result) for result in first.results] == [Fetched] * 2


def test_a_run_that_stops_gives_all_back() -> None:
    """While the run is draining, nothing is begun."""
    with PoliteServer() as server, fetcher() as made:
        made.drain()
        back = in_turns(made, [work(server.url("/ok"), server.url("/ok?2")) for _ in range(3)])
        assert [list(done.results) for done in back] == [[], [], []]
        assert server.requests == 0


def test_a_bug_costs_one_lease_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on."""

    def broken(run: LeaseRun) -> Any:
        if run.work.attempts[0].target.path == "/broken":
            raise ZeroDivisionError
        return (yield from steps(run))

    steps = LeaseRun.steps
    monkeypatch.setattr(LeaseRun, "steps", broken)
    with PoliteServer() as server, fetcher() as made:
        back = in_turns(made, [work(server.url("/broken"), server.url("/b")), work(server.url("/ok"))])
    kinds = {done.work.attempts[0].target.path: done.results[0] for done in back}
    assert kinds["/broken"].error is ErrorKind.INTERNAL
    assert isinstance(kinds["/ok"], Fetched)


@pytest.mark.parametrize("many", [True, False])
def test_what_a_stuck_lease_has_not_begun_is_left_to_others(many: bool) -> None:
    """It is given back while the stuck request goes on to its own end, on a thread with many leases and on its own."""
    names = ["accept_then_silence"]
    with HostileServer(names) as server, fetcher(patience={"read": 1.0}) as made:
        stuck = work(*(server.url(names[0], n) for n in range(5)))
        back = list[Done | Resting | Unbegun]()
        if many:
            made.trust.of(stuck.lease.host).opened_in = 0.0001
            with closing(Waiting(())) as waiting:
                Turns(made, waiting, back.extend, unexpected).run(stuck)
        else:
            back.append(made.run_to_rest(stuck, back.extend))
    unbegun, done = back
    assert isinstance(unbegun, Unbegun)
    assert (unbegun.work, unbegun.begun) == (stuck, 1)
    assert isinstance(done, Done)
    (result,) = done.results
    assert isinstance(result, Failed)
    assert result.error is ErrorKind.READ_TIMEOUT


@pytest.mark.parametrize("many", [True, False])
def test_a_request_that_takes_long_and_is_answered_ends_its_lease(many: bool) -> None:
    """What was answered is told, what was given back is not asked for a second time."""
    with PoliteServer() as server, fetcher() as made:
        slow = work(server.url("/ok"), server.url("/delay/0.5"), server.url("/ok?2"), server.url("/ok?3"))
        warm(made, server.url("/"))
        back = list[Done | Resting | Unbegun]()
        if many:
            with closing(Waiting(())) as waiting:
                Turns(made, waiting, back.extend, unexpected).run(slow)
        else:
            back.append(made.run_to_rest(slow, back.extend))
        requests = server.requests
    (unbegun,) = (one for one in back if isinstance(one, Unbegun))
    assert unbegun.begun == 2
    done = back[-1].done() if isinstance(back[-1], LeaseRun) else back[-1]
    assert isinstance(done, Done)
    results = [*unbegun.results, *done.results]
    assert [(type(result), result.target) for result in results] == [(Fetched, a.target) for a in slow.attempts[:2]]
    assert (unbegun.requests + done.requests, requests) == (2, 3)


@pytest.mark.parametrize("many", [True, False])
def test_what_was_answered_before_a_stuck_request_is_told_at_once(many: bool) -> None:
    """Its results come once the connection was silent for long enough, and not a second time with the lease's end."""
    patience = {"read": 1.5}
    with PoliteServer() as server, fetcher(patience=patience) as made:
        stuck = work(server.url("/ok?1"), server.url("/ok?2"), server.url("/delay/9"))
        warm(made, server.url("/"))
        back = list[Done | Resting | Unbegun]()
        if many:
            with closing(Waiting(())) as waiting:
                Turns(made, waiting, back.extend, unexpected).run(stuck)
        else:
            back.append(made.run_to_rest(stuck, back.extend))
    unbegun, done = back
    assert isinstance(unbegun, Unbegun)
    assert isinstance(done, Done)
    assert [type(result) for result in unbegun.results] == [Fetched] * 2
    assert [type(result) for result in done.results] == [Failed]
    assert (unbegun.requests, done.requests) == (3, 0)
