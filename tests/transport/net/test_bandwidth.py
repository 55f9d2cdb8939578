"""Tests the limit of the bytes per second."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.net.bandwidth import BURST, Bandwidth

READERS = 4


@given(
    st.floats(1, 1e9),
    st.lists(st.tuples(st.integers(0, READERS - 1), st.floats(0, 1), st.floats(0, 3)), min_size=1, max_size=60),
)
def test_readers_that_wait_keep_to_the_rate_together(rate: float, turns: list[tuple[int, float, float]]) -> None:
    """In any period, at most the rate, one burst, and one piece per waiting reader is read."""
    bandwidth = Bandwidth(rate, 0.0)
    next_read_at = [0.0] * READERS
    now, read = 0.0, list[tuple[float, int]]()
    for reader, share, pause in turns:
        now += pause
        if next_read_at[reader] <= now:
            size = int(share * bandwidth.piece)
            read.append((now, size))
            next_read_at[reader] = bandwidth.consume(size, now)
            assert next_read_at[reader] == bandwidth.next_read_at
    for first, (since, _) in enumerate(read):
        together = sum(size for _, size in read[first:])
        assert together <= rate * (now - since + BURST) + READERS * bandwidth.piece


def test_an_idle_minute_is_not_made_up() -> None:
    """After any idle time, one second's worth of bytes is read at once, and the rest must wait."""
    bandwidth = Bandwidth(1000.0, 0.0)
    assert bandwidth.consume(1000, 60.0) == pytest.approx(60.0)
    assert bandwidth.consume(500, 60.0) == pytest.approx(60.5)


def test_a_copy_starts_with_a_full_bucket() -> None:
    """A copy may be on another machine, whose monotonic clock started later."""
    original = Bandwidth(1000.0, 1e9)
    original.consume(5000, 1e9)
    copied = pickle.loads(pickle.dumps(original))
    assert copied.consume(1000, 10.0) == pytest.approx(10.0 - BURST + 1.0)
