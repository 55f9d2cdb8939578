"""``scrapepool demo``, and its server fetched by hand."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from running import TIMEOUT, ended, here, program

from scrapepool.cli.program import run
from scrapepool.demo import demo_urls

START = Path(__file__).parents[2] / "docs" / "start.md"


def test_the_list_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """It has one URL per line, at the requested port, and no server is started."""
    ran = here(capfd, "demo", "--list", "--port", 8123)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == demo_urls(8123)


@pytest.mark.parametrize("words", ["--list --keep", "--list -o x", "--keep -o x"])
def test_contradictions(capfd: pytest.CaptureFixture[str], words: str) -> None:
    """They are refused, as everywhere."""
    ran = here(capfd, "demo", *words.split())
    assert ran.code == 2
    assert "contradict each other" in ran.err


def test_the_demo_fetches_its_web(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its failures are intended, so it succeeds."""
    monkeypatch.setattr("scrapepool.demo.DemoWeb.urls", property(lambda web: demo_urls(web.port)[:5]))
    ran = here(capfd, "demo", "--port", 0, "--progress", "none")
    assert ran.code == 0
    assert len(ran.records) == 5
    assert "failures are intended" in ran.err


def test_in_a_pipe_there_is_something_to_see(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error has a line about each host, and tables of them. Records go to standard output."""
    monkeypatch.setattr("scrapepool.demo.DemoWeb.urls", property(lambda web: demo_urls(web.port)[:20]))
    ran = here(capfd, "demo", "--port", 0)
    assert ran.code == 0
    assert len(ran.records) == 20
    lines = ran.err.splitlines()
    assert "  sends 429 with Retry-After after too many requests" in ran.err
    header = next(number for number, line in enumerate(lines) if line.startswith("host "))
    assert lines[header].split()[1:4] == ["done", "in", "flight"]
    assert lines[header + 1].startswith("127.0.1.")
    assert "outcomes  ok " in ran.err
    assert "\x1b" not in ran.err


def test_records_do_not_go_between_the_lines_of_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If both streams are one file or pipe, only the progress is written."""
    monkeypatch.setattr("scrapepool.demo.DemoWeb.urls", property(lambda web: demo_urls(web.port)[:5]))
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        monkeypatch.setattr("sys.stdout", log)
        monkeypatch.setattr("sys.stderr", log)
        assert run(["demo", "--port", "0"]) == 0
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "done      5 URLs" in text
    assert '{"url"' not in text


@pytest.mark.slow
def test_what_is_kept_can_be_fetched_by_hand() -> None:
    """The hint's two commands work together, and Ctrl-C ends the server with success."""
    server = program("demo", "--keep", "--port", 0)
    try:
        assert server.stderr is not None
        serving = server.stderr.readline().decode()
        hint = server.stderr.readline().decode()
        port = serving.split("on port ")[1].split(" ")[0]
        assert hint == f"try: scrapepool demo --list --port {port} | scrapepool fetch -\n"
        assert f"$ scrapepool demo --keep\n{serving}{hint}".replace(port, "8900") in START.read_text(encoding="utf-8")
        listing = ended(program("demo", "--list", "--port", port))
        fetching = program("fetch", "-", "-q", stdin=subprocess.PIPE)
        out, _ = fetching.communicate("\n".join(listing.out.splitlines()[:3]).encode(), timeout=TIMEOUT)
        assert out.count(b"\n") == 3
        server.send_signal(signal.SIGINT)
        assert ended(server).code == 0
    finally:
        server.kill()
