"""What earlier records say about targets, looked up on disk."""

from __future__ import annotations

import random
from typing import Any

from scrapepool.model import Apart, HostKey, RowRequest, Target
from scrapepool.results.journal import request_id
from scrapepool.results.known_pages import KnownPages, key_of
from scrapepool.results.record_summary import RecordSummary
from scrapepool.run.recrawl import request_id_of_target
from scrapepool.url import parse


def record(url: str, outcome: str = "ok", *, apart: Apart | None = None, **fields: Any) -> Any:
    summary = RecordSummary(url, outcome, fields.get("error"), fields.get("method", "GET"), 0, apart)
    return summary, {"url": url, "outcome": outcome, **fields}


def known(*records: Any, change_by: tuple[str, ...] = ()) -> KnownPages:
    pages = KnownPages(change_by)
    pages.add(records)
    pages.settle()
    return pages


def number(url: str) -> int:
    return request_id(record(url)[0])


def test_the_last_record_that_says_something_counts() -> None:
    """In any spelling of the URL; failures, repeats and malformed lines say nothing of a page."""
    pages = known(
        record("http://a/1", sha256="1"),
        record("http://A/1", sha256="2", etag='"x"', elapsed=0.5),
        record("http://a/1", "failed", error="dns"),
        record("http://a/1", "skipped", error="duplicate"),
        record("http://a/2", "http_error", status=404),
        record("http://a/3", "failed", error="dns"),
        record("http://a/4", "http_error", status=503, before={"outcome": "ok", "sha256": "4"}),
        record("http://a/5", "deferred", before="rain"),
        record("http://a/7", "unchanged", change="unknown", before={"outcome": "http_error", "status": 404}),
        record("http://a/8", "unchanged", change="unknown"),
    )
    unasked = pages.find(number("http://a/7"))
    assert unasked is not None
    assert not unasked.is_page
    assert pages.find(number("http://a/8")) is None
    found = pages.find(number("http://a/1"))
    assert found is not None
    assert found.record == {"outcome": "ok", "sha256": "2", "etag": '"x"'}
    gone = pages.find(number("http://a/2"))
    assert gone is not None
    assert not gone.is_page
    assert pages.find(number("http://a/3")) is None
    before = pages.find(number("http://a/4"))
    assert before is not None
    assert before.record == {"outcome": "ok", "sha256": "4"}
    assert pages.find(number("http://a/5")) is None
    assert pages.find(number("http://a/6")) is None
    assert pages.records == 5
    pages.close()


def test_text_of_csv_has_its_types_again() -> None:
    """A row's cells are text."""
    found = known(record("http://a/1", status="200", bytes="10", sha256="1", etag="")).find(number("http://a/1"))
    assert found is not None
    assert found.record == {"outcome": "ok", "status": 200, "bytes": 10, "sha256": "1"}


def test_a_target_has_the_number_of_its_records() -> None:
    """Whatever tells it from others of its URL: user, method, body, occurrence."""
    dice = random.Random(3)
    for _ in range(300):
        url = f"http://{dice.choice(['', 'ann:secret@', 'ann@'])}h.test/{dice.randrange(3)}?{dice.choice('ab')}"
        host, path, userinfo = parse(url)
        request = dice.choice([None, RowRequest(method="POST", data=b"x"), RowRequest(method="PUT"), RowRequest()])
        target = Target(url, host, path, userinfo=userinfo, request=request, occurrence=dice.choice([1, 1, 2]))
        run = dice.choice(["GET", "HEAD"])
        summary = RecordSummary(url, "ok", None, target.method(run), 0, target.apart(run))
        assert request_id_of_target(target, run) == request_id(summary)
    other = Target("http://h.test/", HostKey("http", "h.test", 80), "/")
    assert request_id_of_target(other, "GET") != request_id_of_target(other, "HEAD")


def test_many_targets_are_found_again() -> None:
    """Each of its own."""
    urls = [f"http://h{number % 7}.test/{number}" for number in range(5000)]
    pages = known(*(record(url, sha256=url) for url in urls))
    for url in urls:
        found = pages.find(number(url))
        assert found is not None
        assert found.record["sha256"] == url


def test_the_key_of_fields() -> None:
    """Of the same values it is the same in every form of records; without one of them there is none."""
    fields = ("status", "data.price", "data.tags")
    json_record = {"status": 200, "data": {"price": "5", "tags": ["a", "b"]}}
    csv_row = {"status": 200, "data.price": "5", "data.tags": '["a","b"]'}
    assert key_of(json_record, fields) == key_of(csv_row, fields) is not None
    assert key_of(json_record, fields) != key_of({**json_record, "status": 201}, fields)
    assert key_of({"status": 200, "data": {"price": "5"}}, fields) is None
    assert key_of({"status": 200, "data": None}, fields) is None
    assert key_of(json_record, ()) is None
