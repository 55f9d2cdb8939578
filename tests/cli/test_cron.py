"""Runs that nobody looks at: ``--cron``, ``--splay``, ``--wait-lock``, rotated logs, ``--resume`` by class."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import ended, here, program

from scrapepool.cli.commands.fetch_command import fetch
from scrapepool.cli.fetching.start_waits import await_lock, is_locked, splay
from scrapepool.fail_conditions import parsed
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

NIGHTLY = Path(__file__).parents[2] / "docs" / "nightly.md"

ROTATED = 30
"""Pages that fail while the log is rotated: as many lines."""


def test_a_random_start() -> None:
    """The wait is between none and all of the time; for 0 there is no wait."""
    slept: list[float] = []
    for dice in (0.0, 0.5, 0.999):
        splay(60.0, slept.append, lambda rng=dice: rng)  # type: ignore[misc]
    splay(0.0, slept.append)
    assert slept == [0.0, 30.0, 59.94]


@pytest.mark.slow
def test_another_run_is_waited_for(tmp_path: Path) -> None:
    """A line says so; then this run starts."""
    out = tmp_path / "out.jsonl"
    with PoliteServer() as server:
        first = program("fetch", server.url("/delay/5"), "--no-robots", "-q", "-o", out)
        while not server.in_flight:
            time.sleep(0.01)
        url = server.url("/page")
        second = program("fetch", url, "--no-robots", "--progress", "none", "-o", out, "--wait-lock", "30s")
        assert ended(first).code == 0
        ran = ended(second)
    assert ran.code == 0
    assert f"another run is writing {out}; waiting up to 30 s for it (--wait-lock)\n" in ran.err
    assert [json.loads(line)["url"] for line in out.read_text().splitlines()] == [url]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-o", "--sqlite", "--parquet"])
def test_a_run_that_takes_too_long_is_not_waited_for(tmp_path: Path, option: str) -> None:
    """Exit code 75 as without --wait-lock, later."""
    with PoliteServer() as server:
        first = program("fetch", server.url("/delay/30"), "--no-robots", "-q", option, tmp_path / "out")
        while not server.in_flight:
            time.sleep(0.01)
        args = ("fetch", server.url("/page"), "--no-robots", "-q", option, tmp_path / "out")
        assert ended(program(*args)).code == 75
        ran = ended(program(*args, "--wait-lock", "1s"))
        assert (ran.code, ran.err) == (75, f"scrapepool: another run is writing {tmp_path / 'out'}\n")
        first.kill()
        first.wait()


@pytest.mark.slow
def test_the_wait_can_be_ended(tmp_path: Path) -> None:
    """Ctrl-C ends it, as it ends the wait for the random start."""
    with PoliteServer() as server:
        first = program("fetch", server.url("/delay/30"), "--no-robots", "-q", "-o", tmp_path / "out")
        while not server.in_flight:
            time.sleep(0.01)
        waits = program("fetch", server.url("/page"), "-o", tmp_path / "out", "--wait-lock", "1h")
        assert waits.stderr is not None
        waits.stderr.readline()
        waits.send_signal(signal.SIGINT)
        assert waits.wait(60) == 130
        first.kill()
        first.wait()


def test_who_holds_a_lock(tmp_path: Path) -> None:
    """No process holds the lock of a file that does not exist or cannot be opened."""
    assert not is_locked(str(tmp_path / "nowhere"))
    now = iter([0.0, 5.0, 11.0])
    assert not await_lock(str(tmp_path / "nowhere"), -1.0, lambda: next(now))


def test_what_cron_stands_for(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing is written if all URLs succeed. Values that are given replace those of --cron."""
    with PoliteServer() as server:
        args = ("fetch", "--no-robots", "-o", tmp_path / "out", "--cron", "--splay", "0")
        assert here(capfd, *args, server.url("/page")) == (0, "", "")
        assert "outcomes" in here(capfd, *args, server.url("/page"), "--progress", "none").err
        ran = here(capfd, *args, server.url("/status/404"))
        assert ran.code == 1
        assert "http_4xx" in ran.err
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--since", "-", "--cron", "--splay", "0")
    assert ran.code == 2
    assert "--since - contradicts --wait-lock" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_a_log_that_is_rotated_loses_nothing(tmp_path: Path, how: str) -> None:
    """It is rotated as logrotate does it, while the run goes on."""
    log, old = tmp_path / "run.log", tmp_path / "run.log.1"
    with PoliteServer() as server:
        urls = tmp_path / "urls.txt"
        urls.write_text("".join(f"{server.url(f'/status/404?{number}')}\n" for number in range(ROTATED)))
        args = ("fetch", urls, "--no-robots", "-q", "-o", tmp_path / "out", "--log-file", log, "--rate", 20)
        process = program(*args)
        while not log.exists() or log.read_text().count("http_4xx") < 3:
            time.sleep(0.005)
        if how == "rename":
            log.rename(old)
        else:
            shutil.copyfile(log, old)
            os.truncate(log, 0)
        assert ended(process).code == 1
    lines = old.read_text().splitlines() + log.read_text().splitlines()
    assert all("\0" not in line for line in lines)
    assert len([line for line in lines if "http_4xx" in line]) in range(ROTATED - (how == "copytruncate"), ROTATED + 1)
    assert "ended after" in log.read_text()
    assert sum("http_4xx" in line for line in log.read_text().splitlines()) > 0


def test_only_some_failures_are_fetched_again(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A 404 need not be requested each day; the exit code counts it nevertheless."""
    statuses = {"/a": 404, "/b": 503, "/c": 200}
    asked: list[str] = []

    def answer(request: object) -> Response:
        path = str(getattr(request, "target", ""))
        asked.append(path)
        return Response(statuses[path], body=b"x")

    with PoliteServer(handler=answer) as server:
        args = ("fetch", *map(server.url, statuses), "--no-robots", "-q", "--retries", 0, "-o", tmp_path / "out.jsonl")
        assert here(capfd, *args).code == 1
        asked.clear()
        statuses["/b"] = 200
        assert here(capfd, *args, "--resume=timeout,http_5xx").code == 1
        assert asked == ["/b"]
        asked.clear()
        statuses["/a"] = 200
        assert here(capfd, *args, "--resume=http_4xx").code == 0
        assert asked == ["/a"]
        ran = here(capfd, *args, "--resume=rain")
        assert ran.code == 2
        assert "--resume: unknown class: rain; write a status" in ran.err


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="no logrotate on this machine")
def test_logrotate_itself(tmp_path: Path) -> None:
    """It runs with the configuration of the docs during a run, and no line is lost."""
    log = tmp_path / "pages.log"
    config = NIGHTLY.read_text().split("```logrotate\n")[1].split("```")[0]
    config = config.replace("/var/log/scrapepool/pages.log", str(log)).replace("    su scrapepool scrapepool\n", "")
    (tmp_path / "conf").write_text(config)
    with PoliteServer() as server:
        urls = tmp_path / "urls.txt"
        urls.write_text("".join(f"{server.url(f'/status/404?{number}')}\n" for number in range(ROTATED)))
        args = ("fetch", urls, "--no-robots", "-q", "-o", tmp_path / "out", "--log-file", log, "--rate", 20)
        process = program(*args)
        while not log.exists() or log.read_text().count("http_4xx") < 3:
            time.sleep(0.005)
        command = ["logrotate", "-f", "-s", str(tmp_path / "state"), str(tmp_path / "conf")]
        subprocess.run(command, check=True, timeout=30)
        assert ended(process).code == 1
    rotated = (tmp_path / "pages.log.1").read_text()
    assert (rotated + log.read_text()).count("http_4xx") == ROTATED
    assert rotated.count("http_4xx") >= 3


def test_the_configuration_of_cron_names_options_that_there_are() -> None:
    """So does the unit of systemd; both are as the page shows them."""
    page = NIGHTLY.read_text()
    unit = page.split("```ini\n")[1].split("```")[0]
    crontab = page.split("```crontab\n")[1].split("```")[0]
    started = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).replace("%%", "%")
    line = crontab.splitlines()[1].replace("\\%", "%")
    known = {name for param in fetch.params for name in (*param.opts, *param.secondary_opts)}
    for command in (started, line):
        words = shlex.split(command.split("scrapepool fetch ")[1])
        assert {word for word in words if word.startswith("-")} <= known
        assert parsed(words[words.index("--fail-if") + 1]).share
