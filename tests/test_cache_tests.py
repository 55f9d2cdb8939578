"""The public conformance cases for HTTP caches (http-tests/cache-tests), as far as a client without a cache has them.

The cases of two GETs of one URL: 235 of 370. The others are about CDNs, more than two requests, other methods, interim
responses, and directives and conditions that a browser or a proxy is sent. ``required`` cases are those that RFC 9111
decides, ``optimal`` ones what a cache may do to be quicker, ``check`` ones questions without a right answer.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from scrapepool.transport.http1.head import values_of
from scrapepool.validators import Known, Validators, validators_of

CASES = json.loads(Path(__file__).with_name("cache_tests.json").read_text())["cases"]

NOW = 1_800_000_000.0
LATER = NOW + 3
"""When the second request is sent: the suite waits for so long."""

DATES = frozenset({"date", "expires", "last-modified"})

SHARED = "is about shared caches"
GUESSED = "no lifetime is guessed from Last-Modified: a run that is late by a day is no matter, and a missed change is"
ERRORS = "a page that is an error is asked for again"
NORMALISED = "header fields that are spelled otherwise are others"

DIFFERENT = {
    "freshness-s-maxage-shared": SHARED,
    "freshness-max-age-s-maxage-shared-longer": SHARED,
    "freshness-max-age-s-maxage-shared-longer-reversed": SHARED,
    "freshness-max-age-s-maxage-shared-longer-multiple": SHARED,
    "freshness-max-age-s-maxage-shared-shorter": SHARED,
    "freshness-max-age-s-maxage-shared-shorter-expires": SHARED,
    "cc-resp-private-shared": SHARED,
    "stale-while-revalidate": "what is stale is asked for again",
    "status-200-must-understand": "no-store is kept to",
}
"""Cases, other than questions, that end otherwise here, and why."""

FAMILIES = {"heuristic-": GUESSED, "status-": ERRORS, "vary-normalise-": NORMALISED}


def value(name: str, written: Any) -> bytes:
    """A header field's value: a number is a date, in seconds from now."""
    is_date = name.lower() in DATES and isinstance(written, int | float)
    return (formatdate(NOW + written, usegmt=True) if is_date else str(written)).encode("latin-1", "replace")


def request(fields: list[list[Any]]) -> bytes:
    lines = [f"{name}: ".encode() + value(name, written) for name, written, *_ in fields]
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *lines, b"", b""])


def what_is_done(case: dict[str, Any]) -> set[str]:
    """What becomes of the second request, in the suite's words."""
    first, second = map(request, case["requests"])
    fields = [(name.encode("latin-1", "replace"), value(name, written)) for name, written in case["response"]]
    said = validators_of(values_of(fields), first, redirected=False, now=NOW, delay=0.0) or Validators()
    until = None if said.fresh_until is None else datetime.fromtimestamp(said.fresh_until, UTC).isoformat()
    outcome = "ok" if case["status"] < 400 else "http_error"
    known = Known.of({**said._asdict(), "fresh_until": until, "outcome": outcome, "final_url": "u"})
    if known.is_fresh(LATER, second):
        return {"cached"}
    sent = {name for name, _ in known.conditions("u", "GET", second)}
    words = {"If-None-Match": "etag_validated", "If-Modified-Since": "lm_validated"}
    return {"not_cached", *(words[name] for name in sent)}


@pytest.mark.parametrize("case", [case for case in CASES if case["kind"] != "check"], ids=lambda case: case["id"])
def test_cases_that_have_a_right_answer(case: dict[str, Any]) -> None:
    """It is given, but where it is said why not."""
    differs = case["expected"] not in what_is_done(case)
    reason = DIFFERENT.get(case["id"]) or next(
        (why for family, why in FAMILIES.items() if case["id"].startswith(family)), None
    )
    assert not differs or reason is not None
    if case["id"] in DIFFERENT:
        assert differs, "it is as wanted, and its reason can go"


def test_how_many_they_are() -> None:
    """All required cases of a private cache are kept to."""
    kept = Counter((case["kind"], case["expected"] in what_is_done(case)) for case in CASES)
    assert len(CASES) == 235
    assert kept["required", True] == 123
    required = {
        case["id"] for case in CASES if case["kind"] == "required" and case["expected"] not in what_is_done(case)
    }
    assert {DIFFERENT[name] for name in required} == {SHARED}
