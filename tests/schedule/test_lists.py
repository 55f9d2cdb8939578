"""Lists by URL in the scheduler: they are requests of their hosts like any other, and count as no targets."""

from scrapepool.model import Deferred, ErrorKind, Fetched, ListTarget
from scrapepool.schedule.lease import ConnectionUse, Refusal
from scrapepool.schedule.limits import HostLimits
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy, RunLimits
from tests.schedule.simulate import WALL, Reply, answer, host_named

A, B = host_named(1), host_named(2)
BUSY = Reply(0.01, status=503, retry=True)


def scheduler_of(targets=(), retry=None, **settings):
    settings = {"pool": PoolSettings(per_host=2), **settings}
    scheduler = Scheduler(settings.pop("pool"), retry or RetryPolicy(), rng=lambda: 0.5, **settings)
    for first, (host, count) in enumerate(dict(targets).items()):
        scheduler.add(host, range(1000 * first, 1000 * first + count))
    return scheduler


def add_list(scheduler, now=0.0, host=A):
    scheduler.add_list(ListTarget(f"{host.origin}/map.xml", host, "/map.xml", begin=lambda: print), now)


def settle(scheduler, lease, now, reply=None):
    return scheduler.settle(
        lease, [answer(lease.attempt, reply or Reply())], now, wall=WALL, use=ConnectionUse(requests=1)
    )


def test_a_list_goes_first_and_counts_as_no_target():
    """It is requested before the targets of its host, in one of its slots, and only its outcome says that it ended."""
    scheduler = scheduler_of({A: 5})
    add_list(scheduler)
    lease = scheduler.next(0.0)
    assert (lease.of_list, len(lease), scheduler.out, scheduler.queued, scheduler.parked) == (True, 0, 0, 5, 0)
    assert [scheduler.next(0.0).of_list, scheduler.next(0.0)] == [False, None]  # the host has two slots
    (outcome,) = settle(scheduler, lease, 0.1)
    assert isinstance(outcome, Fetched)
    tally = scheduler.tally
    assert (tally.done, sum(tally.outcomes.values()), tally.requests) == (0, 0, 1)
    assert [(row.done, row.total) for row in scheduler.rows(0.1, 1)] == [(0, 5)]


def test_the_delay_of_its_host_holds():
    """Between a page and a list, in either order."""
    scheduler = scheduler_of({A: 2}, pool=PoolSettings(per_host=2, delay=1.0))
    assert not scheduler.next(0.0).of_list
    add_list(scheduler)
    assert (scheduler.next(0.5), scheduler.wake_at(0.5)) == (None, 1.0)
    settle(scheduler, scheduler.next(1.0), 1.1)
    assert scheduler.next(1.5) is None
    assert scheduler.next(2.0).tickets


def test_it_is_retried_like_a_target_and_before_these():
    """After the pause that the host asked for; the last failure is its outcome."""
    scheduler = scheduler_of({A: 50}, RetryPolicy(retries=1))
    add_list(scheduler)
    assert settle(scheduler, scheduler.next(0.0), 0.1, Reply(status=503, retry=True, after=5.0)) == []
    assert (scheduler.parked, scheduler.next(5.0)) == (0, None)
    lease = scheduler.next(5.1)
    assert (lease.of_list, lease.attempt.number) == (True, 2)
    (outcome,) = settle(scheduler, lease, 5.2, BUSY)
    assert (outcome.status, scheduler.tally.done) == (503, 0)


def test_what_ends_it_without_a_list():
    """A host that asks for too long a wait, and one that was given up, whose pages end in the same way."""
    scheduler = scheduler_of()
    add_list(scheduler)
    (outcome,) = settle(scheduler, scheduler.next(0.0), 0.1, Reply(status=503, retry=True, after=4000.0))
    assert isinstance(outcome, Deferred)
    scheduler.add(A, [1])
    add_list(scheduler, 1.0)
    refusal = scheduler.next(1.0)
    assert isinstance(refusal, Refusal)
    assert ([one.of_list for one in refusal.attempts], refusal.tickets) == ([True], (1,))
    assert [row.done for row in scheduler.rows(1.0, 1)] == [1]


def test_a_redirect_goes_on_at_another_host():
    """There it is the next request, and its failures are those of that host."""
    scheduler = scheduler_of({B: 3})
    add_list(scheduler)
    assert settle(scheduler, scheduler.next(0.0), 0.1, Reply(to=B)) == []
    lease = scheduler.next(0.1)
    assert (lease.of_list, lease.host, lease.attempt.hop.url) == (True, B, f"{B.origin}/hop")
    assert len(settle(scheduler, lease, 0.2)) == 1


def test_what_was_not_begun_goes_again():
    """As after a drain; a skipped one ends."""
    scheduler = scheduler_of()
    add_list(scheduler)
    lease = scheduler.next(0.0)
    assert scheduler.settle(lease, [], 0.1, wall=WALL) == []
    assert scheduler.next(0.1).attempt.of_list


def test_it_waits_for_no_robots_txt_and_holds_none_up():
    """It goes before and beside robots.txt, of which only one request is out."""
    scheduler = scheduler_of({A: 5}, politeness=PolitenessSettings())
    add_list(scheduler)
    first, robots = scheduler.next(0.0), scheduler.next(0.0)
    assert (first.of_list, robots.robots, scheduler.next(0.0)) == (True, True, None)
    settle(scheduler, first, 0.1)
    assert scheduler.next(0.1) is None
    add_list(scheduler, 0.2)
    assert scheduler.next(0.2).of_list
    scheduler.settle_robots(A, RobotsVerdict(), 0.3)
    assert scheduler.next(0.3).tickets


def test_a_host_of_lists_only_is_asked_for_no_robots_txt():
    """Neither before nor after."""
    scheduler = scheduler_of(politeness=PolitenessSettings())
    add_list(scheduler)
    settle(scheduler, scheduler.next(0.0), 0.1)
    assert (scheduler.next(0.2), scheduler.idle) == (None, True)


def test_a_robots_txt_that_cannot_be_had_refuses_pages_and_no_lists():
    """Lists that come later are requested."""
    scheduler = scheduler_of({A: 5}, RetryPolicy(retries=0), politeness=PolitenessSettings())
    assert scheduler.next(0.0).robots
    scheduler.settle_robots(A, RobotsVerdict(unreachable="503"), 0.1)
    add_list(scheduler, 0.2)
    refusal = scheduler.next(0.2)
    assert (refusal.error, len(refusal.tickets), refusal.attempts) == (ErrorKind.ROBOTS_UNREACHABLE, 5, ())
    assert scheduler.next(0.2).of_list


def test_a_run_whose_quota_is_spent_waits_for_no_list():
    """Nothing more of it would be fetched."""
    scheduler = scheduler_of({A: 5}, limits=RunLimits(targets=1))
    add_list(scheduler)
    lists, page = scheduler.next(0.0), scheduler.next(0.0)
    assert lists.of_list
    scheduler.settle(page, [Fetched(target=lists.attempt.target, status=200)], 0.1, wall=WALL)
    assert settle(scheduler, lists, 0.1, Reply(status=503, retry=True, after=50.0)) == []
    assert (scheduler.next(0.2), scheduler.spent is None) == (None, False)


def test_the_limits_of_a_host_hold_beside_robots_txt():
    """One slot is one request, whichever it is."""
    scheduler = scheduler_of({A: 5}, limits_for=lambda _: HostLimits(1, 0.0, robots=True))
    add_list(scheduler)
    lease = scheduler.next(0.0)
    assert (lease.of_list, scheduler.next(0.0)) == (True, None)
    settle(scheduler, lease, 0.1)
    assert scheduler.next(0.1).robots
