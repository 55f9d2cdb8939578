"""How a quantity per second is divided among worker processes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.run.processes.shares import LEAST, divide


@given(
    st.floats(1.0, 1e9),
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 2.0)), min_size=1, max_size=20),
)
def test_the_whole_is_always_divided(total: float, processes: Sequence[tuple[float, float]]) -> None:
    """Whatever was used: the shares add up to the total, and none is so small that its process could not grow again."""
    shares = [share * total for share, _ in processes]
    found = divide(total, shares, [share * used for share, (_, used) in zip(shares, processes, strict=True)])
    assert sum(found) == pytest.approx(total)
    assert min(found) >= LEAST * total / len(processes) * 0.999


def test_what_one_does_not_use_goes_to_the_others() -> None:
    """An idle process keeps a tenth of an equal share; one that uses its share gets the rest."""
    assert divide(100.0, [50.0, 50.0], [0.0, 49.0]) == [5.0, 95.0]
    assert divide(100.0, [5.0, 95.0], [5.0, 95.0]) == [50.0, 50.0]
    assert divide(90.0, [30.0, 30.0, 30.0], [10.0, 30.0, 30.0]) == [15.0, 37.5, 37.5]
