"""``scrapepool report``: what the records of a run say together."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any

import pytest
from place import Place
from running import ended, here, program

from tests.report.reporting import failure, record
from tests.servers.polite import PoliteServer


def lines(records: Iterable[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in records)


RECORDS = [*(record(number) for number in range(30)), failure(30), failure(31), record(31)]


@pytest.fixture
def run(place: Place) -> Place:
    place.write("records.jsonl", lines(RECORDS))
    return place


def test_the_report_goes_to_standard_output_or_to_a_file(capfd: pytest.CaptureFixture[str], run: Place) -> None:
    """The file's name decides the form. The exit code is 0 whatever the records say."""
    text = here(capfd, "report", run.folder / "records.jsonl")
    assert (text.code, text.err) == (0, "")
    assert "records.jsonl: 32 records\n" in text.out
    assert "failures replaced by later records" in text.out
    for name, begins in (
        ("r.html", "<!doctype html>"), ("r.HTM", "<!doctype html>"), ("r.md", "# Report on `records.jsonl`\n"),
        ("r.json", '{\n "version": 1,'), ("r.txt", "records.jsonl: 32 records\n"),
    ):  # fmt: skip
        assert run.run("report", "records.jsonl", "-o", name).code == 0
        assert (run.folder / name).read_text(encoding="utf-8").startswith(begins), name
    assert len((run.folder / "r.html").read_bytes()) < 1_000_000


def figures(place: Place, *records: str) -> Any:
    """The figures of some records."""
    assert place.run("report", *records, "-o", "figures.json").code == 0
    return json.loads((place.folder / "figures.json").read_text())


def test_json_has_all_figures(capfd: pytest.CaptureFixture[str], run: Place) -> None:
    """They are those of one file, or of two in a list."""
    one = figures(run, "records.jsonl")
    assert (one["version"], one["count"], one["replaced"], one["outcomes"]["failed"]) == (1, 32, 1, 1)
    assert figures(run, "records.jsonl", "records.jsonl") == [one, one]
    path = run.folder / "records.jsonl"
    assert json.loads(here(capfd, "report", path, "--json", "-o", "-").out) == {**one, "records": str(path)}


def test_every_form_of_records_is_read(place: Place, web: PoliteServer) -> None:
    """The figures are the same for all forms of one run, also for a folder of parts."""
    urls = [web.url(path) for path in ("/a", "/b", "/status/404", "/redirect?to=/a")]
    names = ["r.jsonl", "r.csv", "r.tsv", "r.db", "r.parquet"]
    for name in names:
        option = {"r.db": "--sqlite", "r.parquet": "--parquet"}.get(name, "-o")
        assert place.run("fetch", "-q", *urls, option, name).code in (0, 1)
    text = (place.folder / "r.jsonl").read_bytes().splitlines(keepends=True)
    (place.folder / "parts").mkdir()
    (place.folder / "parts" / "0.jsonl").write_bytes(text[0])
    (place.folder / "parts" / "1.jsonl.gz").write_bytes(gzip.compress(b"".join(text[1:])))
    found = [figures(place, name) for name in (*names, "parts")]
    for one in found:
        for key in ("count", "outcomes", "statuses", "bytes", "decoded_bytes", "attempts", "host_count"):
            assert one[key] == found[0][key], (one["records"], key)
        assert one["latency"]["count"] == found[0]["latency"]["count"]
        assert [row["error"] for row in one["errors"]] == [row["error"] for row in found[0]["errors"]]
    assert found[0]["count"] == 4


def test_standard_input_is_read(run: Place) -> None:
    """Its URLs cannot be explained, as it is gone."""
    with (run.folder / "records.jsonl").open() as stream:
        ran = ended(program("report", "-", "-o", run.folder / "r.html", stdin=stream))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    page = (run.folder / "r.html").read_text(encoding="utf-8")
    assert "<title>Report on standard input</title>" in page
    assert "data-explain=" not in page


def test_wrong_files_are_reported_in_one_line(run: Place) -> None:
    """The exit code is 2, and 3 for an output."""
    run.write("rain.txt", "rain\n")
    (run.folder / "empty").mkdir()
    assert run.complaint("report", "nowhere") == "nowhere: No such file or directory"
    assert run.complaint("report", "empty") == "empty: the folder holds no record file"
    assert "rain.txt:1: not a record of scrapepool" in run.complaint("report", "rain.txt")
    assert run.complaint("report", "-", "-").startswith("standard input can be read only once")
    assert run.complaint("report", "records.jsonl", "-o", "r.pdf").endswith("must end in .html, .md, .json or .txt")
    assert run.complaint("report", "records.jsonl", "-o", "records.jsonl", "--json").startswith("records.jsonl is read")
    ran = run.run("report", "records.jsonl", "-o", "nowhere/r.html")
    assert (ran.code, ran.err) == (3, "scrapepool: cannot write nowhere/r.html: its folder does not exist\n")
    with (run.folder / "records.jsonl").open("a") as stream:
        stream.write('{"url":"ht')
    ran = run.run("report", "records.jsonl", "-o", "r.md")
    assert (ran.code, ran.err) == (0, "scrapepool: records.jsonl: the last record is incomplete and was skipped\n")


def test_an_empty_file_has_a_report(place: Place) -> None:
    """It has one in each form."""
    place.write("none.jsonl", "")
    for form in ("html", "md", "json", "txt"):
        ran = place.run("report", "none.jsonl", "-o", f"r.{form}")
        assert (ran.code, ran.err) == (0, "")
