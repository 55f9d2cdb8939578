"""The number of workers at work, on a virtual clock."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.schedule.headcount import FIRST, Headcount

Machine = Callable[[int], tuple[float, float]]
"""From workers to requests a second and the share of a core that they take."""


def slow_network(workers: int) -> tuple[float, float]:
    """Each request lasts 100 ms and costs next to nothing."""
    return workers * 10.0, workers * 0.001


def quick_network(best: int) -> Machine:
    """The interpreter is the limit, and serves fastest with ``best`` workers."""

    def machine(workers: int) -> tuple[float, float]:
        return 20_000 * min(workers / best, (best / workers) ** 0.4), 1.0

    return machine


def run(count: Headcount, machine: Machine, seconds: float, start: float = 0.0) -> list[int]:
    """Let ``count`` look every 5 ms; the numbers that it allowed."""
    cpu = done = 0.0
    seen = []
    for i in range(int(seconds * 200)):
        rate, share = machine(count.allowed)
        count.look(start + i * 0.005, cpu, int(done))
        cpu += share * 0.005
        done += rate * 0.005
        seen.append(count.allowed)
    return seen


@pytest.mark.parametrize("most", [1, 3, 32, 128])
def test_a_slow_network_gets_all_workers_at_once(most):
    """Where the CPU idles, every worker is at work within a fifth of a second."""
    assert run(Headcount(most), slow_network, 0.2)[-1] == most


@pytest.mark.parametrize("best", [2, 4, 8, 16])
def test_a_quick_network_settles_near_the_best_number(best):
    """Where the interpreter is the limit, most of the time goes to numbers near the best one."""
    seen = run(Headcount(64), quick_network(best), 60)[2000:]
    near = sum(best / 1.8 <= n <= best * 1.8 for n in seen)
    assert near / len(seen) > 0.8


def test_it_comes_down_after_a_slow_phase():
    """All workers are at work, then the network gets quick: their number falls."""
    count = Headcount(64)
    assert run(count, slow_network, 1)[-1] == 64
    assert run(count, quick_network(8), 20, start=1.0)[-1] <= 16


def test_it_begins_small():
    """Before anything is known, no more than a few workers are at work."""
    assert Headcount(64).allowed == FIRST


@given(st.integers(1, 200), st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 1), st.integers(0, 9999)), max_size=200))
def test_the_number_stays_within_its_bounds(most, looks):
    """Whatever it sees, there is at least one worker and never more than there are."""
    count = Headcount(most)
    now = cpu = 0.0
    done = 0
    for seconds, share, requests in looks:
        now, cpu, done = now + seconds, cpu + share * seconds, done + requests
        count.look(now, cpu, done)
        assert 1 <= count.allowed <= most
