"""The words of a record for an outcome."""

from __future__ import annotations

import pickle

import pytest

from scrapepool.model import (
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    HostKey,
    Outcome,
    Skipped,
    Target,
    Unchanged,
    error_of,
    verdict,
)

TARGET = Target("http://a.test/x", HostKey("http", "a.test", 80), "/x", 3)


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
