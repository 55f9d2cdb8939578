"""``scrapepool changes``: what is different between two runs."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running import ended, here, program

from scrapepool.demo.wire import Request
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

OLD = [
    {"url": "http://a/1", "outcome": "ok", "status": 200, "sha256": "aa"},
    {"url": "http://a/2", "outcome": "ok", "status": 200, "sha256": "bb"},
    {"url": "http://a/3", "outcome": "ok", "status": 200, "sha256": "cc"},
]
NEW = [
    {"url": "http://a/1", "outcome": "ok", "status": 200, "sha256": "xx"},
    {"url": "http://a/3", "outcome": "http_error", "status": 404, "error": "http_4xx"},
    {"url": "http://a/4", "outcome": "ok", "status": 200, "sha256": "dd"},
]


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text(lines(OLD))
    new.write_text(lines(NEW))
    return old, new


def test_changes_are_listed(capfd: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    """They are listed by kind, with exit code 1. Without changes the exit code is 0."""
    ran = here(capfd, "changes", *files)
    assert (ran.code, ran.err) == (1, "")
    assert "new 1  changed 1  gone 1  left_list 1  same 0\n" in ran.out
    assert "\nleft_list (1): no record in the newer file\n  http://a/2  200\n" in ran.out
    assert here(capfd, "changes", files[0], files[0])[:2] == (
        0,
        f"{files[0]} (3 URLs) -> {files[0]} (3 URLs)\nsame 3\n",
    )


def test_kinds_are_chosen(capfd: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    """The exit code ignores the other kinds, too."""
    ran = here(capfd, "changes", *files, "--only", "gone,slower", "--format", "jsonl")
    assert (ran.code, [one["change"] for one in ran.records]) == (1, ["gone"])
    assert here(capfd, "changes", *files, "--only", "slower", "--format", "jsonl")[:2] == (0, "")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("x.txt", "/"),
        ("x.jsonl", '{"change":"new","url":"http://a/4","old":null'),
        ("x.csv", "change,url,"),
        ("x.md", "# Changes\n"),
        ("x.HTML", "<!doctype html>"),
    ],
)
def test_the_suffix_says_the_form(
    capfd: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path, name: str, begins: str
) -> None:
    """The file is whole or not there, and standard error has the counts."""
    ran = here(capfd, "changes", *files, "-o", tmp_path / name)
    assert ran == (1, "", f"scrapepool: {tmp_path / name}: new 1  changed 1  gone 1  left_list 1  same 0\n")
    assert (tmp_path / name).read_text().startswith(begins)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["new.jsonl", "old.jsonl", name])


def test_every_kind_of_record_file_is_read(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One list fetched twice, in each form: only what the server changed is printed."""
    day = [0]

    def answer(request: Request) -> Response | None:
        body = f"{request.target} {day[0] if request.target == '/1' else ''}".encode()
        return None if request.target == "/robots.txt" else Response(body=body)

    with PoliteServer(handler=answer) as server:
        urls = [server.url(f"/{number}") for number in range(3)]
        for day[0] in (0, 1):
            out = [("-o", f"{day[0]}.jsonl"), ("-o", f"{day[0]}.csv"), ("--sqlite", f"{day[0]}.db")]
            out += [("--parquet", f"{day[0]}.parquet")]
            for option, name in out:
                assert here(capfd, "fetch", "-q", *urls, option, tmp_path / name).code == 0
    folders = [tmp_path / str(number) for number in (0, 1)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "_marker").write_text("rain")
        text = (tmp_path / f"{number}.jsonl").read_bytes()
        (folder / "part-0").write_bytes(text[: text.index(b"\n") + 1])
        (folder / "part-1.gz").write_bytes(gzip.compress(text[text.index(b"\n") + 1 :]))
    pairs = [(tmp_path / f"0.{form}", tmp_path / f"1.{form}") for form in ("jsonl", "csv", "db", "parquet")]
    for old, new in [*pairs, (pairs[0][0], pairs[2][1]), (folders[0], folders[1])]:
        ran = here(capfd, "changes", old, new, "--format", "jsonl")
        assert (ran.code, [(one["change"], one["url"]) for one in ran.records]) == (1, [("changed", urls[1])]), (
            old,
            new,
        )


def test_standard_input_is_read_on_either_side(files: tuple[Path, Path]) -> None:
    """It may be OLD or NEW, but not both."""
    for args in (("-", files[1]), (files[0], "-")):
        with (files[0] if args[0] == "-" else files[1]).open() as stream:
            ran = ended(program("changes", *args, stdin=stream))
        assert (ran.code, ran.err) == (1, "")
        assert "new 1  changed 1  gone 1  left_list 1" in ran.out
        assert "standard input (3 URLs)" in ran.out


def test_what_a_run_that_was_stopped_lacks_has_not_left_the_list(
    capfd: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    """A message says so."""
    with files[1].open("a") as stream:
        stream.write('{"url":"ht')
    ran = here(capfd, "changes", *files)
    assert "left_list" not in ran.out
    assert "is from an unfinished run" in ran.err
    assert "the last record is incomplete and was skipped" in ran.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["{old}", "/nowhere"], "scrapepool: /nowhere: No such file or directory\n"),
        (["/nowhere", "{old}", "--format", "csv", "-o", "{new}"], "scrapepool: /nowhere: No such file or directory\n"),
        (["{old}", "{rain}"], "rain.jsonl:1: not a record of scrapepool (no column url)\n"),
        (["{old}", "{empty}"], "empty: the folder holds no record file\n"),
        (["{old}"], "scrapepool: missing argument 'NEW'"),
        (["-", "-"], "scrapepool: standard input can be read only once: - is given twice\n"),
        (
            ["{old}", "{new}", "--only", "rain"],
            "scrapepool: --only: unknown kind of change: rain; choose from new, changed",
        ),
        (["{old}", "{new}", "--only", ","], "scrapepool: --only names no kind of change\n"),
        (["{old}", "{new}", "-o", "x.pdf"], "scrapepool: --output x.pdf: the name must end in .txt, .jsonl"),
        (["{old}", "{new}", "--format", "csv", "-o", "{old}"], "is read and would be overwritten by --output"),
    ],
)
def test_wrong_usage_is_reported(
    capfd: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path, args: list[str], message: str
) -> None:
    """The exit code is 2; no file is created or lost."""
    (tmp_path / "rain.jsonl").write_text("rain\n")
    (tmp_path / "empty").mkdir()
    names = {"old": files[0], "new": files[1], "rain": tmp_path / "rain.jsonl", "empty": tmp_path / "empty"}
    ran = here(capfd, "changes", *(arg.format(**names) for arg in args))
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert files[0].read_text() == lines(OLD)
    assert not (tmp_path / "x.pdf").exists()


def test_a_file_that_cannot_be_written_is_reported(capfd: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    """The exit code is 3, as for every output."""
    ran = here(capfd, "changes", *files, "-o", "/nowhere/x.csv")
    assert ran == (3, "", "scrapepool: cannot write /nowhere/x.csv: its folder does not exist\n")
    ran = here(capfd, "changes", *files, "-o", "/dev/full", "--format", "csv")
    assert (ran.code, ran.err) == (3, "scrapepool: cannot write /dev/full: No space left on device\n")


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    """It ends as other filters do."""
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text("")
    new.write_text(lines([{"url": f"http://a/{number}", "outcome": "ok"} for number in range(20_000)]))
    process = program("changes", old, new)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.slow
def test_ctrl_c_leaves_the_older_file_of_changes(files: tuple[Path, Path], tmp_path: Path) -> None:
    """It is replaced as a whole or not at all."""
    out = tmp_path / "x.csv"
    out.write_text("before\n")
    process = program("changes", files[0], "-", "-o", out, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b'{"url": "http://a/1", "outcome": "ok"}\n' * 10_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert out.read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.jsonl", "old.jsonl", "x.csv"]
