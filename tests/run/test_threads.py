"""The crew: threads that are begun when there is work, and what a bug or a lack of threads costs."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Target
from scrapepool.ports import Begun, Done, Resting, Source, Unbegun, Work
from scrapepool.run.threads import Threads
from scrapepool.schedule.lease import Lease

PATIENCE = 10.0
HOST = HostKey("http", "a.test", 80)


def work(*numbers: int) -> Work:
    """Work with these targets."""
    attempts = [Attempt(Target(f"http://a.test/{n}", HOST, f"/{n}"), number=2, waited=1.5) for n in numbers]
    return Work(Lease(HOST, tuple(numbers)), attempts)


@dataclass
class Rest:
    """Keeps ``Resting``."""

    work: Work


class Recorder:
    """A fetch that succeeds, but for what ``broken`` names; it may be held back, and let work rest before its end."""

    rests = False

    def __init__(self, broken: str | None = None) -> None:
        self.broken = broken
        self.threads: set[str] = set()
        self.watchers: set[str] = set()
        self.listens = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def run(self, work: Work | Begun, give: Callable[[Sequence[Unbegun]], None]) -> Done | Resting:
        if not isinstance(work, Work):
            work = work.work
        self.threads.add(threading.current_thread().name)
        self.arrived.release()
        self.go.wait(PATIENCE)
        if self.broken in [attempt.target.path for attempt in work.attempts]:
            raise SystemExit("a bug")
        return Rest(work) if self.rests else self.end(work)

    def end(self, work: Work) -> Done:
        results = [Fetched(target=attempt.target, status=200) for attempt in work.attempts]
        return Done(work, results, rested=self.rests)

    def run_in_turns(
        self,
        first: Work | Resting,
        source: Source,
        give: Callable[[Sequence[Done | Resting | Unbegun]], None],
        pass_on: Callable[[Begun], None],
    ) -> None:
        if isinstance(first, Work):
            self.watchers.add(threading.current_thread().name)
            pass_on(Rest(first))
            return
        self.watchers.add(threading.current_thread().name)
        source.listen()
        more = source.another()
        if more is None:
            self.listens.release()
            select.select([source.ear], [], [], PATIENCE)
            source.heard()
            more = source.another()
        assert isinstance(more, Rest)
        give([self.end(first.work), self.end(more.work)])

    def drain(self) -> None: ...

    def abort(self) -> None: ...


def all_of(crew: Threads, count: int) -> list[Done]:
    """Wait for so many."""
    back: list[Done] = []
    while len(back) < count:
        some = crew.wait(PATIENCE)
        assert some, "nothing came back"
        back += [one for one in some if isinstance(one, Done)]
    return back


def test_threads_are_begun_only_when_they_are_needed() -> None:
    """A thousand may be allowed; one after another needs one, two at once need two."""
    fetch = Recorder()
    crew = Threads(fetch, 1000)
    for number in range(20):
        crew.hand(work(number))
        all_of(crew, 1)
        assert fetch.arrived.acquire(timeout=PATIENCE)
    assert len(fetch.threads) == 1
    fetch.go.clear()
    crew.hand(work(1))
    crew.hand(work(2))
    for _ in range(2):
        assert fetch.arrived.acquire(timeout=PATIENCE)
    fetch.go.set()
    all_of(crew, 2)
    assert len(fetch.threads) == 2
    assert repr(crew) == "<Threads 0 of 2 at work, 2000 at most>"
    crew.close()


def test_a_bug_costs_one_record_and_no_thread() -> None:
    """The first target fails as internal, the rest is handed back, and the thread takes the next work."""
    fetch = Recorder(broken="/2")
    crew = Threads(fetch, 1)
    crew.hand(work(1, 2, 3))
    (done,) = all_of(crew, 1)
    (result,) = done.results
    assert isinstance(result, Failed)
    assert (result.error, result.attempts, result.waited) == (ErrorKind.INTERNAL, 2, 1.5)
    assert result.detail == "a bug in scrapepool: SystemExit: a bug"
    crew.hand(work(4))
    assert isinstance(all_of(crew, 1)[0].results[0], Fetched)
    crew.close()


def test_a_wait_can_be_ended_and_times_out() -> None:
    """Both give nothing."""
    crew = Threads(Recorder(), 1)
    crew.wake()
    assert crew.wait(None) == []
    assert crew.wait(0) == []
    crew.close()


def test_a_system_without_threads_to_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be begun is done by the threads that there are; with none at all it is an error."""
    fetch = Recorder()
    crew = Threads(fetch, 8)
    fetch.go.clear()
    crew.hand(work(1))

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    crew.hand(work(2))
    crew.hand(work(3))
    fetch.go.set()
    assert len(all_of(crew, 3)) == 3
    assert len(fetch.threads) == 1
    crew.close()
    with pytest.raises(RuntimeError):
        Threads(fetch, 8).hand(work(1))


def test_quick_work_that_would_block_is_passed_on() -> None:
    """It goes on on another thread than the one that works many in turns."""
    fetch = Recorder()
    crew = Threads(fetch, 2)
    quick = [Work(replace(one.lease, quick=True), one.attempts) for one in (work(1), work(2), work(3))]
    for one in quick:
        crew.hand(one)
    assert {id(done.work) for done in all_of(crew, 3)} == {id(one) for one in quick}
    assert len(fetch.watchers) == 1
    assert not fetch.watchers & fetch.threads
    assert repr(crew).startswith("<Threads 0 of")
    crew.close()


class Courteous(Recorder):
    """One that makes way once it has given something."""

    def __init__(self) -> None:
        super().__init__()
        self.went_on = threading.Event()

    def run_in_turns(
        self,
        first: Work | Resting,
        source: Source,
        give: Callable[[Sequence[Done | Resting | Unbegun]], None],
        pass_on: Callable[[Begun], None],
    ) -> None:
        assert isinstance(first, Work)
        give([self.end(first)])
        source.make_way()
        self.went_on.set()


def test_what_was_given_is_taken_in_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop that gave it goes on once the engine has nothing else to do, or has made it wait for long enough."""
    monkeypatch.setattr("scrapepool.run.threads.COURTESY", 60.0)
    fetch = Courteous()
    crew = Threads(fetch, 2)
    quick = Work(replace(work(1).lease, quick=True), work(1).attempts)
    crew.hand(quick)
    (done,) = crew.wait(PATIENCE)
    assert done.work is quick
    assert not fetch.went_on.is_set()
    assert not crew.wait(0)
    assert fetch.went_on.wait(PATIENCE)
    monkeypatch.setattr("scrapepool.run.threads.COURTESY", 0.001)
    fetch.went_on.clear()
    crew.hand(quick)
    assert fetch.went_on.wait(PATIENCE)
    crew.close()


def test_resting_work_leaves_its_thread() -> None:
    """It is seen to its end by the loop that waits for many, which is woken for the next."""
    fetch = Recorder()
    fetch.rests = True
    crew = Threads(fetch, 1)
    crew.hand(work(1))
    (resting,) = crew.wait(PATIENCE)
    assert not isinstance(resting, Done)
    assert fetch.listens.acquire(timeout=PATIENCE)
    crew.hand(work(2))
    back = all_of(crew, 2)
    assert [one.work.attempts[0].target.path for one in back] == ["/1", "/2"]
    assert all(one.rested for one in back)
    assert len(fetch.threads) == len(fetch.watchers) == 1
    assert not fetch.threads & fetch.watchers
    crew.close()


def test_resting_work_where_there_is_no_thread_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that had it sees it to its end."""
    fetch = Recorder()
    fetch.rests = True
    crew = Threads(fetch, 1)
    fetch.go.clear()
    crew.hand(work(1))
    assert fetch.arrived.acquire(timeout=PATIENCE)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    crew._quick.put(Rest(work(2)))
    fetch.go.set()
    assert len(all_of(crew, 2)) == 2
    assert fetch.watchers == fetch.threads
    crew.close()


def test_close_lets_the_threads_go() -> None:
    """They end without being waited for."""
    before = set(threading.enumerate())
    crew = Threads(Recorder(), 4)
    crew.hand(work(1))
    all_of(crew, 1)
    mine = set(threading.enumerate()) - before
    crew.close()
    for thread in mine:
        thread.join(PATIENCE)
    assert mine
    assert not any(thread.is_alive() for thread in mine)


def test_a_loop_that_was_idle_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that comes just when a loop ends is not lost."""
    monkeypatch.setattr("scrapepool.run.threads.IDLE", 0.0005)
    crew = Threads(Recorder(), 3)
    for number in range(300):
        crew.hand(work(number))
        all_of(crew, 1)
        threading.Event().wait(0.0005)
    crew.close()
