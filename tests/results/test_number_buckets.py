"""Numbers come back by their keys, in the order in which they were added."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.results.number_buckets import MASK, NumberBuckets
from scrapepool.temporary_tables import TemporaryTables

KEYS = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(KEYS, st.integers(0, 9), st.booleans())))
def test_groups_come_back_by_their_keys(groups: list[tuple[int, int, bool]]) -> None:
    """Whether they were stored on disk in between or not."""
    expected = defaultdict(list)
    with closing(TemporaryTables("the file of a test")) as tables:
        buckets = NumberBuckets(tables, "groups", 2)
        for key, value, stores in groups:
            buckets.add(key, value)
            expected[key & MASK].append((key, value))
            if stores:
                buckets.store()
        found = [list(zip(*columns, strict=True)) for columns in buckets.columns()]
        assert found == [expected[number] for number in sorted(expected)]
        assert repr(buckets) == "<NumberBuckets groups>"
