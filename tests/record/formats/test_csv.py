import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import Redirect
from scrapepool.record.formats.csv import FORMULA, cells, columns
from scrapepool.record.formats.fields import chosen_fields, record
from scrapepool.record.open_output import record_format, sink_for
from scrapepool.record.safe_io.lock import open_locked
from scrapepool.settings import OutputSettings
from scrapepool.text import printable
from scrapepool.url import parse, plain
from tests.record.record_cases import OUTCOMES, fetched, target

PLAIN = OutputSettings()
EVERYTHING = OutputSettings(headers=True, body=True)


def written(path, outcomes, output=PLAIN):
    """What a sink writes for some outcomes, as bytes."""
    sink = sink_for(replace(output, path=str(path)))
    sink.write(outcomes)
    sink.close()
    return path.read_bytes()


def rows(data, delimiter=","):
    """CSV bytes read back as one dict a row."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


def test_a_row_lies_flat(tmp_path):
    """Redirects are joined, timings have columns of their own, objects are JSON, what is missing is empty."""
    hops = (Redirect("https://a.example/", 301), Redirect("https://b.example/", 302))
    redirects = tuple(hop.url for hop in hops)
    outcome = fetched(redirects=redirects, hops=hops, target=target(input={"id": 3}), sha256=None)
    (row,) = rows(written(tmp_path / "out.csv", [outcome]))
    assert row["redirects"] == "https://a.example/ https://b.example/"
    assert json.loads(row["hops"]) == [hop._asdict() for hop in hops]
    assert (row["timings.dns"], row["timings.ttfb"]) == ("", "0.01")
    assert json.loads(row["input"]) == {"id": 3}
    assert (row["reused"], row["sha256"], row["line"], row["not_before"]) == ("true", "", "7", "")
    assert list(row) == columns(chosen_fields(PLAIN))


def test_a_run_without_a_record_has_its_header_row(tmp_path):
    """Readers of the file find its columns even when nothing was fetched."""
    assert written(tmp_path / "out.csv", [], OutputSettings(fields=("url", "timings"))) == (
        b"url,timings.dns,timings.connect,timings.tls,timings.ttfb,timings.download\n"
    )


def test_one_line_a_record(tmp_path):
    """A URL with line ends in it is spelled without them, so that a line tool sees one line a record."""
    data = written(
        tmp_path / "out.csv", [fetched('https://example.org/\r\n,"x"\x1b!')], OutputSettings(fields=("url",))
    )
    assert data == b'url\n"https://example.org/,%22x%22%1B!"\n'


@given(url=st.text(max_size=20).map("https://example.org/".__add__))
def test_a_url_is_the_same_url_in_its_cell(url):
    """What a cell cannot hold is spelled so that it parses to the same, as --resume needs it."""
    (cell,) = cells({"url": url}, ["url"])
    assert parse(cell) == parse(url)


@given(body=st.text())
@settings(max_examples=50, deadline=None)
def test_a_body_is_quoted_whatever_it_holds(body, tmp_path_factory):
    """The text of a page comes back as it was, bare carriage returns included."""
    outcome = fetched(body=body.encode(), charset="utf-8")
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    (row,) = rows(written(path, [outcome], OutputSettings(fields=("url", "body"), body=True)))
    assert row["body"] == record(outcome, EVERYTHING)["body"]


def test_tabs_keep_columns_apart_where_they_are_asked_for(tmp_path):
    """TSV holds what CSV holds, and a comma needs no quotes in it; a page may have tabs and line ends of its own."""
    outcome = fetched("https://example.org/a,b", body=b'a\tb\n"c"', charset="utf-8")
    data = written(tmp_path / "out.tsv", [outcome], OutputSettings(fields=("url", "status", "body"), body=True))
    assert data.startswith(b"url\tstatus\tbody\nhttps://example.org/a,b\t200\t")
    assert rows(data, "\t") == [{"url": "https://example.org/a,b", "status": "200", "body": 'a\tb\n"c"'}]


HARMFUL = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]


@given(body=st.sampled_from(HARMFUL) | st.text(), cut=st.sampled_from(HARMFUL))
@settings(max_examples=50, deadline=None)
def test_no_cell_is_a_formula_where_that_is_asked_for(body, cut, tmp_path_factory):
    """With --safe-csv no text begins with what a spreadsheet runs; numbers stay numbers."""
    outcome = fetched(body=body.encode("utf-8", "replace"), charset="utf-8", content_type=cut)
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    output = OutputSettings(fields=("elapsed", "content_type", "body"), body=True)
    (row,), (safe,) = (rows(written(path, [outcome], replace(output, safe_csv=on))) for on in (False, True))
    assert row["elapsed"] == safe["elapsed"] == "0.012346"
    for name in ("content_type", "body"):
        assert not safe[name].startswith(FORMULA)
        assert safe[name].removeprefix("'") == row[name].removeprefix("'")


@given(OUTCOMES)
def test_every_outcome_fills_its_row(outcome):
    """A row has as many cells as the header, and its plain values are the record's."""
    values = record(outcome, EVERYTHING)
    fields = chosen_fields(EVERYTHING)
    row = dict(zip(columns(fields), cells(values, fields), strict=True))
    assert row["url"] == printable(plain(values["url"]))
    assert row["outcome"] == values["outcome"]
    assert row["bytes"] == values["bytes"]


@pytest.mark.parametrize(
    ("path", "given", "form"),
    [
        ("a.csv", None, "csv"),
        ("a.CSV", None, "csv"),
        ("a.tsv", None, "tsv"),
        ("a.csv", "jsonl", "jsonl"),
        ("a.txt", None, "jsonl"),
    ],
)
def test_the_format_follows_the_option_then_the_suffix(path, given, form):
    """--format wins, a .csv file is CSV, all else is JSON Lines."""
    assert record_format(OutputSettings(path=path, format=given)) == form


def test_a_dash_is_standard_output(tmp_path, monkeypatch, capfd):
    """-o - writes no file of that name."""
    monkeypatch.chdir(tmp_path)
    sink = sink_for(OutputSettings(path="-", fields=("status",)))
    sink.write([fetched()])
    sink.close()
    assert capfd.readouterr().out == '{"status":200}\n'
    assert not list(tmp_path.iterdir())


def test_unknown_fields_leave_the_file_alone(tmp_path):
    """A usage error comes before the output is emptied."""
    path = tmp_path / "out.csv"
    path.write_text("precious")
    with pytest.raises(UsageError):
        sink_for(OutputSettings(path=str(path), fields=("nope",)))
    assert path.read_text() == "precious"


def test_a_file_that_has_its_header_row_gets_no_second_one(tmp_path):
    """A resumed run writes rows alone, under the header row that is there."""
    path = tmp_path / "out.csv"
    settings = OutputSettings(fields=("url", "method"))
    written(path, [fetched()], settings)
    for _ in range(2):
        sink = sink_for(replace(settings, path=str(path)), method="HEAD", fd=open_locked(str(path)))
        sink.write([fetched()])
        sink.close()
    assert path.read_text() == "url,method\nhttps://example.org/a,GET\n" + "https://example.org/a,HEAD\n" * 2


def test_data_has_a_column_for_each_value(tmp_path):
    """Text keeps its line ends and loses what acts on a terminal; lists and objects are JSON."""
    asked = OutputSettings(select=("title=css:a", "tags[]=css:a", "ld=jsonld:@"), fields=("data", "status"))
    data = {"title": "a\n\x1bb", "tags": ["é", "b"], "ld": {"x": None}}
    outcomes = [fetched(data=data), fetched(data=None), fetched(data=dict.fromkeys(data))]
    first, *others = rows(written(tmp_path / "out.csv", outcomes, asked))
    row = {"data.title": "a\n\\x1bb", "data.tags": '["\\u00e9","b"]', "data.ld": '{"x":null}'}
    assert first == row | {"status": "200"}
    assert others == [dict.fromkeys(row, "") | {"status": "200"}] * 2


def test_a_header_row_replaces_nothing_before_there_is_a_record(tmp_path):
    """A sink is given no outcomes now and then; the records of an earlier run stay until there is one."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"url,outcome\nhttp://a.test/,ok\n")
    sink = sink_for(replace(PLAIN, path=str(path)))
    sink.write([])
    assert path.read_bytes() == b"url,outcome\nhttp://a.test/,ok\n"
    sink.write([fetched()])
    sink.close()
    assert [row["url"] for row in rows(path.read_bytes())] == ["https://example.org/a"]
