"""What a shard's task leaves beside its parts, so that it can be run twice.

Decides how a task knows that one of the same run was there before: it goes on with all that has a record, and returns
the same figures if the other one had ended.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ...frozen import frozen
from ...ports import Snapshot
from ...record.parts.part_folder import PartFolder
from .shard_job import ShardJob, ShardReport

COUNTS = ("elapsed", "done", "total", "bytes", "outcomes", "errors", "requests", "opened", "retried", "host_count")
"""The fields of a snapshot that are kept."""

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("reading", "busy", "workers", "parked"), 0),
    **dict.fromkeys(COUNTS, 0),
    "outcomes": {},
    "errors": {},
    "rate": 0.0,
    "eta": 0.0,
    "hosts": (),
}


@frozen
class ShardState:
    """What was left. begun: whether a task of this run began to write. report: of one that came to its end."""

    begun: bool
    report: ShardReport | None


def state_name(number: int) -> str:
    """Return the name of the file."""
    return f"state-{number:05}.json"


def read_state(folder: PartFolder, job: ShardJob) -> ShardState:
    """Read what a task of this run left. Raises OutputError."""
    with suppress(ValueError, KeyError, TypeError):
        found = json.loads(folder.read(state_name(job.number)) or b"{}")
        if found["run"] == job.run:
            return ShardState(begun=True, report=None if found["counts"] is None else _report(job, found))
    return ShardState(begun=False, report=None)


def write_state(folder: PartFolder, job: ShardJob, report: ShardReport | None = None) -> None:
    """Note that the task has begun, or the figures with which it came to its end. Raises OutputError."""
    said: dict[str, Any] = {"run": job.run, "counts": None}
    if report is not None and report.snapshot is not None:
        said["counts"] = {name: getattr(report.snapshot, name) for name in COUNTS}
        said["passed_over"], said["failures"] = report.passed_over, report.failures
    folder.write(state_name(job.number), json.dumps(said).encode())


def _report(job: ShardJob, found: dict[str, Any]) -> ShardReport:
    snapshot = Snapshot(**{**NOTHING, **{name: found["counts"][name] for name in COUNTS}})
    return ShardReport(job.number, snapshot, found["passed_over"], found["failures"])
