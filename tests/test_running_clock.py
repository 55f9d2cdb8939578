"""A clock that stands still while the process is stopped."""

from __future__ import annotations

import os

import pytest

from scrapepool.running_clock import GAP, TICK, RunningClock


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_time_in_which_nothing_ran_does_not_count():
    """It is left out from the last sign of life on, so that no measured time is negative."""
    hands = Hands()
    with RunningClock(hands) as clock:
        began = clock.monotonic()
        hands.now += TICK
        assert clock.monotonic() - began == pytest.approx(TICK)
        hands.now += 3600.0
        assert clock.monotonic() - began == pytest.approx(TICK)
        assert clock.stood == pytest.approx(3600.0)
        hands.now += TICK
        assert clock.monotonic() - began == pytest.approx(2 * TICK)


def test_a_long_wait_is_no_stop():
    """Whoever waits asks for no time; the thread shows that the process runs."""
    hands = Hands()
    with RunningClock(hands) as clock:
        began = clock.monotonic()
        for _ in range(100):
            hands.now += TICK
            clock.look()
        assert clock.monotonic() - began == pytest.approx(100 * TICK)
        assert clock.stood == 0.0


def test_nothing_is_left_out_where_nobody_shows_that_the_process_runs():
    """Outside its block there is no thread that does."""
    hands = Hands()
    clock = RunningClock(hands)
    began = clock.monotonic()
    hands.now += 2 * GAP
    assert clock.monotonic() - began == pytest.approx(2 * GAP)
    with clock, clock:
        pass
    hands.now += 2 * GAP
    assert clock.monotonic() - began == pytest.approx(4 * GAP)


def test_a_forked_process_begins_without_the_thread():
    """Its clock goes on by the machine's, until a block of its own begins."""
    hands = Hands()
    with RunningClock(hands) as clock:
        os.register_at_fork(after_in_child=clock.forget)
        child = os.fork()
        if not child:
            began = clock.monotonic()
            hands.now += 10 * GAP
            os._exit(0 if clock.monotonic() - began == 10 * GAP else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
