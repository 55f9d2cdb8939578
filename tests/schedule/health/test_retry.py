"""When a target is asked for again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import Deferred, Fetched, HostKey, Retryable, Target
from scrapepool.schedule.health.retry import backoff, deferred, format_duration, may_retry, retry_after
from scrapepool.settings import RetryPolicy

HOST = HostKey("https", "example.org", 443)


def test_retries_are_further_attempts_after_the_first():
    """Two retries make three attempts."""
    policy = RetryPolicy(retries=2)
    assert [may_retry(policy, made) for made in (1, 2, 3, 4)] == [True, True, False, False]


def test_backoff_doubles_up_to_its_limit():
    """The highest throw waits 1, 2, 4 … seconds, and never more than the limit."""
    policy = RetryPolicy(backoff=1.0, backoff_max=10.0)
    assert [backoff(policy, made, 1.0) for made in (1, 2, 3, 4, 5, 9_999)] == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True), st.floats(0, 1e6), st.floats(0, 1e6))
def test_jitter_is_full(made, throw, first, most):
    """Any wait between nothing and the limit is possible, in proportion to the throw."""
    policy = RetryPolicy(backoff=first, backoff_max=most)
    assert backoff(policy, made, throw) == backoff(policy, made, 1.0) * throw <= most


def test_a_negative_retry_after_is_no_wait():
    """A Retry-After in the past asks for nothing, and none is something else."""
    target = Target("https://example.org/", HOST, "/")
    assert retry_after(Fetched(target=target, retry=Retryable(-5.0))) == 0.0
    assert retry_after(Fetched(target=target, retry=Retryable())) is None
    assert retry_after(Fetched(target=target)) is None


def test_a_deferral_keeps_what_the_outcome_told():
    """It says from when the host may be asked, in people's words too, and loses nothing else."""
    target = Target("https://example.org/", HOST, "/")
    response = Fetched(target=target, status=429, attempts=2, elapsed=0.3, wire_bytes=7, retry=Retryable(3600.0))
    outcome = deferred(response, HOST, 3600.0, 1000.0)
    assert isinstance(outcome, Deferred)
    assert outcome.not_before == 4600.0
    assert outcome.detail == "example.org asks to wait 1 h 00 min"
    assert (outcome.status, outcome.attempts, outcome.elapsed, outcome.wire_bytes) == (429, 2, 0.3, 7)
    assert outcome.retry is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59, "59 s"), (59.5, "1 min 00 s"), (301, "5 min 01 s"), (3600, "1 h 00 min"), (97_300, "1 d 03 h")],
)
def test_durations_are_spelled_in_two_units(seconds, words):
    """Rounded up, so that nobody is sent back too early."""
    assert format_duration(seconds) == words
