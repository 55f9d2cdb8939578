"""``fetch --resume``: what stays, what is fetched again, and what is refused before anything is touched."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from failing_pages import FailingPages
from running import Ran, ended, here, program

from tests.servers.polite import PoliteServer, Request, Response
from tests.torture import faults, journals, kill

needs_strace = pytest.mark.skipif(not journals.can_trace(), reason="strace is missing, or not allowed to trace")


@pytest.fixture
def failing() -> FailingPages:
    return FailingPages()


@pytest.fixture
def web(failing: FailingPages) -> Iterator[PoliteServer]:
    with PoliteServer(2, failing) as server:
        yield server


@pytest.fixture
def urls(tmp_path: Path, web: PoliteServer) -> list[str]:
    """Two that succeed and two that fail at first; the list has a repeat and a line that is no URL."""
    urls = [web.url("/good/1"), web.url("/bad/1"), web.url("/good/2", 1), web.url("/bad/2", 1)]
    (tmp_path / "urls").write_text("\n".join([*urls, urls[0], "ftp://x/"]))
    return urls


def records(path: Path) -> list[dict[str, object]]:
    if path.suffix != ".jsonl":
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream, delimiter="," if path.suffix == ".csv" else "\t"))
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def outcomes(path: Path) -> Counter[object]:
    return Counter(record["error"] or record["outcome"] for record in records(path))


def fetch(capfd: pytest.CaptureFixture[str], folder: Path, *args: object, output: str = "out.jsonl") -> Ran:
    return here(capfd, "fetch", folder / "urls", "-o", folder / output, "--progress", "none", "--no-robots", *args)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.tsv"])
def test_what_failed_is_fetched_again_and_nothing_else(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    web: PoliteServer,
    failing: FailingPages,
    urls: list[str],
    output: str,
) -> None:
    """In the end there is one record per line, as if there had been one run."""
    path = tmp_path / output
    assert fetch(capfd, tmp_path, "--resume", output=output).code == 1
    failing.broken = False
    ran = fetch(capfd, tmp_path, "--resume", output=output)
    assert f"{path}: records kept: 2; to be fetched again: 2" in ran.err
    assert "2 URLs of the lists are done already" in ran.err
    assert outcomes(path) == {"ok": 4, "duplicate": 1, "unsupported_scheme": 1}
    assert [web.asked(f"/{name}") for name in ("good/1", "good/2", "bad/1", "bad/2")] == [1, 1, 2, 2]
    before = sorted(map(str, records(path)))
    fetch(capfd, tmp_path, "--resume", output=output)
    assert sorted(map(str, records(path))) == before
    assert web.requests == 6


def test_all_keeps_failures_too(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str]
) -> None:
    """Nothing is requested, and the exit code still says that not all succeeded."""
    (tmp_path / "urls").write_text("\n".join(urls))
    fetch(capfd, tmp_path)
    ran = fetch(capfd, tmp_path, "--resume", "all")
    assert (ran.code, web.requests) == (1, 4)
    assert outcomes(tmp_path / "out.jsonl") == {"ok": 2, "http_4xx": 2}


def test_nothing_left_to_do_is_a_success(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, failing: FailingPages, urls: list[str]
) -> None:
    """The list has usable URLs; they are done. It may come in another order, and from a pipe."""
    failing.broken = False
    (tmp_path / "urls").write_text("\n".join(urls))
    assert fetch(capfd, tmp_path).code == 0
    (tmp_path / "urls").write_text("\n".join(reversed(urls)))
    for resume in ("--resume", "--resume=all"):
        ran = fetch(capfd, tmp_path, resume)
        assert (ran.code, ran.err.splitlines()[-1]) == (0, "done      nothing was left to do")


def test_a_copy_that_cannot_be_made_is_named(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, urls: list[str]
) -> None:
    """It cannot be made in a read-only folder. The message does not blame the record file."""
    fetch(capfd, tmp_path)
    (tmp_path / ".out.jsonl.resume").mkdir()
    before = (tmp_path / "out.jsonl").read_bytes()
    ran = fetch(capfd, tmp_path, "--resume")
    assert ran.code == 3
    assert ran.err.endswith(f"scrapepool: cannot write {tmp_path}/.out.jsonl.resume: Is a directory\n")
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_resume_may_stand_before_the_list(capfd: pytest.CaptureFixture[str], tmp_path: Path, urls: list[str]) -> None:
    """The name of a list is not taken for its value."""
    ran = here(capfd, "fetch", "--resume", tmp_path / "urls", "-o", tmp_path / "out.jsonl", "-q")
    assert ran.code == 1
    assert len(records(tmp_path / "out.jsonl")) == 6


def test_another_method_is_another_target(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str]
) -> None:
    """The records of both stay in one file, and each is resumed by its own."""
    fetch(capfd, tmp_path)
    fetch(capfd, tmp_path, "--resume", "-X", "HEAD")
    fetch(capfd, tmp_path, "--resume", "-X", "HEAD")
    found = Counter((record["url"], record.get("method")) for record in records(tmp_path / "out.jsonl"))
    assert found[urls[0], "HEAD"] == 1 + 1  # with the list's repeat
    assert found[urls[2], None] == found[urls[2], "HEAD"] == 1
    assert web.asked("/good/1") == 2


def test_repeats_are_counted_without_dedupe(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer
) -> None:
    """Each line is a target, and has its record."""
    path = tmp_path / "out.jsonl"
    (tmp_path / "urls").write_text(f"{web.url('/x')}\n" * 5)
    fetch(capfd, tmp_path, "--no-dedupe")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    ran = fetch(capfd, tmp_path, "--no-dedupe", "--resume")
    assert (ran.code, len(records(path)), web.requests) == (0, 5, 7)


@pytest.mark.slow
def test_a_torn_record_is_cut_at_any_byte(capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer) -> None:
    """Wherever a write ended, the file becomes whole, and a message says so."""
    path = tmp_path / "out.jsonl"
    (tmp_path / "urls").write_text(f"{web.url('/1')}\n{web.url('/2')}\n")
    fetch(capfd, tmp_path)
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in (1, 5, second - 1, second + 1, second + 40, len(whole) - 1):
        path.write_bytes(whole[:cut])
        ran = fetch(capfd, tmp_path, "--resume")
        assert ran.code == 0
        assert "the last record is incomplete" in ran.err
        assert outcomes(path) == {"ok": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\n", "out.jsonl:1: not a record of scrapepool (no JSON)"),
        ("notes without a line end", "out.jsonl:1: not a record of scrapepool (no JSON)"),
        (
            '{"url":"http://a/","outcome":"ok"}\n{"name":"x"}\n',
            "out.jsonl:2: not a record of scrapepool (no field url)",
        ),
    ],
)
def test_a_file_of_something_else_is_not_touched(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str], content: str, message: str
) -> None:
    """The line is named, and nothing is fetched."""
    path = tmp_path / "out.jsonl"
    path.write_text(content)
    ran = fetch(capfd, tmp_path, "--resume")
    assert (ran.code, web.requests, path.read_text()) == (2, 0, content)
    assert message in ran.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--resume needs --output"),
        (["-o", "-"], "--resume needs --output"),
        (["-o", "/dev/null"], "--resume needs a regular file, and /dev/null is not one"),
        (["-o", "out.jsonl", "--fields", "url,status"], "--resume needs the field outcome in --fields"),
        (["-o", "out.jsonl", "--fields", "url,outcome", "-X", "HEAD"], "--resume needs the field method in --fields"),
        (["-o", "out.csv", "--fields", "url,rain"], "unknown field: rain"),
    ],
)
def test_what_cannot_be_resumed_is_reported(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """It is reported before a file is created."""
    monkeypatch.chdir(tmp_path)
    ran = here(capfd, "fetch", "http://127.0.0.1:9/", "--resume", *options)
    assert (ran.code, list(tmp_path.iterdir())) == (2, [])
    assert message in ran.err


def test_a_table_of_other_columns_is_refused_by_the_option_that_they_need(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str]
) -> None:
    """Whichever of the two runs had it; the file is as it was."""
    for first, then, said in (
        ([], ["-v", "--headers"], "it lacks headers (--headers), history (--verbose)"),
        (["-v"], [], "only it has history (--verbose)"),
    ):
        fetch(capfd, tmp_path, *first, output="out.csv")
        before = web.requests, (tmp_path / "out.csv").read_bytes()
        ran = fetch(capfd, tmp_path, "--resume", *then, output="out.csv")
        assert f"out.csv:1: not a record of scrapepool (its columns are not those of this run; {said})" in ran.err
        assert (ran.code, (web.requests, (tmp_path / "out.csv").read_bytes())) == (2, before)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--log-file", "--summary-json"])
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.db", "out.warc.gz", "torn.jsonl"])
def test_a_log_or_summary_in_records_is_refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str], option: str, name: str
) -> None:
    """They belong to a run that has ended, and would be lost or torn; logs and summaries are written again."""
    path = tmp_path / name
    beside = {".db": ["--sqlite", path], ".gz": ["--warc", path]}.get(path.suffix, [])
    fetch(capfd, tmp_path, *beside, output="out.jsonl" if beside else name)
    if name == "torn.jsonl":
        path.write_bytes(path.read_bytes()[:100])
    requests, content = web.requests, path.read_bytes()
    ran = fetch(capfd, tmp_path, option, path, output="other.jsonl")
    assert (ran.code, web.requests, path.read_bytes()) == (2, requests, content)
    reason = "the file holds records or an archive, and would be overwritten; name another file"
    assert ran.err == f"scrapepool: {option} {path}: {reason}\n"
    for _ in range(2):
        assert fetch(capfd, tmp_path, option, tmp_path / "own", output="other.jsonl").code == 1


def test_a_second_run_on_one_file_is_refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str]
) -> None:
    """It is refused with and without --resume, before it fetches; the file stays as it was."""
    path = tmp_path / "out.jsonl"
    path.write_text("the other run's\n")
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for resume in ((), ("--resume",)):
            ran = fetch(capfd, tmp_path, *resume)
            assert (ran.code, web.requests) == (75, 0)
            assert ran.err.endswith(f"scrapepool: another run is writing {path}: --wait-lock waits for its end\n")
    assert path.read_text() == "the other run's\n"


@pytest.mark.parametrize(
    ("option", "name", "locked"),
    [("--save-dir", "pages", "pages/.scrapepool/lock"), ("--parquet", "a.parquet", ".a.parquet.making")],
)
def test_a_second_run_names_the_output_as_it_was_given(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, urls: list[str], option: str, name: str, locked: str
) -> None:
    """That holds whichever file is locked for it."""
    (tmp_path / locked).parent.mkdir(parents=True, exist_ok=True)
    with (tmp_path / locked).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = fetch(capfd, tmp_path, option, tmp_path / name)
    assert (ran.code, ran.err) == (
        75,
        f"scrapepool: another run is writing {tmp_path / name}: --wait-lock waits for its end\n",
    )


@pytest.mark.parametrize("option", ["--log-file", "--summary-json"])
def test_a_log_or_summary_in_the_records_of_another_run_is_refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str], option: str
) -> None:
    """It would leave lines between them that are no records; several runs may share a log."""
    path = tmp_path / "theirs.jsonl"
    path.write_text("theirs\n")
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = fetch(capfd, tmp_path, option, path)
        assert (ran.code, web.requests) == (75, 0)
        assert ran.err == f"scrapepool: another run is writing {path}: --wait-lock waits for its end\n"
    assert path.read_text() == "theirs\n"
    with (tmp_path / "log").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert fetch(capfd, tmp_path, "--log-file", tmp_path / "log").code == 1


def test_a_log_that_cannot_be_written_is_reported_at_the_end(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, urls: list[str]
) -> None:
    """The records are complete, and the exit code says that an output is not."""
    for option in ("--log-file", "--summary-json"):
        ran = fetch(capfd, tmp_path, option, "/dev/full")
        assert (ran.code, len(records(tmp_path / "out.jsonl"))) == (3, 6)
        assert ran.err.endswith("scrapepool: cannot write /dev/full: No space left on device\n")


def test_a_folder_that_vanishes_is_reported_with_its_path(tmp_path: Path) -> None:
    """Records that were in it are not reported as written."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "out.jsonl"

    def vanish(request: Request) -> None:
        path.unlink(missing_ok=True)

    with PoliteServer(1, vanish) as server:
        ran = ended(program("fetch", server.url("/x"), "-o", path, "--progress", "none"))
    assert (ran.code, ran.err.splitlines()[-1]) == (
        3,
        f"scrapepool: cannot write {path}: it was deleted during the run",
    )


UNREAD = 3_000
"""Records of 1.5 MB: far more than a pipe holds."""
STILL = 0.7  # seconds without a request after which nothing more is begun


def memory(pid: int) -> int:
    """Bytes that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_a_reader_that_stops_reading_costs_no_memory_and_loses_nothing(tmp_path: Path) -> None:
    """While it reads nothing, nothing more is begun; when it reads on, every record is there."""
    with PoliteServer(1) as server:
        (tmp_path / "urls").write_text("".join(f"{server.url(f'/{number}')}\n" for number in range(UNREAD)))
        process = program("fetch", tmp_path / "urls", "--progress", "none", "-w", "4")
        try:
            asked, since = -1, time.monotonic()
            while time.monotonic() - since < STILL or not asked:
                if server.requests != asked:
                    asked, since = server.requests, time.monotonic()
                time.sleep(0.05)
            assert asked < UNREAD // 2
            held = memory(process.pid)
            time.sleep(STILL)
            assert server.requests == asked
            assert memory(process.pid) - held < 1 << 20
        finally:
            ran = ended(process)
    assert len({record["url"] for record in ran.records}) == len(ran.records) == UNREAD


def test_a_stuck_reader_does_not_hold_up_a_second_signal(tmp_path: Path) -> None:
    """The process ends at once with the signal's code, whatever the pipe holds."""
    with PoliteServer(1) as server:
        (tmp_path / "urls").write_text("".join(f"{server.url(f'/{number}')}\n" for number in range(UNREAD)))
        process = program("fetch", tmp_path / "urls", "--progress", "none", "-w", "4")
        asked, since = -1, time.monotonic()
        while time.monotonic() - since < STILL or not asked:
            if server.requests != asked:
                asked, since = server.requests, time.monotonic()
            time.sleep(0.05)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        assert process.wait(5) == 143
        ended(process)


@pytest.mark.slow
def test_killed_runs_lose_nothing() -> None:
    """The short form of tests/torture/kill.py."""
    report = kill.random_kills(2, 7, urls=60)
    assert report.wrong == []
    assert report.kills == 2


@pytest.mark.slow
@needs_strace
def test_runs_killed_at_a_write_lose_nothing() -> None:
    """They are killed at chosen system calls."""
    report = kill.kills_at_every_call(7, urls=4, calls=("write", "rename"), step=20)
    assert report.wrong == []
    assert report.kills > 0


@pytest.mark.slow
@needs_strace
def test_failing_calls_have_their_exit_code_and_can_be_resumed() -> None:
    """The short form of tests/torture/faults.py."""
    report = faults.in_a_folder(6, faults={"write": ("ENOSPC",)}, network={}, step=20)
    assert report.wrong == []
    assert report.codes[3] > 0


def test_a_host_that_asked_for_a_pause_is_not_requested(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its record says for how long. Its other URLs, which have no record yet, wait as long."""
    refusals = [Response(429, [("Retry-After", "3600")])]
    out = tmp_path / "out.jsonl"
    with PoliteServer(1, lambda _: refusals[0] if refusals else None) as server:
        (tmp_path / "urls").write_text(server.url("/a"))
        fetch = ("fetch", "--no-robots", tmp_path / "urls", "-o", out, "--resume")
        assert here(capfd, *fetch).code == 1
        (tmp_path / "urls").write_text(f"{server.url('/a')}\n{server.url('/b')}")
        refusals.clear()
        asked = server.requests
        ran = here(capfd, *fetch)
        assert server.requests == asked
        assert "hosts whose requested pause is not over yet: 1" in ran.err
        assert [record["outcome"] for record in records(out)] == ["deferred", "deferred"]
        text = out.read_text()
        year = str(records(out)[0]["not_before"])[:4]
        out.write_text(text.replace(f'"not_before":"{year}', '"not_before":"2020'))
        assert here(capfd, *fetch).code == 0
    assert [record["outcome"] for record in records(out)] == ["ok", "ok"]


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.tsv"])
def test_rows_without_a_url_do_not_spoil_their_records(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, web: PoliteServer, output: str
) -> None:
    """Their record has an empty one; the file is gone on with, and other commands read it."""
    (tmp_path / "urls").write_text(f"url,n\n,1\n{web.url('/good/1')},2\n,3\n")
    for resume in ((), ("--resume",)):
        assert fetch(capfd, tmp_path, "--input-format", "csv", *resume, output=output).code == 1
        by_line = {
            str(record["line"]): (record["url"], record["error"] or None) for record in records(tmp_path / output)
        }
        assert by_line == {"2": ("", "invalid_url"), "3": (web.url("/good/1"), None), "4": ("", "invalid_url")}
    assert here(capfd, "failed", tmp_path / output)[:2] == (0, "")
    assert here(capfd, "explain", tmp_path / output, web.url("/good/1")).code == 0
