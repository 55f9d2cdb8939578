"""Limits of the machine: a sentence and the right exit code, or fewer workers; never "a bug"."""

from __future__ import annotations

import gzip
import os
import resource
from pathlib import Path

import pytest
from running import ended, here, program

from scrapepool.cli.fetching import fetch_run
from scrapepool.cli.machine_limits import NO_FOLDER, limit_message
from scrapepool.transport.http1.body import Body
from tests.servers.polite import PoliteServer, Response


@pytest.mark.slow
@pytest.mark.parametrize("most", [64, 32])
def test_few_descriptors_make_a_run_with_files_slower_and_not_wrong(tmp_path, most: int):
    """Bodies on their way take descriptors too; one that is not to be had is waited for."""
    with PoliteServer(40, lambda _: Response(200, body=b"x" * 200_000), latency="fixed:0.01") as server:
        (tmp_path / "urls").write_text("\n".join(server.url(f"/{number}", number % 40) for number in range(200)))
        ran = ended(
            program(
                "fetch", tmp_path / "urls", "-o", tmp_path / "out.jsonl", "--save-dir", tmp_path / "pages",
                "--workers", 200, "--no-robots", "-q",
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)),
            )
        )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 200
    assert len(list((tmp_path / "pages").glob("*/*"))) == 200


@pytest.mark.parametrize(("processes", "said"), [(1, "14 workers instead of 32"), (2, "28 workers instead of 32")])
def test_each_worker_process_has_descriptors_of_its_own(processes: int, said: str):
    """The number of workers in the message is the one that the run has."""
    ran = ended(
        program(
            "fetch", "http://127.0.2.1:1/", "--no-robots", "--processes", processes, "--progress", "plain",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)),
        )
    )  # fmt: skip
    assert ran.code == 1
    assert said in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [100, 170, 200, 215, 260])
def test_little_address_space_is_enough(tmp_path, megabytes: int):
    """The few threads that a run has leave room for each other (``ulimit -v``)."""
    with PoliteServer(100, lambda _: Response(200, body=b"x" * 20_000), latency="fixed:0.05") as server:
        (tmp_path / "urls").write_text("\n".join(server.url(f"/{number}", number % 100) for number in range(300)))
        ran = ended(
            program(
                "fetch", tmp_path / "urls", "-o", tmp_path / "out.jsonl", "--workers", 200, "--no-robots", "-q",
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20)),
            )
        )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 300


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["-o", "x.jsonl"], ["--sqlite", "x.db"], ["--save-dir", "x"], ["--warc", "x.warc"]]
)
def test_a_current_folder_that_was_deleted_is_reported(tmp_path, options: list[str]):
    """A file cannot be created in it."""
    folder = tmp_path / "gone"
    folder.mkdir()
    ran = ended(
        program(
            "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", *options, cwd=folder,
            preexec_fn=folder.rmdir,
        )
    )  # fmt: skip
    assert ran.code == 3, ran.err
    assert "a bug" not in ran.err
    assert "current folder was deleted" in ran.err or "No such file or directory" in ran.err


def test_a_deleted_folder_is_no_matter_where_no_file_is_in_it(tmp_path):
    """There is no configuration in it, and records go elsewhere."""
    folder = tmp_path / "gone"
    folder.mkdir()
    options = ("--retries", 0, "-q", "-o", tmp_path / "out.jsonl")
    ran = ended(program("fetch", "http://127.0.0.1:1/", *options, cwd=folder, preexec_fn=folder.rmdir))
    assert ran.code == 1, ran.err


def test_netrc_without_a_home_folder_is_reported(capfd, monkeypatch):
    """The message says what helps."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("NETRC", raising=False)
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "--netrc")
    assert (ran.code, "no home folder; name the file in $NETRC" in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/"])
def test_a_file_for_keys_that_cannot_be_opened_is_named(capfd, monkeypatch, tmp_path, url: str):
    """No other variable is named."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing/keys"))
    ran = here(capfd, "fetch", url, "--retries", 0, "-q")
    assert ran.code == 2
    assert f"SSLKEYLOGFILE: {tmp_path}/missing/keys: No such file or directory" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory: use fewer --workers"),
        (RuntimeError("can't start new thread"), "the system allows no more threads"),
        (OSError(24, "Too many open files", "/etc/mime.types"), "this process may open no more files"),
    ],
)
def test_limits_of_the_machine_are_reported(capfd, monkeypatch, error: Exception, said: str):
    """The message says what helps, and the exit code is 3."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(fetch_run._FetchRun, "_take", fail)
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--retries", 0, "-q", "-o", os.devnull)
    assert (ran.code, said in ran.err) == (3, True), ran.err


def test_a_url_without_memory_ends_the_run(capfd, monkeypatch):
    """Those that follow would have none either; it has its record, and --resume fetches it again."""

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Body, "finish", fail)
    with PoliteServer(1) as server:
        ran = here(capfd, "fetch", server.url("/a"), "-q", "--no-robots", "--retries", 0)
    assert (ran.code, "out of memory" in ran.err) == (3, True), ran.err
    assert [record["error"] for record in ran.records] == ["internal"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("list", b"\n"),
        ("list", b"\r\n"),
        ("list", b"  \t\n"),
        ("list", b"#\n"),
        ("list", b" # \xff\n\n"),
        ("list.jsonl", b"\n"),
        ("list.jsonl", b"  \r\n"),
        ("list.csv", b"\n"),
        ("list.tsv", b"\r\n"),
    ],
)
def test_lines_by_the_million_that_hold_nothing_cost_next_to_nothing(capfd, tmp_path, name: str, row: bytes):
    """A few kilobytes of gzip hold them. Lines behind them keep their numbers, and a note says how many there are."""
    head = b"url\n" if name.endswith("sv") else b""
    urls = [b"http://127.0.0.1:1/a", b"http://127.0.0.1:1/b"]
    if name.endswith("jsonl"):
        urls = [b'{"url": "%b"}' % url for url in urls]
    with gzip.open(tmp_path / f"{name}.gz", "wb", compresslevel=1) as file:
        file.write(head)
        for url in urls:
            for _ in range(12):
                file.write(row * (500_000 // row.count(b"\n")))
            file.write(url + b"\n")
    ran = here(capfd, "fetch", tmp_path / f"{name}.gz", "--retries", 0, "--no-robots", "--progress", "none")
    first = bool(head)
    assert sorted(record["line"] for record in ran.records) == [6_000_001 + first, 12_000_002 + first]
    assert f"{name}.gz: 12,000,000 lines are empty or comments" in ran.err


def test_a_long_line_of_white_space_among_them_is_reported(capfd, tmp_path):
    """It is reported as in other lists; a few empty lines are not."""
    (tmp_path / "list").write_bytes(
        b"\n" * 100 + b" " * 70_000 + b"\n\n#" + b"c" * 70_000 + b"\nhttp://127.0.0.1:1/a\n"
    )
    ran = here(capfd, "fetch", tmp_path / "list", "--retries", 0, "--no-robots", "--progress", "none")
    found = sorted((record["line"], record["error"]) for record in ran.records)
    assert found == [(101, "invalid_url"), (103, "invalid_url"), (104, "connect_refused")]
    assert "empty or comments" not in ran.err


def test_a_deleted_folder_is_told_from_a_missing_file(monkeypatch, tmp_path):
    """Both are reported without a name."""
    monkeypatch.chdir(tmp_path)
    assert limit_message(FileNotFoundError(2, "No such file or directory")) is None
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert limit_message(FileNotFoundError(2, "No such file or directory")) == NO_FOLDER
    assert limit_message(FileNotFoundError(2, "No such file or directory", "x")) is None
