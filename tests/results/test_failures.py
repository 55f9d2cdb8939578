import pytest

from scrapepool.failure_classes import parsed
from scrapepool.model import Apart
from scrapepool.results.failures import failures
from scrapepool.results.record_summary import RecordSummary


def summary(url, outcome="failed", error=None, method="GET"):
    return RecordSummary(url, outcome, error, method, 0)


def test_what_did_not_succeed_is_given_in_order():
    """Successes and lines that were never asked for are not."""
    records = [
        summary("http://a/1", error="dns"),
        summary("http://a/2", "ok"),
        summary("http://a/3", "http_error", "http_4xx"),
        summary("http://a/4", "skipped", "duplicate"),
        summary("http://a/5", "deferred"),
        summary("http://a/6", "unchanged"),
    ]
    assert list(failures(records)) == ["http://a/1", "http://a/3", "http://a/5"]


def test_the_last_record_of_a_url_counts():
    """What succeeded later is no failure, and what failed later is one, once."""
    records = [
        summary("http://a/1"),
        summary("http://A/1", "ok"),
        summary("http://a/2", "ok"),
        summary("http://a/2"),
    ] * 2
    assert list(failures(records)) == ["http://a/2"]


def test_requests_that_a_url_does_not_tell_are_counted():
    """Those that failed in the end: fetched by its URL alone, a POST would be a GET."""
    one, other = (summary("http://a/1")._replace(apart=Apart("POST", digest)) for digest in ("aa", "bb"))
    notes = []
    assert list(failures([one, other, one._replace(outcome="ok"), summary("http://a/2")], on_note=notes.append)) == [
        "http://a/1",
        "http://a/2",
    ]
    assert notes == ["URLs left out because their rows set a method or data; fetch --resume repeats them: 1"]
    assert list(failures([summary("http://a/2")], on_note=notes.append)) == ["http://a/2"]
    assert len(notes) == 1


def test_classes_choose_by_error():
    """Slugs, groups of them, and deferred; a skipped line where it is asked for."""
    records = [
        summary("http://a/1", error="read_timeout"),
        summary("http://a/2", "http_error", "http_5xx"),
        summary("http://a/3", "deferred"),
        summary("no url", "skipped", "invalid_url"),
        summary("http://a/5"),
    ]
    assert list(failures(records, parsed(["timeout", "deferred"]))) == ["http://a/1", "http://a/3"]
    assert list(failures(records, parsed(["http_5xx", "invalid_url"]))) == ["http://a/2", "no url"]


def test_a_url_is_one_line_that_means_the_same():
    """Control characters are percent-encoded or dropped, as the parser does."""
    assert list(failures([summary("http://a/\x1b[31m\n\u202e")])) == ["http://a/%1B[31m%E2%80%AE"]
    assert list(failures([summary("no\nurl", "failed")])) == [r"no\nurl"]


@pytest.mark.parametrize("outcome", ["failed", "ok"])
def test_a_repeat_says_nothing_of_what_became_of_its_url(outcome):
    """Wherever its record stands; in those of a list that is read as it comes, it is the later one."""
    records = [summary("http://a/1", outcome), summary("http://a/1", "skipped", "duplicate")]
    assert list(failures(records)) == list(failures(records[::-1])) == (["http://a/1"] if outcome == "failed" else [])
    assert list(failures(records, parsed(["duplicate"]))) == ["http://a/1"]
