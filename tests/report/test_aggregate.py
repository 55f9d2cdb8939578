"""What records add up to."""

from __future__ import annotations

from typing import Any

import pytest
from reporting import failure, record, reported

from scrapepool.report.aggregate import EXAMPLES_PER_ERROR, MOST_ATTEMPTS, TOP, RecordAggregate


def test_a_run_adds_up() -> None:
    """Counts, bytes, latencies and what is redirected."""
    moved = record(40, redirects=["https://host-1.example/40"], final_url="https://login.example/in")
    found = reported(
        [
            *(record(number) for number in range(30)),
            failure(30),
            failure(31, outcome="skipped", error="robots", attempts=0, elapsed=0.0),
            moved,
        ]
    )
    assert (found["count"], found["outcomes"]["ok"], found["outcomes"]["failed"], found["outcomes"]["skipped"]) == (
        33,
        31,
        1,
        1,
    )
    assert found["statuses"] == {"200": 31}
    assert [(row["error"], row["count"]) for row in found["errors"]] == [("read_timeout", 1), ("robots", 1)]
    assert found["errors"][0]["examples"][0]["detail"] == "no byte"
    assert (found["bytes"], found["requested"], found["reused"], found["waited"]) == (31_000, 32, 31, 13.0)
    assert found["attempts"] == {"1": 31, "4": 1}
    assert found["latency"]["count"] == 32
    assert found["latency"]["max"] == 0.14
    assert 0.11 <= found["latency"]["p50"] <= 0.12
    assert found["timings"]["ttfb"] == {"count": 32, "seconds": pytest.approx(2.88)}
    assert found["timings"]["dns"]["count"] == 0
    assert found["content_types"] == [{"content_type": "text/html", "count": 31, "bytes": 31_000}]
    assert found["redirects"]["urls"] == 1
    assert found["redirects"]["moves"] == [
        {"from": "https://host-1.example", "to": "https://login.example", "count": 1}
    ]
    assert found["redirects"]["destinations"] == [{"url": "https://login.example/in", "count": 1}]
    assert found["sizes"]["count"] == 31
    assert (found["started"], found["seconds"]) == ("2026-11-30T10:00:00Z", 40.0)


def test_fields_of_unexpected_types_count_for_nothing() -> None:
    """Records come from files that anybody may have written."""
    odd: list[dict[str, Any]] = [
        {"url": "https://a.example/", "outcome": "ok"},
        {"url": 7, "outcome": ["ok"], "status": "200", "elapsed": "1", "bytes": -3, "wire_bytes": float("nan")},
        record(1, status=True, attempts="2", timings=[1], redirects="x", started="yesterday", content_type=3, line="1"),
        record(2, status=7, elapsed=float("inf"), started="9999-99-99T00:00:00Z", redirects=[1], final_url=None),
        record(3, attempts=10**9, waited="long", detail=7, error=5, elapsed=1e300),
    ]
    found = reported(odd)
    assert (found["count"], found["statuses"], found["latency"]["count"]) == (5, {"200": 1}, 1)
    assert found["attempts"] == {"1": 1, str(MOST_ATTEMPTS): 1}
    assert found["redirects"]["urls"] == 0
    assert found["outcomes"]["['ok']"] == 1
    assert found["errors"][0]["error"] == "5"


def test_examples_are_of_different_hosts() -> None:
    """A host that fails often leaves room for others."""
    records = [failure(0, url=f"https://a.example/{number}") for number in range(20)]
    records += [failure(0, url=f"https://{name}.example/") for name in "bcdefgh"]
    examples = reported(records)["errors"][0]["examples"]
    assert len({example["host"] for example in examples}) == len(examples) == EXAMPLES_PER_ERROR


def test_the_slowest_and_the_largest_pages_are_found() -> None:
    """In order, wherever they stand in the file."""
    found = reported(
        record(number, elapsed=(number * 37 % 100 + 1) / 10, bytes=number * 61 % 100) for number in range(100)
    )
    assert [example["elapsed"] for example in found["slowest"]] == [number / 10 for number in range(100, 100 - TOP, -1)]
    assert [example["bytes"] for example in found["largest"]] == list(range(99, 99 - TOP, -1))


def test_an_error_status_without_an_error_is_a_failure() -> None:
    """Records of --fields may lack the error."""
    found = reported([{"url": "https://a.example/", "outcome": "http_error", "status": 404}])
    assert [(row["error"], row["count"]) for row in found["errors"]] == [("http_error", 1)]
    assert found["hosts"][0]["failures"] == 1
    assert repr(RecordAggregate()) == "<RecordAggregate of 0 records, 0 hosts>"
