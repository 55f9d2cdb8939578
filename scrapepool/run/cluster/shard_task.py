"""The task of a cluster: one shard, run as a run in one process is, into parts of its own.

It may be run twice, also after it was killed. Knows nothing of Dask but what ``progress`` gives it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from typing import Protocol

from ...engine import Engine, Stop
from ...errors import LockedError, OutputError, ScrapepoolError
from ...model import Outcome
from ...ports import Snapshot
from ...read.seen.finished import Finished
from ...read.share_list import share_sources
from ...record.parts.part_folder import PartFolder, part_folder
from ...storage.urls import join
from ...transport.net.descriptors import raise_soft_limit
from ..assemble import assembled, final_outcomes
from ..list_feed import lists
from ..outputs.open_outputs import Outputs, open_outputs
from .earlier_attempt import Earlier, earlier_records
from .shard_job import FOLDER, STOPPED, ShardJob, ShardReport, list_name
from .shard_state import read_state, write_state

EARLIER_ATTEMPT_TIMEOUT = 60.0
"""Seconds to wait for the parts of a shard: a worker that lost the scheduler may still be writing them."""

LOCK_POLL = 1.0

COLLECT_AFTER = 20_000
"""Objects between two garbage collections, as for a run in one process."""


class Link(Protocol):
    """What connects a task with the run."""

    def send(self, number: int, snapshot: Snapshot, *, last: bool) -> None:
        """Send the state of the shard; returns at once."""

    def note(self, number: int, message: str) -> None:
        """Send a line for the user; returns at once."""

    def cancelled(self) -> bool:
        """Whether nobody waits for the task any more."""


class ShardView:
    """A ``ports.View`` that sends snapshots to the run, and stops the shard when it was cancelled."""

    def __init__(self, job: ShardJob, link: Link, stop: Stop) -> None:
        self.interval = job.interval
        self._number = job.number
        self._link = link
        self._stop = stop

    def show(self, snapshot: Snapshot) -> None:
        """As ``View``."""
        self._link.send(self._number, snapshot, last=False)
        if not self._stop.requested and self._link.cancelled():
            self._stop.request()

    def note(self, message: str) -> None:
        """As ``View``."""
        self._link.note(self._number, message)

    def step(self, line: str | None, seconds: float) -> None:
        """As ``View``: no shard has long steps that the run shows."""

    def close(self, snapshot: Snapshot | None) -> None:
        """As ``View``."""


def run_shard(job: ShardJob, link: Link, sleep: Callable[[float], None] = time.sleep) -> ShardReport:
    """Run a shard. What ends the whole run is returned, so that Dask neither repeats nor logs it."""
    gc.set_threshold(COLLECT_AFTER)
    raise_soft_limit()
    waited = 0.0
    while True:
        try:
            report = _run(job, link)
        except LockedError as error:
            if waited >= EARLIER_ATTEMPT_TIMEOUT or link.cancelled():
                return ShardReport(job.number, failure=error)
            sleep(LOCK_POLL)
            waited += LOCK_POLL
            continue
        except ScrapepoolError as error:
            return ShardReport(job.number, failure=error)
        except KeyboardInterrupt:  # it was stopped before it began
            return ShardReport(job.number)
        if report.snapshot is not None:
            link.send(job.number, report.snapshot, last=True)
        return report


def _run(job: ShardJob, link: Link) -> ShardReport:
    path = str(job.settings.output.path)
    with closing(part_folder(path, None)) as folder, closing(part_folder(join(path, FOLDER), None)) as own:
        state = read_state(own, job)
        if state.report is not None:
            return state.report
        earlier = Earlier()
        if state.begun:
            if job.settings.output.resume is None:
                earlier = earlier_records(folder, job)
            job = replace(job, settings=job.settings.with_(output={"resume": "all"}, warc={"overwrite": False}))
        return _Shard(job, link, own, earlier).run()


class _Shard:
    """A shard. folder: with its list and its state. earlier: what a task of the same run has recorded."""

    def __init__(self, job: ShardJob, link: Link, folder: PartFolder, earlier: Earlier) -> None:
        self._job = job
        self._earlier = earlier
        self._folder = folder
        self._stop = Stop()
        self._view = ShardView(job, link, self._stop)
        self._finished = Finished(each=not job.settings.input.dedupe)
        self._left: list[Outcome] = []  # that are not final

    def run(self) -> ShardReport:
        job, settings, finished = self._job, self._job.settings, self._finished
        path = self._folder.fetch(list_name(job.number))
        make_feed = lists((), settings, finished=finished, opened=lambda: share_sources(path, settings.input))
        not_before = None if settings.output.resume is None else finished.not_before
        write_state(self._folder, job)  # before there is any output
        with assembled(settings, make_feed, view=self._view, stop=self._stop, not_before=not_before) as run:
            outputs = open_outputs(
                settings,
                finished,
                stop=self._stop,
                should_stop=lambda: run.engine.must_end_now,
                on_note=lambda _: None,  # what happens to earlier records is in the report
            )
            try:
                batches = final_outcomes(run, settings, self._stop, self._view.note, outputs.archive, self._left.extend)
                with closing(batches):
                    for outcomes in batches:
                        outputs.write(outcomes)
                outputs.close()
            except BaseException:
                with suppress(OutputError):
                    outputs.close()
                raise
            report = self._report(run.engine)
            if report.left is None:
                self._complete(outputs, report)
            return report

    def _report(self, engine: Engine) -> ShardReport:
        left = engine.spent or engine.lost
        if left is None and (self._left or self._stop.requested):
            left = STOPPED
        earlier, finished = self._earlier, self._finished
        return ShardReport(
            self._job.number,
            earlier.added_to(engine.snapshot(last=True).without(self._left)),
            max(0, finished.passed_over - earlier.outcomes.total()),
            max(0, finished.failures - earlier.failures),
            left=left,
            spent=engine.spent is not None,
            lost=engine.lost is not None,
        )

    def _complete(self, outputs: Outputs, report: ShardReport) -> None:
        outputs.complete()
        write_state(self._folder, self._job, report)
