"""Jobs, snapshots and links for the tests of runs on clusters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scrapepool.host_share import HostShare
from scrapepool.ports import Snapshot
from scrapepool.run.cluster.shard_job import ShardJob
from scrapepool.run.cluster.shard_state import NOTHING
from scrapepool.settings import Settings


def snapshot(**values: object) -> Snapshot:
    """A snapshot that has only these values."""
    return Snapshot(**{**NOTHING, **values})  # type: ignore[arg-type]


def settings_of(out: Path | str, **output: object) -> Settings:
    """Settings of a run into parts that goes no further than loopback."""
    return Settings().with_(output={"path": f"{out}/", **output}, politeness={"robots": False}, retry={"retries": 0})


def job(out: Path | str, sources: Sequence[str], number: int = 0, count: int = 1, **output: object) -> ShardJob:
    """A shard of the run ``one``."""
    settings = settings_of(out, **output).with_(input={"shard": HostShare(number + 1, count)})
    return ShardJob("one", tuple(sources), settings, "topic", 0.01)


class Link:
    """A ``shard_task.Link`` that keeps what is sent. cancel: whether the task is cancelled."""

    def __init__(self, *, cancel: bool = False) -> None:
        self.sent: list[tuple[Snapshot, bool]] = []
        self.notes: list[str] = []
        self.cancel = cancel

    def send(self, number: int, snapshot: Snapshot, *, last: bool) -> None:
        self.sent.append((snapshot, last))

    def note(self, number: int, message: str) -> None:
        self.notes.append(message)

    def cancelled(self) -> bool:
        return self.cancel
