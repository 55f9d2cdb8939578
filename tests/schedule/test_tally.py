"""The run's numbers."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, Failed, Fetched, HostKey, Skipped, Target, Unchanged, error_of, verdict
from scrapepool.ports import HostRow as ShownRow
from scrapepool.schedule.tally import HostRow, HostTally, Tally, percentile

HOST = HostKey("http", "h.test", 80)
TARGET = Target("http://h.test/", HOST, "/")

outcomes = st.one_of(
    st.builds(
        Fetched,
        target=st.just(TARGET),
        status=st.sampled_from([200, 301, 404, 503, None]),
        wire_bytes=st.integers(0, 9),
    ),
    st.builds(Unchanged, target=st.just(TARGET), status=st.just(304)),
    st.builds(Failed, target=st.just(TARGET), error=st.sampled_from(ErrorKind), wire_bytes=st.integers(0, 9)),
    st.builds(Skipped, target=st.just(TARGET), error=st.sampled_from(ErrorKind)),
)


@given(st.lists(outcomes))
def test_counts_equal_a_recount(ends):
    """What is counted one by one is what counting all at the end gives."""
    tally = Tally()
    for outcome in ends:
        tally.count(outcome)
    assert tally.done == len(ends)
    assert tally.outcomes == Counter(map(verdict, ends))
    assert tally.errors == Counter(error for error in map(error_of, ends) if error is not None)
    assert tally.bytes == sum(outcome.wire_bytes for outcome in ends)


def test_a_skipped_target_is_no_failure_of_its_host():
    """Failures and bad statuses are, what was never asked for is not."""
    tally = Tally()
    assert tally.count(Failed(target=TARGET, error=ErrorKind.RESET))
    assert tally.count(Fetched(target=TARGET, status=404))
    assert not tally.count(Skipped(target=TARGET, error=ErrorKind.ROBOTS))
    assert not tally.count(Unchanged(target=TARGET, status=304))


def test_the_rate_looks_back_ten_seconds():
    """A burst long ago does not count, a steady pace does."""
    tally = Tally()
    tally.settle(HostTally(HOST), (), 0, 0, 0.0)
    tally.done = 1000
    assert tally.rates(1.0) == (1000, 0)
    for second in range(2, 40):
        tally.done += 5
        rate, _ = tally.rates(float(second))
    assert rate == 5


def test_rate_samples_are_bounded():
    """However often it is asked, the rate keeps about a hundred samples."""
    tally = Tally()
    for tick in range(20_000):
        tally.rates(tick / 100)
    assert len(tally._samples) <= 110


def test_only_so_many_finished_hosts_are_kept():
    """The least busy are forgotten first, hosts at work never."""
    tally = Tally(hosts_kept=10)
    at_work = tally.claim(HostKey("http", "busy.test", 80))
    for number in range(1000):
        row = tally.claim(HostKey("http", f"h{number}.test", 80))
        row.requests = 500 if number == 3 else 1
        tally.release(row)
        assert len(tally.hosts) <= 12
    assert at_work.host in tally.hosts
    assert HostKey("http", "h3.test", 80) in tally.hosts


def test_a_host_that_comes_back_keeps_its_numbers():
    """Its row is the one that it had, and is not forgotten while it is at work."""
    tally = Tally(hosts_kept=2)
    row = tally.claim(HOST)
    tally.release(row)
    assert tally.claim(HOST) is row
    for number in range(10):
        tally.release(tally.claim(HostKey("http", f"h{number}.test", 80)))
    assert tally.hosts[HOST] is row


def test_percentiles_are_nearest_ranks():
    """They are values that were measured."""
    ranked = [float(n) for n in range(1, 21)]
    assert percentile(ranked, 0.5) in {10.0, 11.0}
    assert percentile(ranked, 0.95) in {19.0, 20.0}
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([], 0.5) is None


def test_slowest_and_busiest_are_ranked():
    """Hosts that never answered are not slow."""
    tally = Tally()
    for number, (mean, requests) in enumerate([(0.1, 5), (0.9, 1), (0.0, 9)]):
        row = tally.claim(HostKey("http", f"h{number}.test", 80))
        row.mean, row.requests = mean, requests
    assert [row.mean for row in tally.slowest(5)] == [0.9, 0.1]
    assert [row.requests for row in tally.busiest(2)] == [9, 5]


def test_rows_are_those_of_the_ports():
    """The row made here has the fields that views are promised."""
    assert HostRow._fields == ShownRow._fields


def test_kept_connections_save_the_mean_time_of_opening_one():
    """On each host by its own mean, and what a host has saved counts after it was forgotten."""
    tally = Tally(hosts_kept=2)
    for port, opening in ((1, 0.5), (2, 0.1), (3, 0.0)):
        row = tally.claim(HostKey("http", "h.test", port))
        row.opening += opening * 2
        tally.settle(row, (), opened=2, requests=10, now=0.0)
    assert abs(tally.saved - 8 * 0.6) < 1e-9
    assert HostTally(HOST).saved == 0.0
    for row in list(tally.hosts.values()):
        tally.release(row)
    assert len(tally.hosts) < 3
    assert abs(tally.saved - 8 * 0.6) < 1e-9
