"""What a run takes over of another run's knowledge, and what it leaves."""

import pytest

from scrapepool.model import Attempt, ErrorKind, Target
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.schedule.sharing.host_quota import Allocations, QuotaAllocation
from scrapepool.schedule.sharing.host_state import MAX_ROBOTS_AGE, HostState
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy
from tests.schedule.simulate import Reply, World, answer, host_named

A, B = host_named(1), host_named(2)
ALONE = Allocations(alone=True, grants={})
REFUSED = Reply(0.01, status=0, retry=True, error=ErrorKind.CONNECT_REFUSED)


class Notes:
    """A memory that is a dictionary."""

    def __init__(self, **known):
        self.known = {host_named(int(name[1:])): one for name, one in known.items()}
        self.kept = {}
        self.robots = {}

    def recall(self, host, now):
        return self.known.get(host)

    def keep(self, host, known):
        self.kept[host] = known

    def keep_robots(self, host, verdict, now):
        self.robots[host] = verdict, now


class No:
    """A robots.txt that allows nothing."""

    def allows(self, path):
        return False

    def refusing(self, path):
        return "/"


def scheduler_of(memory, count=100, *, robots=False, shares=ALONE, **pool):
    scheduler = Scheduler(
        PoolSettings(**pool), RetryPolicy(), rng=lambda: 0.5, memory=memory, politeness=PolitenessSettings(robots)
    )
    scheduler.add(A, range(count))
    if shares is not None:
        scheduler.apply(shares, 0.0)
    return scheduler


def leases(scheduler, now):
    found = []
    while (decision := scheduler.next(now)) is not None:
        found.append(decision)
    return found


def settle(scheduler, lease, now, reply=None):
    attempt = lease.attempt or Attempt(Target(f"{lease.host.origin}/{lease.tickets[0]}", lease.host, "/"))
    return scheduler.settle(lease, [answer(attempt, reply or Reply())], now, wall=now, use=ConnectionUse(requests=1))


def test_a_learned_pace_goes_on_where_it_was():
    """The window and the interval of another run hold from the first request on, and are found again at its end."""
    scheduler = scheduler_of(Notes(h1=HostState(in_flight=2)), per_host=4)
    assert len(leases(scheduler, 0.0)) == 2
    scheduler = scheduler_of(Notes(h1=HostState(interval=0.5, latency=0.1)), per_host=4)
    assert len(leases(scheduler, 0.0)) == 1
    assert scheduler.wake_at(0.0) == pytest.approx(0.55, abs=0.01), "a tenth less than the known rate"
    assert scheduler.host_states(0.0)[A].interval == pytest.approx(0.5), "which is not lost from run to run"


def test_a_fixed_pace_takes_no_learned_one_over():
    """Who asked for a pace of its own gets it."""
    scheduler = scheduler_of(Notes(h1=HostState(in_flight=1, interval=9.0)), per_host=4, pace="fixed")
    assert len(leases(scheduler, 0.0)) == 4


def test_a_host_that_asked_for_a_pause_has_it_also_from_the_next_run():
    """It is parked for as long as was asked, and deferred where that is longer than the run waits."""
    scheduler = scheduler_of(Notes(h1=HostState(parked_until=7.0)))
    assert leases(scheduler, 0.0) == []
    assert scheduler.wake_at(0.0) == 7.0
    assert isinstance(scheduler.next(7.0), Lease)
    scheduler = scheduler_of(Notes(h1=HostState(parked_until=1000.0)), 5)
    (refusal,) = leases(scheduler, 0.0)
    assert isinstance(refusal, Refusal)
    assert (refusal.not_before, len(refusal.tickets)) == (1000.0, 5)
    assert scheduler.idle


def test_the_delay_of_another_run_is_kept():
    """Its last start counts as one of ours."""
    scheduler = scheduler_of(Notes(h1=HostState(free_at=1.5)), delay=2.0)
    assert leases(scheduler, 0.0) == []
    assert scheduler.wake_at(0.0) == 1.5


def test_a_host_that_was_down_is_probed_first():
    """One request at a time until it answers, then as any other; if it does not answer it is soon given up."""
    scheduler = scheduler_of(Notes(h1=HostState(dead_since=-9e4)), per_host=4)
    (probe,) = leases(scheduler, 0.0)
    assert scheduler.host_states(0.0)[A].dead_since is not None
    settle(scheduler, probe, 0.1)
    assert len(leases(scheduler, 0.2)) == 4
    assert scheduler.host_states(0.2)[A].dead_since is None
    asked = []

    def serve(attempt):
        asked.append(attempt)
        return REFUSED

    memory = Notes(h1=HostState(dead_since=-9e4))
    world = World({A: 1000}, serve, audit=False, memory=memory)
    world.scheduler.apply(ALONE, 0.0)
    assert world.run() < 20
    assert len(asked) == 5
    assert world.scheduler.host_states(world.now)[A].dead_since is not None


def test_a_robots_txt_is_believed_for_a_day():
    """A fresh one opens the gate at once, with its rules and its delay; an old one is asked for again."""
    verdict = RobotsVerdict(No(), 3.0)
    scheduler = scheduler_of(Notes(h1=HostState(robots=verdict, robots_at=-MAX_ROBOTS_AGE + 1)), robots=True)
    (lease,) = leases(scheduler, 0.0)
    assert not lease.robots
    assert scheduler.rules_for(A) is verdict.rules
    assert scheduler.wake_at(0.0) == 3.0
    memory = Notes(h1=HostState(robots=verdict, robots_at=-MAX_ROBOTS_AGE))
    scheduler = scheduler_of(memory, robots=True)
    (lease,) = leases(scheduler, 0.0)
    assert lease.robots
    scheduler.settle_robots(A, RobotsVerdict(), 0.5)
    assert memory.robots == {A: (RobotsVerdict(), 0.5)}
    assert scheduler.rules_for(A) is None


def test_an_old_robots_txt_holds_where_none_can_be_had():
    """RFC 9309 section 2.4 allows it, and it is better than to leave the whole host."""
    verdict = RobotsVerdict(No(), 3.0)
    memory = Notes(h1=HostState(robots=verdict, robots_at=-9e9))
    scheduler = scheduler_of(memory, robots=True)
    now = 0.0
    while (lease := scheduler.next(now)).robots:
        scheduler.settle_robots(A, RobotsVerdict(unreachable="503"), now)
        now = scheduler.wake_at(now)
    assert isinstance(lease, Lease)
    assert scheduler.rules_for(A) is verdict.rules
    assert memory.robots == {}


def test_nothing_is_asked_before_the_share_is_known():
    """A run that is not alone waits for its grant at each host, and keeps to it."""
    scheduler = scheduler_of(Notes(), shares=None, per_host=4)
    assert leases(scheduler, 0.0) == []
    assert scheduler.wake_at(0.0) is None
    assert scheduler.quota_requests()[A][:3] == (4, 4, 0)
    scheduler.apply(Allocations(alone=False, grants={A: QuotaAllocation(2, 0.5, 0.7)}), 0.0)
    assert leases(scheduler, 0.6) == []
    out = leases(scheduler, 0.7)
    assert len(out) == 2
    scheduler.apply(Allocations(alone=False, grants={A: QuotaAllocation(1)}), 0.8)
    assert scheduler.quota_requests()[A].held == 2, "both are in flight"
    settle(scheduler, out[0], 0.9)
    assert leases(scheduler, 0.9) == []
    scheduler.apply(ALONE, 1.0)
    assert len(leases(scheduler, 1.0)) == 3


def test_hosts_that_wait_for_a_share_are_bounded(monkeypatch):
    """A long list does not fill the memory while another run has all the hosts."""
    monkeypatch.setattr("scrapepool.schedule.queue.host_table.MAX_WAITING_HOSTS", 3)
    scheduler = scheduler_of(Notes(), shares=None)
    for number in range(2, 9):
        scheduler.add(host_named(number), [number * 1000])
    assert leases(scheduler, 0.0) == []
    assert len(scheduler.quota_requests()) == 3
    assert scheduler.wake_at(0.0) is None
    scheduler.apply(Allocations(alone=False, grants={A: QuotaAllocation(1)}), 0.0)
    assert [lease.host for lease in leases(scheduler, 0.0)] == [A]
    assert len(scheduler.quota_requests()) == 4


def test_what_was_found_out_is_kept_when_a_host_is_finished():
    """Its latency, for the next run's order and its ETA."""
    memory = Notes()
    scheduler = scheduler_of(memory, 1)
    (lease,) = leases(scheduler, 0.0)
    settle(scheduler, lease, 0.4, Reply(0.4))
    assert memory.kept == {A: HostState(latency=0.4)}
