"""Outputs that are FIFOs, or names of what the shell opened."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from running import ended, here, program

from tests.servers.polite import PoliteServer


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def line_of(stream: object, words: str) -> str:
    """Read lines until one has these words."""
    for line in stream:  # type: ignore[attr-defined]
        if words in (text := line.decode()):
            return text
    pytest.fail(f"{words} was not said")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_fifo_without_a_reader_is_reported_and_a_signal_ends_the_wait(fifo, sent: int, code: int):
    """The first signal is enough, as no request is in flight."""
    running = program("fetch", "http://127.0.0.1:1/", "-o", fifo, "--retries", 0, "--progress", "none")
    try:
        line_of(running.stderr, f"{fifo}: waiting for a reader of this FIFO")
        running.send_signal(sent)
        assert ended(running).code == code
    finally:
        running.kill()


def test_a_fifo_gets_its_records_once_somebody_reads(fifo):
    """The run begins when there is a reader."""
    with PoliteServer(1) as server:
        running = program("fetch", server.url("/a"), "-o", fifo, "--progress", "none", "--no-robots")
        line_of(running.stderr, "waiting for a reader of this FIFO")
        assert json.loads(fifo.read_text())["outcome"] == "ok"
        assert ended(running).code == 0


def test_a_summary_for_a_fifo_that_nobody_reads_ends_with_a_signal(fifo):
    """All records are written by then."""
    running = program("fetch", "http://127.0.0.1:1/", "--summary-json", fifo, "--retries", 0, "--progress", "none")
    line_of(running.stdout, "connect_refused")
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    assert ended(running).code in (1, 130)


@pytest.mark.parametrize("option", ["--host-memory", "--sqlite", "--parquet", "--warc"])
def test_what_needs_a_regular_file_says_so(capfd, fifo, option: str):
    """It does not wait for a reader."""
    path = fifo.rename(fifo.with_suffix(".warc"))
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, option, path)
    assert ran.code in (2, 3)
    assert "regular file" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_names_of_standard_output_are_standard_output(tmp_path, name: str, mode: str):
    """The file's earlier content stays, and what the shell writes after the run follows it."""
    path = tmp_path / "out"
    with path.open(mode) as out:
        out.write(b"before\n")
        out.flush()
        ran = ended(program("fetch", "http://127.0.0.1:1/", "--retries", 0, "-o", name, "-q", stdout=out))
        out.write(b"after\n")
    assert ran.code == 1, ran.err
    first, record, last = path.read_text().splitlines()
    assert (first, json.loads(record)["error"], last) == ("before", "connect_refused", "after")


def test_a_summary_on_standard_output_empties_no_file(tmp_path):
    """The file's earlier content stays."""
    path = tmp_path / "out"
    with path.open("ab") as out:
        out.write(b"before\n")
        out.flush()
        options = ("-o", tmp_path / "records.jsonl", "--summary-json", "/dev/stdout")
        ran = ended(program("fetch", "http://127.0.0.1:1/", "--retries", 0, *options, "-q", stdout=out))
    assert ran.code == 1, ran.err
    before, _, summary = path.read_text().partition("\n")
    assert before == "before"
    assert json.loads(summary)["exit_code"] == 1
