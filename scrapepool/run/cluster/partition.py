"""Which shard each host is in: hosts are divided into many buckets by their names, and the buckets among the shards.

Decides that by expected durations. A shard takes as long as its slowest host, or as all of its requests over its
workers. So hosts that take equally long are put into one shard, and shards get equal shares of the requests; a shard
with a slower host gets more, as it has the time, but no more than the whole share of a worker slot. Knows neither lists
nor clusters: the result depends on its arguments alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...host_share import share_of
from ...model import HostKey
from ...ports import HostState, SystemClock
from ...settings import Settings
from ..dry_run.estimate import HostPlanner
from ..dry_run.host_counts import HostCounts

PER_SLOT = 4
"""Shards per slot of a worker: enough that the last ones end at about the same time."""

BUCKETS_PER_SHARD = 16
"""Enough that shards differ by a few percent, unless a host is large."""

LATENCY = 0.3
"""Seconds that a request is assumed to take to a host that no earlier run has measured."""


@dataclass(slots=True)
class Load:
    """Hosts that stay together. requests: seconds of all requests, one after another. longest: of the slowest host."""

    requests: float = 0.0
    longest: float = 0.0

    def add(self, other: Load) -> None:
        """Add other hosts."""
        self.requests += other.requests
        self.longest = max(self.longest, other.longest)

    def seconds(self, workers: int) -> float:
        """Return how long they are expected to take in a shard."""
        return max(self.longest, self.requests / workers)


def loads_of(
    hosts: HostCounts,
    settings: Settings,
    buckets: int,
    known: Mapping[HostKey, HostState],
    crawl_delays: Mapping[HostKey, float],
) -> list[Load]:
    """Return the load of each bucket. known, crawl_delays: as in ``dry_run.estimate.planned``."""
    planner = HostPlanner(settings, LATENCY, SystemClock(), crawl_delays, known)
    loads = [Load() for _ in range(buckets)]
    for host, urls in hosts.items():
        plan = planner.plan(host, urls)
        requests = urls + planner.asks_robots(host)
        loads[share_of(host.host, buckets)].add(Load(requests * plan.latency, plan.seconds))
    return loads


def packed(loads: Sequence[Load], shards: int, workers: int) -> list[int]:
    """Return the shard of each bucket. workers: of a shard.

    Buckets without hosts are spread, as other lists may have some. If slow hosts decide how long a run takes, some
    shards may stay empty.
    """
    found = [bucket % shards for bucket in range(len(loads))]
    waiting = [bucket for bucket, load in enumerate(loads) if load.requests]
    waiting.sort(key=lambda bucket: (-loads[bucket].longest, -loads[bucket].requests))
    left = sum(loads[bucket].requests for bucket in waiting)
    most = left / shards * PER_SLOT
    least = min((loads[bucket].requests for bucket in waiting), default=0.0)
    for shard in range(shards):
        if not waiting:
            break
        fair = left / (shards - shard)
        room = min(max(loads[waiting[0]].longest * workers, fair), most)
        others: list[int] = []
        for rank, bucket in enumerate(waiting):
            requests = loads[bucket].requests
            if not rank or requests <= room or shard == shards - 1:
                found[bucket] = shard
                room -= requests
                left -= requests
            else:
                others.append(bucket)
            if room < least and shard < shards - 1:
                others += waiting[rank + 1 :]
                break
        waiting = others
    return found
