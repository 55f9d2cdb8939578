"""What a run makes of tasks that end, fail or are lost. Dask is a small fake here; tests/cli/test_cluster.py has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cluster_cases import settings_of, snapshot
from distributed import KilledWorker

from scrapepool.engine import Stop
from scrapepool.errors import OutputError
from scrapepool.ports import Snapshot
from scrapepool.run.cluster import client
from scrapepool.run.cluster.client import ClusterResult, ClusterRun
from scrapepool.run.cluster.shard_files import ShardWork
from scrapepool.run.cluster.shard_job import ShardJob, ShardReport


class FakeFuture:
    """A task that has ended, or never does. value: its report or its exception; None for a task that runs."""

    def __init__(self, value: object, status: str | None = None) -> None:
        self._value = value
        self.status = status or ("error" if isinstance(value, BaseException) else "finished")

    def done(self) -> bool:
        return self._value is not None or self.status == "lost"

    def result(self) -> object:
        return self._value

    def exception(self) -> object:
        return self._value


class FakeClient:
    """Runs each task at once. make: the future of a job. workers: whether there are any. jobs: in order."""

    status = "running"

    def __init__(self, make: Callable[[ShardJob], FakeFuture]) -> None:
        self.workers: dict[str, int] | None = {"a": 1}
        self._make = make
        self.jobs: list[ShardJob] = []
        self.cancelled = 0
        self.most = 0

    def subscribe_topic(self, topic: str, handler: object) -> None:
        pass

    def submit(self, function: object, job: ShardJob, given: str, *, key: str, **options: Any) -> FakeFuture:
        assert given == key
        assert key == f"{job.topic}-{job.number:05}"
        assert options["pure"] is False
        self.jobs.append(job)
        return self._make(job)

    def cancel(self, futures: list[object]) -> None:
        self.cancelled += len(futures)

    def nthreads(self, **options: object) -> dict[str, int]:
        if self.workers is None:
            raise OSError
        return self.workers


class Seen:
    """A view that keeps what it was shown. after: called each time."""

    interval = 0.0

    def __init__(self, after: Callable[[], None] = lambda: None) -> None:
        self.last: Snapshot | None = None
        self._after = after

    def show(self, snapshot: Snapshot) -> None:
        self.last = snapshot
        self._after()

    def note(self, message: str) -> None:
        raise AssertionError(message)

    def close(self, snapshot: Snapshot | None) -> None:
        raise AssertionError


def report(job: ShardJob, **values: Any) -> ShardReport:
    last = snapshot(done=2, total=2, outcomes={"ok": 2})
    return ShardReport(**{"number": job.number, "snapshot": last, **values})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for long."""
    monkeypatch.setattr(client, "POLL", 0.001)
    monkeypatch.setattr(client, "WORKERS_EVERY", 0.0)


def run(
    fake: FakeClient, view: Seen | None = None, stop: Stop | None = None, **pool: Any
) -> tuple[ClusterResult, list[str]]:
    works, notes = [ShardWork(number, 2) for number in (2, 0, 1)], []
    one = ClusterRun(fake, works, view or Seen(), stop or Stop(), notes.append)
    assert repr(one) == "<ClusterRun 0 tasks, 0 shards ended>"
    return one.run(settings_of("out").with_(pool=pool), 8, 2), notes


def test_all_shards_are_added_up() -> None:
    """In the order that was planned, each with its part of the rate."""
    fake = FakeClient(lambda job: FakeFuture(report(job, passed_over=1, failures=1)))
    result, notes = run(fake, rate=10.0)
    assert (result.last.done, result.last.total, result.passed_over, result.failures) == (6, 6, 3, 3)
    assert (result.left, result.lost, result.spent, notes) == ((), False, False, [])
    assert [job.number for job in fake.jobs] == [2, 0, 1]
    assert {job.settings.pool.rate for job in fake.jobs} == {5.0}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            KilledWorker("key", None, 3),
            "shard 0 was given up: its workers died",
        ),
        (ValueError("x"), "shard 0 was given up: it ended with ValueError: x"),
    ],
)
def test_a_shard_that_was_lost(error: Exception, message: str) -> None:
    """The others end; the run says what is left."""
    fake = FakeClient(lambda job: FakeFuture(report(job) if job.number else error))
    result, _ = run(fake)
    assert (result.last.done, result.lost) == (4, True)
    assert result.left[0].startswith(message)


def test_what_ends_one_shard_may_end_the_run() -> None:
    """The others are cancelled."""
    failure = OutputError("out/", "no space left")
    fake = FakeClient(lambda job: FakeFuture(None if job.number else report(job, failure=failure)))
    with pytest.raises(OutputError, match="no space left"):
        run(fake)
    assert fake.cancelled == 2


def test_a_limit_of_the_run_leaves_targets() -> None:
    """Each reason is said once."""
    fake = FakeClient(lambda job: FakeFuture(report(job, left="--max-time is over", spent=True)))
    result, _ = run(fake)
    assert (result.left, result.spent, result.lost) == (("--max-time is over",), True, False)


def test_a_stop_cancels_what_runs() -> None:
    """And says that it was stopped."""
    stop = Stop()
    fake = FakeClient(lambda job: FakeFuture(None))
    result, _ = run(fake, Seen(stop.request), stop)
    assert (result.left, fake.cancelled) == (("the run was stopped",), 3)


def test_a_cluster_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noted once, and given up after a while."""
    monkeypatch.setattr(client, "NO_WORKERS", 0.05)
    fake = FakeClient(lambda job: FakeFuture(None))
    fake.workers = {}
    result, notes = run(fake)
    assert notes == ["the cluster has no workers; waiting up to 0.05 s for one"]
    assert (result.left, result.lost) == (("the cluster has had no worker for 0.05 s",), True)


def test_a_scheduler_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its connection, or by tasks that are gone."""
    fake = FakeClient(lambda job: FakeFuture(None))
    fake.status, fake.workers = "closed", None
    result, _ = run(fake)
    assert (result.left, result.lost) == (("the scheduler is lost",), True)
    monkeypatch.setattr(client, "NO_WORKERS", 0.05)
    fake = FakeClient(lambda job: FakeFuture(None))
    fake.workers = None
    assert run(fake)[0].left == ("the scheduler has not answered for 0.05 s",)
    result, _ = run(FakeClient(lambda job: FakeFuture(None, "lost")))
    assert result.left == ("the scheduler is lost",)
