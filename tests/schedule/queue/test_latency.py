"""What settled leases tell of a host's latency."""

from math import inf

import pytest

from scrapepool.model import HostKey
from scrapepool.schedule.health.adaptive_rate import alarm_threshold
from scrapepool.schedule.queue.latency import LatencyEstimate
from scrapepool.schedule.tally import HostTally

HOST = HostKey("http", "h.test", 80)


def test_a_latency_that_doubles_is_an_alarm_until_it_has_become_usual():
    """The baseline is the lowest mean, and moves half of the way when the alarm is answered."""
    latency, tally = LatencyEstimate(adapt=True), HostTally(HOST)
    assert not latency.update(tally, [1.0], 0)
    assert latency.alarm == alarm_threshold(1.0)
    assert latency.update(tally, [4.0] * 100, 0)
    latency.raise_baseline(tally.mean)
    assert latency.baseline == pytest.approx((1.0 + tally.mean) / 2)
    assert not latency.update(tally, [4.0], 0)
    assert not latency.update(tally, [9.0], 0, 8.0)


def test_there_is_no_alarm_where_the_rate_is_fixed():
    """However slow the host becomes."""
    latency, tally = LatencyEstimate(adapt=False), HostTally(HOST)
    assert not any(latency.update(tally, [seconds] * 50, 0) for seconds in (0.1, 10.0, 100.0))
    assert latency.alarm == inf


def test_a_lease_without_latencies_tells_nothing():
    """Its targets were skipped, for example, or all of the time may have been this process's own."""
    latency, tally = LatencyEstimate(adapt=True), HostTally(HOST)
    assert not latency.update(tally, [], 3)
    assert not latency.update(tally, [0.1], 3, 0.1)
    assert (latency.best, latency.max_lease, tally.mean) == (inf, 1, 0.0)
