"""The scheduler's invariants, over random worlds."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.model import Deferred, ErrorKind
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.settings import PoolSettings, RetryPolicy, RunLimits
from tests.schedule.simulate import Reply, World, host_named

HOSTS = 6

replies = st.one_of(
    st.builds(Reply, elapsed=st.sampled_from([0.0, 0.0004, 0.003, 0.1, 2.0])),
    st.builds(Reply, elapsed=st.sampled_from([0.001, 0.2]), status=st.sampled_from([0, 500]), retry=st.just(True)),
    st.builds(
        Reply,
        elapsed=st.sampled_from([0.001, 10.0]),
        status=st.just(0),
        retry=st.booleans(),
        error=st.sampled_from([ErrorKind.DNS, ErrorKind.CONNECT_REFUSED, ErrorKind.READ_TIMEOUT, ErrorKind.TLS]),
    ),
    st.builds(Reply, elapsed=st.just(0.01), status=st.sampled_from([429, 503]), retry=st.just(True)),
    st.builds(
        Reply,
        status=st.sampled_from([429, 503, 500]),
        retry=st.just(True),
        after=st.sampled_from([0.0, 0.5, 7.0, 20.0, 90.0]),
    ),
    st.builds(Reply, elapsed=st.sampled_from([0.001, 0.2]), to=st.integers(0, HOSTS + 1).map(host_named)),
    st.builds(Reply, status=st.sampled_from([404, 500])),
)

MAX_HOPS = 5


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.one_of(st.integers(1, 12), st.integers(1, 400)), min_size=1, max_size=HOSTS),
    menu=st.lists(replies, min_size=1, max_size=12),
    pool=st.builds(
        PoolSettings,
        workers=st.integers(1, 9),
        per_host=st.integers(1, 4),
        delay=st.sampled_from([0.0, 0.0, 0.0, 0.05, 1.0]),
        rate=st.sampled_from([None, None, None, 20.0]),
        pace=st.sampled_from(["auto", "auto", "fixed"]),
    ),
    retry=st.builds(
        RetryPolicy,
        retries=st.integers(0, 3),
        max_park=st.just(30.0),
        break_after=st.sampled_from([2, 10]),
        retry_budget=st.sampled_from([0.0, 0.1, 5.0]),
    ),
    limits=st.sampled_from(
        [
            None,
            None,
            RunLimits(targets=7),
            RunLimits(max_time=3.0),
            RunLimits(max_bytes=900),
        ]
    ),
    robots=st.sampled_from([None, RobotsVerdict(), RobotsVerdict(crawl_delay=0.4), RobotsVerdict(unreachable="503")]),
    late=st.lists(
        st.tuples(st.sampled_from([0.01, 0.3, 2.0, 25.0]), st.integers(0, HOSTS).map(host_named), st.integers(1, 9))
    ),
    seed=st.integers(0, 2**16),
)
def test_random_worlds_end_and_keep_every_limit(counts, menu, pool, retry, limits, robots, late, seed):
    """Whatever servers do, each target ends once, no limit is broken, no worker waits for work that may start."""
    rng = random.Random(seed)
    hops = {}

    def serve(attempt):
        reply = rng.choice(menu)
        if reply.to is not None:
            hops[attempt.target.url] = hops.get(attempt.target.url, 0) + 1
            if hops[attempt.target.url] > MAX_HOPS:
                return Reply()
        return reply

    world = World(
        {host_named(n): count for n, count in enumerate(counts)},
        serve,
        pool=pool,
        retry=retry,
        late=late,
        unbegun=lambda lease: rng.choice([0, 0, 0, 0, 1, 64]),
        limits=limits,
        robots=None if robots is None else lambda _: robots,
    )
    world.run()
    scheduler = world.scheduler
    assert scheduler.tally.done == len(world.outcomes)
    if limits is not None and limits.targets is not None and scheduler.spent:
        assert len(world.ends) == limits.targets
    if not scheduler.idle:
        return
    assert sum(scheduler.tally.outcomes.values()) == len(world.outcomes)
    rows = scheduler.rows(world.now, 100)
    assert sum(row.done for row in rows) == sum(row.total for row in rows) == len(world.targets)
    assert len(rows) == scheduler.host_count
    assert all(outcome.attempts <= 1 + retry.retries for outcome in world.outcomes)
    assert all(outcome.not_before > 0 for outcome in world.outcomes if isinstance(outcome, Deferred))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), delay=st.sampled_from([0.0, 3.0]))
def test_finished_hosts_leave_the_books(seed, delay):
    """When all has ended and every delay is over, no state of any host is left but its numbers."""
    rng = random.Random(seed)
    world = World(
        {host_named(n): rng.randint(1, 20) for n in range(20)},
        lambda _: rng.choice(
            [Reply(), Reply(status=503, retry=True, after=4.0), Reply(to=host_named(rng.randint(0, 25)))]
        ),
        pool=PoolSettings(workers=8, delay=delay),
        retry=RetryPolicy(retries=1),
    )
    end = world.run()
    world.scheduler.next(end + 700)
    assert not world.scheduler._hosts.begun
    assert not world.scheduler._hosts.expiring
    assert len(world.scheduler._hosts.ready) == len(world.scheduler._hosts.backlog) == 0
