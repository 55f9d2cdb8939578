"""Record files as arguments: what is opened, and what is said where that cannot be."""

from __future__ import annotations

import sqlite3
import sys

import pytest
from place import Place
from running import here

from scrapepool.cli.arguments import record_arguments

RECORD = '{{"url": "http://h/{}", "line": 1, "outcome": "ok", "status": 200, "sha256": "x"}}\n'


def test_a_folder_is_all_record_files_in_it(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """Hidden files, markers and folders are passed over."""
    for name in ("b.jsonl", "a.jsonl"):
        place.write(f"new/{name}", RECORD.format(name))
    for name in (".hidden", "_SUCCESS", "inner/c.jsonl"):
        place.write(f"new/{name}", "no record")
    old = place.write("old.jsonl", RECORD.format("b.jsonl"))
    ran = here(capfd, "changes", old, place.folder / "new")
    assert (ran.code, ran.err) == (1, "")
    assert "new 1  same 1" in ran.out
    assert "http://h/a.jsonl" in ran.out


def test_a_database_cannot_come_through_a_pipe(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read from place to place."""
    with sqlite3.connect(place.folder / "records.db") as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    with (place.folder / "records.db").open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stdin})())
        ran = place.run("failed", "-")
    assert ran.code == 2
    assert ran.err == "scrapepool: standard input: a database cannot be read from a pipe; name its file\n"


def test_standard_input_that_is_closed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is reported, and nothing is printed."""
    monkeypatch.setattr(sys, "stdin", None)
    ran = place.run("failed", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "standard input: is not open" in ran.err


def test_a_terminal_shows_how_many_records_were_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line shows it now and then, and is removed at the end. A short read shows nothing."""
    now = iter(range(100))
    monkeypatch.setattr(record_arguments.time, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(record_arguments, "CLOCK_EVERY", 2)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    records = place.write("records.jsonl", "".join(RECORD.format(n) for n in range(5)))
    assert len(list(record_arguments.watched_records(str(records), print))) == 5
    shown = capsys.readouterr().err
    assert shown.startswith(f"\r{records}: 2 records read\r{records}: 4 records read")
    assert shown.endswith("\r\033[K")
    place.write("records.jsonl", RECORD.format(0))
    assert len(list(record_arguments.watched_records(str(records), print))) == 1
    assert capsys.readouterr().err == ""


def test_commands_read_parts_as_one_file(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    """The last record of a URL counts, whichever part it is in: for failed, explain, changes and fetch --since."""
    for name, outcome in (("1", "failed"), ("2", "ok"), ("3", "failed")):
        place.write(f"parts/{name}.jsonl", RECORD.format("x").replace('"ok"', f'"{outcome}"') + RECORD.format(name))
    parts = place.folder / "parts"
    assert here(capfd, "failed", parts / "1.jsonl", parts / "2.jsonl") == (0, "", "")
    assert here(capfd, "failed", f"{parts}/[1-3].jsonl").out == "http://h/x\n"
    ran = here(capfd, "explain", parts / "3.jsonl", parts / "1.jsonl", "http://h/3")
    assert (ran.code, "http://h/3" in ran.out) == (0, True)
    assert "3 records of this URL" in here(capfd, "explain", parts, "http://h/x").out
    ran = here(capfd, "explain", parts / "1.jsonl", parts / "2.jsonl", "http://h/3")
    assert ran.err.startswith(f"scrapepool: {parts}/1.jsonl, {parts}/2.jsonl have no record of http://h/3\n")
    ran = here(capfd, "changes", f"{parts}/[12].jsonl", parts)
    assert "new 1" in ran.out
    assert "failing 1" in ran.out
    out = place.folder / "parts/1.jsonl"
    ran = here(capfd, "changes", parts, f"{parts}/[12].jsonl", "-o", out, "--format", "jsonl")
    assert (ran.code, ran.err) == (
        2,
        f"scrapepool: {out} is read and would be overwritten by --output; name another file\n",
    )
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--since", f"{parts}/*.csv", "--since-if-there", "--retries", 0)
    assert f"--since {parts}/*.csv: the file does not exist yet, and is skipped" in ran.err
