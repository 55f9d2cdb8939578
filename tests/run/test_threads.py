"""The crew: threads that are begun when there is work, and what a bug or a lack of threads costs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Target
from scrapepool.ports import Done, Work
from scrapepool.run.threads import Threads
from scrapepool.schedule.lease import Lease

PATIENCE = 10.0
HOST = HostKey("http", "a.test", 80)


def work(*numbers: int) -> Work:
    """Work with these targets."""
    attempts = [Attempt(Target(f"http://a.test/{n}", HOST, f"/{n}"), number=2, waited=1.5) for n in numbers]
    return Work(Lease(HOST, tuple(numbers)), attempts)


class Recorder:
    """A fetch that succeeds, but for what ``broken`` names; it may be held back."""

    def __init__(self, broken: str | None = None) -> None:
        self.broken = broken
        self.threads: set[str] = set()
        self.arrived = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def run(self, work: Work) -> Done:
        self.threads.add(threading.current_thread().name)
        self.arrived.release()
        self.go.wait(PATIENCE)
        if self.broken in [attempt.target.path for attempt in work.attempts]:
            raise SystemExit("a bug")
        return Done(work, [Fetched(target=attempt.target, status=200) for attempt in work.attempts])

    def run_in_turns(self, work: Work, more: Callable[[], Work | None], give: Callable[[Done], None]) -> None:
        give(self.run(work))

    def drain(self) -> None: ...

    def abort(self) -> None: ...


def all_of(crew: Threads, count: int) -> list[Done]:
    """Wait for so many."""
    back: list[Done] = []
    while len(back) < count:
        some = crew.wait(PATIENCE)
        assert some, "nothing came back"
        back += some
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
    assert repr(crew) == "<Threads 0 of 2 at work, 1000 at most>"
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
