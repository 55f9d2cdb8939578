"""What records look like where somebody asks for it: entries of objects, a byte order mark, names that promise it."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import pytest
from running import here

from scrapepool.record.safe_io import durability
from tests.servers.polite import PoliteServer, Response


@pytest.mark.parametrize(
    "suffix", [".tar", ".zip", ".xlsx", ".html", ".xml", ".tgz", ".sqlite", ".XLS", ".7z", ".yaml", ".warc", ".arrow"]
)
def test_a_suffix_that_promises_something_else_is_refused(capfd, tmp_path, suffix: str):
    """Unless --format says that the name is meant."""
    path = tmp_path / f"out{suffix}"
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "-o", path)
    assert (ran.code, "would hold JSON Lines" in ran.err, path.exists()) == (2, True, False)
    assert here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "-o", path, "--format", "jsonl").code == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".json", ".log", ".txt", ".2026", ""])
def test_names_that_promise_nothing_else_stay(capfd, tmp_path, suffix: str):
    """JSON Lines are JSON, and text."""
    path = tmp_path / f"out{suffix}"
    assert here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "-o", path).code == 1


FIELDS = "url,input.id,headers.etag,data.price,timings.ttfb,input.none"


@pytest.fixture
def shop(tmp_path: Path):
    """A list with a column, and a page with a price."""
    page = Response(200, headers=(("ETag", '"é"'), ("Content-Type", "text/html")), body=b"<b>12\nEUR</b>")
    with PoliteServer(1, lambda _: page) as server:
        (tmp_path / "list.csv").write_text(f"url,id\n{server.url('/a')},=7\n")
        yield ["fetch", tmp_path / "list.csv", "--headers", "--select", "price=css:b", "--no-robots", "-q"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_entries_of_objects_are_fields(capfd, tmp_path, shop, form: str):
    """They are named as in --template; an entry that a record lacks is null, or an empty cell."""
    path = tmp_path / f"out.{form}"
    ran = here(capfd, *shop, "--fields", FIELDS, "-o", path)
    assert ran.code == 0, ran.err
    text = path.read_text()
    if form == "jsonl":
        row = json.loads(text)
    else:
        (row,) = csv.DictReader(text.splitlines(keepends=True), delimiter="," if form == "csv" else "\t")
    assert list(row) == FIELDS.split(",")
    assert (row["input.id"], row["data.price"].split()) == ("=7", ["12", "EUR"])
    assert (row["input.none"] or None) is None
    assert float(row["timings.ttfb"]) > 0
    ran = here(capfd, *shop, "--fields", f"{FIELDS},outcome", "-o", tmp_path / f"again.{form}")
    ran = here(capfd, *shop, "--fields", f"{FIELDS},outcome", "-o", tmp_path / f"again.{form}", "--resume")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("url.x", "unknown field: url.x"),
        ("input.", "unknown field: input."),
        ("timings.x", "timings has dns"),
        ("data.x", "data has price"),
        ("history.x", "the field history.x needs --verbose"),
    ],
)
def test_unknown_entries_are_refused(capfd, shop, fields: str, said: str):
    """They are refused before anything is fetched."""
    ran = here(capfd, *shop, "--fields", fields)
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_a_byte_order_mark_is_written_once_and_skipped(capfd, tmp_path, shop):
    """Excel and --resume skip it. For records that are no table it is a usage error."""
    path = tmp_path / "out.csv"
    for options in ([], ["--resume"], ["--resume", "all"]):
        assert here(capfd, *shop, "-o", path, "--csv-bom", *options).code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfurl,")
    assert path.read_bytes().count(b"\xef\xbb\xbf") == 1
    assert here(capfd, "failed", path).code == 0
    assert here(capfd, *shop, "-o", tmp_path / "out.jsonl", "--csv-bom").code == 2


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
@pytest.mark.parametrize("when", ["second", "always"])
def test_a_file_system_without_fsync_is_reported_once(capfd, tmp_path, monkeypatch, code: int, when: str):
    """The run goes on."""

    def refuse_if(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(durability.os, "fsync", refuse_if)
    path = tmp_path / "out.jsonl"
    with PoliteServer(1) as server:
        urls = [server.url(f"/{number}") for number in range(5)]
        ran = here(capfd, "fetch", *urls, "-o", path, "--fsync", when, "--progress", "none", "--no-robots")
    assert (ran.code, ran.err.count("the file system does not support fsync")) == (0, 1), ran.err
    assert len(path.read_text().splitlines()) == 5


def test_a_table_whose_name_is_no_utf_8_is_made_and_resumed(capfd, tmp_path):
    """It is treated as any file is."""
    pytest.importorskip("pyarrow")
    path = os.fsdecode(os.fsencode(tmp_path) + b"/t\xff.parquet")
    with PoliteServer(1) as server:
        for options in ([], ["--resume"]):
            ran = here(capfd, "fetch", server.url("/a"), "--parquet", path, "-q", "--no-robots", *options)
            assert ran.code == 0, ran.err
    assert Path(path).stat().st_size
