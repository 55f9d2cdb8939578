"""Jobs, snapshots and links for the tests of runs on clusters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from scrapepool.host_share import HostShare
from scrapepool.ports import Snapshot
from scrapepool.read import TargetList
from scrapepool.record.parts.part_folder import part_folder
from scrapepool.run.cluster.connection import Shards
from scrapepool.run.cluster.shard_files import Division, divide
from scrapepool.run.cluster.shard_job import FOLDER, ShardJob, shard_settings
from scrapepool.run.cluster.shard_state import NOTHING
from scrapepool.settings import Settings
from scrapepool.storage.urls import join


def snapshot(**values: object) -> Snapshot:
    """A snapshot that has only these values."""
    return Snapshot(**{**NOTHING, **values})  # type: ignore[arg-type]


def settings_of(out: Path | str, **output: object) -> Settings:
    """Settings of a run into parts that goes no further than loopback."""
    return Settings().with_(output={"path": f"{out}/", **output}, politeness={"robots": False}, retry={"retries": 0})


def job(out: Path | str, sources: Sequence[str], number: int = 0, count: int = 1, **output: object) -> ShardJob:
    """A shard of the run ``one``. sources: if there are any, the lists of its shards are made of them."""
    settings = settings_of(out, **output)
    if sources:
        division(f"{out}/", sources, settings, Shards(count, range(count)))
    return ShardJob("one", shard_settings(settings, HostShare(number + 1, count, packed=True), 1), "topic", 0.01)


def division(out: str, sources: Sequence[str], settings: Settings, shards: Shards) -> Division:
    """Divide lists, and write those of the shards."""
    targets = TargetList(sources, settings.with_(input={"dedupe": False}).input, whole=True)
    with closing(targets), closing(part_folder(join(out, FOLDER), None)) as folder:
        divided = divide(targets, settings, folder, shards, should_stop=lambda: False)
    assert divided is not None
    return divided


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
