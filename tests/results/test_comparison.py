"""Two sets of records, compared on disk."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from scrapepool.change import Difference
from scrapepool.errors import ListError
from scrapepool.model import Apart
from scrapepool.results.comparison import NEW, OLD, Comparison
from scrapepool.results.record_summary import RecordSummary


def record(
    url: str, outcome: str = "ok", *, error: str | None = None, apart: Apart | None = None, **fields: Any
) -> Any:
    return RecordSummary(url, outcome, error, "GET", 0, apart), {
        "url": url,
        "outcome": outcome,
        "error": error,
        **fields,
    }


def compared(old: list[Any], new: list[Any], *, complete: bool = True) -> tuple[Comparison, list[tuple[str, str]]]:
    with Comparison() as comparison:
        comparison.add(OLD, old)
        comparison.add(NEW, new)
        comparison.compare(complete=complete)
        return comparison, [(entry.difference, entry.url) for entry in comparison.entries()]


def test_the_last_record_of_a_target_counts() -> None:
    """In any spelling of its URL; lines that are no target, and repeats, do not."""
    old = [
        record("http://a/1", sha256="1"),
        record("http://A/1", sha256="2"),
        record("ht!p", "skipped", error="invalid_url"),
    ]
    new = [record("http://a/1", sha256="2"), record("http://a/1", "skipped", error="duplicate")]
    comparison, entries = compared(old, new)
    assert entries == []
    assert (comparison.targets, comparison.same) == ([1, 1], 1)


def test_requests_of_rows_are_targets_of_their_own() -> None:
    """A POST and a GET of one URL are not compared with each other."""
    post = Apart("POST", "aa")
    old = [record("http://a/1", sha256="1"), record("http://a/1", apart=post, sha256="2")]
    new = [record("http://a/1", apart=post, sha256="2"), record("http://a/1", sha256="3")]
    assert compared(old, new)[1] == [("changed", "http://a/1")]


def test_entries_come_by_kind_in_the_order_of_the_records() -> None:
    """Those of what has left the list in the order of the older ones."""
    names = [f"http://a/{number}" for number in range(200)]
    random.Random(1).shuffle(names)
    old = [record(name, sha256="1") for name in names[:150]]
    new = [record(name, sha256="2") for name in reversed(names[50:])]
    comparison, entries = compared(old, new)
    assert entries == [
        *(("new", name) for name in reversed(names[150:])),
        *(("changed", name) for name in reversed(names[50:150])),
        *(("left_list", name) for name in names[:50]),
    ]
    assert comparison.counts == dict.fromkeys(Difference, 0) | {"new": 50, "changed": 100, "left_list": 50}


def test_what_a_stopped_run_has_not_reached_has_not_left_the_list() -> None:
    """Its records are not complete."""
    assert compared([record("http://a/1")], [], complete=False)[1] == []
    assert compared([record("http://a/1")], [])[1] == [("left_list", "http://a/1")]


def test_a_row_of_text_is_compared_as_one_of_json() -> None:
    """CSV has no numbers."""
    old = [record("http://a/1", status=200, bytes=10)]
    new = [record("http://a/1", status="404", outcome="http_error", error="http_4xx", bytes="10")]
    assert compared(old, new)[1] == [("gone", "http://a/1")]


def test_pages_that_say_too_little_are_counted() -> None:
    """These pages are not reported as the same."""
    comparison, entries = compared([record("http://a/1")], [record("http://a/1")])
    assert (entries, comparison.same, comparison.unknown) == ([], 0, 1)


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the folder that has to be larger."""

    def rows(*_: object) -> Iterator[Any]:
        raise sqlite3.OperationalError("database or disk is full")
        yield

    monkeypatch.setattr(Comparison, "_rows", rows)
    with Comparison() as comparison, pytest.raises(ListError, match="disk is full; TMPDIR names the folder"):
        comparison.add(OLD, [])
