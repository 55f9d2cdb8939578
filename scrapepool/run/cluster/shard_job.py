"""What a task of a cluster is given, and what it returns: values that can be pickled.

Decides that no representation shows settings, since Dask logs that of a task which fails, and settings hold passwords.
Also decides which limits of the run each shard gets.
"""

from __future__ import annotations

import time
from dataclasses import field
from typing import Any

from ...errors import ScrapepoolError
from ...frozen import frozen
from ...host_share import HostShare
from ...ports import Snapshot
from ...record.warc.names import archive_of_shard
from ...settings import Settings
from ...storage.urls import join

FOLDER = "_shards/"
"""The folder, in that of the parts, with the lists and the states of the shards. It is deleted when the run ends."""

STOPPED = "the run was stopped"


def list_name(number: int) -> str:
    """Return the name of the list of a shard."""
    return f"list-{number:05}"


@frozen
class ShardJob:
    """One shard of a run.

    run: identifies the run; a task that finds what an earlier one of the same run left goes on with it. settings: of
    the shard. topic: of the events with its progress. interval: seconds between two of these.
    """

    run: str
    settings: Settings = field(repr=False)
    topic: str = ""
    interval: float = 1.0

    def __repr__(self) -> str:
        return f"<ShardJob {self.number}>"

    @property
    def share(self) -> HostShare:
        """The share of the hosts."""
        share = self.settings.input.shard
        assert share is not None  # noqa: S101 - see ``shard_settings``
        return share

    @property
    def number(self) -> int:
        """The number of the shard, from 0."""
        return self.share.number - 1


@frozen
class ShardReport:
    """How a shard ended.

    snapshot: its last state; None if it did not begin. passed_over: targets that have their records from earlier runs.
    failures: how many of these did not succeed. left: why targets are left for another run; None if none are. spent,
    lost: whether ``left`` is a limit of the run, or a network that is down. failure: what ended the shard, and concerns
    the whole run.
    """

    number: int
    snapshot: Snapshot | None = None
    passed_over: int = 0
    failures: int = 0
    left: str | None = None
    spent: bool = False
    lost: bool = False
    failure: ScrapepoolError | None = None

    def __repr__(self) -> str:
        return f"<ShardReport {self.number}>"


def shard_settings(settings: Settings, share: HostShare, at_once: int, now: float | None = None) -> Settings:
    """Return the settings of one shard.

    at_once: how many shards may run at the same time, which divide rate and bandwidth among them. A limit on the time
    of the run becomes an instant, files of bodies go into a folder with the number of the shard, and the archive has
    that number in its name.
    """
    limits, pool = settings.limits, settings.pool
    ends = [limits.until] if limits.until is not None else []
    if limits.max_time is not None:
        ends.append((time.time() if now is None else now) + limits.max_time)
    values: dict[str, Any] = {
        "input": {"shard": share, "lists": ()},
        "politeness": {"host_memory": None},
        "pool": {} if pool.rate is None else {"rate": pool.rate / at_once},
        "limits": {"max_time": None, "until": min(ends, default=None)},
        "display": {"progress": "none", "log_file": None, "summary_json": None},
        "start": {"cluster": None},
    }
    if limits.bandwidth is not None:
        values["limits"]["bandwidth"] = limits.bandwidth / at_once
    if settings.files.save_dir is not None:
        values["files"] = {"save_dir": join(settings.files.save_dir, f"{share.number - 1:05}")}
    if settings.warc.path is not None:
        values["warc"] = {"path": archive_of_shard(settings.warc.path, share.number - 1)}
    if settings.output.wants_data and settings.output.extract_workers is None:
        values["output"] = {"extract_workers": 0}  # the cores are those of other shards
    return settings.with_(**values)
