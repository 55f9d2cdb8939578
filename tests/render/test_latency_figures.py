"""The latencies of a run in a line."""

from scrapepool.histogram import LogHistogram
from scrapepool.render.latency_figures import SPARK_LEAST, latency_pieces


def test_a_histogram_is_drawn_of_enough_requests():
    """Its columns are ranges of which each is twice as wide as the last; an empty one is a line at the bottom."""
    latencies = LogHistogram()
    latencies.add_all([0.1] * (SPARK_LEAST - 5) + [0.5] * 3 + [1.5])
    assert latency_pieces(latencies) == ["p50 102 ms", "p95 1.5 s", "p99 1.5 s", "max 1.5 s"]
    latencies.add(1.5)
    assert latency_pieces(latencies)[-1] == "62 ms [@__::] 2.0 s"
    assert latency_pieces(LogHistogram()) == []
