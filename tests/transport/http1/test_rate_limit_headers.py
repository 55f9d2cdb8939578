"""Tests the waits and rate limits that responses request."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.http1.rate_limit_headers import LONGEST_WAIT, wait_of
from scrapepool.transport.http1.response import ResponseParser

NOW = 1_800_000_000.0
CLOCK_IS_SLOW = 3600.0  # of the server


def wait(text: str, status: int = 429) -> float | None:
    """Return the wait of a response with these header lines."""
    lines = [line.split(":", 1) for line in text.splitlines()]
    return wait_of([(name.encode(), value.encode("latin-1")) for name, value in lines], status, NOW)


DATES = [formatdate(NOW + seconds, usegmt=True) for seconds in (90, 30)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Retry-After: 2, 2", 2),
        ("Retry-After: 2,120", 120),
        ("Retry-After: 2\nRetry-After: 120", 120),
        ("Retry-After: 120\nRetry-After: 2", 120),
        ("Retry-After:\nRetry-After: 5", 5),
        ("Retry-After: 5\nRetry-After:", 5),
        ("Retry-After: , ,5", 5),
        ("Retry-After: soon, 5", 5),
        ("Retry-After: soon\nRetry-After: 0", 0),
        ("Retry-After: soon, later", None),
        (f"Retry-After: {DATES[0]}, {DATES[1]}", 90),
        (f"Retry-After: {DATES[1]}\nRetry-After: {DATES[0]}", 90),
        (f"Retry-After: 10, {DATES[1]}", 30),
        (f"Retry-After: {DATES[1]}, 60", 60),
        ("Retry-After: " + "," * 50_000 + "5", None),
        ("X-RateLimit-Reset:\nX-RateLimit-Reset: 5", 5),
        ("X-RateLimit-Reset: 5, 30\nX-RateLimit-Remaining: 0, 0", 30),
        ("X-RateLimit-Reset: 5, 30\nX-RateLimit-Remaining: 3, 3", None),
    ],
)
def test_of_several_waits_the_longest_counts(text: str, seconds: float | None) -> None:
    """This holds for one field or several, for dates and seconds; invalid values are ignored."""
    assert wait(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("Retry-After: 120", 120),
        ("retry-after:1.5", 1.5),
        (f"Retry-After: {formatdate(NOW + 90, usegmt=True)}", 90),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("Retry-After: Friday, 31-Dec-99 23:59:59 GMT", 0),
        ("Retry-After: soon", None),
        ("Retry-After: -5", None),
        ("Retry-After: 99999999999999", LONGEST_WAIT),
        ("RateLimit: limit=1, reset=999999999", LONGEST_WAIT),
        ("RateLimit-Reset: 30", 30),
        ("X-RateLimit-Reset: 30", 30),
        ("X-Rate-Limit-Reset: 30", 30),
        (f"X-RateLimit-Reset: {NOW + 30:.0f}", 30),
        (f"X-RateLimit-Reset: {(NOW + 30) * 1000:.0f}", 30),
        (f"X-RateLimit-Reset: {NOW - 30:.0f}", 0),
        ("X-RateLimit-Reset: 2027-01-15T08:01:00Z", 60),
        ("X-RateLimit-Remaining: 3\nX-RateLimit-Reset: 30", None),
        ("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 30", 30),
        ('RateLimit: "default";r=0;t=30', 30),
        ("RateLimit: default; r=0; t=30", 30),
        ('RateLimit: "default";r=7;t=30', None),
        ('RateLimit: "burst";r=0;t=2, "a;r=0;t=9, day";r=0;t=60, "year";r=5;t=9999', 60),
        ('RateLimit: "burst";r=0;t=2\nRateLimit: "day";r=0;t=60', 60),
        ('RateLimit-Policy: "minute";q=10;w=60\nRateLimit: "minute";r=0', 60),
        ('RateLimit: "minute";r=0', None),
        ("RateLimit: limit=10, remaining=0, reset=30", 30),
        ("RateLimit: limit=10, remaining=3, reset=30", None),
        ("RateLimit: limit=10, reset=30", 30),
        ("Retry-After: 5\nRateLimit: limit=10, remaining=0, reset=30", 5),
        ("Retry-After: soon\nRateLimit: limit=10, remaining=0, reset=30", 30),
    ],
)
def test_the_wait_of_an_error_response(text: str, seconds: float | None) -> None:
    """Retry-After comes first, then any exhausted limit, in each form that servers use."""
    assert wait(text) == wait(text, 503) == seconds


@pytest.mark.parametrize("status", [200, 304, 403, 404])
def test_a_successful_response_must_say_that_nothing_remains(status: int) -> None:
    """A reset time alone requests no wait, and neither does a Retry-After in a successful response."""
    assert wait("RateLimit-Reset: 30", status) is None
    assert wait("RateLimit: limit=10, reset=30", status) is None
    assert wait("RateLimit-Reset: 30\nRateLimit-Remaining: 0", status) == 30
    assert wait('RateLimit: "a";r=0;t=30', status) == 30
    assert wait("Retry-After: 30", status) == (30 if status >= 400 else None)


def test_the_servers_clock_counts() -> None:
    """A server's times are relative to its own clock, which its Date field shows."""
    date = formatdate(NOW - CLOCK_IS_SLOW, usegmt=True)
    assert wait(f"Date: {date}\nRetry-After: {formatdate(NOW - CLOCK_IS_SLOW + 10, usegmt=True)}") == 10
    assert wait(f"Date: {date}\nX-RateLimit-Reset: {NOW - CLOCK_IS_SLOW + 10:.0f}") == 10
    assert wait(f"Date: {date}\nRetry-After: 10") == 10


LIMITS = ["ratelimit", "ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"]
NAMES = [*LIMITS, "ratelimit-policy", "x-ratelimit-reset", "retry-after", "date"]


@pytest.mark.parametrize("name", LIMITS)
def test_a_response_with_rate_limits_is_detected(name: str) -> None:
    """The field names show it in any case, so that the fields of other responses are not parsed."""
    parser = ResponseParser()
    parser.feed(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{name.title()}: 1\r\n\r\n".encode())
    assert parser.has_rate_limits
    parser = ResponseParser()
    parser.feed(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX{name}: 1\r\n\r\n".encode())
    assert not parser.has_rate_limits


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(st.characters(max_codepoint=255)))), st.integers(100, 999))
def test_an_invalid_value_is_no_wait(fields: list[tuple[str, str]], status: int) -> None:
    """Invalid values cause neither an error nor an unlimited wait."""
    seconds = wait_of([(name.encode(), text.encode("latin-1")) for name, text in fields], status, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


@given(st.from_regex(r'\A[-0-9.eE";=,rtw ]{0,40}\Z', fullmatch=True))
def test_numbers_of_any_size_are_waits_or_none(text: str) -> None:
    """This holds for each field."""
    for name in NAMES:
        seconds = wait(f"{name}: {text}")
        assert seconds is None or 0 <= seconds <= LONGEST_WAIT
