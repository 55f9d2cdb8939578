"""``scrapepool failed``: the URLs for another run."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from running import ended, here, program

from tests.servers.polite import PoliteServer

RECORDS = [
    {"url": "http://a/1", "outcome": "failed", "error": "dns"},
    {"url": "http://a/2", "outcome": "ok", "error": None},
    {"url": "http://a/3", "outcome": "http_error", "error": "http_5xx"},
    {"url": "http://a/1", "outcome": "deferred", "error": None},
]
LINES = "".join(f"{json.dumps(record)}\n" for record in RECORDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "out.jsonl"
    path.write_text(LINES)
    return path


def test_failures_are_printed_one_per_line(capfd: pytest.CaptureFixture[str], path: Path) -> None:
    """They come in the order of the file, and can be chosen by class."""
    assert here(capfd, "failed", path) == (0, "http://a/1\nhttp://a/3\n", "")
    assert here(capfd, "failed", path, "--class", "http,timeout") == (0, "http://a/3\n", "")
    assert here(capfd, "failed", path, "--class", "dns") == (0, "", "")
    assert here(capfd, "failed", path, "--class", "!5xx") == (0, "http://a/1\n", "")


def test_compressed_files_and_csv_are_read(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """They are recognized by their content, whatever their name is."""
    path = tmp_path / "records"
    path.write_bytes(gzip.compress(LINES.encode()))
    assert here(capfd, "failed", path).out == "http://a/1\nhttp://a/3\n"
    path.write_text("outcome,url\nok,http://a/1\nfailed,http://a/2\n")
    assert here(capfd, "failed", path).out == "http://a/2\n"


@pytest.mark.slow
def test_tables_through_a_pipe(tmp_path: Path) -> None:
    """Parquet is read from a pipe, also by explain. A database cannot be, and the message says so."""
    url, table, base = "http://127.0.0.1:1/", tmp_path / "a.parquet", tmp_path / "a.db"
    ended(program("fetch", url, "-q", "--retries", 0, "--parquet", table, "--sqlite", base))
    for content, command, code, out, err in (
        (table.read_bytes(), ("failed", "-"), 0, f"{url}\n", ""),
        (table.read_bytes(), ("explain", "-", url), 0, "connect_refused", ""),
        (table.read_bytes()[:500], ("failed", "-"), 2, "", "scrapepool: standard input: "),
        (base.read_bytes(), ("failed", "-"), 2, "", "standard input: a database cannot be read from a pipe"),
    ):
        process = program(*command, stdin=subprocess.PIPE)
        said, complaint = process.communicate(content)
        assert process.returncode == code
        assert out in said.decode()
        assert err in complaint.decode()
        assert complaint.count(b"\n") == (1 if err else 0)


def test_standard_input_is_read_and_a_torn_end_is_reported(path: Path) -> None:
    """The file of a run that is still going on can be read."""
    with path.open("a") as stream:
        stream.write('{"url":"ht')
    with path.open() as stream:
        ran = ended(program("failed", "-", stdin=stream))
    assert ran == (
        0,
        "http://a/1\nhttp://a/3\n",
        "scrapepool: standard input: the last record is incomplete and was skipped\n",
    )


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            LINES,
            ["--class", "rain"],
            "scrapepool: unknown class: rain; write a status (503), a class",
        ),
        (f"{LINES}rain\n", [], "out.jsonl:5: not a record of scrapepool (no JSON)"),
        (None, [], "out.jsonl: No such file or directory"),
        (LINES, ["more"], "more: No such file or directory"),
        (LINES, ["*.csv"], "*.csv: no record file matches"),
        (LINES, ["-", "-"], "standard input can be read only once: - is given twice"),
    ],
)
def test_unreadable_records_are_reported(
    capfd: pytest.CaptureFixture[str], path: Path, content: str | None, options: list[str], message: str
) -> None:
    """The message names the line, and the exit code is 2."""
    path.unlink() if content is None else path.write_text(content)
    ran = here(capfd, "failed", path, *options)
    assert ran.code == 2
    assert message.lower() in ran.err.lower()


def test_rows_are_printed_with_their_columns(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """They can be fetched again as before, with method, header fields and data."""
    with PoliteServer() as server:
        rows = [
            {"url": server.url("/status/404"), "id": 1, "request": {"headers": {"Accept": "b"}}},
            {"url": server.url("/status/404?h"), "id": 2, "request": {"method": "HEAD"}},
            {"url": server.url("/status/404?p"), "id": 3, "request": {"method": "POST", "data": "x"}},
            {"url": server.url("/page"), "id": 4},
        ]
        urls, out = tmp_path / "urls.jsonl", tmp_path / "out.jsonl"
        urls.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        here(capfd, "fetch", urls, "--no-robots", "-q", "-o", out)
        ran = here(capfd, "failed", out, "--rows")
        assert sorted(ran.records, key=lambda row: row["id"]) == [
            {"id": 1, "url": rows[0]["url"], "request": {"headers": {"Accept": "b"}}},
            {"id": 2, "url": rows[1]["url"], "request": {"method": "HEAD"}},
            {"id": 3, "url": rows[2]["url"], "request": {"method": "POST", "data": "x"}},
        ]
        assert ran.err == ""
        (tmp_path / "again.jsonl").write_text(ran.out)
        again = here(capfd, "fetch", tmp_path / "again.jsonl", "--no-robots", "-q").records
        assert sorted((one["input"]["id"], one.get("method"), one["status"]) for one in again) == [
            (1, None, 404),
            (2, "HEAD", 404),
            (3, "POST", 404),
        ]
        table = tmp_path / "out.csv"
        here(capfd, "fetch", urls, "--no-robots", "-q", "-o", table)
        of_table = here(capfd, "failed", table, "--rows").records
        assert sorted(of_table, key=lambda row: row["id"]) == sorted(ran.records, key=lambda row: row["id"])
