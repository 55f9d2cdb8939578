"""What a run would receive and write, by the records of an earlier one."""

from __future__ import annotations

from scrapepool.model import HostKey
from scrapepool.run.dry_run.size_estimate import PageSizes, SizeEstimate

A, B = HostKey("https", "a.test", 443), HostKey("http", "b.test", 80)


def test_records_without_sizes_say_nothing() -> None:
    """Nor do those of what was not requested, or not sent."""
    sizes = PageSizes({A: 5})
    for record in (
        {"outcome": "unchanged", "wire_bytes": 0},
        {"outcome": "ok"},
        {"outcome": "skipped", "wire_bytes": 0},
    ):
        sizes.add({"url": "https://a.test/", **record})
    assert sizes.estimate() is None
    assert repr(sizes) == "<PageSizes of 0 URLs, 0 hosts>"


def test_each_host_counts_with_its_own_mean() -> None:
    """However its URLs are spelled; bodies are no part of a record's size."""
    sizes = PageSizes({A: 10, B: 10})
    record = {"url": "https://A.test/1", "outcome": "ok", "wire_bytes": 100, "bytes": None, "body": "x" * 1000}
    sizes.add(record)
    sizes.add({**record, "url": "https://elsewhere.test/", "wire_bytes": 300, "bytes": 900})
    found = sizes.estimate()
    assert found == SizeEstimate(10 * 100 + 10 * 200, 10 * 450, found.records if found else 0, 10)
    assert 20 * 60 < found.records < 20 * 100
