"""Seen or not."""

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.read.dedupe import SHARDS, SeenHashes

NUMBERS = st.integers(-(2**63), 2**63 - 1)
CROWDED = st.integers(0, 40).map(lambda n: n * SHARDS + 7)  # one shard, neighbouring slots


@given(st.lists(NUMBERS | CROWDED | st.sampled_from([2**63 - 1, -(2**63), -1, 1])))
def test_agrees_with_a_set(numbers: list[int]) -> None:
    """A number is new exactly when a set has not seen it."""
    seen = SeenHashes()
    known: set[int] = set()
    for number in numbers:
        assert seen.add(number) == ((number or 1) not in known)
        known.add(number or 1)
    assert len(seen) == len(known)


def test_survives_growth() -> None:
    """Nothing is forgotten when tables grow, and a URL costs at most 24 bytes."""
    seen = SeenHashes()
    numbers = [hash(f"https://example.org/{i}") for i in range(60_000)]
    assert all(map(seen.add, numbers))
    assert not any(map(seen.add, numbers))
    assert len(seen) == len(numbers)
    assert sum(8 * len(table) for table in seen._tables) <= 24 * len(numbers)
