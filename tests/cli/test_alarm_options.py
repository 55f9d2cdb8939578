"""``--fail-if``, ``--fail-fast`` and ``--at-end``: when a run counts as failed, and which command is run then."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from place import Place
from running import ended, here, program

from tests.servers.polite import PoliteServer

ARGS = ("fetch", "urls.txt", "-o", "out.jsonl", "--no-robots", "--retries", "0")


@pytest.fixture
def web(place: Place) -> Iterator[PoliteServer]:
    """Twenty pages, of which one is missing."""
    with PoliteServer() as server:
        urls = [server.url(f"/page?{number}") for number in range(19)] + [server.url("/status/404")]
        place.write("urls.txt", "".join(f"{url}\n" for url in urls))
        yield server


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize(
    ("expressions", "code"),
    [
        ([], 1),
        (["failures>5%"], 0),
        (["failures>4%"], 1),
        (["http_5xx>=100", "status_404>0"], 1),
        (["ok<19"], 0),
        (["p95>1h", "seconds>1h", "hosts_down>0", "rejected>0"], 0),
    ],
)
def test_the_expressions_decide_the_exit_code(place: Place, expressions: list[str], code: int) -> None:
    """One 404 among many pages fails no run that does not say so; all is quiet then."""
    options = [word for text in expressions for word in ("--fail-if", text)]
    ran = place.run(*ARGS, "-q", *options)
    assert ran.code == code
    assert bool(ran.err) == bool(code)


@pytest.mark.usefixtures("web")
def test_the_result_of_each_check_is_reported(place: Place) -> None:
    """The summary has it, for people and for programs, and so has the output of a quiet run that fails."""
    options = ("--fail-if", "failures>4%", "--fail-if", "http_5xx>=100", "--summary-json", "summary.json")
    ran = place.run(*ARGS, *options, "--progress", "none")
    lines = "checked   FAILED  failures>4%    5.00% (1 of 20)\n          ok      http_5xx>=100  0\n"
    assert ran.err.endswith(lines)
    summary = json.loads((place.folder / "summary.json").read_text())
    assert summary["exit_code"] == 1
    assert summary["checks"] == [
        {"expression": "failures>4%", "value": 0.05, "count": 1, "of": 20, "failed": True},
        {"expression": "http_5xx>=100", "value": 0.0, "count": 0, "of": 20, "failed": False},
    ]
    assert lines in place.run(*ARGS, *options, "-q").err


@pytest.mark.usefixtures("web")
def test_targets_that_a_resumed_run_passes_over_count(place: Place) -> None:
    """A share is one of the whole list."""
    assert place.run(*ARGS, "-q", "--fail-if", "failures>4%").code == 1
    assert place.run(*ARGS, "-q", "--resume", "--fail-if", "failures>5%").code == 0
    assert place.run(*ARGS, "-q", "--resume=all", "--fail-if", "failures>4%").code == 1


@pytest.mark.usefixtures("web")
def test_a_resumed_run_with_nothing_to_do_says_what_failed(place: Place) -> None:
    """Without these lines nothing would explain its exit code."""
    place.run(*ARGS, "-q")
    ran = place.run(*ARGS, "--resume=all", "--fail-if", "failures>4%", "--progress", "none")
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "checked   FAILED  failures>4%  5.00% (1 of 20)")


def test_a_run_that_is_certain_to_fail_stops(tmp_path: Path) -> None:
    """URLs that it has not begun are left for --resume, and the exit code is 1."""
    with PoliteServer() as server:
        bad = [server.url(f"/status/500?{number}") for number in range(5)]
        slow = [server.url(f"/delay/0.2?{number}") for number in range(500)]
        (tmp_path / "urls.txt").write_text("".join(f"{url}\n" for url in bad + slow))
        out = tmp_path / "out.jsonl"
        args = ("fetch", tmp_path / "urls.txt", "-o", out, "--no-robots", "--retries", 0, "--pace", "fixed")
        ran = ended(program(*args, "--per-host", 1, "--fail-if", "http_5xx>=5", "--fail-fast", "--progress", "none"))
        assert ran.code == 1
        assert "--fail-if http_5xx>=5 is certain to be true; no more URLs are started (--fail-fast)" in ran.err
        assert "checked   FAILED  http_5xx>=5  5" in ran.err
        assert 5 <= len(out.read_text().splitlines()) < 400
        assert "is from an unfinished run" in ended(program("changes", out, out)).err  # so --resume goes on with it


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fail-if", "faild>5%"], "scrapepool: --fail-if: unknown figure faild; did you mean failed"),
        (["--fail-if", "failed>"], "scrapepool: --fail-if: a number is missing here\n  failed>\n         ^\n"),
        (["--fail-fast"], "scrapepool: --fail-fast needs --fail-if\n"),
        (["--at-end", " "], "scrapepool: --at-end names no command\n"),
    ],
)
def test_wrong_expressions_are_reported(capfd: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    """They are reported before anything is fetched."""
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", *options)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_expressions_in_the_environment_and_in_a_file(place: Place, web: PoliteServer) -> None:
    """One a line, and a list; a file that was only found may not name a command."""
    place.environment["SCRAPEPOOL_FETCH_FAIL_IF"] = "failures>5%\nhttp_5xx>0\n"
    assert place.run(*ARGS, "-q").code == 0
    del place.environment["SCRAPEPOOL_FETCH_FAIL_IF"]
    config = place.write("mine.toml", 'fail-if = ["failures>5%"]\nat-end = "cat > summary.json"\n')
    assert place.run(*ARGS, "-q", "--config", str(config)).code == 0
    assert json.loads((place.folder / "summary.json").read_text())["done"] == 20
    place.write("scrapepool.toml", 'at-end = "touch evil"\n')
    assert place.run("fetch", web.url("/page"), "-o", "x.jsonl").code == 2
    assert not (place.folder / "evil").exists()


def test_the_command_at_the_end_gets_the_summary(tmp_path: Path) -> None:
    """An interrupted or failed run runs it, too. The command's own output is not mixed with records."""
    received = tmp_path / "summary.json"
    command = f"cat > {received}; echo said"
    with PoliteServer() as server:
        ran = ended(program("fetch", "-q", server.url("/status/404"), "--at-end", command))
        assert (ran.code, len(ran.records)) == (1, 1)
        assert ran.err.endswith("said\n")
        assert json.loads(received.read_text())["exit_code"] == 1
        full = ended(program("fetch", "-q", server.url("/page"), "-o", "/dev/full", "--at-end", command))
        assert (full.code, json.loads(received.read_text())["exit_code"]) == (3, 3)
        process = program("fetch", "-q", server.url("/delay/30"), "--no-robots", "--at-end", command)
        while not server.in_flight:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert ended(process).code == 130
        assert json.loads(received.read_text())["exit_code"] == 130


def test_a_command_that_fails_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    """The run itself succeeded, but whoever the command should inform was not informed."""
    with PoliteServer() as server:
        ran = here(capfd, "fetch", "-q", server.url("/page"), "--at-end", "exit 7")
    assert ran.code == 3
    assert ran.err == "scrapepool: --at-end exit 7 ended with exit code 7\n"


def test_a_command_that_reads_nothing_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """Some commands ignore the summary, such as touch."""
    with PoliteServer() as server:
        assert here(capfd, "fetch", "-q", server.url("/page"), "--at-end", "true").code == 0


def test_no_command_runs_where_nothing_was_begun(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """There is no summary of a run that did not begin."""
    ran = here(capfd, "fetch", tmp_path / "nowhere.txt", "--at-end", f"touch {tmp_path / 'ran'}")
    assert ran.code == 2
    assert not (tmp_path / "ran").exists()
