"""Seen or not."""

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.read.seen.hash_tables import FEW, FIRST_SLOTS, SHARDS, UNKNOWN_PLACE, FirstSeen, HashSet

NUMBERS = st.integers(-(2**63), 2**63 - 1)
CROWDED = st.integers(0, 40).map(lambda n: n * SHARDS + 7)  # one shard, neighbouring slots


@given(st.lists(NUMBERS | CROWDED | st.sampled_from([2**63 - 1, -(2**63), -1, 0, 1])), st.booleans())
def test_agrees_with_a_set(numbers: list[int], in_tables: bool) -> None:
    """A number is new, and not held before, exactly when a set has not seen it."""
    seen = HashSet()
    if in_tables:
        seen._spread(set())
    known: set[int] = set()
    for number in numbers:
        assert (number in seen) == ((number or 1) in known)
        assert seen.add(number) == ((number or 1) not in known)
        known.add(number or 1)
    assert len(seen) == len(known)
    assert all(number in seen for number in numbers)


def test_survives_growth() -> None:
    """Nothing is forgotten when tables grow, and a URL costs at most 24 bytes."""
    seen = HashSet()
    numbers = [hash(f"https://example.org/{i}") for i in range(4 * FEW)]
    others = [hash(f"https://example.com/{i}") for i in range(FEW)]
    assert all(map(seen.add, numbers))
    assert not any(map(seen.add, numbers))
    assert all(number in seen for number in numbers)
    assert not any(number in seen for number in others)
    assert len(seen) == len(numbers)
    assert max(map(len, seen._tables)) > FIRST_SLOTS  # they have grown
    assert sum(8 * len(table) for table in seen._tables) <= 24 * len(numbers)


@given(st.lists(NUMBERS | CROWDED | st.sampled_from([2**63 - 1, -(2**63), -1, 0, 1])), st.booleans())
def test_first_places_agree_with_a_dict(numbers: list[int], in_tables: bool) -> None:
    """Each number is new once, and then told with the place of that time."""
    places = FirstSeen()
    if in_tables:
        places._spread({})
    known: dict[int, int] = {}
    for place, number in enumerate(numbers, UNKNOWN_PLACE - len(numbers)):
        assert places.seen(number, place) == known.get(number or 1, 0)
        known.setdefault(number or 1, place)


def test_first_places_survive_growth() -> None:
    """Nothing is forgotten as tables grow, and a URL costs at most 36 bytes."""
    places = FirstSeen()
    numbers = [hash(f"https://example.org/{i}") for i in range(2 * FEW)]
    assert not any(places.seen(number, place) for place, number in enumerate(numbers, 1))
    assert [places.seen(number, UNKNOWN_PLACE) for number in numbers] == list(range(1, 2 * FEW + 1))
    assert sum(12 * len(table) for table in places._numbers) <= 36 * len(numbers)
