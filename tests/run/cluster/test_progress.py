"""What a task sends, and what the run makes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cluster_cases import job, snapshot
from distributed.core import Status

from scrapepool.run.cluster import progress
from scrapepool.run.cluster.progress import MAX_NOTES, Progress, TaskLink, shard_task
from scrapepool.run.cluster.shard_job import ShardReport


class Worker:
    """What a task uses of Dask's worker. events: what was logged."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.state = SimpleNamespace(tasks={"key": SimpleNamespace(state="executing")})
        self.status = Status.running

    def log_event(self, topic: str, event: Any) -> None:
        self.events.append((topic, event))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker = Worker()
    monkeypatch.setattr(progress, "get_worker", lambda: worker)
    return worker


def test_snapshots_and_notes_come_to_the_run(worker: Worker) -> None:
    """The last snapshot of each shard; notes with its number, and only so many."""
    link, notes = TaskLink("topic", "key"), []
    run = Progress(notes.append)
    link.send(3, snapshot(done=1), last=False)
    link.send(4, snapshot(done=2), last=True)
    for _ in range(MAX_NOTES + 5):
        link.note(3, "attention")
    for topic, event in worker.events:
        assert topic == "topic"
        run.take((0.0, event))
    assert notes == ["shard 3: attention"] * MAX_NOTES
    assert {number: one.done for number, one in run.snapshots().items()} == {3: 1, 4: 2}
    assert run.running() == {3}
    run.take((0.0, worker.events[0][1]))
    run.finish(3, snapshot(done=9))
    run.take((0.0, worker.events[0][1]))  # comes late
    assert (run.snapshots()[3].done, run.running()) == (9, set())


def test_a_shard_that_was_given_up_is_not_running(worker: Worker) -> None:
    """What it had done still shows."""
    run = Progress(lambda _: None)
    TaskLink("topic", "key").send(3, snapshot(done=1), last=False)
    run.take((0.0, worker.events[0][1]))
    run.forget(3)
    assert (run.running(), run.snapshots()[3].done) == (set(), 1)


def test_a_task_knows_when_nobody_waits_for_it(worker: Worker) -> None:
    """It was cancelled, its client is gone, or its worker is being closed."""
    link = TaskLink("topic", "key")
    assert not link.cancelled()
    worker.state.tasks["key"].state = "cancelled"
    assert link.cancelled()
    worker.state.tasks.clear()
    assert link.cancelled()
    worker.state.tasks["key"] = SimpleNamespace(state="executing")
    worker.status = Status.closing
    assert link.cancelled()


def test_a_task_is_a_shard(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a link of its own."""
    monkeypatch.setattr(progress, "run_shard", lambda given, link: ShardReport(given.number, left=type(link).__name__))
    assert shard_task(job("out", []), "key").left == "TaskLink"
