"""The scheduler's decisions, one by one."""

import pytest

from scrapepool.model import Attempt, Deferred, ErrorKind, Fetched, Skipped, Target, verdict
from scrapepool.schedule import dispatch as module
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.queue import host_queue
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PoolSettings, RetryPolicy
from tests.schedule.simulate import Reply, World, answer, host_named

A, B, C = host_named(1), host_named(2), host_named(3)
WALL = 1000.0


def scheduler_of(targets=(), throw=0.5, retry=None, **pool):
    scheduler = Scheduler(PoolSettings(**pool), retry or RetryPolicy(), rng=lambda: throw)
    ticket = 0
    for host, count in dict(targets).items():
        scheduler.add(host, range(ticket, ticket + count))
        ticket += count
    return scheduler


def attempt_of(lease):
    return lease.attempt or Attempt(Target(f"{lease.host.origin}/{lease.tickets[0]}", lease.host, "/"))


def settle(scheduler, lease, now, *replies, idle=0, **reply):
    results = [answer(attempt_of(lease), one) for one in replies or [Reply(**reply)]]
    return scheduler.settle(lease, results, now, wall=WALL, use=ConnectionUse(1, 0.0, len(results), 0.0, idle))


def everything(scheduler, now):
    decisions = []
    while (decision := scheduler.next(now)) is not None:
        decisions.append(decision)
    return decisions


def test_an_empty_scheduler_has_nothing_to_do():
    """It is idle, gives nothing, and no time will change that."""
    scheduler = scheduler_of()
    scheduler.add(A, ())
    assert (scheduler.idle, scheduler.next(0.0), scheduler.wake_at(0.0), scheduler.forecast(0.0, 4).seconds) == (
        True,
        None,
        None,
        0.0,
    )


def test_a_first_lease_is_short_even_on_a_fast_run():
    """Nothing is known of a new host, so it gets one target at first."""
    scheduler = scheduler_of({A: 500, B: 500}, per_host=1)
    assert [len(lease) for lease in everything(scheduler, 0.0)] == [1, 1]


def test_a_retry_waits_in_no_slot_and_tells_how_long_it_waited():
    """Backoff is jittered by the dice; the attempt that comes back is alone, numbered, and knows its wait."""
    scheduler = scheduler_of({A: 2}, per_host=1, throw=0.25)
    assert settle(scheduler, scheduler.next(0.0), 1.0, status=0, retry=True) == []
    assert (scheduler.parked, scheduler.queued, scheduler.out) == (1, 1, 0)
    other = scheduler.next(1.0)
    assert other.tickets
    assert len(settle(scheduler, other, 1.1)) == 1
    assert scheduler.next(1.2) is None
    assert scheduler.wake_at(1.2) == pytest.approx(1.25)
    lease = scheduler.next(1.5)
    assert (lease.tickets, lease.attempt.number, lease.attempt.waited) == ((), 2, pytest.approx(0.5))
    settle(scheduler, lease, 2.0, status=0, retry=True)
    lease = scheduler.next(3.0)
    assert (lease.attempt.number, lease.attempt.waited) == (3, pytest.approx(1.5))


def test_used_up_attempts_end_as_they_are_and_still_park_the_host():
    """The last 429 is the record, and its Retry-After holds for the rest of the host."""
    scheduler = scheduler_of({A: 2}, per_host=1, retry=RetryPolicy(retries=0))
    (end,) = settle(scheduler, scheduler.next(0.0), 1.0, status=429, retry=True, after=30.0)
    assert (verdict(end), end.status) == ("http_error", 429)
    assert scheduler.next(2.0) is None
    assert scheduler.wake_at(2.0) == 31.0
    assert scheduler.rows(2.0, 1)[0].state == "parked"
    assert scheduler.next(31.0) is not None


def test_a_retry_after_of_another_status_parks_the_url_only():
    """A 500 speaks for itself, not for its host."""
    scheduler = scheduler_of({A: 2}, per_host=1)
    settle(scheduler, scheduler.next(0.0), 1.0, status=500, retry=True, after=30.0)
    lease = scheduler.next(1.0)
    assert lease.tickets
    settle(scheduler, lease, 1.5)
    assert scheduler.wake_at(2.0) == 31.0


def test_too_long_a_retry_after_defers_the_target_and_refuses_the_rest():
    """Fresh targets, parked ones and new ones are refused until the host may be asked again."""
    scheduler = scheduler_of({A: 2500}, per_host=2)
    first, second = scheduler.next(0.0), scheduler.next(0.0)
    settle(scheduler, first, 0.5, status=0, retry=True)
    (end,) = settle(scheduler, second, 1.0, status=503, retry=True, after=3600.0)
    assert isinstance(end, Deferred)
    assert (end.not_before, end.detail) == (WALL + 3600, "h1.test asks to wait 1 h 00 min")
    refusals = everything(scheduler, 1.0)
    assert all(isinstance(refusal, Refusal) and refusal.not_before == 3600.0 for refusal in refusals)
    assert [len(refusal.tickets) + len(refusal.attempts) for refusal in refusals] == [1000, 1000, 499]
    assert [attempt.number for attempt in refusals[0].attempts] == [2]
    assert scheduler.idle
    assert scheduler.wake_at(1.0) is None
    scheduler.add(A, [9000, 9001])
    assert scheduler.next(601.0).tickets == (9000, 9001)
    scheduler.add(A, [9002])
    assert isinstance(scheduler.next(3601.0), Lease)


def test_what_returns_to_a_refused_host_is_refused():
    """A lease that was out meanwhile may want a retry, or be handed back: neither is forgotten."""
    scheduler = scheduler_of({A: 3}, per_host=3)
    leases = everything(scheduler, 0.0)
    settle(scheduler, leases[0], 1.0, status=429, retry=True, after=900.0)
    settle(scheduler, leases[1], 1.0, status=0, retry=True)
    scheduler.settle(leases[2], [], 1.0, wall=WALL)
    (refusal,) = everything(scheduler, 1.0)
    assert (len(refusal.attempts), refusal.tickets) == (1, leases[2].tickets)
    assert scheduler.idle


def test_a_hop_goes_first_at_the_host_that_it_leads_to():
    """It keeps its number, and that host's limit and parking hold for it."""
    scheduler = scheduler_of({A: 1, B: 3}, per_host=1)
    leases = {lease.host: lease for lease in everything(scheduler, 0.0)}
    settle(scheduler, leases[A], 1.0, to=B)
    assert scheduler.next(1.0) is None, "B has its one slot taken"
    settle(scheduler, leases[B], 2.0, status=503, retry=True, after=5.0)
    assert scheduler.next(3.0) is None, "B is parked"
    hop = scheduler.next(7.0)
    assert (hop.host, hop.attempt.number, hop.attempt.target.host) == (B, 1, A)
    assert hop.attempt.waited == pytest.approx(6.0)
    assert len(settle(scheduler, hop, 8.0)) == 1
    rows = {row.host: row for row in scheduler.rows(8.0, 9)}
    assert (rows[A].done, rows[A].total, rows[B].done, rows[B].total) == (1, 1, 0, 3)


def test_a_failed_hop_starts_over_at_its_target():
    """The next attempt has no hop, and waits at the target's own host."""
    scheduler = scheduler_of({A: 1}, throw=0.5)
    settle(scheduler, scheduler.next(0.0), 0.1, to=B)
    hop = scheduler.next(0.1)
    assert hop.host == B
    settle(scheduler, hop, 0.2, status=500, retry=True)
    lease = scheduler.next(0.7)
    assert (lease.host, lease.attempt.hop, lease.attempt.number) == (A, None, 2)


def test_an_unbegun_retry_keeps_its_number():
    """Handing back an attempt is not an attempt."""
    scheduler = scheduler_of({A: 1})
    settle(scheduler, scheduler.next(0.0), 1.0, status=0, retry=True)
    lease = scheduler.next(9.0)
    scheduler.settle(lease, [], 9.0, wall=WALL)
    again = scheduler.next(10.0)
    assert again.attempt.number == lease.attempt.number == 2
    assert again.attempt.waited == pytest.approx(9.0)


def test_a_delay_outlives_the_queue():
    """A host that ran empty is still owed its delay when more comes."""
    scheduler = scheduler_of({A: 1}, delay=5.0)
    settle(scheduler, scheduler.next(0.0), 0.1)
    assert scheduler.idle
    assert scheduler.wake_at(0.2) is None
    scheduler.add(A, [7])
    assert scheduler.next(0.2) is None
    assert scheduler.wake_at(0.2) == 5.0
    assert scheduler.next(5.0).tickets == (7,)


def test_a_rate_spaces_all_starts():
    """Over all hosts, one by one, without catching up after a pause."""
    scheduler = scheduler_of({A: 50, B: 50}, per_host=50, rate=4.0)
    starts = []
    for tick in range(17):
        starts += [tick / 8 for _ in everything(scheduler, tick / 8)]
    assert starts == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert len(everything(scheduler, 100.0)) == 1
    assert scheduler.wake_at(100.0) == 100.25


def test_draining_gives_nothing_more_and_settles_what_is_out():
    """After a stop, no lease, no wake-up; results still count."""
    scheduler = scheduler_of({A: 10}, per_host=1)
    lease = scheduler.next(0.0)
    scheduler.drain()
    assert len(settle(scheduler, lease, 1.0)) == 1
    assert (scheduler.next(1.0), scheduler.wake_at(1.0), scheduler.queued, scheduler.idle) == (None, None, 9, False)


def test_a_skip_by_the_fetcher_is_final():
    """A target that may not be asked for ends so, and is no latency to learn from."""
    scheduler = scheduler_of({A: 1})
    lease = scheduler.next(0.0)
    skip = Skipped(target=attempt_of(lease).target, error=ErrorKind.FORBIDDEN_ADDRESS)
    assert scheduler.settle(lease, [skip], 1.0, wall=WALL) == [skip]
    assert scheduler.tally.mean == 0.0


def test_a_fetcher_that_does_not_count_cannot_loop():
    """The scheduler goes by its own number of the attempt where an outcome tells a lower one."""
    scheduler = scheduler_of({A: 1}, retry=RetryPolicy(retries=2, backoff=0.0))
    for _ in range(2):
        lease = scheduler.next(0.0)
        result = answer(attempt_of(lease), Reply(status=500, retry=True))
        uncounted = Fetched(target=result.target, status=500, retry=result.retry)
        assert scheduler.settle(lease, [uncounted], 0.0, wall=WALL) == []
    assert scheduler.settle(scheduler.next(0.0), [uncounted], 0.0, wall=WALL) == [uncounted]


def test_the_longest_host_goes_first_and_a_warm_one_before_short_cold_ones():
    """Length decides among critical hosts; otherwise an idle connection is used before one is opened."""
    scheduler = scheduler_of({A: 3, B: 4000, C: 3}, per_host=1, workers=4)
    assert scheduler.next(0.0).host == B
    first = scheduler.next(0.0)
    settle(scheduler, first, 0.1, idle=1)
    assert scheduler.next(0.1).host == first.host


def test_an_ailing_host_gets_no_fresh_targets_while_too_many_wait(monkeypatch):
    """Its failures would fill the memory; they are asked for again first."""
    monkeypatch.setattr(host_queue, "MAX_PENDING_PER_HOST", 3)
    scheduler = scheduler_of({A: 10}, throw=0.5, pace="fixed")
    for lease in everything(scheduler, 0.0)[:3]:
        settle(scheduler, lease, 0.0, status=500, retry=True)
    assert everything(scheduler, 0.1) == []
    assert scheduler.wake_at(0.1) == 0.5
    leases = everything(scheduler, 0.5)
    assert [lease.attempt is None for lease in leases] == [False, True, True]  # each retry makes room for a page


def test_while_too_many_wait_only_the_due_are_leased(monkeypatch):
    """The bound on parked attempts holds over all hosts, and never locks the run."""
    monkeypatch.setattr(module, "MAX_PENDING", 20)
    most = 0

    def serve(attempt):
        nonlocal most
        most = max(most, world.scheduler.parked)
        return Reply(0.01, status=500, retry=True)

    world = World({host_named(n): 5 for n in range(60)}, serve, pool=PoolSettings(workers=8), audit=False)
    world.run()
    assert 20 <= most <= 20 + 8 * 2  # leases of two pages at most are out when it is reached


def test_counts_and_rows_say_what_is_going_on():
    """Rows put hosts with requests out first and name their state."""
    scheduler = scheduler_of({A: 1, B: 5}, per_host=1, delay=10.0)
    leases = {lease.host: lease for lease in everything(scheduler, 0.0)}
    settle(scheduler, leases[A], 1.0, elapsed=1.0)
    assert [(row.host, row.state, row.in_flight) for row in scheduler.rows(1.0, 5)] == [(B, "ok", 1), (A, "done", 0)]
    settle(scheduler, leases[B], 2.0, status=500, elapsed=2.0)
    row = next(row for row in scheduler.rows(2.0, 5) if row.host == B)
    assert (row.state, row.until, row.errors, row.done, row.total, row.p50) == ("waiting", 8.0, 1, 1, 5, 2.0)
    assert [row.host for row in scheduler.slowest(2.0, 1)] == [B]
    assert scheduler.host_count == 2
    assert len(scheduler.rows(2.0, 1)) == 1


def test_the_estimate_is_the_longest_host_or_all_of_them():
    """Unknown before the first reply; then a delayed host's own pace, or the workers' together."""
    scheduler = scheduler_of({A: 101}, per_host=1, delay=2.0)
    assert scheduler.forecast(0.0, 4).seconds is None
    settle(scheduler, scheduler.next(0.0), 1.0, elapsed=0.5)
    assert scheduler.forecast(2.0, 4).seconds == pytest.approx(200.0)
    scheduler = scheduler_of({host_named(n): 10 for n in range(100)}, workers=2)
    settle(scheduler, scheduler.next(0.0), 1.0, elapsed=0.5)
    assert scheduler.forecast(2.0, 2).seconds == pytest.approx(999 * 0.5 / 2)


def test_hops_piled_up_elsewhere_hold_up_their_own_host_only(monkeypatch):
    """A host that redirects all to a slow one gets no fresh targets while too many wait there; others do."""
    monkeypatch.setattr(host_queue, "MAX_PENDING_PER_HOST", 3)
    scheduler = scheduler_of({A: 50}, per_host=1)
    leases = {}
    for _ in range(4):
        leases |= {lease.host: lease for lease in everything(scheduler, 0.0)}
        settle(scheduler, leases[A], 0.0, to=B)
    assert everything(scheduler, 1.0) == [], "one hop is out at B, three wait there"
    assert (scheduler.parked, scheduler.queued) == (3, 46)
    scheduler.add(C, [99])
    assert scheduler.next(1.0).host == C
    settle(scheduler, leases[B], 2.0)
    assert [lease.host for lease in everything(scheduler, 2.0)] == [B, A]


def grown(host, **pool):
    """A scheduler with 100 targets of a quick host that gives leases of several, at 1.0."""
    scheduler = scheduler_of({host: 100}, **pool)
    while len(lease := scheduler.next(0.5)) < 5:
        settle(scheduler, lease, 0.5, *[Reply(elapsed=0.0001)] * len(lease))
    return scheduler, lease


def test_what_a_stuck_lease_has_not_begun_goes_to_the_hosts_other_slots():
    """It goes to the front, at once, while the lease keeps its slot; its end has results for what it kept."""
    scheduler, stuck = grown(A, per_host=2)
    queued = scheduler.queued
    scheduler.shorten(stuck, 2, 1.0)
    assert (scheduler.queued, scheduler.out, scheduler.in_flight) == (queued + len(stuck) - 2, 2, 1)
    other = scheduler.next(1.0)
    assert other.tickets[: len(stuck) - 2] == stuck.tickets[2:]
    assert scheduler.next(1.0) is None
    settle(scheduler, stuck, 5.0, Reply(elapsed=0.0001), Reply(elapsed=4.0, status=0))
    assert (scheduler.out, scheduler.in_flight) == (len(other), 1)
    settle(scheduler, other, 6.0, *[Reply(elapsed=0.0001)] * len(other))
    assert scheduler.queued + scheduler.tally.done == 100


@pytest.mark.parametrize("shortened", [False, True])
def test_what_a_stuck_lease_has_is_settled_while_its_request_goes_on(shortened):
    """Its results are final at once, what it has not begun goes to other slots, and it keeps its own."""
    scheduler, stuck = grown(A, per_host=2)
    if shortened:
        scheduler.shorten(stuck, 3, 1.0)
    done = scheduler.tally.done
    results = [answer(Attempt(Target(str(ticket), A, "/")), Reply(elapsed=0.0001)) for ticket in stuck.tickets[:2]]
    final, rest = scheduler.split(stuck, 3, results, 1.0, wall=WALL, use=ConnectionUse(requests=3))
    assert (len(final), rest.tickets, scheduler.tally.done) == (2, stuck.tickets[2:3], done + 2)
    assert (scheduler.out, scheduler.in_flight) == (1, 1)
    other = scheduler.next(1.0)
    assert other.tickets[0] == stuck.tickets[3]
    assert scheduler.next(1.0) is None
    settle(scheduler, rest, 5.0, Reply(elapsed=4.0, status=0))
    settle(scheduler, other, 6.0, *[Reply(elapsed=0.0001)] * len(other))
    assert (scheduler.out, scheduler.in_flight) == (0, 0)
    assert scheduler.queued + scheduler.tally.done == 100


def test_what_a_stuck_lease_has_to_repeat_is_leased_alone():
    """It goes to the front with what was not begun, but nothing that may be slow comes behind it in its leases."""
    scheduler, stuck = grown(A, per_host=4)
    final, rest = scheduler.split(stuck, 3, [], 1.0, wall=WALL, use=ConnectionUse(requests=3), again=2)
    assert (final, rest.tickets) == ([], stuck.tickets[2:3])
    assert (scheduler.out, scheduler.in_flight) == (1, 1)
    repeated = scheduler.next(1.0)
    assert repeated.tickets == stuck.tickets[:2]
    settle(scheduler, repeated, 1.0, *[Reply(elapsed=0.0001)] * 2)
    other = scheduler.next(1.0)
    assert other.tickets[0] == stuck.tickets[3]
    assert len(other) > 1
    settle(scheduler, rest, 5.0, Reply(elapsed=4.0, status=0))
    settle(scheduler, other, 6.0, *[Reply(elapsed=0.0001)] * len(other))
    assert scheduler.queued + scheduler.parked + scheduler.tally.done == 100


def test_a_shortened_lease_that_comes_back_with_less_gives_the_rest_back_too():
    """Nothing is lost and nothing is there twice: what it gave away, what it kept and did not begin."""
    scheduler, stuck = grown(A, per_host=1)
    scheduler.shorten(stuck, 4, 1.0)
    scheduler.shorten(stuck, 4, 1.0)
    scheduler.shorten(stuck, 2, 1.0)
    assert scheduler.next(1.0) is None
    settle(scheduler, stuck, 5.0, Reply(elapsed=0.0001))
    lease = scheduler.next(5.0)
    assert lease.tickets[0] == stuck.tickets[1]
    assert scheduler.queued + len(lease) + scheduler.tally.done == 100


def test_a_retry_that_is_stuck_has_nothing_to_give_back():
    """It is alone."""
    scheduler = scheduler_of({A: 1}, per_host=1)
    settle(scheduler, scheduler.next(0.0), 1.0, status=0, retry=True)
    lease = scheduler.next(10.0)
    assert lease.attempt is not None
    scheduler.shorten(lease, 0, 10.0)
    assert (scheduler.queued, scheduler.out) == (0, 1)
    settle(scheduler, lease, 11.0)
    assert scheduler.idle
