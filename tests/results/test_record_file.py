import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.results.record_file import RecordFile


def line(url="http://a/", outcome="ok", **fields):
    return json.dumps({"url": url, "line": 1, "outcome": outcome, "error": None} | fields).encode() + b"\n"


def table(*rows, columns=("url", "line", "outcome", "error", "body"), delimiter=","):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerows([columns, *rows])
    return text.getvalue().encode()


def read(data, size=7, **parameters):
    """The file and its records, its bytes coming in small pieces."""
    file = RecordFile("out", [data[at : at + size] for at in range(0, len(data), size)], **parameters)
    return file, list(file)


def test_a_record_tells_what_resuming_needs():
    """URL, outcome, error, method and status, and where the record ends."""
    first, second = line(status=200), line("http://b/", "failed", error="dns", method="HEAD")
    file, summaries = read(first + second)
    assert [tuple(t) for t in summaries] == [
        ("http://a/", "ok", None, "GET", len(first), None, 200),
        ("http://b/", "failed", "dns", "HEAD", len(first) + len(second), None, None),
    ]
    assert (file.whole, file.torn) == (len(first + second), 0)


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_csv_says_the_same_by_its_header(delimiter):
    """Columns may stand in any order, cells may hold commas, tabs, quotes and line ends of any length."""
    body = 'x,\t"y"\r\n' * 40_000
    rows = ["http://a/,1", "7", "http_error", "http_4xx", body], ["http://b/", "", "ok", "", ""]
    data = table(*rows, delimiter=delimiter)
    file, summaries = read(data, size=65_536)
    assert [t[:4] for t in summaries] == [
        ("http://a/,1", "http_error", "http_4xx", "GET"),
        ("http://b/", "ok", None, "GET"),
    ]
    assert (file.start, summaries[-1].end, file.torn) == (len(b"url,line,outcome,error,body\n"), len(data), 0)


@given(cut=st.integers(0, 400), form=st.sampled_from(["jsonl", "csv", "tsv"]))
def test_a_file_cut_anywhere_is_whole_records_and_a_torn_one(cut, form):
    """Whatever byte a run was killed at, the records before it are read and the rest counts as torn."""
    if form == "jsonl":
        data = b"".join(line(f"http://a/{n}") for n in range(5))
    else:
        rows = [[f"http://a/{n}", str(n), "ok", "", 'a\n"b"\n'] for n in range(5)]
        data = table(*rows, delimiter="," if form == "csv" else "\t")
    data = data[:cut]
    columns = None if form == "jsonl" else ["url", "line", "outcome", "error", "body"]
    file, summaries = read(data, form=form, columns=columns)
    assert [t.url for t in summaries] == [f"http://a/{n}" for n in range(len(summaries))]
    assert file.whole + file.torn == len(data)
    assert file.whole == (summaries[-1].end if summaries else file.start)


def test_zeros_at_the_end_are_torn():
    """A machine that lost its power may leave zeros where a record was to be."""
    file, summaries = read(line() + b"\0" * 100)
    assert (len(summaries), file.torn) == (1, 100)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello\n", "out:1: not a record of scrapepool (no column url)"),
        (line() + b"hello\n" + line(), "out:2: not a record of scrapepool (no JSON)"),
        (line() + b"\n" + b"[1]\n", "out:3: not a record of scrapepool (no JSON object)"),
        (b'{"name": 1}\n', "out:1: not a record of scrapepool (no field url)"),
        (b'{"url": "http://a/"}\n', "out:1: not a record of scrapepool (no field outcome)"),
        (b'{"url": "http://a/", "outcome": "sunny"}\n', "out:1: not a record of scrapepool (no outcome: sunny)"),
        (line() + b"notes", "out:2: not a record of scrapepool (no JSON)"),
        (line() + b"{ x", "out:2: not a record of scrapepool (no JSON)"),
        (line() + line()[:20] + line(), "out:2: not a record of scrapepool (no JSON)"),
        (line() + b"\0\0\n" + line(), "out:2: not a record of scrapepool (no JSON)"),
        (table(["http://a/", "1", "ok"]), "out:2: not a record of scrapepool (3 of 5 cells)"),
        (b"url,outcome\nx", None),
        (b"url,status\n", "out:1: not a record of scrapepool (no column outcome)"),
    ],
)
def test_what_is_no_record_is_named_by_its_line(data, reason):
    """Another program's file is not mistaken for a journal, wherever the first wrong line stands."""
    if reason is None:
        assert read(data)[0].torn == 1
        return
    with pytest.raises(UsageError) as caught:
        read(data)
    assert str(caught.value) == reason


def test_a_quote_left_open_does_not_swallow_the_rows_after_it():
    """A CSV file that somebody damaged is refused rather than cut in its middle."""
    data = table(["http://a/", "1", "ok", "", "x"]) + b'http://b/,2,ok,,"oops\n' + b"http://c/,3,ok,,x\n"
    with pytest.raises(UsageError, match=r"out:3: .*a quote that is not closed"):
        read(data)


def test_other_columns_than_this_run_writes_are_refused():
    """Rows of two kinds in one CSV file would be wrong under either header."""
    names = table().decode().splitlines()[0].split(",")
    for columns, said in (
        (names[:-1], f"; only it has {names[-1]}\\)"),
        ([*names, "history"], r"; it lacks history\)"),
        (["rain", *names[1:]], r"; it lacks rain; only it has url\)"),
        (names[::-1], f", which are {','.join(names[::-1])}\\)"),
    ):
        with pytest.raises(UsageError, match=f"its columns are not those of this run{said}"):
            read(table(), columns=columns)


def test_an_http_error_without_its_slug_is_told_by_its_status():
    """Files with few fields are enough to find the failures."""
    _, summaries = read(b'{"url":"http://a/","outcome":"http_error","status":503}\n' * 2)
    assert [t.error for t in summaries] == ["http_5xx", "http_5xx"]


def test_an_empty_file_has_no_records():
    """Nothing is torn in it either."""
    file, summaries = read(b"")
    assert (summaries, file.whole, file.torn) == ([], 0, 0)
