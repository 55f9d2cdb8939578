"""Which shard each host is in."""

from __future__ import annotations

from random import Random

from cluster_cases import settings_of

from scrapepool.host_share import share_of
from scrapepool.model import HostKey
from scrapepool.ports import HostState
from scrapepool.run.cluster.partition import BUCKETS_PER_SHARD, PER_SLOT, Load, loads_of, packed
from scrapepool.run.dry_run.host_counts import HostCounts

SHARDS = 16
WORKERS = 32


def shards_of(hosts: list[Load]) -> tuple[list[Load], list[int]]:
    """The loads of all shards, and the shard of each bucket. Hosts are in buckets by chance."""
    dice, buckets = Random(1), [Load() for _ in range(SHARDS * BUCKETS_PER_SHARD)]
    for host in hosts:
        dice.choice(buckets).add(host)
    found = packed(buckets, SHARDS, WORKERS)
    shards = [Load() for _ in range(SHARDS)]
    for bucket, shard in enumerate(found):
        shards[shard].add(buckets[bucket])
    return shards, found


def test_shards_take_equally_long() -> None:
    """Where requests decide how long they take: the longest takes a twentieth more than the shortest."""
    shards, found = shards_of([Load(30.0, 7.5) for _ in range(5000)])
    seconds = [shard.seconds(WORKERS) for shard in shards]
    assert max(seconds) < 1.06 * min(seconds)
    assert shards_of([Load(30.0, 7.5) for _ in range(5000)])[1] == found


def test_slow_hosts_are_together() -> None:
    """So few shards last as long as they do, and none has more than a worker's whole share of the requests."""
    fast, slow = [Load(30.0, 7.5) for _ in range(2000)], [Load(30.0, 1000.0) for _ in range(200)]
    shards, _ = shards_of([*fast, *slow])
    assert sum(shard.longest == 1000.0 for shard in shards) <= 4
    slot = sum(shard.requests for shard in shards) / SHARDS * PER_SLOT
    assert max(shard.requests for shard in shards) <= slot
    giant, _ = shards_of([Load(30_000.0, 7500.0), *fast])
    assert sum(shard.requests > 0 for shard in giant) == SHARDS


def test_buckets_without_hosts_are_spread() -> None:
    """Other lists of the same folder may have hosts in them."""
    assert packed([Load() for _ in range(6)], 3, WORKERS) == [0, 1, 2, 0, 1, 2]
    assert packed([Load(), Load(5.0, 5.0), Load()], 2, WORKERS) == [0, 0, 0]


def test_loads_go_by_what_is_known_of_hosts() -> None:
    """Delays of settings, sections, robots.txt and earlier runs, and robots.txt as one more request."""
    slow, known, usual = (HostKey("https", f"{name}.example", 443) for name in "abc")
    hosts = HostCounts.of({slow: 3, known: 3, usual: 3})
    settings = settings_of("out").with_(politeness={"robots": True})
    loads = loads_of(hosts, settings, 1000, {known: HostState(latency=2.0)}, {slow: 10.0})
    found = {host: loads[share_of(host.host, 1000)] for host in hosts}
    assert found[slow].longest > 20.0
    assert found[known].requests == 8.0
    assert found[usual].requests == 4 * 0.3
    assert found[usual].seconds(4) == found[usual].longest < 1.0
    assert found[known].seconds(1) == 8.0
