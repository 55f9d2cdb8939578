import pytest

from scrapepool.errors import UsageError
from scrapepool.failure_classes import CLASSES, parsed, retried, statuses
from scrapepool.model import ERROR_GROUPS, ErrorKind
from scrapepool.settings import RetryPolicy

USUAL = RetryPolicy()


def test_groups_are_made_of_errors():
    """No group names what no record says."""
    assert all(group <= set(ErrorKind) for group in ERROR_GROUPS.values())
    assert len(set(CLASSES)) == len(CLASSES)


@pytest.mark.parametrize(
    ("words", "those", "others"),
    [
        ("5xx", [("http_5xx", 500), ("http_5xx", None), ("truncated", 503)], [("http_4xx", 404), ("dns", None)]),
        ("http_5xx", [("http_5xx", 501), ("http_5xx", None)], [("http_4xx", 404)]),
        ("500-504, 429", [("http_5xx", 504), ("deferred", 429)], [("http_5xx", 505), ("http_5xx", None)]),
        ("5XX,!501", [("http_5xx", 500)], [("http_5xx", 501)]),
        ("timeout,! deadline", [("read_timeout", None)], [("deadline", None)]),
        ("!5xx,!dns", [("http_4xx", 404), ("deferred", None), (None, None)], [("http_5xx", None), ("dns", None)]),
        ("deferred,http", [("deferred", 503), ("http_4xx", 404)], [("reset", None)]),
    ],
)
def test_words_name_failures(words, those, others):
    """By status, by class or range of statuses, by error and by group; what follows a ! is taken away."""
    classes = parsed(words.split(","))
    assert all(classes.hold(error, status) for error, status in those)
    assert not any(classes.hold(error, status) for error, status in others)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rain"], r"unknown class: rain; write a status .*, or one of timeout, .*http_5xx"),
        (["6xx"], "unknown class: 6xx"),
        (["99"], "unknown class: 99"),
        (["504-500"], "504-500: the first status is above the last"),
        ([" ", ""], "no class is named"),
    ],
)
def test_an_unknown_word_is_told_with_all_there_are(words, message):
    """And so is a list of none."""
    with pytest.raises(UsageError, match=message):
        parsed(words)


def test_statuses_alone():
    """As among failures, but an error is none."""
    assert statuses(["2xx", "!204"]).hold(None, 200)
    assert not statuses(["2xx", "!204"]).hold(None, 204)
    for word in ("dns", "!http_5xx", "http", "6xx"):
        with pytest.raises(
            UsageError, match=r"is not a status; write a status \(503\), or a class or range of statuses"
        ):
            statuses(["200", word])


def test_what_is_retried():
    """What is named replaces the usual statuses or errors; the other kind stays as it was, less what is excluded."""

    def read(text):
        return retried([word for word in text.split(",") if word.strip()], USUAL.statuses, USUAL.errors)

    assert read("5xx,429,!501") == (frozenset({429, *range(500, 600)} - {501}), USUAL.errors)
    assert read("!503") == (USUAL.statuses - {503}, USUAL.errors)
    assert read("reset, decode") == (USUAL.statuses, {ErrorKind.RESET, ErrorKind.DECODE})
    assert read("429,!network") == ({429}, {ErrorKind.TRUNCATED})
    assert read("http_5xx") == (frozenset(range(500, 600)), USUAL.errors)
    assert read(" ") == (frozenset(), USUAL.errors)
    for never in ("robots", "!duplicate", "deferred"):
        with pytest.raises(UsageError, match="is never retried; of errors, choose from connect_refused"):
            read(never)
