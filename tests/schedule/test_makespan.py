"""How near to the shortest possible run the order of hosts comes, in virtual time."""

import random
from collections import defaultdict

import pytest

from scrapepool.schedule.queue.host_table import CRITICAL_SHARE
from scrapepool.settings import PoolSettings
from tests.schedule.simulate import Reply, World, host_named

HOSTS, TARGETS, WORKERS, PER_HOST = 300, 20_000, 128, 8


@pytest.mark.slow
@pytest.mark.parametrize(("skew", "seed"), [(0.6, 1), (0.8, 2), (0.9, 3), (1.0, 4), (1.2, 5)])
def test_a_zipf_list_ends_within_three_percent_of_the_bound(skew, seed):
    """The run takes at most 1.03 of what the workers need together or the longest host needs alone."""
    rng = random.Random(seed)
    weights = [1 / rank**skew for rank in range(1, HOSTS + 1)]
    counts = [max(1, round(TARGETS * weight / sum(weights))) for weight in weights]
    order = rng.sample(range(HOSTS), HOSTS)
    latency = {}
    world = World(
        {host_named(n): counts[n] for n in order},
        lambda attempt: Reply(latency[attempt.target.url]),
        pool=PoolSettings(workers=WORKERS, per_host=PER_HOST),
        audit=False,
    )
    needed = defaultdict(float)
    for target in world.targets:
        latency[target.url] = rng.lognormvariate(-2.3, 0.5)
        needed[target.host] += latency[target.url]
    bound = max(sum(needed.values()) / WORKERS, max(needed.values()) / PER_HOST)
    assert world.run() <= 1.03 * bound


def test_hosts_are_run_to_completion_where_none_decides_the_end():
    """With many equal hosts, those with a connection go first: few are begun at a time, and not all 1,000."""
    world = World({host_named(n): 10 for n in range(1000)}, pool=PoolSettings(workers=8, per_host=2), audit=False)
    begun_at_once = 0
    settle = world.scheduler.settle

    def counted(*args, **kwargs):
        nonlocal begun_at_once
        begun_at_once = max(begun_at_once, len(world.scheduler._hosts.begun))
        return settle(*args, **kwargs)

    world.scheduler.settle = counted
    world.run()
    assert begun_at_once <= 2 * CRITICAL_SHARE * 8 / 2  # 2: octaves; fewer hosts are left then, and all decide the end


def test_a_polite_day_goes_by():
    """A day's list of slow, delayed hosts ends when the longest of them must."""
    world = World(
        {host_named(n): 100 * (n + 1) for n in range(8)},
        lambda _: Reply(0.5),
        pool=PoolSettings(workers=4, per_host=1, delay=108.0),
    )
    assert 86_000 < world.run() <= 108.0 * 800 + 1


def test_no_long_host_is_left_to_the_end():
    """Equal hosts that do not fit at once share the workers: none waits until the others, being warm, are done."""
    hosts, targets = 24, 200
    world = World(
        {host_named(n): targets for n in range(hosts)}, pool=PoolSettings(workers=128, per_host=8), audit=False
    )
    assert world.run() <= 1.03 * hosts * targets * 0.1 / 128


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_host_that_limits_requests_is_found_out_early(seed):
    """Nobody says that a host allows one request per second; it is begun in time to end with the others."""
    rng = random.Random(seed)
    limited, others = host_named(0), [host_named(n) for n in range(1, 61)]
    tokens, at = 5.0, 0.0

    def serve(attempt):
        nonlocal tokens, at
        if attempt.host != limited:
            return Reply(rng.uniform(0.05, 0.15))
        tokens, at = min(5.0, tokens + world.now - at), world.now
        if tokens < 1:
            return Reply(0.1, status=429, retry=True)
        tokens -= 1
        return Reply(0.1)

    world = World(
        {**dict.fromkeys(others, 200), limited: 120}, serve, pool=PoolSettings(workers=8, per_host=4), audit=False
    )
    assert world.run() <= 1.1 * (60 * 200 + 120) * 0.1 / 8
