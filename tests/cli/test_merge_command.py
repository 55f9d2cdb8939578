"""``scrapepool merge``: the records of several runs or shards in one file."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from place import Place
from running import here

from scrapepool.results.merged_records import MergedRecords
from tests.servers.polite import PoliteServer


def _record(url: str, line: int, outcome: str = "ok", **more: object) -> dict[str, object]:
    return {"url": url, "line": line, "outcome": outcome, "error": None if outcome == "ok" else "dns", **more}


def _lines(*records: dict[str, object]) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def _merged(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_last_record_of_each_url_counts(place: Place) -> None:
    """It stays as it is, in the order of the files. A duplicate, or a line without a URL, counts by its line."""
    first = _record("http://h/1", 1, "failed")
    place.write("a.jsonl", _lines(first, _record("http://h/2", 2), _record("http://h/3", 3)))
    repeat = {"url": "http://h/1", "line": 4, "outcome": "skipped", "error": "duplicate"}
    no_url = {"url": "x", "line": 5, "outcome": "skipped", "error": "invalid_url"}
    post = _record("http://h/1", 6, request={"method": "POST", "data_sha256": None}, method="POST")
    text = "\n" + _lines(_record("HTTP://H:80/1#x", 1), repeat, no_url, no_url, post)
    (place.folder / "b.jsonl.gz").write_bytes(gzip.compress(text.encode() + b'{"url":"http://h/9'))
    ran = place.run("merge", "a.jsonl", "b.jsonl.gz", "-o", "out.jsonl")
    assert (ran.code, ran.err.splitlines()) == (
        0,
        [
            "scrapepool: b.jsonl.gz: the last record is incomplete and was skipped",
            "scrapepool: out.jsonl: 6 records; files read: 2; replaced by later records: 2",
        ],
    )
    lines = (place.folder / "a.jsonl").read_text().splitlines()[1:] + text.splitlines()[1:3] + text.splitlines()[4:]
    assert (place.folder / "out.jsonl").read_text().splitlines() == lines
    ran = place.run("failed", "out.jsonl")
    assert (ran.code, ran.out) == (0, "")


def test_any_format_to_any_format(place: Place, web: PoliteServer) -> None:
    """Merged records say what the records said, after any number of steps."""
    urls = [f"{web.url()}{n}" for n in range(3)]
    place.write("urls.csv", "url,n\n" + "".join(f"{url},{n}\n" for n, url in enumerate(urls)))
    fetch = ("--no-robots", "-q", "--select", "title=css:title", "--headers", "--sqlite", "a.db")
    place.run("fetch", "urls.csv", *fetch, "-o", "a.jsonl")
    same = ("url", "line", "status", "outcome", "sha256", "bytes", "timings", "started", "headers", "input", "data")
    for steps in (
        ("a.jsonl", "b.csv", "b.parquet", "b.tsv", "b.db", "b.jsonl"),
        ("a.db", "c.parquet", "c.csv", "c.jsonl"),
    ):
        for source, then in pairwise(steps):
            ran = place.run("merge", source, "-o", then)
            assert (ran.code, ran.err) == (
                0,
                f"scrapepool: {then}: 3 records; files read: 1; replaced by later records: 0\n",
            )
        expected, found = _merged(place.folder / "a.jsonl"), _merged(place.folder / then)
        assert [[one[name] for name in same] for one in expected] == [[one[name] for name in same] for one in found]


def test_lines_of_several_lists_collide(place: Place) -> None:
    """Records without a list then get the name of their file; others stay as they are."""
    named = _record("http://h/3", 2)
    named = {"url": named.pop("url"), "line": named.pop("line"), "list": "urls.txt", **named}
    no_url = {"url": "x", "line": 2, "outcome": "skipped", "error": "invalid_url"}
    place.write("parts/1.jsonl", _lines(_record("http://h/1", 1), no_url))
    place.write("parts/2.jsonl", _lines(_record("http://h/2", 1), no_url, named, _record("http://h/4", None)))
    ran = place.run("merge", "parts", "-o", "parts/all.csv")
    assert "parts/all.csv: the same line numbers stand for different URLs, so list names the file" in ran.err
    header, *rows = [line.split(",")[:4] for line in (place.folder / "parts/all.csv").read_text().splitlines()]
    assert header == ["url", "line", "list", "outcome"]
    assert rows == [
        ["http://h/1", "1", "1.jsonl", "ok"],
        ["x", "2", "1.jsonl", "skipped"],
        ["http://h/2", "1", "2.jsonl", "ok"],
        ["x", "2", "2.jsonl", "skipped"],
        ["http://h/3", "2", "urls.txt", "ok"],
        ["http://h/4", "", "", "ok"],
    ]
    ran = place.run("merge", "parts", "-o", "parts/all.csv")  # which is no part of itself
    assert "6 records; files read: 2;" in ran.err
    place.write("parts/2.jsonl", _lines(_record("http://h/2", 3), _record("http://h/1", 1, "failed")))
    ran = place.run("merge", "parts/1.jsonl", "parts/2.jsonl", "-o", "out.jsonl")
    assert "list" not in (place.folder / "out.jsonl").read_text()


def test_standard_input_and_output(
    capfd: pytest.CaptureFixture[str], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input is read twice, out of a copy; a file with a byte order mark becomes one without."""
    path = place.write("a.jsonl", "\ufeff" + _lines(_record("http://h/1", 1)))
    with place.write("b.jsonl", _lines(_record("http://h/2", 2))).open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stdin})())
        ran = here(capfd, "merge", path, "-")
    assert ran.out == _lines(_record("http://h/1", 1), _record("http://h/2", 2))
    assert ran.err == "scrapepool: standard output: 2 records; files read: 2; replaced by later records: 0\n"


def test_a_database_of_records(place: Place) -> None:
    """A run can resume it as its own. A duplicate is counted, and fields that a record lacks are filled in."""
    repeat = {"url": "http://h/1", "line": 4, "outcome": "skipped", "error": "duplicate"}
    no_url = {"url": "x", "line": 5, "outcome": "skipped", "error": "invalid_url"}
    url = "http://127.0.0.1:1/"
    place.write("a.jsonl", _lines(_record(url, 1, elapsed=0.5, redirects=["http://h/0"]), repeat, no_url))
    place.write("out.db", "it is replaced")
    assert place.run("merge", "a.jsonl", "-o", "out.db").code == 0
    with closing(sqlite3.connect(place.folder / "out.db")) as db:
        columns = "url, line, elapsed, redirects, attempts, hosts.name"
        query = f"SELECT {columns} FROM records LEFT JOIN hosts ON hosts.id = records.host"
        assert db.execute(query).fetchall() == [
            (url, 1, 0.5, '["http://h/0"]', 0, "http://127.0.0.1:1"),
            ("x", 5, 0, None, 0, None),
        ]
        assert db.execute("SELECT duplicates, ended IS NULL FROM runs").fetchall() == [(1, 0)]
    ran = place.run("fetch", url, "--sqlite", "out.db", "--resume", "--progress", "none")
    assert (ran.code, "1 URL of the lists is done already" in ran.err) == (0, True)
    assert not list(place.folder.glob(".merge-*"))
    place.write("out.db-wal", "")
    assert place.complaint("merge", "a.jsonl", "-o", "out.db") == (
        "out.db is in use by another program; name another file"
    )
    assert place.complaint("merge", "a.jsonl", "-o", "/dev/null", "--format", "sqlite") == (
        "a database needs a regular file, and /dev/null is not one"
    )
    assert place.run("merge", "a.jsonl", "-o", "none/out.db").code == 3


def test_parts_that_are_not_complete(place: Place) -> None:
    """A folder tells of its shards; a file ends with what an interrupted run wrote."""
    place.write("out/_run.json", '{"shards": 8}')
    place.write("out/_SUCCESS-00001", "")
    place.write("out/part-00001-00000.jsonl", _lines(_record("http://h/1", 1)))
    interrupted = {**_record("http://h/3", 3, "failed"), "error": "interrupted"}
    place.write("a.jsonl", _lines(interrupted).replace(": ", ":"))
    ran = place.run("merge", "out", "a.jsonl", "-o", "x.jsonl")
    assert ran.err.splitlines()[:2] == [
        "scrapepool: out does not hold all records of its run; shards that are not complete: "
        "1/8, 3/8, 4/8, 5/8, 6/8, …",
        "scrapepool: a.jsonl is from an unfinished run: URLs without a record are missing; "
        "continue it with fetch --resume",
    ]
    for content, said in (('{"shards": null}', "1/1"), ("[]", None), ('{"shards": 1}', "1/1")):
        place.write("out/_run.json", content)
        assert (f"not complete: {said}" in place.run("merge", "out", "-o", "x.jsonl").err) is (said is not None)
    place.write("out/_SUCCESS", "")
    assert "not complete" not in place.run("merge", "out", "-o", "x.jsonl").err


def test_a_part_that_changes_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended is not read, and a part that becomes shorter is an error; the output stays as it was."""
    part = place.write("a.jsonl", _lines(_record("http://h/1", 1), _record("http://h/2", 2)))
    out = place.write("out.jsonl", "as it was")
    content = [part.read_text() + _lines(_record("http://h/3", 3)), _lines(_record("http://h/1", 1))]
    original = MergedRecords.read

    def changed(merged: MergedRecords) -> None:
        original(merged)
        part.write_text(content.pop(0))

    monkeypatch.setattr(MergedRecords, "read", changed)
    assert "2 records" in place.run("merge", "a.jsonl", "-o", "b.jsonl").err
    ran = place.run("merge", "a.jsonl", "-o", "out.jsonl")
    assert (ran.code, ran.err) == (2, "scrapepool: a.jsonl: it became shorter while it was merged\n")
    assert out.read_text() == "as it was"


def test_what_cannot_be_merged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is one line, which says what to do."""
    place.write("a.jsonl", _lines(_record("http://h/1", 1)))
    for args, said in (
        (("a.jsonl", "-o", "a.jsonl"), "a.jsonl is read and would be overwritten by --output; name another file"),
        (("a.jsonl", "-o", "b.gz"), "--output b.gz: the name must end in .jsonl, .ndjson, .csv,"),
        (("a.jsonl", "-o", "b/"), "b/: merge writes one file of this machine"),
        (("a.jsonl", "--format", "parquet"), "--format parquet cannot go to standard output; name a file"),
        (("*.csv",), "*.csv: no record file matches"),
        (("/dev/null",), "/dev/null: is no regular file, and parts are read twice; pipe it into merge -"),
    ):
        assert place.complaint("merge", *args).startswith(said)
    assert place.run("merge", "a.jsonl", "-o", "/dev/full").code == 3
    ran = place.run("merge", "a.jsonl", "-o", "none/b.jsonl")
    assert (ran.code, ran.err) == (3, "scrapepool: cannot write none/b.jsonl: its folder does not exist\n")
    monkeypatch.setattr("scrapepool.record.stores.parquet.has_pyarrow", lambda: False)
    assert place.complaint("merge", "a.jsonl", "-o", "b.parquet").startswith("Parquet needs pyarrow: ")
