import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import OutputError
from scrapepool.record.fanout import Fanout
from tests.record.record_cases import fetched

LOST = OutputError("table", "No space left on device")


class Listing:
    """A sink that lists what it was given, and that may fail."""

    def __init__(self, fails_at=None):
        self.got = []
        self.closed = 0
        self.fails_at = fails_at

    def write(self, outcomes):
        self.got += outcomes
        if self.fails_at is not None and len(self.got) >= self.fails_at:
            raise LOST

    def close(self):
        self.closed += 1


class Gathering(Listing):
    """A store that keeps what it has in groups of ``size``, the rest at its end, unless it fails."""

    def __init__(self, size, fails_at=None):
        super().__init__(fails_at)
        self.kept = 0
        self._size = size

    def write(self, outcomes):
        super().write(outcomes)
        self.kept = len(self.got) // self._size * self._size

    def close(self):
        super().close()
        if self.fails_at is not None:
            raise LOST
        self.kept = len(self.got)


def outcomes(number, start=0):
    return [fetched(f"https://example.org/{start + n}") for n in range(number)]


@given(
    stores=st.lists(st.integers(1, 7).map(Gathering), max_size=3),
    calls=st.lists(st.integers(0, 5), max_size=12),
    records=st.integers(1, 2),
)
def test_a_record_is_written_once_every_store_holds_its_share(stores, calls, records):
    """At no moment does a record speak of what a killed run would have lost; at the end all are written, in order."""
    sinks = [Listing() for _ in range(records)]
    fanout = Fanout(stores, sinks)
    given_so_far = []
    for number in calls:
        new = outcomes(number, len(given_so_far))
        given_so_far += new
        fanout.write(new)
        kept = min((store.kept for store in stores), default=len(given_so_far))
        assert all(sink.got == given_so_far[:kept] for sink in sinks)
    fanout.close()
    assert all(sink.got == given_so_far and sink.closed == 1 for sink in sinks)
    assert all(store.got == given_so_far and store.closed == 1 for store in stores)


def test_a_call_without_outcomes_lets_what_waits_through():
    """A store that has kept something in the meantime has its records written, also while nothing ends."""
    store, records = Gathering(100), Listing()
    fanout = Fanout([store], [records])
    fanout.write(outcomes(3))
    assert records.got == []
    store._size = 3
    fanout.write([])
    assert len(records.got) == 3


def test_an_error_of_a_store_leaves_no_record_of_what_it_lost():
    """The error names the output; the others are ended, and the records tell of what is kept everywhere."""
    broken, other, records = Gathering(2, fails_at=5), Gathering(1), Listing()
    fanout = Fanout([broken, other], [records])
    fanout.write(outcomes(4))
    with pytest.raises(OutputError) as caught:
        fanout.write(outcomes(4, 4))
    assert caught.value is LOST
    with pytest.raises(OutputError):
        fanout.close()
    assert len(records.got) == 4
    assert (broken.closed, other.closed, records.closed) == (1, 1, 1)


def test_an_error_of_the_records_ends_the_stores_too():
    """What a store gathered is kept though nobody will read of it."""
    store, records = Gathering(3), Listing(fails_at=3)
    fanout = Fanout([store], [records])
    with pytest.raises(OutputError):
        fanout.write(outcomes(4))
    fanout.close()
    assert (store.kept, store.closed, records.closed) == (4, 1, 1)
