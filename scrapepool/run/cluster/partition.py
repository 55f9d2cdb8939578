"""What each shard of a run has to do, counted in one pass over the lists.

Decides how long a shard is expected to take: as long as its slowest host, or as all of its requests over its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...host_share import share_of
from ...ports import SystemClock
from ...read import TargetList
from ...settings import Settings
from ..dry_run.estimate import count
from ..host_limits import limits_for

LATENCY = 0.3
"""Seconds that a request is assumed to take; ``plan`` assumes as much."""


@dataclass
class ShardWork:
    """The work of one shard. urls: how many. longest: seconds of its slowest host, alone."""

    number: int
    urls: int = 0
    longest: float = 0.0

    def seconds(self, workers: int) -> float:
        """Return how long it is expected to take."""
        return max(self.longest, self.urls * LATENCY / workers)


def partition(
    sources: Sequence[str], settings: Settings, shards: int, on_note: Callable[[str], None] = lambda _: None
) -> list[ShardWork]:
    """Return the shards that have work, those that take longest first. Raises ListError, UsageError.

    Duplicates count, since finding them would take memory for each URL. The first shard is also there if lines are
    rejected, because it reports them.
    """
    targets = TargetList(sources, settings.with_(input={"dedupe": False}).input, on_note=on_note, whole=True)
    try:
        found = count(targets, 0)
    finally:
        targets.close()
    limits, works = limits_for(settings, SystemClock()), [ShardWork(number) for number in range(shards)]
    for host, urls in found.hosts.items():
        own, work = limits(host), works[share_of(host.host, shards)]
        work.urls += urls
        work.longest = max(work.longest, urls * max(own.delay, LATENCY / own.per_host))
    works[0].urls += found.rejects.total()
    return sorted(
        (work for work in works if work.urls), key=lambda work: (-work.seconds(settings.pool.workers), work.number)
    )
