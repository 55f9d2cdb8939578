"""What two records of one target say about its page."""

from __future__ import annotations

import pytest

from scrapepool.change import Condition, Difference, PageState, differences, same_page

PAGE = PageState("ok", 200, sha256="aa", bytes=10, elapsed=0.5, final_url="https://a/")
GONE = PageState("http_error", 404, "http_4xx", sha256="ee")
FAILED = PageState("failed", None, "read_timeout")
STOPPED = PageState("failed", None, "interrupted")


def state(**fields: object) -> PageState:
    return PAGE._replace(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "condition"),
    [
        (PAGE, Condition.PAGE),
        (state(outcome="unchanged", status=304), Condition.PAGE),
        (GONE, Condition.GONE),
        (GONE._replace(status=410), Condition.GONE),
        (GONE._replace(status=403), Condition.FAILING),
        (GONE._replace(status=None), Condition.FAILING),
        (PageState("http_error", 500, "http_5xx"), Condition.FAILING),
        (PageState("skipped", error="robots"), Condition.FAILING),
        (PageState("deferred"), Condition.FAILING),
        (FAILED, Condition.FAILING),
        (STOPPED, Condition.UNKNOWN),
        (state(outcome="unchanged", status=304, says_nothing=True), Condition.UNKNOWN),
    ],
)
def test_the_condition_of_a_page(record: PageState, condition: Condition) -> None:
    """Only 404 and 410 say that a page is gone; any other failure says nothing about it."""
    assert record.condition is condition


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({}, {}, True),
        ({}, {"sha256": "bb"}, False),
        ({"etag": '"1"'}, {"etag": '"2"'}, True),  # a server whose ETag changes each time
        ({"etag": '"1"'}, {"etag": '"1"', "sha256": "bb"}, False),  # and one whose ETag never does
        ({"sha256": None}, {"outcome": "unchanged"}, True),
        ({"sha256": None, "etag": 'W/"1"'}, {"etag": '"1"'}, True),
        ({"sha256": None, "etag": '"1"'}, {"etag": '"2"'}, False),
        ({"sha256": None, "last_modified": "x"}, {"last_modified": "x"}, True),
        ({"sha256": None, "last_modified": "x"}, {"last_modified": "y"}, False),
        ({"sha256": None}, {"bytes": 11}, False),
        ({"sha256": None}, {}, None),
        ({"sha256": None, "bytes": None}, {"bytes": 11}, None),
    ],
)
def test_whether_a_page_is_the_same(old: dict[str, object], new: dict[str, object], same: bool | None) -> None:
    """The digest decides where both have one; without it the server's words do; equal lengths prove nothing."""
    assert same_page(state(**old), state(**new)) is same


D = Difference


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (PAGE, PAGE, []),
        (None, PAGE, [D.NEW]),
        (None, GONE, [D.NEW]),
        (None, STOPPED, []),
        (PAGE, None, [D.LEFT_LIST]),
        (PAGE, state(sha256="bb"), [D.CHANGED]),
        (PAGE, GONE, [D.GONE]),
        (GONE, GONE._replace(status=410), []),
        (FAILED, GONE, [D.GONE]),
        (GONE, PAGE, [D.BACK]),
        (FAILED, PAGE, [D.BACK]),
        (STOPPED, PAGE, []),
        (FAILED._replace(last_sha256="aa"), PAGE, [D.BACK]),
        (FAILED._replace(last_sha256="bb"), PAGE, [D.CHANGED, D.BACK]),
        (STOPPED._replace(last_sha256="bb"), PAGE, [D.CHANGED]),
        (PAGE, FAILED, [D.FAILING]),
        (GONE, FAILED, [D.FAILING]),
        (FAILED, FAILED._replace(error="dns"), []),
        (PAGE, STOPPED, []),
        (PAGE, state(redirected=True, final_url="https://b/"), [D.REDIRECTING]),
        (state(redirected=True), state(redirected=True), []),
        (state(redirected=True, final_url="https://b/"), PAGE, []),
        (PAGE, state(elapsed=1.49), []),
        (PAGE, state(elapsed=1.5), [D.SLOWER]),
        (state(elapsed=2.0), state(elapsed=3.5), []),
        (
            PAGE,
            state(sha256="bb", redirected=True, final_url="https://b/", elapsed=9.0),
            [D.CHANGED, D.REDIRECTING, D.SLOWER],
        ),
    ],
)
def test_the_differences(old: PageState | None, new: PageState | None, expected: list[Difference]) -> None:
    """Each is a step from one record to the next: what is gone for the second time is no news."""
    assert differences(old, new) == expected


def test_a_record_with_values_of_other_types_is_read() -> None:
    """Somebody else may have written into it."""
    record = {"outcome": "ok", "status": "fine", "bytes": None, "sha256": 7, "elapsed": 1, "redirects": None}
    assert PageState.of(record) == PageState("ok", elapsed=1)
    failure = {"outcome": "failed", "before": {"outcome": "ok", "sha256": "aa"}}
    assert PageState.of(failure).last_sha256 == "aa"
    assert PageState.of({**failure, "before": "rain"}).last_sha256 is None
