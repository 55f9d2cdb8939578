"""Runs a fetch on a Dask cluster: submits a task per shard, shows all of them, and waits until they have ended.

Decides when the cluster is given up, and what is done about a shard that Dask could not finish. Dask decides which
worker runs a task, and runs it again if the worker is lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker

from ...engine import Stop
from ...errors import UsageError
from ...frozen import frozen
from ...host_share import HostShare
from ...plural import counted
from ...ports import Snapshot, View
from ...read import OpenDocument, TargetList
from ...record.parts.part_folder import part_folder
from ...record.parts.part_names import SUCCESS
from ...settings import Settings
from ...storage.urls import join
from ..dry_run.list_fetcher import downloads
from .connection import check_archives, check_workers, connected, describe, prepared, slots_of
from .merged_snapshot import ended, merged
from .progress import Progress, shard_task
from .shard_files import ShardWork, divide
from .shard_job import FOLDER, STOPPED, ShardJob, ShardReport, shard_settings

RETRIES = 2
"""Repetitions of a task that failed because of a bug or of a library; those of lost workers are Dask's setting."""

NO_WORKERS = 60.0
"""Seconds without any worker after which the run ends."""

WORKERS_EVERY = 2.0
"""Seconds between two looks at the workers."""

STOP_TIMEOUT = 10.0
"""Seconds for shards that were cancelled to write their parts: they give requests five."""

EVENTS_PER_SECOND = 20
"""Snapshots that all shards together send per second."""

POLL = 0.1
"""Seconds between two looks at the tasks."""


@frozen
class ClusterResult:
    """How a run on a cluster ended.

    last: its state. passed_over, failures: as in ``ShardReport``, of all shards. left: why targets are left for another
    run, without repeats. spent, lost: whether that is a limit of the run; or a network, a worker or the cluster.
    """

    last: Snapshot
    passed_over: int = 0
    failures: int = 0
    left: tuple[str, ...] = ()
    spent: bool = False
    lost: bool = False


def run_on_cluster(
    make_targets: Callable[[OpenDocument], TargetList],
    settings: Settings,
    files: Sequence[str],
    *,
    view: View,
    stop: Stop,
    on_note: Callable[[str], None],
    step: Callable[[str, Callable[[], str]], AbstractContextManager[None]],
) -> ClusterResult:
    """Run all shards, and return how that ended.

    make_targets: opens the lists, with their duplicates; its argument downloads lists. files: local files that each
    worker has to read. step: shows a long step, and how far it is. Raises ClusterError if there is no cluster to run
    on, UsageError, and what ends a run in one process.
    """
    address, path = str(settings.start.cluster), str(settings.output.path)
    with ExitStack() as opened:
        targets = opened.enter_context(closing(make_targets(opened.enter_context(downloads(settings)))))
        if targets.lazy:
            raise UsageError("with --cluster, a pattern of more than a million URLs cannot be read; write it as a list")
        client = opened.enter_context(connected(address))
        slots = slots_of(client, address, on_note)
        folder = opened.enter_context(closing(part_folder(path, ".lock")))
        shards = prepared(folder, settings, slots)
        check_archives(settings, shards)
        check_workers(client, files, settings, on_note)
        own = opened.enter_context(closing(part_folder(join(path, FOLDER), None)))
        opened.callback(own.delete)
        with step("dividing the lists", lambda: counted(targets.found, "URL")):
            division = divide(targets, settings, own, shards, should_stop=lambda: stop.requested)
        if division is None:
            return ClusterResult(merged((), elapsed=0.0, pending=0, waiting=0), left=(STOPPED,))
        describe(folder, settings, shards._replace(shard_of=division.shard_of))
        on_note(f"shards: {len(division.works)}, on worker slots: {slots}")
        result = ClusterRun(client, division.works, view, stop, on_note).run(settings, shards.total, slots)
        if not result.left:
            folder.write(SUCCESS, b"")
        return result


class ClusterRun:
    """The tasks of a run. works: the shards that have work, in the order in which they begin."""

    def __init__(
        self, client: Client, works: Sequence[ShardWork], view: View, stop: Stop, on_note: Callable[[str], None]
    ) -> None:
        self._client = client
        self._works = works
        self._view = view
        self._stop = stop
        self._on_note = on_note
        self._woken = threading.Event()
        self._progress = Progress(on_note)
        self._futures: dict[int, Future[Any]] = {}
        self._reports: list[ShardReport] = []
        self._lost: list[str] = []
        self._began = self._seen = self._answered = self._looked = time.monotonic()
        self._shown = 0.0
        self._noted = 0.0  # when there was a worker for the last time, as noted

    def __repr__(self) -> str:
        return f"<ClusterRun {len(self._futures)} tasks, {len(self._reports)} shards ended>"

    def run(self, settings: Settings, shards: int, slots: int) -> ClusterResult:
        """Run all shards. Raises what ended one of them and concerns the whole run."""
        run = uuid4().hex
        topic = f"scrapepool-{run}"
        self._stop.wake = self._woken.set
        self._client.subscribe_topic(topic, self._progress.take)
        at_once = max(1, min(slots, len(self._works)))
        divided = settings.pool.rate is not None or settings.limits.bandwidth is not None
        waiting = deque(enumerate(self._works))
        while waiting or self._futures:
            while waiting and not (divided and len(self._futures) >= at_once):
                rank, work = waiting.popleft()
                own = shard_settings(settings, HostShare(work.number + 1, shards, packed=True), at_once)
                self._submit(ShardJob(run, own, topic, max(1.0, at_once / EVENTS_PER_SECOND)), rank)
            self._woken.wait(POLL)
            self._collect()
            self._look_at_workers()
            self._show()
            if self._stop.requested or self._lost or any(report.failure for report in self._reports):
                break
        if self._futures:
            self._cancel()
        return self._result(begun_all=not waiting)

    def _submit(self, job: ShardJob, rank: int) -> None:
        key = f"{job.topic}-{job.number:05}"
        self._futures[job.number] = self._client.submit(
            shard_task, job, key, key=key, retries=RETRIES, priority=-rank, pure=False
        )

    def _collect(self) -> None:
        """Take the reports of tasks that have ended."""
        for number, future in list(self._futures.items()):
            if not future.done():
                continue
            del self._futures[number]
            if future.status == "finished":
                self._take(future.result())
            elif future.status == "error":
                error = future.exception()
                if isinstance(error, KilledWorker):
                    reason = "its workers died, more often than Dask's allowed-failures permits"
                else:
                    reason = f"it ended with {type(error).__name__}: {error}"
                self._reports.append(ShardReport(number, left=f"shard {number} was given up: {reason}", lost=True))
                self._progress.forget(number)
            else:
                self._lost.append("the scheduler is lost")

    def _take(self, report: ShardReport) -> None:
        self._reports.append(report)
        if report.snapshot is not None:
            self._progress.finish(report.number, ended(report.snapshot))

    def _look_at_workers(self) -> None:
        """Note when there are no workers, and give the run up when there are none for long."""
        now = time.monotonic()
        if now - self._looked < WORKERS_EVERY:
            return
        self._looked = now
        has_workers = None
        with suppress(OSError, TimeoutError):  # a busy scheduler may be late
            has_workers = bool(self._client.nthreads(callback_timeout=WORKERS_EVERY))
            self._answered = now
        if has_workers:
            self._seen = now
        elif has_workers is False and self._noted != self._seen:
            self._noted = self._seen
            self._on_note(f"the cluster has no workers; waiting up to {NO_WORKERS:g} s for one")
        if self._client.status not in ("running", "connecting"):
            self._lost.append("the scheduler is lost")
        elif now - self._answered >= NO_WORKERS:
            self._lost.append(f"the scheduler has not answered for {NO_WORKERS:g} s")
        elif has_workers is False and now - self._seen >= NO_WORKERS:
            self._lost.append(f"the cluster has had no worker for {NO_WORKERS:g} s")

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown >= self._view.interval:
            self._shown = now
            self._view.show(self._snapshot())

    def _snapshot(self) -> Snapshot:
        begun = self._progress.snapshots()
        waiting = [work for work in self._works if work.number not in begun]
        unread = sum(
            max(0, work.urls - begun[work.number].total)
            for work in self._works
            if work.number in begun and begun[work.number].reading
        )
        pending = unread + sum(work.urls for work in waiting)
        elapsed = time.monotonic() - self._began
        return merged(begun.values(), elapsed=elapsed, pending=pending, waiting=len(waiting))

    def _cancel(self) -> None:
        """Cancel all tasks, and wait until those that run have written their parts."""
        with suppress(OSError, TimeoutError):
            self._client.cancel(list(self._futures.values()))
        until = time.monotonic() + STOP_TIMEOUT
        while self._progress.running() and time.monotonic() < until and not self._stop.now:
            time.sleep(POLL)
            self._show()

    def _result(self, *, begun_all: bool) -> ClusterResult:
        failure = next((report.failure for report in self._reports if report.failure is not None), None)
        if failure is not None:
            raise failure
        left = [*self._lost, *(report.left for report in self._reports if report.left is not None)]
        if not left and (self._futures or not begun_all):
            left.append(STOPPED)
        last = self._snapshot()
        return ClusterResult(
            last,
            passed_over=sum(report.passed_over for report in self._reports),
            failures=sum(report.failures for report in self._reports),
            left=tuple(dict.fromkeys(left)),
            spent=any(report.spent for report in self._reports),
            lost=bool(self._lost) or any(report.lost for report in self._reports),
        )
