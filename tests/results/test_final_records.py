"""Which records of a file count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scrapepool.model import Apart
from scrapepool.results import final_records
from scrapepool.results.final_records import FinalRecords
from scrapepool.results.record_summary import RecordSummary


def summaries(*records: tuple[str, str, str]) -> Iterator[tuple[RecordSummary, dict[str, Any]]]:
    for number, (url, outcome, error) in enumerate(records):
        apart = Apart("", "", 2) if url.endswith("#2") else None
        summary = RecordSummary(url, outcome, error or None, "GET", number, apart)
        yield summary, {"url": url, "outcome": outcome, "error": error or None, "line": number, "body": "x"}


RUN = [
    ("a", "failed", "reset"), ("b", "ok", ""), ("c", "failed", "dns"), ("a", "ok", ""), ("c", "failed", "tls"),
    ("d", "skipped", "robots"), ("b", "skipped", "duplicate"), ("b", "ok", ""), ("e#2", "deferred", ""),
]  # fmt: skip


@pytest.mark.parametrize("bits", [3, 26])
def test_the_last_record_of_what_failed_counts(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    """Also where the filter is so small that it takes all requests for failures."""
    monkeypatch.setattr(final_records, "FILTER_BITS", bits)
    records = FinalRecords(summaries(*RUN))
    assert [(record["url"], record["line"]) for record in records] == [
        ("b", 1), ("a", 3), ("b", 6), ("b", 7), ("c", 4), ("d", 5), ("e#2", 8),
    ]  # fmt: skip
    assert records.replaced == 2


def test_without_failures_nothing_is_held_back() -> None:
    """And cells of CSV get their types."""
    records = FinalRecords(
        iter([(RecordSummary("a", "ok", None, "GET", 1), {"url": "a", "status": "200", "bytes": ""})])
    )
    assert list(records) == [{"url": "a", "status": 200, "bytes": None}]
    assert records.replaced == 0
