"""When the records and tables of an earlier run are replaced, and what is said of it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from running import ended, here, program

from scrapepool.record.safe_io import unfinished_mark
from tests.servers.polite import PoliteServer

SAID = "this replaces the records of an interrupted run; --resume would continue it"
OLD = '{"url":"http://a.test/","outcome":"ok"}\n'


def fetch(capfd: pytest.CaptureFixture[str], *args: object) -> Any:
    return here(capfd, "fetch", *args, "--no-robots", "--progress", "none", "--retries", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["missing.txt"], 2),
        (["empty.txt"], 2),
        (["http://127.0.0.1:1/", "--select", "a=re:("], 2),
        (["http://127.0.0.1:1/", "--cookies", "missing.txt"], 2),
        (["http://127.0.0.1:1/", "--warc", "missing/a.warc"], 3),
        (["http://127.0.0.1:1/", "--sqlite", "missing/a.db"], 3),
        (["http://127.0.0.1:1/", "--save-dir", "empty.txt"], 3),
    ],
)
@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet"])
def test_a_run_that_fails_before_it_has_a_record_destroys_nothing(
    capfd, tmp_path, monkeypatch, options: list[str], code: int, output: str
):
    """Whatever it is that fails, and whichever output is opened first."""
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").touch()
    old = OLD if output.endswith("jsonl") else "url,outcome\nhttp://a.test/,ok\n"
    Path(output).write_text(old)
    ran = fetch(capfd, *options, "--parquet" if output.endswith("parquet") else "-o", output)
    assert ran.code == code, ran.err
    assert Path(output).read_text() == old
    assert [path for path in tmp_path.iterdir() if path.suffix in (".part", ".making")] == []


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv"])
def test_the_first_record_replaces_the_old_ones(capfd, tmp_path, output: str):
    """A run that has something to write leaves nothing of the one before."""
    path = tmp_path / output
    path.write_text(OLD * 100)
    with PoliteServer(1) as server:
        assert fetch(capfd, server.url("/new"), "-o", path).code == 0
    assert "a.test" not in path.read_text()
    assert path.read_text().count("/new") >= 1


def test_a_new_file_has_its_head_even_without_a_record(capfd, tmp_path):
    """There is nothing that it could replace."""
    (tmp_path / "empty.txt").touch()
    fetch(capfd, tmp_path / "empty.txt", "-o", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().startswith("url,")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("attributes", [True, False], ids=["attributes", "no attributes"])
def test_replacing_the_records_of_an_interrupted_run_is_reported_once(
    capfd, tmp_path, monkeypatch, how: int, attributes: bool
):
    """It is not reported if that run was completed, at once or with --resume."""
    path = tmp_path / "out.jsonl"
    with PoliteServer(1, latency="fixed:0.02") as server:
        urls = [server.url(f"/{number}") for number in range(300)]
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        running = program("fetch", tmp_path / "urls.txt", "-o", path, "--no-robots", "--delay", 0.02, "-w", 1)
        while not (path.exists() and path.stat().st_size):
            time.sleep(0.01)
        running.send_signal(how)
        ended(running)
        if not attributes:
            unfinished_mark.unmark(str(path))
            monkeypatch.setattr(unfinished_mark, "ATTRIBUTE", "user.scrapepool.none")
            with path.open("ab") as file:
                file.write(b'{"url":"http')
        ran = fetch(capfd, urls[0], "-o", path)
        assert (ran.code, ran.err.count(SAID)) == (0, 1), ran.err
        ran = fetch(capfd, urls[0], "-o", path)
        assert (ran.code, ran.err.count(SAID)) == (0, 0), ran.err


def test_no_replacement_is_reported_while_another_run_writes_the_file(capfd, tmp_path):
    """That run was not interrupted, and this one ends without a record."""
    path = tmp_path / "out.jsonl"
    path.write_text(OLD)
    with path.open("r+b") as held:
        unfinished_mark.mark(held.fileno())
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = fetch(capfd, "http://127.0.0.1:1/", "-o", path)
    assert (ran.code, ran.err) == (75, f"scrapepool: another run is writing {path}: --wait-lock waits for its end\n")


def test_a_run_that_went_on_to_its_end_is_not_interrupted(capfd, tmp_path):
    """It does not matter how often it was interrupted before."""
    path = tmp_path / "out.jsonl"
    with PoliteServer(1) as server:
        fetch(capfd, server.url("/1"), server.url("/2"), "-o", path)
        fd = os.open(path, os.O_RDWR)
        unfinished_mark.mark(fd)
        os.close(fd)
        assert unfinished_mark.is_unfinished(str(path))
        assert fetch(capfd, server.url("/1"), server.url("/2"), "-o", path, "--resume").code == 0
        assert not unfinished_mark.is_unfinished(str(path))


def test_the_records_of_a_table_that_was_not_made_are_spoken_of(capfd, tmp_path):
    """They are beside the table, whose own records stay until the new ones are there."""
    pytest.importorskip("pyarrow")
    path = tmp_path / "out.parquet"
    (tmp_path / "out.parquet.part").write_text('{"url":"http://a.test/","outcome":"ok"')
    with PoliteServer(1) as server:
        ran = fetch(capfd, server.url("/1"), "--parquet", path)
    assert (ran.code, ran.err.count(SAID)) == (0, 1), ran.err


@pytest.mark.parametrize("text", ["", "# notes without a line end", "\x00\x01", "a,b\n1,interrupted,2\n"])
def test_a_file_that_holds_no_records_is_no_run(tmp_path, text: str):
    """The report is about runs only."""
    (tmp_path / "f").write_text(text)
    assert not unfinished_mark.is_unfinished(str(tmp_path / "f"))
