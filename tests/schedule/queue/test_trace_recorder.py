"""The history of a target: what it waited for, and what each attempt came to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.model import Attempt, AttemptRecord, ErrorKind, Skipped, Target, Wait, WaitReason
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PoolSettings, RetryPolicy
from tests.schedule.simulate import WALL, Reply, World, host_named

A, B = host_named(1), host_named(2)


def replies(*of: Reply) -> Callable[[Attempt], Reply]:
    """These, one after the other, then successes."""
    number = count()
    return lambda _: of[at] if (at := next(number)) < len(of) else Reply()


def steps_of(world: World, url: str) -> list[tuple[object, ...]]:
    """A history as (reason, seconds) and (number, status or error)."""
    outcome = next(outcome for outcome in world.outcomes if outcome.target.url == url)
    assert outcome.history is not None
    return [
        (str(step.why), round(step.seconds, 3))
        if isinstance(step, Wait)
        else (step.number, step.redirected_to or step.error or step.status)
        for step in outcome.history
    ]


def run(targets: dict[object, int], serve: Callable[[Attempt], Reply], **changes: object) -> World:
    world = World(targets, serve, histories=True, **changes)  # type: ignore[arg-type]
    world.run()
    return world


def test_a_retry_tells_its_pause_and_its_first_attempt() -> None:
    """The backoff is half of its most, as the dice show one half."""
    world = run({A: 1}, replies(Reply(error=ErrorKind.RESET, status=0, retry=True)))
    assert steps_of(world, f"{A.origin}/0") == [(1, "reset"), ("backoff", 0.5), (2, 200)]
    first = world.outcomes[0].history[0]  # type: ignore[index]
    assert isinstance(first, AttemptRecord)
    assert (first.started, first.elapsed) == (world.outcomes[0].started, 0.1)


def test_a_retry_after_holds_the_whole_host() -> None:
    """The target that was refused and the one behind it waited for the same; a retry goes after first tries."""
    world = run({A: 2}, replies(Reply(status=429, retry=True, after=30.0)), pool=PoolSettings(per_host=1, pace="fixed"))
    assert steps_of(world, f"{A.origin}/0") == [(1, "http_4xx"), ("retry_after", 30.0), ("turn", 0.1), (2, 200)]
    assert steps_of(world, f"{A.origin}/1") == [("retry_after", 30.0), ("turn", 0.1), (1, 200)]


def test_a_host_that_names_no_time_parks_itself() -> None:
    """The pause is the program's own, and is called so."""
    world = run({A: 2}, replies(Reply(status=429, retry=True)), pool=PoolSettings(per_host=1, pace="fixed"))
    assert ("parked", 0.5) in steps_of(world, f"{A.origin}/1")


def test_a_delay_is_named() -> None:
    """The third target of a host that is asked every two seconds waited for four."""
    world = run({A: 3}, replies(), pool=PoolSettings(delay=2.0))
    assert steps_of(world, f"{A.origin}/2") == [("delay", 4.0), (1, 200)]


def test_robots_txt_is_waited_for() -> None:
    """The simulated one takes 50 ms."""
    world = run({A: 1}, replies(), robots=lambda _: RobotsVerdict())
    assert steps_of(world, f"{A.origin}/0") == [("robots", 0.05), (1, 200)]


def test_a_host_that_was_down_is_named() -> None:
    """The target that found it up again waited for its probe."""
    down = Reply(error=ErrorKind.CONNECT_REFUSED, status=0, retry=True)
    world = run(
        {A: 3},
        replies(*[down] * 3),
        pool=PoolSettings(per_host=1, pace="fixed"),
        retry=RetryPolicy(break_after=2, backoff=0.0),
    )
    histories = [dict(step for step in steps_of(world, f"{A.origin}/{n}") if isinstance(step[0], str)) for n in (0, 2)]
    assert all(history["circuit"] > 0.9 for history in histories)


def test_a_hop_to_another_host_is_a_step() -> None:
    """What was asked first, where that led, and what came of it there."""
    world = run({A: 1}, replies(Reply(status=302, to=B)))
    assert steps_of(world, f"{A.origin}/0") == [(1, f"{B.origin}/hop"), (1, 200)]


def test_a_refused_target_tells_what_it_waited_for() -> None:
    """It was never asked, so there are no attempts."""
    world = run({A: 2}, replies(Reply(status=429, retry=True, after=9000.0)), pool=PoolSettings(per_host=1))
    assert steps_of(world, f"{A.origin}/0") == [(1, "http_4xx")]
    assert [refusal.waits for refusal in world.refusals] == [(Wait(WaitReason.TURN, pytest.approx(0.1)),)]  # type: ignore[arg-type]


def test_what_is_skipped_was_not_tried() -> None:
    """Robots.txt has it, as far as the scheduler knows."""
    scheduler = Scheduler(PoolSettings(), RetryPolicy(), rng=lambda: 0.5, histories=True)
    scheduler.add(A, [0])
    lease = scheduler.next(0.0)
    skipped = Skipped(target=Target(f"{A.origin}/0", A, "/0"), error=ErrorKind.ROBOTS)
    assert scheduler.settle(lease, [skipped], 0.1, wall=WALL)[0].history == ()  # type: ignore[arg-type]


KINDS = st.builds(
    Reply,
    status=st.sampled_from([200, 200, 200, 404, 429, 503, 500, 0]),
    retry=st.booleans(),
    after=st.none() | st.floats(0, 400),
    elapsed=st.floats(0.001, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(KINDS, max_size=25), st.integers(1, 12), st.integers(1, 3), st.sampled_from([0.0, 0.7]))
def test_histories_change_nothing_and_add_up(of: list[Reply], targets: int, per_host: int, delay: float) -> None:
    """The same leases at the same times, and all waits together are when a target was handed out last."""
    pool = PoolSettings(per_host=per_host, delay=delay)
    plain = World({A: targets, B: 2}, replies(*of), pool=pool, audit=False)
    recorded = World({A: targets, B: 2}, replies(*of), pool=pool, audit=False, histories=True)
    assert plain.run() == recorded.run()
    assert [(at, lease.tickets) for at, lease in plain.leases] == [(at, lease.tickets) for at, lease in recorded.leases]
    assert all(outcome.history is None for outcome in plain.outcomes)
    first = {recorded.targets[ticket].url: at for at, lease in recorded.leases for ticket in lease.tickets}
    for outcome in recorded.outcomes:
        assert outcome.history is not None
        waited = sum(step.seconds for step in outcome.history if isinstance(step, Wait))
        assert waited == pytest.approx(first[outcome.target.url] + outcome.waited, abs=0.02)
