"""Counters and examples that stay small."""

from __future__ import annotations

from reporting import record, reported

from scrapepool.report.examples import LONGEST_URL, OTHER, CappedCounter


def test_a_full_counter_counts_the_rest_together() -> None:
    """And goes on with what it knows."""
    counter = CappedCounter(2)
    for key in ("a", "b", "c", "a", "d", "b", "a"):
        counter.add(key)
    assert counter.ranked() == [("a", 3), (OTHER, 2), ("b", 2)]


def test_a_long_url_is_cut() -> None:
    """And says so, since it cannot be explained."""
    (example, *_) = reported([record(0, url=f"https://a.example/{'x' * 5000}")])["slowest"]
    assert (len(example["url"]), example["cut"]) == (LONGEST_URL + 1, True)
