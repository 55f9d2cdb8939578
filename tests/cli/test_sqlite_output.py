"""``fetch --sqlite``: alone, next to records, resumed, and refused before anything is fetched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from failing_pages import FailingPages
from running import ended, here, program

from scrapepool.results.record_database import RecordDatabase
from tests.servers.polite import PoliteServer
from tests.torture import tables


@pytest.fixture
def failing() -> FailingPages:
    return FailingPages()


@pytest.fixture
def web(failing: FailingPages) -> Iterator[PoliteServer]:
    with PoliteServer(2, failing) as server:
        yield server


@pytest.fixture
def urls(tmp_path: Path, web: PoliteServer) -> list[str]:
    """Two that succeed and one that fails at first; the list has a repeat and a line that is no URL."""
    urls = [web.url("/good/1"), web.url("/bad/1"), web.url("/good/2", 1)]
    (tmp_path / "urls").write_text("\n".join([*urls, urls[0], "ftp://x/"]))
    return urls


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ask(query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("a.db")) as db:
        return db.execute(query).fetchall()


def test_a_database_alone_leaves_standard_output_alone(capfd: pytest.CaptureFixture[str], urls: list[str]) -> None:
    """It holds the records; ``-o -`` asks for them on standard output as well, and both say the same."""
    ran = here(capfd, "fetch", "urls", "--sqlite", "a.db", "--progress", "none")
    assert (ran.code, ran.out) == (1, "")
    assert ask("SELECT outcome, count(*) FROM records GROUP BY 1") == [("http_error", 1), ("ok", 2), ("skipped", 1)]
    ran = here(capfd, "fetch", "urls", "--sqlite", "a.db", "-o", "-", "--progress", "none")
    written = [record for record in ran.records if record["error"] != "duplicate"]
    assert len(ran.records) == len(written) + 1
    assert list(RecordDatabase("a.db").records()) == written


def test_bodies_are_kept_where_they_are_asked_for(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, urls: list[str]
) -> None:
    """The bytes that came, under the digest that the record names."""
    here(capfd, "fetch", "urls", "--sqlite", "a.db", "--body", "-q")
    rows = ask("SELECT records.bytes, bodies.bytes FROM records JOIN bodies USING (sha256) WHERE outcome = 'ok'")
    assert len(rows) == 2
    assert all(written == kept for written, kept in rows)


@pytest.mark.parametrize("output", [(), ("-o", "out.jsonl")])
def test_a_run_goes_on_from_its_database_or_its_records(
    capfd: pytest.CaptureFixture[str],
    web: PoliteServer,
    failing: FailingPages,
    urls: list[str],
    output: tuple[str, ...],
) -> None:
    """What succeeded is passed over, what failed is fetched again and its row replaced; nothing is there twice."""
    here(capfd, "fetch", "urls", "--sqlite", "a.db", *output, "--resume", "-q")
    failing.broken = False
    ran = here(capfd, "fetch", "urls", "--sqlite", "a.db", *output, "--resume", "--progress", "none")
    assert f"{output[-1] if output else 'a.db'}: records kept: 2; to be fetched again: 1" in ran.err
    assert [web.asked(f"/{name}") for name in ("good/1", "bad/1", "good/2")] == [1, 2, 1]
    assert ask("SELECT outcome, count(*) FROM records GROUP BY 1") == [("ok", 3), ("skipped", 1)]
    if output:
        assert len(Path("out.jsonl").read_text().splitlines()) == 5


def test_a_database_that_joins_a_run_later_is_said_to_lack_what_was_there(
    capfd: pytest.CaptureFixture[str], urls: list[str]
) -> None:
    """It gets what is fetched from then on; one that was there from the beginning has all, and nothing is said."""
    here(capfd, "fetch", "urls", "-o", "out.jsonl", "-q")
    later = "fetch", "urls", "-o", "out.jsonl", "--sqlite", "a.db", "--resume", "--progress", "none"
    assert "a.db: has 0 of the 2 records kept in out.jsonl; the others are not added" in here(capfd, *later).err
    here(capfd, "fetch", "urls", "-o", "out.jsonl", "--sqlite", "a.db", "-q")
    assert "a.db" not in here(capfd, *later).err
    Path("others").write_text("".join(f"http://127.0.0.1:1/{number}\n" for number in range(5)))
    Path("a.db").unlink()
    here(capfd, "fetch", "others", "--sqlite", "a.db", "-q", "--retries", 0)
    assert "a.db: has 0 of the 2 records kept in out.jsonl" in here(capfd, *later).err


def test_failed_reads_it(capfd: pytest.CaptureFixture[str], urls: list[str]) -> None:
    """It reads a database as any record file."""
    here(capfd, "fetch", "urls", "--sqlite", "a.db", "-q")
    assert here(capfd, "failed", "a.db").out == f"{urls[1]}\n"
    assert here(capfd, "failed", "a.db", "--class", "timeout").out == ""


def test_failed_says_what_it_cannot_read(capfd: pytest.CaptureFixture[str]) -> None:
    """A database of something else, or one that is not whole, is named."""
    ask("CREATE TABLE precious (x)")
    ran = here(capfd, "failed", "a.db")
    assert (ran.code, ran.err) == (2, "scrapepool: a.db is a database of another program\n")
    Path("a.db").write_bytes(Path("a.db").read_bytes()[:16] + bytes(4096))
    ran = here(capfd, "failed", "a.db")
    assert (ran.code, ran.err) == (2, "scrapepool: a.db: file is not a database\n")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--sqlite", "urls"], 2, "urls is read as a list and would be overwritten by --sqlite"),
        (["--sqlite", "a.db", "-o", "./a.db"], 2, "--output and --sqlite name the same file"),
        (["--sqlite", "a.db", "--no-dedupe"], 2, "--sqlite holds one record per URL"),
        (["--sqlite", "a.db", "--fields", "nope", "-o", "x"], 2, "unknown field: nope"),
        (["--sqlite", "/dev/null"], 2, "--sqlite needs a regular file, and /dev/null is not one"),
        (["--sqlite", "folder/a.db"], 3, "cannot write folder/a.db: its folder does not exist"),
        (["--sqlite", "text"], 2, "text is not an SQLite database; it was not changed"),
        (["--sqlite", "text", "-o", "x"], 2, "text is not an SQLite database; it was not changed"),
    ],
)
def test_wrong_usage_of_sqlite_is_reported(
    capfd: pytest.CaptureFixture[str], web: PoliteServer, urls: list[str], options: list[str], code: int, message: str
) -> None:
    """It is reported before anything is fetched, and before a records file is emptied."""
    Path("text").write_text("words, " * 100)
    Path("x").write_text("precious")
    ran = here(capfd, "fetch", "urls", *options)
    assert (ran.code, web.requests, Path("x").read_text()) == (code, 0, "precious")
    assert message in ran.err


def test_a_reader_that_leaves_does_not_cost_the_database_its_records(web: PoliteServer) -> None:
    """What was written before ``head`` had enough is in it, and it is closed as after any run."""
    Path("many").write_text("".join(f"{web.url(f'/{number}')}\n" for number in range(3000)))
    process = program("fetch", "many", "--sqlite", "a.db", "-o", "-", "--progress", "none")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.stdout.close()
    process.stdout = None
    assert ended(process).code == 141
    found = {record["url"] for record in RecordDatabase("a.db").records()}
    assert first["url"] in found
    assert ask("SELECT count(*) FROM runs WHERE ended IS NOT NULL") == [(1,)]


@pytest.mark.slow
def test_killed_runs_lose_nothing() -> None:
    """The short form of tests/torture/tables.py."""
    report = tables.random_kills(3, 7, urls=100)
    assert report.wrong == []
    assert report.kills >= 3
