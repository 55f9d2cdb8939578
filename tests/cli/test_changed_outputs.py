"""Outputs that somebody else touches during the run: nothing is lost in silence."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from running import Ran, ended, program

from tests.servers.polite import PoliteServer, Request

URLS = 30
AT = "/15"
"""The request during which the file is touched."""


def truncate(path: Path) -> None:
    """As ``copytruncate`` of logrotate."""
    shutil.copy(path, f"{path}.1")
    os.truncate(path, 0)


def rename(path: Path) -> None:
    path.rename(f"{path}.1")


def replace(path: Path) -> None:
    """As ``create`` of logrotate."""
    rename(path)
    path.touch()


def delete(path: Path) -> None:
    path.unlink()


CHANGES = [truncate, rename, replace, delete]


def run(tmp_path: Path, path: Path, change: Callable[[Path], None], *options: object, **streams: object) -> Ran:
    """Fetch some URLs, and change a file in the middle."""
    touched = []

    def answer(request: Request) -> None:
        if request.target == AT and not touched:
            touched.append(change(path))

    with PoliteServer(1, answer, latency="fixed:0.002") as server:
        (tmp_path / "urls").write_text("\n".join(server.url(f"/{number}") for number in range(URLS)))
        common = ("--no-robots", "-q", "-w", 1, "--per-host", 1, "--delay", 0.005, "--config", os.devnull)
        ran = ended(program("fetch", tmp_path / "urls", *common, *options, **streams))
        assert touched
        return ran


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("name", "fsync"), [("out.jsonl", "never"), ("out.csv", "second"), ("out.jsonl", "always")])
def test_a_record_file_that_is_touched_ends_the_run(tmp_path, change, name: str, fsync: str):
    """The exit code is 3, and the message has the path. A renamed file keeps what was written before."""
    path = tmp_path / name
    ran = run(tmp_path, path, change, "-o", path, "--fsync", fsync)
    assert ran.code == 3, ran.err
    assert f"cannot write {path}: it was" in ran.err
    if change in (rename, replace):
        moved = Path(f"{path}.1").read_text()
        assert moved.endswith("\n")
        assert moved.count("\n") > 10


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_missing_is_fetched_by_the_next_run(tmp_path, change):
    """Every URL has its record in the end."""
    path = tmp_path / "out.jsonl"
    run(tmp_path, path, change, "-o", path)
    with PoliteServer(1) as server:
        urls = (tmp_path / "urls").read_text().splitlines()
        port = urls[0].split(":")[2].partition("/")[0]
        again = [url.replace(port, server.url("/").split(":")[2].partition("/")[0]) for url in urls]
        (tmp_path / "urls").write_text("\n".join(again))
        assert ended(program("fetch", tmp_path / "urls", "-o", path, "--resume", "-q", "--no-robots")).code == 0
    found = {json.loads(line)["url"] for line in path.read_text().splitlines()}
    assert found >= set(again)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_an_archive_that_is_touched_ends_the_run(tmp_path, change):
    """It does so as a file of records does."""
    path = tmp_path / "a.warc"
    ran = run(tmp_path, path, change, "-o", tmp_path / "out.jsonl", "--warc", path)
    assert ran.code == 3, ran.err
    assert f"cannot write {path}: it was" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("change", [rename, replace, delete])
def test_a_database_that_is_touched_ends_the_run(tmp_path, change):
    """The records file holds no record whose row is lost."""
    path = tmp_path / "out.db"
    ran = run(tmp_path, path, change, "--sqlite", path, "-o", tmp_path / "out.jsonl")
    assert ran.code == 3, ran.err
    assert f"cannot write {path}: it was" in ran.err
    if change in (rename, replace):
        with closing(sqlite3.connect(f"{path}.1")) as db:
            (rows,) = db.execute("SELECT count(*) FROM records").fetchone()
        assert rows >= len((tmp_path / "out.jsonl").read_text().splitlines())


def test_a_database_that_is_truncated_ends_the_run(tmp_path):
    """The database is damaged, and the run says so."""
    path = tmp_path / "out.db"
    ran = run(tmp_path, path, lambda path: os.truncate(path, 512), "--sqlite", path, "--fsync", "always")
    assert ran.code == 3, ran.err
    assert f"cannot write {path}:" in ran.err


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_standard_output_into_a_file_that_is_truncated_ends_the_run(tmp_path, mode: str):
    """The shell opened it, and what is lost is lost all the same."""
    path = tmp_path / "out.jsonl"
    with path.open(mode) as out:
        ran = run(tmp_path, path, truncate, stdout=out)
    assert ran.code == 3, ran.err
    assert "cannot write standard output: the file was truncated during the run" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_the_records_of_a_table_that_are_touched_end_the_run(tmp_path, change):
    """They do so as long as the table is not made."""
    pytest.importorskip("pyarrow")
    path = tmp_path / "out.parquet"
    part = tmp_path / "out.parquet.part"
    ran = run(tmp_path, part, change, "--parquet", path)
    assert ran.code == 3, ran.err
    assert f"cannot write {part}: it was" in ran.err


def test_a_table_whose_file_is_swapped_while_it_is_made_is_not_taken(tmp_path):
    """The file beside it is ours, or the run says that it is not."""
    pytest.importorskip("pyarrow")
    path = tmp_path / "out.parquet"
    victim = tmp_path / "victim"
    victim.write_text("mine")

    def swap(_: Path) -> None:
        beside = tmp_path / ".out.parquet.making"
        beside.unlink()
        beside.symlink_to(victim)

    ran = run(tmp_path, path, swap, "--parquet", path)
    assert ran.code == 3, ran.err
    assert victim.read_text() == "mine"
    assert not path.exists()
