from scrapepool.model import HostKey
from scrapepool.schedule.forecast.host_query import ALL_HOSTS, SORT_KEYS, HostOrder, HostQuery
from scrapepool.schedule.forecast.survey import Survey
from scrapepool.schedule.tally import Tally
from scrapepool.settings import PoolSettings


def tally_of(**hosts):
    """Hosts by name, with their targets, targets done, errors and latency."""
    tally = Tally()
    for name, (total, done, errors, seconds) in hosts.items():
        row = tally.claim(HostKey("http", name, 80))
        row.total, row.done, row.errors, row.mean = total, done, errors, seconds
    tally.host_count = len(hosts)
    return tally


def test_each_order_and_a_filter():
    """Most left, most failures, slowest, by name; a filter is a part of the name, and its matches are counted."""
    tally = tally_of(ab=(10, 9, 5, 0.1), bc=(10, 0, 0, 0.9), ca=(99, 98, 7, 0.3))
    survey = Survey({}, tally, PoolSettings())
    firsts = {
        HostOrder.LEFT: ["bc", "ab", "ca"],
        HostOrder.FAILING: ["ca", "ab", "bc"],
        HostOrder.SLOW: ["bc", "ca", "ab"],
        HostOrder.NAME: ["ab", "bc", "ca"],
    }
    assert set(firsts) == set(SORT_KEYS)
    for order, names in firsts.items():
        rows = survey.rows(0.0, 9, HostQuery(order))
        assert [row.host.host for row in rows] == names
        assert sorted(rows, key=SORT_KEYS[order]) == rows, "rows are merged in the same order"
    assert [row.host.host for row in survey.rows(0.0, 1, HostQuery(HostOrder.NAME, "c"))] == ["bc"]
    assert {row.host.host for row in survey.rows(0.0, 9, HostQuery(containing="a"))} == {"ab", "ca"}
    assert survey.matching(HostQuery(containing="c")) == 2
    assert len(survey.rows(0.0, 9, ALL_HOSTS)) == 3
