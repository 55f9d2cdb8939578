"""The border between the engine's thread and the one that writes: order, bounds, ends, errors."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from typing import Any, cast

import pytest

from scrapepool import Settings, fetch
from scrapepool.engine import Engine
from scrapepool.model import Fetched, HostKey, Outcome, Target, Transcript
from scrapepool.ports import Archive
from scrapepool.run import shard as shard_module
from scrapepool.run.shard import Shard
from tests.servers.polite import PoliteServer

TIMEOUT = 60.0
HOST = HostKey("http", "a.test", 80)


def outcome(number: int, body: bytes | None = None) -> Outcome:
    """A page."""
    return Fetched(target=Target(f"http://a.test/{number}", HOST, f"/{number}"), status=200, body=body)


class Counter:
    """An engine that yields one outcome at a time while the shard is not full; it says on which thread."""

    def __init__(self, shard: Shard, count: int, *, fails: bool = False, body: bytes | None = None) -> None:
        self.shard = shard
        self.count = count
        self.fails = fails
        self.body = body
        self.yielded = 0
        self.halted = threading.Event()
        self.woken = threading.Event()
        self.thread: threading.Thread | None = None

    def run(self, archive: Archive | None) -> Iterator[Sequence[Outcome]]:
        self.thread = threading.current_thread()
        while self.yielded < self.count and not self.halted.is_set():
            if self.shard.full():
                self.woken.wait(TIMEOUT)
                self.woken.clear()
                continue
            if archive is not None:
                archive.keep([cast("Transcript", Exchanged(self.yielded))])
            self.yielded += 1
            yield [outcome(self.yielded - 1, self.body)]
        if self.fails:
            raise RuntimeError("no such list")

    def wake(self) -> None:
        self.woken.set()

    def halt(self) -> None:
        self.halted.set()
        self.woken.set()

    def snapshot(self) -> Any:
        return threading.current_thread()


class Exchanged:
    """A transcript, as far as the shard looks at it."""

    response = b""

    def __init__(self, number: int) -> None:
        self.number = number


class Kept:
    """An archive that remembers what came, and on which thread."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.threads: set[threading.Thread] = set()

    def keep(self, transcripts: Sequence[Any]) -> None:
        self.numbers += [one.number for one in transcripts]
        self.threads.add(threading.current_thread())

    def close(self) -> None: ...


def taken(engine: Counter, archive: Archive | None = None) -> list[str]:
    """The paths of all outcomes, in order."""
    with ThreadPoolExecutor(1) as executor:
        batches = engine.shard.outcomes(cast("Engine", engine), executor, archive)
        return [one.target.path for outcomes in batches for one in outcomes]


def test_outcomes_come_in_order_from_another_thread() -> None:
    """All of them; what was exchanged is archived on the caller's thread, before the outcome is given."""
    engine, archive = Counter(Shard(), 3000), Kept()
    assert taken(engine, archive) == [f"/{number}" for number in range(3000)]
    assert engine.thread is not threading.current_thread()
    assert archive.numbers == list(range(3000))
    assert archive.threads == {threading.current_thread()}


@pytest.mark.parametrize(("most", "size"), [(10, None), (10**9, b"x" * 1000)])
def test_what_is_not_taken_is_bounded(monkeypatch: pytest.MonkeyPatch, most: int, size: bytes | None) -> None:
    """By count and by the bytes of bodies; once it is taken, the engine is woken and goes on."""
    monkeypatch.setattr(shard_module, "MAX_UNWRITTEN", most)
    monkeypatch.setattr(shard_module, "MAX_BYTES", 10_000)
    engine = Counter(Shard(), 200, body=size)
    ahead = []
    with ThreadPoolExecutor(1) as executor:
        for taken_by_now, _ in enumerate(engine.shard.outcomes(cast("Engine", engine), executor, None)):
            if taken_by_now < 5:
                time.sleep(0.02)
            ahead.append(engine.yielded - taken_by_now)
    assert engine.yielded == 200
    assert max(ahead) <= 13


class LateExchange(Counter):
    """An engine that ends with an exchange which led to no outcome."""

    def run(self, archive: Archive | None) -> Iterator[Sequence[Outcome]]:
        yield from super().run(archive)
        assert archive is not None
        archive.keep([cast("Transcript", Exchanged(self.count))])
        if self.last_words:
            raise RuntimeError("no such list")

    last_words = False


@pytest.mark.parametrize("fails", [False, True])
def test_an_exchange_that_led_to_no_outcome_is_archived(fails: bool) -> None:
    """A robots.txt, or a request that is left for another run; also where the run ends with an error."""
    engine, archive = LateExchange(Shard(), 3), Kept()
    engine.last_words = fails
    with pytest.raises(RuntimeError, match="no such list") if fails else nullcontext():
        taken(engine, archive)
    assert archive.numbers == [0, 1, 2, 3]


def test_an_error_of_the_engine_is_the_caller_s() -> None:
    """After all outcomes that came before it."""
    engine = Counter(Shard(), 5, fails=True)
    got = []
    with ThreadPoolExecutor(1) as executor, pytest.raises(RuntimeError, match="no such list"):
        for outcomes in engine.shard.outcomes(cast("Engine", engine), executor, None):
            got += outcomes
    assert len(got) == 5


def test_a_caller_that_leaves_ends_the_engine() -> None:
    """It has ended once the generator is closed."""
    engine = Counter(Shard(), 10**9)
    with ThreadPoolExecutor(1) as executor:
        with closing(engine.shard.outcomes(cast("Engine", engine), executor, None)) as batches:
            next(batches)
        assert engine.halted.is_set()
        yielded = engine.yielded
        executor.submit(lambda: None).result(TIMEOUT)  # its only thread is free
        assert engine.yielded == yielded


def test_a_wake_gives_the_caller_a_turn() -> None:
    """With nothing, though the engine yields nothing."""
    shard = Shard()
    engine = Counter(shard, 0)
    shard.wake()
    with ThreadPoolExecutor(1) as executor:
        assert list(shard.outcomes(cast("Engine", engine), executor, None)) == [()]


def test_a_snapshot_is_made_by_the_engine_s_thread() -> None:
    """While there is one; afterwards by whoever asks."""
    engine = Counter(Shard(), 10**9)
    with ThreadPoolExecutor(1) as executor:
        with closing(engine.shard.outcomes(cast("Engine", engine), executor, None)) as batches:
            next(batches)
            asked: Any = []
            asker = threading.Thread(
                target=lambda: asked.append(engine.shard.on_engine(cast("Engine", engine), engine.snapshot))
            )
            asker.start()
            while asker.is_alive():
                next(batches)
            assert asked == [engine.thread]
        assert engine.shard.on_engine(cast("Engine", engine), engine.snapshot) is threading.current_thread()


def test_a_caller_that_takes_its_time_costs_no_url_its_deadline() -> None:
    """What is in flight is received while nobody takes outcomes."""
    made = Settings().with_(timeouts={"total": 1.0, "read": 1.0}, politeness={"robots": False})
    with PoliteServer(hosts=4) as server:
        urls = [server.url(f"/delay/0.3?{number}", host=number % 4) for number in range(32)]
        ends = []
        for one in fetch(urls, made):
            if not ends:
                time.sleep(2.5)
            ends.append((type(one), one.attempts))
    assert ends == [(Fetched, 1)] * 32


def test_a_thread_that_ends_without_memory_to_say_so_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can neither put its error into the queue nor into its future."""
    monkeypatch.setattr(shard_module, "MAX_SLEEP", 0.05)
    shard = Shard()
    engine = Counter(shard, 1, fails=True)

    class Silent(Executor):
        """Starts a thread and hears nothing of its end."""

        def submit(self, call: Any, *args: Any, **options: Any) -> Future[Any]:
            def run() -> None:
                with suppress(MemoryError):
                    call(*args, **options)

            threading.Thread(target=run, daemon=True).start()
            return Future()

    class Full(queue.SimpleQueue[Any]):
        """Has no memory for an entry."""

        def put(self, *args: Any, **options: Any) -> None:
            raise MemoryError

    shard._batches = Full()
    with pytest.raises(MemoryError), closing(shard.outcomes(cast("Engine", engine), Silent(), None)) as outcomes:
        list(outcomes)
    assert engine.halted.is_set()
