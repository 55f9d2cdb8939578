"""How runs share hosts: alone by the arithmetic, and together in random order."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.schedule.sharing.host_quota import MIN_TURN, QuotaRequest, allocate


def test_a_run_alone_at_a_host_has_all_of_it():
    """Nobody else has a claim: as many as it allows, where there is work."""
    assert allocate(1, {1: QuotaRequest(4, 2, 0)}, 0.0).slots == 4
    assert allocate(1, {1: QuotaRequest(4, 0, 3)}, 0.0).slots == 0


def test_two_runs_have_half_each_and_one_that_wants_less_leaves_the_rest():
    """What one has no work for is the other's."""
    assert allocate(1, {1: QuotaRequest(4, 4, 0), 2: QuotaRequest(4, 4, 0)}, 0.0).slots == 2
    assert allocate(1, {1: QuotaRequest(4, 4, 0), 2: QuotaRequest(4, 1, 0)}, 0.0).slots == 3
    assert allocate(2, {1: QuotaRequest(4, 4, 0), 2: QuotaRequest(4, 1, 0)}, 0.0).slots == 1


def test_what_another_still_holds_is_not_given():
    """It has requests in flight beyond its share: they end first."""
    assert allocate(1, {1: QuotaRequest(4, 4, 0), 2: QuotaRequest(4, 4, 4)}, 0.0).slots == 0
    assert allocate(1, {1: QuotaRequest(4, 4, 0), 2: QuotaRequest(4, 4, 3)}, 0.0).slots == 1


def test_the_run_that_allows_least_decides():
    """A host is asked no more than each of its runs would have it."""
    assert allocate(1, {1: QuotaRequest(8, 8, 0), 2: QuotaRequest(2, 2, 0)}, 0.0).slots == 1


def test_a_delay_makes_a_host_one_runs_at_a_time():
    """It goes round, and the next waits until the last start of the one before is a delay ago."""
    claims = {
        1: QuotaRequest(4, 4, 0, 2.0, free_at=77.0),
        2: QuotaRequest(4, 4, 0, 2.0, free_at=78.0, parked_until=90.0),
    }
    assert allocate(1, claims, 0.0) == (4, 78.0, 90.0)
    assert allocate(2, claims, 0.0).slots == 0
    assert allocate(1, claims, MIN_TURN).slots == 0
    assert allocate(2, claims, MIN_TURN)[:2] == (4, 77.0)
    claims[1] = claims[1]._replace(held=1)
    assert allocate(2, claims, MIN_TURN).slots == 0


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    runs=st.integers(1, 5),
    most=st.lists(st.integers(1, 6), min_size=5, max_size=5),
    delay=st.sampled_from([0.0, 0.0, 3.0, 30.0]),
    seed=st.integers(0, 2**16),
)
def test_runs_that_learn_late_never_exceed_a_host_together(runs, most, delay, seed):
    """Each exchanges, begins and ends requests when it likes; together they keep to the least of their limits.

    Where starts want a delay, whoever starts after somebody else has let it go by. And everybody gets a share.
    """
    rng = random.Random(seed)
    least = min(most[:runs])
    claims = {run: QuotaRequest(most[run], 0, 0) for run in range(runs)}
    slots, out, started, free_at = [0] * runs, [0] * runs, [-1e9] * runs, [-1e9] * runs
    served = [0] * runs
    now, last_start = 0.0, -1e9
    while now < 300 or (now < 3000 and not all(served)):  # who exchanges at random may miss its turn many times
        now += rng.expovariate(8)
        run = rng.randrange(runs)
        match rng.choice(["exchange", "begin", "begin", "end", "end"]):
            case "exchange":
                held = max(slots[run], out[run])
                claims[run] = QuotaRequest(most[run], most[run], held, delay, started[run] + delay)
                grant = allocate(run, claims, now)
                claims[run] = claims[run]._replace(held=max(held, grant.slots))
                slots[run], free_at[run] = grant.slots, max(free_at[run], grant.free_at)
            case "begin" if out[run] < slots[run] and now >= max(free_at[run], started[run] + delay):
                assert now >= last_start + delay
                out[run] += 1
                served[run] += 1
                last_start = started[run] = now
                assert sum(out) <= least
            case "end" if out[run]:
                out[run] -= 1
    assert all(served), served
