"""The policies as the scheduler applies them: circuits, robots.txt, limits of the run, forecasts."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scrapepool.model import Attempt, ErrorKind, Skipped, Target, Timings, verdict
from scrapepool.schedule.lease import ConnectionUse, Lease
from scrapepool.schedule.limits import HostLimits
from scrapepool.schedule.robots import RobotsCache, RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy, RunLimits
from scrapepool.transport.robots.rules import Rules
from tests.schedule.simulate import WALL, Reply, World, answer, host_named

A, B = host_named(1), host_named(2)
REFUSED = Reply(0.01, status=0, retry=True, error=ErrorKind.CONNECT_REFUSED)
GONE = Reply(0.01, status=0, retry=True, error=ErrorKind.DNS)


def scheduler_of(targets, *, pool=None, retry=None, **settings):
    scheduler = Scheduler(pool or PoolSettings(per_host=1), retry or RetryPolicy(), rng=lambda: 0.5, **settings)
    ticket = 0
    for host, count in targets.items():
        scheduler.add(host, range(ticket, ticket + count))
        ticket += count
    return scheduler


def settle(scheduler, lease, now, reply=None):
    attempt = lease.attempt or Attempt(Target(f"{lease.host.origin}/{lease.tickets[0]}", lease.host, "/"))
    return scheduler.settle(lease, [answer(attempt, reply or Reply())], now, wall=WALL, use=ConnectionUse(requests=1))


def settle_as_refused(scheduler, lease, now):
    skipped = Skipped(target=Target(lease.host.origin, lease.host, "/"), error=ErrorKind.ROBOTS)
    return scheduler.settle(lease, [skipped], now, wall=WALL)


def test_a_dead_host_costs_a_handful_of_connects():
    """Ten thousand URLs of a host that never answers end within a minute, after some twenty attempts."""
    asked = 0

    def serve(attempt):
        nonlocal asked
        asked += 1
        return REFUSED

    world = World({A: 10_000}, serve, audit=False)
    assert world.run() < 60
    assert asked <= 20
    assert sum(len(refusal.tickets) + len(refusal.attempts) for refusal in world.refusals) >= 9_990
    assert {refusal.error for refusal in world.refusals} == {ErrorKind.CIRCUIT_OPEN}
    assert "failures in a row (http://h1.test/0, http://h1.test/1, http://h1.test/2)" in world.refusals[0].detail


@settings(max_examples=20, deadline=None)
@given(down=st.floats(1, 280), count=st.integers(50, 500))
def test_a_host_that_is_briefly_down_loses_no_target(down, count):
    """It restarts for up to five minutes in the middle of the list, and each of its URLs is had."""
    world = World({A: count}, lambda attempt: REFUSED if 2 <= world.now < 2 + down else Reply(0.2), audit=False)
    world.run()
    assert Counter(map(verdict, world.outcomes)) == {"ok": count}
    assert not world.refusals


def test_a_broken_folder_is_no_broken_host():
    """The probes of a host that answers 500 take other pages than those that failed."""
    world = World(
        {A: 60}, lambda attempt: Reply(0.05, status=500, retry=True) if int(attempt.target.path[1:]) < 25 else Reply(),
        pool=PoolSettings(per_host=1), retry=RetryPolicy(retries=0), audit=False,
    )  # fmt: skip
    world.run()
    assert Counter(outcome.status for outcome in world.outcomes) == {500: 25, 200: 35}


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.3, 20), burst=st.integers(1, 30), seed=st.integers(0, 99))
def test_no_target_is_lost_to_a_rate_limit(rate, burst, seed):
    """Whatever a token bucket allows, its refusals are waited out, and are few in the end."""
    rng = random.Random(seed)
    tokens, at, refused = float(burst), 0.0, 0

    def serve(attempt):
        nonlocal tokens, at, refused
        tokens, at = min(burst, tokens + (world.now - at) * rate), world.now
        if tokens < 1:
            refused += 1
            return Reply(rng.uniform(0.02, 0.1), status=429, retry=True)
        tokens -= 1
        return Reply(rng.uniform(0.02, 0.1))

    world = World({A: 1000}, serve, audit=False)
    end = world.run()
    assert Counter(map(verdict, world.outcomes)) == {"ok": 1000}
    assert refused <= 90  # of 52 such limits, half had 24 refusals or fewer, and one had 68
    assert end <= 2 * 1000 / min(rate, 20) + 60


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.5, 10), broken=st.sampled_from([0.0, 0.01, 0.05]), seed=st.integers(0, 99))
@example(rate=7.0, broken=0.05, seed=1)  # the page that a test of the host chose was broken, and the host limited it
@example(rate=10.0, broken=0.05, seed=1)  # refusals that were in flight together counted against a rate set after them
def test_broken_pages_behind_a_limit_that_says_503_cost_no_good_ones(rate, broken, seed):
    """A second request after a pause distinguishes the pages that the limit refuses from those that are broken."""
    rng = random.Random(seed)
    bad = {f"/{page}" for page in rng.sample(range(1000), round(broken * 1000))}
    tokens, at, refused = 10.0, 0.0, 0

    def serve(attempt):
        nonlocal tokens, at, refused
        tokens, at = min(10.0, tokens + (world.now - at) * rate), world.now
        if tokens < 1:
            refused += 1
            return Reply(0.05, status=503, retry=True)
        tokens -= 1
        return Reply(0.05, status=503 if attempt.target.path in bad else 200, retry=attempt.target.path in bad)

    world = World({A: 1000}, serve, audit=False)
    world.run()
    good = Counter(verdict(outcome) for outcome in world.outcomes if outcome.target.path not in bad)
    assert good == {"ok": 1000 - len(bad)}
    assert refused <= 60


def test_the_last_answer_of_a_limit_parks_its_host():
    """A success may say that nothing is left; its host is left alone until there is, but for no longer than that."""
    scheduler = scheduler_of({A: 3})
    (final,) = settle(scheduler, scheduler.next(0.0), 1.0, Reply(after=30.0))
    assert (verdict(final), scheduler.next(1.0), scheduler.wake_at(1.0)) == ("ok", None, 31.0)
    assert scheduler.rows(2.0, 1)[0].errors == 0
    settle(scheduler, scheduler.next(31.0), 32.0, Reply(after=86_400.0))
    assert scheduler.wake_at(32.0) == 32.0 + RetryPolicy().max_park


def test_a_fixed_pace_heeds_no_limits_before_they_are_reached():
    """Only a refusal parks its host then."""
    scheduler = scheduler_of({A: 3}, pool=PoolSettings(per_host=1, pace="fixed"))
    settle(scheduler, scheduler.next(0.0), 1.0, Reply(after=30.0))
    settle(scheduler, scheduler.next(1.0), 2.0, Reply(status=429, retry=True, after=30.0))
    assert (scheduler.next(2.0), scheduler.wake_at(2.0)) == (None, 32.0)


def test_a_host_that_names_no_pause_gets_none_longer_than_is_waited_for():
    """--max-park bounds those that the schedule finds itself as well."""
    scheduler = scheduler_of({A: 3}, retry=RetryPolicy(max_park=3.0))
    now = 0.0
    for pause in (0.5, 1.0, 2.0, 3.0, 3.0):
        settle(scheduler, scheduler.next(now), now + 0.1, Reply(status=429, retry=True))
        row = scheduler.rows(now + 0.1, 1)[0]
        assert (row.state, row.until) == ("parked", pytest.approx(pause))
        now += 100.0


@pytest.mark.parametrize("after", [30.0, 3600.0])
def test_a_refusal_of_what_is_not_repeated_parks_the_host_too(after):
    """The target ends as refused; the rest waits, or is deferred where that would be too long."""
    scheduler = scheduler_of({A: 3})
    (final,) = settle(scheduler, scheduler.next(0.0), 1.0, Reply(status=429, after=after))
    assert verdict(final) == "http_error"
    decision = scheduler.next(1.0)
    if after > RetryPolicy().max_park:
        assert decision.not_before == after
    else:
        assert (decision, scheduler.wake_at(1.0)) == (None, 1.0 + after)


def test_robots_come_first_and_their_delay_holds():
    """One lease without targets; then the rules are there to be asked, and starts are a crawl delay apart."""
    scheduler = scheduler_of({A: 3}, pool=PoolSettings(per_host=4), politeness=PolitenessSettings(robots=True))
    lease = scheduler.next(0.0)
    assert (lease.robots, lease.tickets, len(lease), scheduler.queued) == (True, (), 0, 3)
    assert scheduler.next(0.0) is None
    assert scheduler.rows(0.0, 1)[0].state == "robots"
    rules = object()
    scheduler.settle_robots(A, RobotsVerdict(rules=rules, crawl_delay=5.0), 1.0, use=ConnectionUse(requests=1))
    assert scheduler.rules_for(A) is rules
    assert scheduler.next(1.0) is None
    assert scheduler.wake_at(1.0) == 5.0
    first = scheduler.next(5.0)
    assert first.tickets == (0,)
    assert scheduler.next(6.0) is None
    assert scheduler.next(10.0).tickets == (1,)


def test_a_crawl_delay_has_its_limit():
    """An hour between two pages is not kept."""
    scheduler = scheduler_of({A: 2}, politeness=PolitenessSettings(robots=True, max_crawl_delay=7.0))
    scheduler.next(0.0)
    scheduler.settle_robots(A, RobotsVerdict(crawl_delay=3600.0), 0.5)
    assert scheduler.wake_at(0.5) == 7.0


def test_what_robots_disallow_costs_no_delay():
    """A target that is skipped without a request gives its host the start back."""
    scheduler = scheduler_of({A: 3}, politeness=PolitenessSettings(robots=True))
    scheduler.next(0.0)
    scheduler.settle_robots(A, RobotsVerdict(rules=object(), crawl_delay=5.0), 0.5, use=ConnectionUse(requests=1))
    lease = scheduler.next(5.0)
    skipped = Skipped(target=Target("http://h1.test/0", A, "/0"), error=ErrorKind.ROBOTS)
    assert scheduler.settle(lease, [skipped], 5.0, wall=WALL) == [skipped]
    assert scheduler.next(5.0).tickets == (1,)
    assert scheduler.next(6.0) is None


def test_what_is_kept_of_hosts_that_are_done_with_is_bounded():
    """By hosts and by patterns; the first ones go first, and what was taken back up is not counted."""
    kept = RobotsCache(hosts=3, patterns=10)
    for number in range(5):
        kept.keep(host_named(number), RobotsVerdict(crawl_delay=float(number)))
    assert [kept.take(host_named(number)) is None for number in range(5)] == [True, True, False, False, False]
    rules = Rules((f"/{number}", False) for number in range(6))
    for number in range(2):
        kept.keep(host_named(number), RobotsVerdict(rules))
    assert [kept.take(host_named(number)) for number in range(2)] == [None, RobotsVerdict(rules)]
    kept.keep(A, RobotsVerdict(Rules((f"/{number}", False) for number in range(11))))
    assert kept.take(A) is None


def test_a_host_that_comes_back_keeps_to_what_its_robots_said():
    """Its rules hold from its first target on, and its delay, cut as it was; nothing is asked for again."""
    scheduler = scheduler_of({A: 1}, politeness=PolitenessSettings(robots=True, max_crawl_delay=5.0))
    rules = Rules([("/private", False)])
    assert scheduler.next(0.0).robots
    scheduler.settle_robots(A, RobotsVerdict(rules, 60.0), 0.0)
    settle(scheduler, scheduler.next(5.0), 5.0)
    assert scheduler.next(60.0) is None
    scheduler.add(A, [7, 8])
    lease = scheduler.next(60.0)
    assert (lease.robots, lease.tickets, scheduler.rules_for(A)) == (False, (7,), rules)
    settle(scheduler, lease, 60.0)
    assert (scheduler.next(64.9), scheduler.next(65.0).tickets) == (None, (8,))


def test_robots_that_cannot_be_had_refuse_the_host():
    """They are asked for as often as a URL would be, at growing pauses, then every target ends as that."""
    world = World({A: 2000}, robots=lambda _: RobotsVerdict(unreachable="503 Service Unavailable"), audit=False)
    assert 1 + 2 + 4 <= world.run() < 8
    assert len(world.leases) == 1 + RetryPolicy().retries
    assert {refusal.error for refusal in world.refusals} == {ErrorKind.ROBOTS_UNREACHABLE}
    assert world.refusals[0].detail == "robots.txt could not be fetched: 503 Service Unavailable"


def test_a_host_that_cannot_be_reached_ends_as_that():
    """Its targets tell that nobody listens, which says more than that robots.txt could not be fetched."""
    failed = answer(Attempt(Target("http://h1.test/robots.txt", A, "/robots.txt")), REFUSED)
    world = World({A: 2000}, robots=lambda _: RobotsVerdict(unreachable="…", failure=failed), audit=False)
    world.run()
    assert len(world.leases) == 1 + RetryPolicy().retries
    assert {refusal.error for refusal in world.refusals} == {ErrorKind.CONNECT_REFUSED}


def test_a_view_sees_that_a_window_comes_before_robots():
    """A host outside its hours waits for these; its robots.txt was not asked for, and is no reason."""

    def limits_for(_):
        return HostLimits(1, 0.0, robots=True, closed_for=lambda now: max(0.0, 100.0 - now))

    scheduler = scheduler_of({A: 1}, limits_for=limits_for)
    assert scheduler.next(0.0) is None
    assert [(row.state, row.until) for row in scheduler.rows(1.0, 1)] == [("waiting", 99.0)]
    assert scheduler.next(100.0).robots
    assert [row.state for row in scheduler.rows(100.0, 1)] == ["robots"]


def test_a_view_sees_what_robots_do():
    """Asked for, then what they refused so far and the delay that holds; also when the host is done, or given up."""
    scheduler = scheduler_of({A: 2, B: 1}, politeness=PolitenessSettings(), retry=RetryPolicy(retries=0))
    assert {scheduler.next(0.0).host for _ in range(2)} == {A, B}
    assert {row.robots for row in scheduler.rows(0.0, 2)} == {"asked"}
    scheduler.settle_robots(A, RobotsVerdict(rules=object(), crawl_delay=2.0), 0.5)
    scheduler.settle_robots(B, RobotsVerdict(unreachable="503"), 0.5)
    while not isinstance(lease := scheduler.next(2.0), Lease):
        pass
    settle_as_refused(scheduler, lease, 2.0)
    settle(scheduler, scheduler.next(2.0), 3.0)
    rows = {row.host: (row.robots, row.delay, row.state) for row in scheduler.rows(3.0, 2)}
    assert rows == {A: ("disallow 1", 2.0, "done"), B: ("unreachable", 0.0, "given up")}


def test_robots_that_were_not_begun_are_asked_for_again():
    """A worker that drains gives the lease back."""
    scheduler = scheduler_of({A: 1}, politeness=PolitenessSettings(robots=True))
    scheduler.next(0.0)
    scheduler.settle_robots(A, None, 0.0)
    assert scheduler.next(0.0).robots
    scheduler.settle_robots(A, RobotsVerdict(), 1.0)
    with pytest.raises(ValueError, match="no lease"):
        scheduler.settle_robots(A, RobotsVerdict(), 1.0)


def test_the_failure_that_proves_an_outage_is_asked_for_again():
    """Its host, which has nothing else left and failed before, is not forgotten while it is being settled."""
    c = host_named(3)
    scheduler = scheduler_of({A: 2, B: 2, c: 2}, pool=PoolSettings(workers=3, per_host=1))
    for lease in [scheduler.next(0.0) for _ in range(3)]:
        settle(scheduler, lease, 0.1)
    first = {lease.host: lease for lease in (scheduler.next(0.1) for _ in range(3))}
    settle(scheduler, first[c], 0.2, Reply(status=429, retry=True))
    again = scheduler.next(1.0)
    assert again.host == c
    assert again.attempt is not None
    for lease in (first[A], first[B], again):
        settle(scheduler, lease, 1.2, GONE)
    assert scheduler.outage is not None
    probed = scheduler.next(3.0)
    assert probed.probe  # at the page that was answered last
    settle(scheduler, probed, 3.1)
    left = [scheduler.next(4.0) for _ in range(3)]
    assert sorted(lease.host for lease in left) == sorted((A, B, c))
    for lease in left:
        settle(scheduler, lease, 4.1)
    assert scheduler.idle


def test_a_limit_of_targets_lets_their_retries_end():
    """As many as allowed are begun, each gets its end, the rest stays untouched."""
    tried = Counter()

    def serve(attempt):
        tried[attempt.target.url] += 1
        return Reply(0.1, status=500, retry=True) if tried[attempt.target.url] == 1 else Reply()

    world = World({A: 50, B: 50}, serve, limits=RunLimits(targets=7), audit=False)
    world.run()
    assert Counter(map(verdict, world.outcomes)) == {"ok": 7}
    assert (world.scheduler.queued, world.scheduler.spent) == (93, "--limit: 7 URLs were fetched")


def test_time_and_bytes_run_out():
    """Nothing new begins, and the scheduler says why."""
    world = World({A: 5000}, limits=RunLimits(max_time=10.0), audit=False)
    assert 10.0 <= world.run() < 10.2
    assert world.scheduler.spent == "--max-time 10 s is over"
    world = World({A: 5000}, limits=RunLimits(max_bytes=1000), audit=False)
    world.run()
    assert 10 <= len(world.outcomes) <= 10 + 4
    assert world.scheduler.spent == "--max-bytes 1,000 were received"
    scheduler = scheduler_of({A: 9}, until=30.0)
    assert scheduler.next(29.0) is not None
    scheduler = scheduler_of({A: 9}, until=30.0)
    assert (scheduler.next(30.0), scheduler.spent) == (None, "the time set by --until has come")


def test_hosts_have_limits_of_their_own():
    """One is asked by two at a time, one with a delay, and one only while its window is open."""

    def limits_for(host):
        closed = (lambda now: max(0.0, 100.0 - now)) if host == B else None
        return HostLimits(2 if host == A else 1, 0.0 if host == A else 3.0, closed_for=closed)

    scheduler = scheduler_of({A: 9, B: 9}, pool=PoolSettings(), limits_for=limits_for)
    assert [scheduler.next(0.0).host for _ in range(2)] == [A, A]
    assert scheduler.next(0.0) is None
    assert scheduler.wake_at(0.0) == 100.0
    assert scheduler.next(100.0).host == B
    assert scheduler.next(101.0) is None


def test_the_forecast_names_the_host_that_decides_it():
    """A delayed host's own pace, in people's words, and what to do about idle workers."""
    scheduler = scheduler_of({A: 1205}, pool=PoolSettings(per_host=1, delay=2.0))
    assert scheduler.forecast(0.0, 64).seconds is None
    settle(scheduler, scheduler.next(0.0), 1.0)
    forecast = scheduler.forecast(2.0, 64)
    assert (forecast.host, forecast.reason) == (A, "1,204 left at 1 per 2 s")
    assert forecast.seconds == pytest.approx(2408)
    assert forecast.hint == "64 of 64 workers are idle: no host may be requested more often now"
    scheduler = scheduler_of({A: 100}, pool=PoolSettings(per_host=2))
    settle(scheduler, scheduler.next(0.0), 0.5)
    forecast = scheduler.forecast(0.5, 64)
    assert forecast.reason == "99 left, 2 at a time, 100 ms each"
    assert forecast.hint == "64 of 64 workers are idle: a higher --per-host would use them"


def hint(scheduler, now):
    """What is shown beside the forecast, and of the host."""
    (row,) = scheduler.rows(now, 1)
    shown = scheduler.forecast(now, 64).hint
    assert shown == row.held_up
    return shown


def test_what_holds_a_host_up_is_said_by_url_and_status():
    """Instead of advice that does not help: a page that fails, while the others go on, and when only it is left."""
    scheduler = scheduler_of({A: 3}, pool=PoolSettings(per_host=1), retry=RetryPolicy(retries=3, backoff=9.0))
    settle(scheduler, scheduler.next(0.0), 0.1)
    lease = scheduler.next(0.1)
    settle(scheduler, lease, 0.2, Reply(0.1, 503, retry=True))
    assert hint(scheduler, 0.2).endswith(" once; its 1 other goes on")
    assert hint(scheduler, 0.2).startswith(f"{A.netloc} said 503 to /")
    settle(scheduler, scheduler.next(0.2), 0.3)
    assert hint(scheduler, 0.3).endswith(" once; only that is left, to be retried")


def test_a_host_that_is_parked_is_no_reason_for_more_hosts():
    """It is said for how long it gets no requests, and after which of its URLs."""
    scheduler = scheduler_of({A: 9}, pool=PoolSettings(per_host=1))
    settle(scheduler, scheduler.next(0.0), 0.1)
    settle(scheduler, scheduler.next(0.1), 0.2, Reply(0.1, 429, retry=True, after=30.0))
    said = hint(scheduler, 0.2)
    assert said.startswith(f"{A.netloc} gets no requests for 30 s after /")
    assert said.endswith("(status 429)")


def test_a_host_that_is_down_is_said_to_be():
    """With the first page that failed, and how."""
    scheduler = scheduler_of({A: 50}, pool=PoolSettings(per_host=1), retry=RetryPolicy(backoff=9.0))
    now = 0.0
    while (lease := scheduler.next(now)) is not None and now < 20:
        now += 0.1
        settle(scheduler, lease, now, Reply(0.1, 500, retry=True) if now > 0.25 else Reply(0.1))
    said = hint(scheduler, now)
    assert "has been down for" in said
    assert "pages in a row failed, the first /" in said
    assert said.endswith("(status 500)")


def test_nothing_is_foretold_by_robots_txt_alone():
    """How long pages take is not known before one has ended."""
    scheduler = scheduler_of({A: 1000}, politeness=PolitenessSettings(robots=True))
    scheduler.settle_robots(
        scheduler.next(0.0).host, RobotsVerdict(), 0.001, elapsed=0.001, use=ConnectionUse(requests=1)
    )
    lease = scheduler.next(1.0)
    assert (scheduler.forecast(1.0, 4).seconds, scheduler.forecast(1.0, 4).hint) == (None, None)
    settle(scheduler, lease, 2.0, Reply(1.0))
    assert scheduler.forecast(2.0, 4).seconds == pytest.approx(999 * 1.001 / 2)


def test_robots_txt_counts_in_the_forecast():
    """Of many hosts with a page each, it is half of all requests."""
    hosts = {host_named(number): 1 for number in range(100)}
    scheduler = scheduler_of(hosts, pool=PoolSettings(workers=1), politeness=PolitenessSettings(robots=True))
    now = 0.0
    for _ in range(20):
        lease = scheduler.next(now)
        now += 1.0
        if lease.robots:
            scheduler.settle_robots(lease.host, RobotsVerdict(), now, elapsed=1.0, use=ConnectionUse(requests=1))
        else:
            settle(scheduler, lease, now, Reply(1.0))
    left = 200 - 20
    assert scheduler.forecast(now, 1).seconds == pytest.approx(left, rel=0.1)


def test_the_forecast_says_that_a_window_is_closed():
    """Before anything was asked, and when the host with the window is what is left."""

    def limits_for(host):
        return HostLimits(1, 0.0, closed_for=(lambda now: max(0.0, 7200.0 - now)) if host == B else None)

    scheduler = scheduler_of({B: 2}, limits_for=limits_for)
    assert scheduler.next(0.0) is None
    forecast = scheduler.forecast(60.0, 4)
    assert (forecast.host, forecast.seconds) == (B, 7140.0)
    assert forecast.reason == "2 left, its window opens in 1 h 59 min"
    scheduler.add(A, [7])
    settle(scheduler, scheduler.next(60.0), 60.5)
    forecast = scheduler.forecast(60.5, 4)
    assert forecast.reason == "2 left, 1 at a time, 100 ms each, its window opens in 1 h 59 min"
    assert forecast.hint == "4 of 4 workers are idle: no host may be requested more often now"


def test_the_forecast_says_that_the_host_that_decides_is_down():
    """How long it still will be nobody knows; how long it was is why the ETA grows."""
    scheduler = scheduler_of({A: 100}, retry=RetryPolicy(break_after=2))
    settle(scheduler, scheduler.next(0.0), 1.0)
    for now in (1.0, 2.0):
        settle(scheduler, scheduler.next(now), now + 1.0, Reply(1.0, status=0, retry=True, error=ErrorKind.RESET))
    assert scheduler.forecast(23.0, 4).reason == "99 left, 1 at a time, 700 ms each, down for 20 s"


def limits_as_pages_slow_down(first_byte):
    """The lowest limit of a host whose pages come to take 3 s, with the first byte after ``first_byte``."""
    scheduler = scheduler_of({A: 500}, pool=PoolSettings(per_host=4))
    lowest = 4
    for tick in range(200):
        lease = scheduler.next(float(tick))
        result = answer(Attempt(Target("http://h1.test/", A, "/")), Reply(0.05 if tick < 100 else 3.0))
        timings = first_byte and Timings(None, None, None, first_byte, 0.01)
        scheduler.settle(
            lease, [replace(result, timings=timings)], tick + 0.5, wall=WALL, use=ConnectionUse(requests=1)
        )
        lowest = min(lowest, scheduler.rows(tick + 0.6, 1)[0].limit)
    return lowest, scheduler.rows(300.0, 1)[0].limit


def test_a_host_that_slows_down_is_asked_less_until_that_is_its_way():
    """Less is in flight while its latency rises; one that stays is no sign of strain."""
    lowest, last = limits_as_pages_slow_down(None)
    assert lowest < 4
    assert last == 4


def test_a_large_page_is_no_risen_latency():
    """Where the first byte comes as soon as ever, it is the bodies that take their time."""
    assert limits_as_pages_slow_down(0.05) == (4, 4)


def parked_world(seconds, **changes):
    """A world in which one of two hosts had asked, before the run, for so many seconds."""
    world = World({A: 3, B: 2}, audit=False, **changes)
    pool = world.pool
    limits = {A: HostLimits(pool.per_host, pool.delay, parked_until=seconds)}
    usual = HostLimits(pool.per_host, pool.delay)
    world.scheduler._hosts._limits_for = lambda host: limits.get(host, usual)
    return world


def test_a_host_that_asked_an_earlier_run_for_a_pause_is_parked():
    """Nobody asks it before; the other host does not wait."""
    world = parked_world(100.0)
    world.run()
    assert {lease.host for at, lease in world.leases if at < 100} == {B}
    assert all(verdict(outcome) == "ok" for outcome in world.outcomes)


def test_one_that_asked_for_more_than_is_waited_for_is_deferred_again():
    """At once, and without being asked."""
    world = parked_world(301.0)
    world.books[A].refused_until = 301.0
    assert world.run() < 10
    assert {lease.host for _, lease in world.leases} == {B}
    assert [refusal.not_before for refusal in world.refusals] == [301.0]


def test_a_redirect_to_a_parked_host_waits_there():
    """As its own URLs do."""
    world = parked_world(50.0)
    world.serve = lambda attempt: Reply(status=302, to=A) if attempt.target.host == B and not attempt.hop else Reply()
    world.run()
    assert min(at for at, lease in world.leases if lease.host == A) == 50.0
