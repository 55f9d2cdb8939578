import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.failure_classes import FailureClasses, parsed
from scrapepool.model import ErrorKind
from scrapepool.read.seen.finished import Finished
from scrapepool.read.seen.target_id import target_id
from scrapepool.results.failures import refetched
from scrapepool.results.journal import read_journal
from scrapepool.results.record_file import RecordFile
from scrapepool.url import parse

OUTCOMES = ("ok", "unchanged", "http_error", "failed", "deferred")


def record(url, outcome="ok", **fields):
    return json.dumps({"url": url, "outcome": outcome} | fields).encode() + b"\n"


def judged(*records, keep="failed", method="GET", each=False, torn=b""):
    """The journal, the records that stay, and what is finished."""
    data = b"".join(records) + torn
    finished = Finished(each=each)
    journal = read_journal(RecordFile("out", [data] if data else []), finished, refetch=refetched(keep), method=method)
    return journal, b"".join(data[begin:end] for begin, end in journal.keep).splitlines(keepends=True), finished


def done(finished, url):
    return finished.take(target_id(parse(url)))


def test_successes_stay_and_the_rest_is_fetched_again():
    """Ok and unchanged are final; errors, failures and deferrals are asked for again."""
    records = [record(f"http://a/{outcome}", outcome) for outcome in OUTCOMES]
    journal, kept, finished = judged(*records)
    assert kept == records[:2]
    assert [done(finished, f"http://a/{outcome}") for outcome in OUTCOMES] == [True, True, False, False, False]
    assert (journal.kept, journal.again, journal.duplicates, finished.failures) == (2, 3, 0, 0)


def test_all_keeps_failures_but_not_what_was_put_off():
    """A deferral and an interruption are no final words."""
    records = [record(f"http://a/{outcome}", outcome) for outcome in OUTCOMES]
    interrupted = record("http://a/x", "failed", error="interrupted")
    journal, kept, finished = judged(*records, interrupted, keep="all")
    assert kept == records[:4]
    assert (journal.again, finished.failures) == (2, 2)


def test_the_last_record_of_a_url_counts():
    """Two spellings are one URL; a success that a failure follows is fetched again."""
    first, last = record("http://a/x", "failed"), record("HTTP://A:80/x#top")
    journal, kept, finished = judged(first, record("http://a/y"), record("http://a/y", "failed"), last)
    assert kept == [last]
    assert (journal.duplicates, journal.again) == (2, 1)
    assert done(finished, "http://a/x")
    assert not done(finished, "http://a/y")


@pytest.mark.parametrize("error", [ErrorKind.INVALID_URL, ErrorKind.UNSUPPORTED_SCHEME, ErrorKind.DUPLICATE, None])
def test_lines_that_the_reader_rejects_are_left_to_it(error):
    """Their records are dropped, as they are made anew; they finish nothing."""
    skipped = record("http://a/x", "skipped", error=error)
    journal, kept, finished = judged(record("http://a/x"), skipped, keep="all")
    assert kept == [record("http://a/x")]
    assert (journal.again, journal.duplicates, len(finished)) == (0, 0, 1)


def test_records_of_another_method_stay_and_finish_nothing():
    """A HEAD is no GET."""
    records = [record("http://a/x", "failed", method="HEAD"), record("http://a/x", method="HEAD"), record("http://a/x")]
    journal, kept, finished = judged(*records[:2])
    assert (kept, len(finished), journal.whole) == (records[:2], 0, True)
    _, kept, finished = judged(*records, method="HEAD")
    assert kept == records[1:]
    assert done(finished, "http://a/x")


def test_repeats_that_are_targets_of_their_own_are_counted():
    """Without --dedupe a URL that was fetched twice is passed over twice, and no more."""
    records = [record("http://a/x"), record("http://a/x"), record("http://a/x", "failed")]
    journal, kept, finished = judged(*records, each=True)
    assert (kept, journal.again, journal.duplicates) == (records[:2], 1, 0)
    assert [done(finished, "http://a/x") for _ in range(4)] == [True, True, False, False]
    assert finished.passed_over == 2


def test_a_file_in_order_is_left_alone_and_a_torn_end_is_cut():
    """Nothing is written anew unless something has to go from the middle."""
    good = record("http://a/x")
    assert judged(good)[0].whole
    assert judged()[0].whole
    torn = judged(good, torn=good[:9])[0]
    assert (torn.whole, torn.end, torn.torn) == (False, len(good), 9)
    assert judged(good, record("http://a/y", "failed"))[0].end == len(good)
    assert judged(record("http://a/y", "failed"), good)[0].end is None
    assert judged(torn=good[:9])[0].end == 0


def test_a_person_is_told_what_is_done_with_the_file():
    """The torn end, the duplicates, what stays and what goes."""
    records = [record("http://a/x"), record("http://a/x"), record("http://a/y", "failed")]
    journal, _, _ = judged(*records, torn=b'{"url')
    assert list(journal.notes("out.jsonl")) == [
        "out.jsonl: the last record is incomplete; its 5 bytes are removed",
        "out.jsonl: records replaced by a later one of the same URL: 1",
        "out.jsonl: records kept: 1; to be fetched again: 1",
    ]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*OUTCOMES, "skipped"])), max_size=20),
    st.sampled_from(["failed", "all"]),
)
def test_what_stays_is_finished_and_the_other_way_round(summary, keep):
    """However a file came about: one record stays for each finished target, and reading it again changes nothing."""
    records = [record(f"http://a/{number}", outcome) for number, outcome in summary]
    journal, kept, finished = judged(*records, keep=keep)
    stays = Counter(json.loads(line)["url"] for line in kept)
    assert all(times == 1 for times in stays.values())
    for number in range(6):
        assert done(finished, f"http://a/{number}") == (f"http://a/{number}" in stays)
    assert journal.kept == len(kept) == len(finished)
    again, kept_again, _ = judged(*kept, keep=keep)
    assert again.whole
    assert kept_again == kept


@pytest.mark.parametrize(
    ("fields", "not_before"),
    [
        ({}, {"a": 1_700_000_000.5}),
        ({"status": 429}, {"a": 1_700_000_000.5}),
        ({"status": 503, "final_url": "http://b/"}, {"b": 1_700_000_000.5}),
        ({"status": 500}, {}),
        ({"not_before": "soon"}, {}),
        ({"not_before": None}, {}),
    ],
)
def test_a_deferral_tells_until_when_its_host_is_left_alone(fields, not_before):
    """The host that was asked last, by the status that speaks for a host, or by none where nothing was asked."""
    deferral = {"not_before": "2023-11-14T22:13:20.500Z", "final_url": None, "status": None} | fields
    _, _, finished = judged(record("http://a/x", "deferred", **deferral))
    assert {host.host: until for host, until in finished.not_before.items()} == not_before


def test_of_several_deferrals_the_longest_counts():
    """In whatever order they stand; rows of cells say the same."""
    late, early = "2023-11-14T22:13:20.500Z", "2020-01-01T00:00:00.000Z"
    records = [record(f"http://a/{when}", "deferred", not_before=when) for when in (late, early)]
    assert list(judged(*records)[2].not_before.values()) == [1_700_000_000.5]
    row = f"url,outcome,status,not_before,final_url\nhttp://a/x,deferred,,{late},\n".encode()
    assert list(judged(row)[2].not_before.values()) == [1_700_000_000.5]


def test_only_failures_of_some_classes_are_fetched_again() -> None:
    """What was only put off is in any case, and what stays counts as a failure."""
    records = [
        record("http://a/1", "failed", error="read_timeout"),
        record("http://a/2", "http_error", error="http_4xx"),
        record("http://a/3", "http_error", error="http_5xx"),
        record("http://a/4", "deferred"),
        record("http://a/5"),
    ]
    journal, kept, finished = judged(*records, keep="timeout, http_5xx")
    assert (journal.again, journal.kept, finished.failures) == (3, 2, 1)
    assert [json.loads(line)["url"] for line in kept] == ["http://a/2", "http://a/5"]


def test_the_words_of_resume() -> None:
    """failed, all, or classes, by status too; an unknown name is an error."""
    assert (refetched("failed"), refetched("all")) == (FailureClasses(), None)
    assert refetched("timeout,dns") == parsed(["connect_timeout", "read_timeout", "deadline", "dns"])
    for wrong in ("rain", "", ",", "dns,rain"):
        with pytest.raises(UsageError):
            refetched(wrong)
    records = [
        record(f"http://a/{status}", "http_error", status=status, error="http_5xx") for status in (500, 501, 503)
    ]
    assert [json.loads(line)["status"] for line in judged(*records, keep="5xx,!501")[1]] == [501]
