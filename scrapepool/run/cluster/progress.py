"""How the state of shards comes from the workers of a Dask cluster to the run: as events of one topic.

Decides what is sent, and that it is bounded: the last snapshot of each shard, and a number of notes. Events are lost
when a worker is; the report of a task has all that counts.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

from distributed import get_worker
from distributed.core import Status

from ...ports import Snapshot
from .shard_job import ShardJob, ShardReport
from .shard_task import run_shard

MAX_NOTES = 100
"""Notes of one shard that are shown."""


class TaskLink:
    """The link of a task; see ``shard_task.Link``. key: of the task."""

    def __init__(self, topic: str, key: str) -> None:
        self._topic = topic
        self._key = key
        self._worker = get_worker()
        self._notes = 0

    def send(self, number: int, snapshot: Snapshot, *, last: bool) -> None:
        """As ``Link``."""
        self._worker.log_event(self._topic, (number, last, pickle.dumps(snapshot)))

    def note(self, number: int, message: str) -> None:
        """As ``Link``."""
        self._notes += 1
        if self._notes <= MAX_NOTES:
            self._worker.log_event(self._topic, (number, False, message))

    def cancelled(self) -> bool:
        """As ``Link``. A task of which nobody wants the result any more is cancelled, also if its client was killed."""
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled" or self._worker.status != Status.running


def shard_task(job: ShardJob, key: str) -> ShardReport:
    """Run a shard on a worker."""
    return run_shard(job, TaskLink(job.topic, key))


class Progress:
    """What the shards have sent. ``take`` is called by a thread of Dask, everything else by the run."""

    def __init__(self, on_note: Callable[[str], None]) -> None:
        self._on_note = on_note
        self._lock = threading.Lock()
        self._snapshots: dict[int, Snapshot] = {}
        self._ended: set[int] = set()

    def take(self, event: tuple[float, Any]) -> None:
        """Take an event."""
        number, last, content = event[1]
        if isinstance(content, str):
            self._on_note(f"shard {number}: {content}")
            return
        snapshot = pickle.loads(content)  # noqa: S301 - of our own task
        with self._lock:
            if number not in self._ended:
                self._snapshots[number] = snapshot
            if last:
                self._ended.add(number)

    def finish(self, number: int, snapshot: Snapshot) -> None:
        """Set the last snapshot of a shard, by its report."""
        with self._lock:
            self._snapshots[number] = snapshot
            self._ended.add(number)

    def snapshots(self) -> dict[int, Snapshot]:
        """Return the last snapshot of each shard that has begun."""
        with self._lock:
            return dict(self._snapshots)

    def running(self) -> set[int]:
        """Return the shards that have begun and not ended."""
        with self._lock:
            return self._snapshots.keys() - self._ended

    def forget(self, number: int) -> None:
        """Remove a shard that was given up."""
        with self._lock:
            self._ended.add(number)
