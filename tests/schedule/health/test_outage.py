"""Whether it is the network that is down."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, Failed, HostKey, Target, verdict
from scrapepool.schedule.health.outage import OutageGuard, looks_down, site_of
from scrapepool.settings import PoolSettings, RetryPolicy
from tests.schedule.simulate import Reply, World
from tests.schedule.test_scheduler import everything, scheduler_of, settle

DEAD = Reply(0.02, status=0, retry=True, error=ErrorKind.DNS)


def site(number):
    return HostKey("http", f"www.site{number}.test", 80)


def test_sites_are_what_hosts_have_in_common():
    """Subdomains and neighbours in a network are one site."""
    names = ["a.example.org", "b.example.org", "example.org", "192.0.2.1", "192.0.7.9", "2001:db8:1::1"]
    assert [site_of(HostKey("http", name, 80)) for name in names] == [
        "example.org", "example.org", "example.org", "192.0", "192.0", "2001:db8:1",
    ]  # fmt: skip


def test_only_what_the_network_may_be_to_blame_for_counts():
    """A refused connection shows that the network works; no route to it does not."""
    target = Target("http://h.test/", site(1), "/")
    assert looks_down(Failed(target=target, error=ErrorKind.DNS))
    assert looks_down(Failed(target=target, error=ErrorKind.UNREACHABLE))
    assert not looks_down(Failed(target=target, error=ErrorKind.CONNECT_REFUSED))


def test_an_outage_costs_nothing_but_time():
    """All go down together for five minutes: every target is had in the end, and hardly a request is wasted."""
    asked = 0

    def serve(attempt):
        nonlocal asked
        if 20 <= world.now < 320:
            asked += 1
            return DEAD
        return Reply(0.5)

    world = World(
        {site(n): 100 for n in range(40)},
        serve,
        pool=PoolSettings(workers=16),
        retry=RetryPolicy(retries=1),
        audit=False,
    )
    assert world.run() > 320
    assert {verdict(outcome) for outcome in world.outcomes} == {"ok"}
    assert asked <= 16 + 3 + 20


def test_an_outage_that_does_not_end_leaves_the_rest_untouched():
    """After ``max_outage`` nothing is given any more, and the scheduler says since when."""
    world = World(
        {site(n): 50 for n in range(40)},
        lambda attempt: DEAD if world.now >= 5 else Reply(0.5),
        pool=PoolSettings(workers=16),
        retry=RetryPolicy(max_outage=600),
        audit=False,
    )
    world.run()
    outage = world.scheduler.outage
    assert outage is not None
    assert 595 <= outage.until - outage.since <= 605
    assert world.scheduler.queued + world.scheduler.parked > 1000
    assert {verdict(outcome) for outcome in world.outcomes} == {"ok"}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.1, 0.95), seed=st.integers(0, 999))
def test_dead_links_are_no_outage(share, seed):
    """Whatever part of a list is dead, its end comes soon; at worst it begins with so many that a minute is lost."""
    rng = random.Random(seed)
    dead = {site(n) for n in range(300) if rng.random() < share}
    world = World(
        {site(n): 2 for n in range(300)},
        lambda attempt: DEAD if attempt.host in dead else Reply(0.1),
        pool=PoolSettings(workers=16),
        audit=False,
    )
    assert world.run() < 100
    ends = [verdict(outcome) for outcome in world.outcomes]
    assert ends.count("ok") == 2 * (300 - len(dead))
    assert ends.count("failed") + sum(len(r.tickets) + len(r.attempts) for r in world.refusals) == 2 * len(dead)


def test_a_list_of_dead_hosts_alone_ends_within_minutes():
    """Where nothing ever answered, an outage is believed in for a minute only."""
    world = World({site(n): 2 for n in range(100)}, lambda _: DEAD, pool=PoolSettings(workers=16), audit=False)
    assert world.run() < 150
    assert world.scheduler.idle


def test_many_hosts_of_one_site_are_one_witness():
    """A provider that goes down is not the network."""
    guard = OutageGuard(1800)
    guard.on_first_response()
    assert not any(guard.on_failure("example.org", None, float(n), answered=True, new=False) for n in range(50))
    assert not guard.on_failure("example.net", None, 50.0, answered=True, new=False)
    assert guard.on_failure("example.com", None, 50.0, answered=True, new=False)


def test_failures_far_apart_are_no_outage():
    """Hosts go down now and then."""
    guard = OutageGuard(1800)
    assert not any(guard.on_failure(f"s{n}.test", None, 60.0 * n, answered=True, new=False) for n in range(100))


def test_answers_that_came_before_a_failure_in_the_same_lease_end_no_alert():
    """Each host was answered, and then said 500, all at the same time: a gateway fails."""
    hosts = [site(n) for n in range(10)]
    scheduler = scheduler_of(dict.fromkeys(hosts, 100), per_host=1, workers=10)
    now = 0.0
    while min(map(len, leases := everything(scheduler, now))) < 2:
        for lease in leases:
            settle(scheduler, lease, now + 0.1, *[Reply(0.01)] * len(lease))
        now += 1
    for lease in leases:
        settle(scheduler, lease, now + 0.1, Reply(0.01), Reply(0.01, 500, retry=True))
    assert scheduler.outage is not None
