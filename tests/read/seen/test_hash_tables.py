"""Seen or not."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.read.seen.hash_tables import (
    BUCKETS,
    ENTRY_BYTES,
    FEW,
    NUMBER_BYTES,
    UNKNOWN_PLACE,
    FirstSeen,
    HashSet,
)

NUMBERS = st.integers(-(2**63), 2**63 - 1)
CROWDED = st.builds(lambda n, m: (m * 2**40 + n) * BUCKETS + 7, st.integers(0, 3), st.integers(0, 3))
"""Numbers of one bucket, of few different bytes: each is also found across the entries of others."""


@given(st.lists(NUMBERS | CROWDED | st.sampled_from([2**63 - 1, -(2**63), -1, 0, 1])), st.booleans())
def test_agrees_with_a_set(numbers: list[int], in_tables: bool) -> None:
    """A number is new, and not held before, exactly when a set has not seen it."""
    seen = HashSet()
    if in_tables:
        seen._spread(set())
    known: set[int] = set()
    for number in numbers:
        assert (number in seen) == (number in known)
        assert seen.add(number) == (number not in known)
        known.add(number)
    assert len(seen) == len(known)
    assert all(number in seen for number in numbers)


def test_survives_growth() -> None:
    """Nothing is forgotten when a set becomes buckets, and a URL costs six bytes of a bucket without a reserve."""
    seen = HashSet()
    numbers = [hash(f"https://example.org/{i}") for i in range(4 * FEW)]
    others = [hash(f"https://example.com/{i}") for i in range(FEW)]
    assert all(map(seen.add, numbers))
    assert not any(map(seen.add, numbers))
    assert all(number in seen for number in numbers)
    assert not any(number in seen for number in others)
    assert len(seen) == len(numbers)
    assert _bytes_in(seen._buckets) == NUMBER_BYTES * len(numbers)


@given(st.lists(NUMBERS | CROWDED | st.sampled_from([2**63 - 1, -(2**63), -1, 0, 1])), st.booleans())
def test_first_places_agree_with_a_dict(numbers: list[int], in_tables: bool) -> None:
    """Each number is new once; after that, its first place is returned."""
    places = FirstSeen()
    if in_tables:
        places._spread({})
    known: dict[int, int] = {}
    for place, number in enumerate(numbers, UNKNOWN_PLACE - len(numbers)):
        assert places.seen(number, place) == known.get(number, 0)
        known.setdefault(number, place)


def test_first_places_survive_growth() -> None:
    """Nothing is forgotten when a dict becomes buckets, and a URL costs ten bytes of a bucket without a reserve."""
    places = FirstSeen()
    numbers = [hash(f"https://example.org/{i}") for i in range(2 * FEW)]
    assert not any(places.seen(number, place) for place, number in enumerate(numbers, 1))
    assert [places.seen(number, UNKNOWN_PLACE) for number in numbers] == list(range(1, 2 * FEW + 1))
    assert _bytes_in(places._buckets) == ENTRY_BYTES * len(numbers)


def _bytes_in(buckets: list[bytes]) -> int:
    """The memory of all buckets, beyond that of as many empty ones."""
    return sum(map(sys.getsizeof, buckets)) - len(buckets) * sys.getsizeof(b"")
