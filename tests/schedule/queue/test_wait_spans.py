"""Reasons for waits: spans that never overlap, and waits that are divided among them."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import Wait, WaitReason
from scrapepool.schedule.queue import wait_spans as module
from scrapepool.schedule.queue.wait_spans import WaitSpans, divide_wait

SPANS = st.lists(st.tuples(st.sampled_from(WaitReason), st.floats(0, 100), st.floats(0, 20)), max_size=20)


def test_a_wait_is_divided_by_what_held_the_host() -> None:
    """Each reason once, in its order; the rest has the reason that is left."""
    holds = WaitSpans()
    holds.add(WaitReason.ROBOTS, 0.0, 0.4)
    holds.add(WaitReason.PARKED, 10.0, 40.0)
    holds.add(WaitReason.ROBOTS, 50.0, 51.0)
    divided = divide_wait(60.0, holds.within(-inf, 60.0), WaitReason.TURN)
    assert divided == (Wait(WaitReason.ROBOTS, 1.4), Wait(WaitReason.PARKED, 30.0), Wait(WaitReason.TURN, 28.6))
    assert list(holds.within(20.0, 30.0)) == [(WaitReason.PARKED, 10.0)]
    assert list(holds.within(41.0, 49.0)) == []


def test_what_was_said_first_of_a_time_stands() -> None:
    """A second reason counts from where the first one ends."""
    holds = WaitSpans()
    holds.add(WaitReason.RETRY_AFTER, 0.0, 10.0)
    holds.add(WaitReason.CIRCUIT, 5.0, 8.0)
    holds.add(WaitReason.CIRCUIT, 5.0, 12.0)
    assert list(holds.within(0.0, 20.0)) == [(WaitReason.RETRY_AFTER, 10.0), (WaitReason.CIRCUIT, 2.0)]


def test_a_hold_may_end_early() -> None:
    """Only where it is that one which holds, and whatever came after it counts from then on."""
    holds = WaitSpans()
    holds.add(WaitReason.CIRCUIT, 0.0, 10.0)
    holds.end(WaitReason.PARKED, 4.0)
    holds.end(WaitReason.CIRCUIT, 4.0)
    holds.add(WaitReason.PARKED, 4.0, 6.0)
    holds.end(WaitReason.PARKED, 3.0)
    assert list(holds.within(-inf, inf)) == [(WaitReason.CIRCUIT, 4.0)]


def test_old_spans_become_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is parked all day costs no more than one that is parked a few times."""
    monkeypatch.setattr(module, "MAX_SPANS", 2)
    holds = WaitSpans()
    for at in range(10):
        holds.add(WaitReason.PARKED, at, at + 0.5)
    assert len(holds._spans) == 2
    assert sum(seconds for _, seconds in holds.within(-inf, inf)) == pytest.approx(5.0)
    assert list(holds.within(8.0, 20.0)) == [(WaitReason.PARKED, 0.5), (WaitReason.PARKED, 0.5)]


@given(SPANS, st.floats(0, 150))
def test_the_parts_of_a_wait_are_the_wait(spans: list[tuple[WaitReason, float, float]], seconds: float) -> None:
    """However spans were added, except for spans that are too short to be recorded."""
    holds = WaitSpans()
    for why, since, length in spans:
        holds.add(why, since, since + length)
    divided = divide_wait(seconds, holds.within(-inf, seconds), WaitReason.TURN)
    assert all(wait.seconds >= module.MIN_WAIT for wait in divided)
    assert sum(wait.seconds for wait in divided) == pytest.approx(seconds, abs=module.MIN_WAIT * len(WaitReason))
    assert len({wait.why for wait in divided}) == len(divided)
