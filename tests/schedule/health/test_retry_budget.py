"""How many retries may be afforded."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import Attempt, ErrorKind, Target
from scrapepool.schedule.health.retry_budget import ALWAYS_ALLOWED, allows_retry
from scrapepool.schedule.lease import ConnectionUse
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PoolSettings, RetryPolicy
from tests.schedule.simulate import WALL, Reply, World, answer, host_named


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 2))
def test_the_budget_is_a_share_with_a_floor(retried, targets, share):
    """Ten are always allowed, then a share of the targets."""
    assert allows_retry(retried, targets, share) == (retried < max(ALWAYS_ALLOWED, share * targets))


def test_retries_never_become_the_load():
    """A site whose every page fails is asked a tenth more often than it has pages, and the records say why."""
    asked = Counter()

    def serve(attempt):
        asked[attempt.host] += 1
        return Reply(0.05, status=500, retry=True)

    world = World({host_named(n): 300 for n in range(5)}, serve, pool=PoolSettings(workers=8),
                  retry=RetryPolicy(break_after=10**9, retry_budget=0.1), audit=False)  # fmt: skip
    world.run()
    undecided = 5  # failures of a host before it is found that they are its own, which are not counted
    assert sum(asked.values()) <= 1500 * 1.1 + 1 + 5 * undecided
    assert max(asked.values()) <= 300 * 1.1 + 1 + undecided
    details = Counter(outcome.detail for outcome in world.outcomes)
    assert details["not retried: the host's retry budget of 10% is used up"] > 0


def test_what_the_host_asked_to_be_repeated_is_not_counted():
    """Refusals are paced by parking, and lose no target to the budget."""
    refused = Counter()

    def serve(attempt):
        refused[attempt.target.url] += 1
        return Reply(0.05, status=429, retry=True, after=1.0) if refused[attempt.target.url] == 1 else Reply()

    world = World(
        {host_named(1): 100},
        serve,
        pool=PoolSettings(per_host=1),
        retry=RetryPolicy(break_after=1000, retry_budget=0.1),
    )
    world.run()
    assert {outcome.status for outcome in world.outcomes} == {200}


@pytest.mark.parametrize(
    ("error", "repeated"), [(ErrorKind.UNREACHABLE, 30), (ErrorKind.CONNECT_REFUSED, ALWAYS_ALLOWED)]
)
def test_what_may_be_the_networks_fault_is_not_the_hosts_budget(error, repeated):
    """A host that answered and cannot be reached now takes no other target's retry, while nothing is proven."""
    pool, policy = PoolSettings(per_host=1, pace="fixed"), RetryPolicy(break_after=10**9, retry_budget=0.0)
    scheduler = Scheduler(pool, policy, rng=lambda: 0.5)
    scheduler.add(host_named(1), range(31))
    ends = []
    for number in range(31):
        lease = scheduler.next(0.001 * number)
        attempt = Attempt(Target(f"http://h1.test/{number}", lease.host, "/"))
        reply = Reply(0.0005, status=0, retry=True, error=error) if number else Reply(0.0005)
        ends += scheduler.settle(
            lease, [answer(attempt, reply)], 0.001 * number + 0.0005, wall=WALL, use=ConnectionUse(requests=1)
        )
    assert scheduler.parked == repeated
    assert len(ends) == 31 - repeated
