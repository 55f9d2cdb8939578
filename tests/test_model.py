"""The values that travel."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from scrapepool.model import (
    Attempt,
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    Hop,
    HostKey,
    Outcome,
    Skipped,
    Target,
    Unchanged,
    error_of,
    verdict,
)

HOST = HostKey("http", "a.test", 80)
TARGET = Target("http://a.test/x", HOST, "/x", 3)


@pytest.mark.parametrize(
    ("host", "text", "netloc", "origin"),
    [
        (HOST, "a.test:80", "a.test", "http://a.test"),
        (HostKey("https", "a.test", 443), "a.test:443", "a.test", "https://a.test"),
        (HostKey("https", "a.test", 80), "a.test:80", "a.test:80", "https://a.test:80"),
        (HostKey("http", "::1", 8080), "[::1]:8080", "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_how_a_host_is_written(host: HostKey, text: str, netloc: str, origin: str) -> None:
    """With its port in a table, without a default one in a URL, IPv6 in brackets."""
    assert (str(host), host.netloc, host.origin) == (text, netloc, origin)


@pytest.mark.parametrize(
    ("outcome", "word", "error"),
    [
        (Fetched(target=TARGET, status=200), "ok", None),
        (Fetched(target=TARGET, status=399), "ok", None),
        (Fetched(target=TARGET, status=400), "http_error", ErrorKind.HTTP_4XX),
        (Fetched(target=TARGET, status=599), "http_error", ErrorKind.HTTP_5XX),
        (Unchanged(target=TARGET, status=304), "unchanged", None),
        (Failed(target=TARGET, error=ErrorKind.DNS), "failed", ErrorKind.DNS),
        (Skipped(target=TARGET, error=ErrorKind.DUPLICATE), "skipped", ErrorKind.DUPLICATE),
        (Deferred(target=TARGET, not_before=1.0, status=503), "deferred", None),
    ],
)
def test_each_outcome_has_its_word_and_error(outcome: Outcome, word: str, error: ErrorKind | None) -> None:
    """As the record spells them, also after a journey to another process."""
    assert (verdict(outcome), error_of(outcome)) == (word, error)
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_an_attempt_is_asked_where_its_redirects_led() -> None:
    """At the target's own host before there were any."""
    attempt = Attempt(TARGET)
    hop = Hop("https://b.test/", HostKey("https", "b.test", 443), "/", "GET", (TARGET.url,), 0.0)
    assert attempt.host == HOST
    assert replace(attempt, hop=hop).host == hop.host
