"""Keys in the live view of the real program, on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from running import TIMEOUT, program
from terminal import TerminalProgram

from tests.servers.polite import PoliteServer


def slow_list(folder: Path, server: PoliteServer, count: int = 200) -> Path:
    """A list whose pages take a fifth of a second each; every tenth is missing."""
    path = folder / "urls.txt"
    path.write_text("\n".join(server.url(f"/delay/0.2?{number}") for number in range(count)))
    return path


def test_keys_steer_the_run(tmp_path: Path) -> None:
    """Pause, workers, pages, a filter, Ctrl-Z and fg, and a graceful stop; the terminal is as it was."""
    with PoliteServer(30) as server:
        urls = slow_list(tmp_path, server)
        with TerminalProgram("fetch", urls, "--no-robots", "-w", 4, "-o", tmp_path / "out.jsonl") as shown:
            shown.wait_for("? help")
            assert shown.takes_keys
            shown.press("p")
            shown.wait_for("paused: nothing new begins")
            shown.press("++")
            shown.wait_for("/6")
            for key, wanted in (
                ("h", "Esc back"),
                ("/", "Enter: keep"),
                ("zz", "/zz_  0 hosts"),
                ("\x1b", f":{server.port}"),  # Enter needs a host that is listed
                ("\r", "robots.txt"),
                ("e", "no errors so far"),
                ("?", "as a first Ctrl-C does"),
                ("\x1b", "q stop"),
            ):
                shown.press(key)
                shown.wait_for(wanted)
            shown.press("p")
            shown.wait_for("ETA")
            shown.press("\x1a")  # there is no shell that continues it, so a session leader does not stop
            shown.until(lambda: shown.takes_keys)
            shown.wait_for("in flight")
            shown.press("q")
            assert shown.end() == 130
            assert shown.attributes == shown.before
    assert "stopped" in shown.seen
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert records
    assert {record["outcome"] for record in records} == {"ok"}


@pytest.mark.parametrize("sent", [[signal.SIGTERM], [signal.SIGINT] * 3, [signal.SIGQUIT]])
def test_the_terminal_is_restored_at_any_end(tmp_path: Path, sent: list[signal.Signals]) -> None:
    """The end may be a signal, three of them while a server hangs, or one that ends the process at once."""
    with (
        PoliteServer(1) as server,
        TerminalProgram("fetch", "--no-robots", "-o", tmp_path / "o", server.url("/delay/20")) as shown,
    ):
        shown.until(lambda: shown.takes_keys)
        for number in sent:
            shown.process.send_signal(number)
            time.sleep(0.05 if len(sent) > 1 else 0.0)
        shown.end()
        assert shown.attributes == shown.before


def test_a_run_in_the_background_reads_no_keys_until_fg(tmp_path: Path) -> None:
    """It is not stopped for it, draws nothing, and leaves the shell's input alone; after ``fg`` the keys work."""
    with PoliteServer(1) as server:
        urls, out = slow_list(tmp_path, server), tmp_path / "out.jsonl"
        command = f"{sys.executable} -m scrapepool fetch {urls} --no-robots -w 1 -o {out}"
        shell = ("bash", "--norc", "-mc", f"{command} & read line; echo shell:$line; fg >/dev/null")
        with TerminalProgram(program=shell) as shown:
            shown.until(lambda: server.requests > 2, "a request")
            assert not shown.takes_keys
            shown.press("qp?\n")
            shown.wait_for("shell:qp?")
            shown.wait_for("? help")
            shown.until(lambda: shown.takes_keys)
            shown.press("q")
            assert shown.end() == 130
            assert shown.attributes == shown.before
    assert out.read_text().count("\n") < 200


def test_a_list_that_is_typed_is_not_eaten(tmp_path: Path) -> None:
    """While the list comes from the terminal, no keys are read."""
    with PoliteServer(1) as server, TerminalProgram("fetch", "-", "--no-robots", "-o", tmp_path / "o") as shown:
        shown.press(f"{server.url('/p')}\n\x04")
        assert shown.end() == 0
    assert json.loads((tmp_path / "o").read_text())["outcome"] == "ok"


def test_keys_are_read_beside_a_list_in_a_pipe(tmp_path: Path) -> None:
    """The list is read from standard input, and keys from the terminal of the session."""
    with PoliteServer(1) as server:
        urls = slow_list(tmp_path, server)
        with (
            urls.open() as stdin,
            TerminalProgram("fetch", "--no-robots", "-w", 1, "-o", tmp_path / "o", stdin=stdin) as shown,
        ):
            shown.wait_for("? help")
            shown.press("q")
            assert shown.end() == 130
            assert shown.attributes == shown.before


def test_sigusr1_writes_the_state(tmp_path: Path) -> None:
    """Standard error and the log get progress, hosts and what is in flight, also of a quiet run."""
    with PoliteServer(1) as server:
        log = tmp_path / "log"
        running = program("fetch", "-q", "--no-robots", "--log-file", log, server.url("/delay/20"))
        assert running.stderr is not None
        deadline, text = time.monotonic() + TIMEOUT, ""
        while not (log.exists() and "started" in log.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.set_blocking(running.stderr.fileno(), False)
        while "first byte" not in text:
            assert time.monotonic() < deadline, text
            running.send_signal(signal.SIGUSR1)
            time.sleep(0.05)
            text += (running.stderr.read() or b"").decode()
        running.terminate()
        assert running.wait(TIMEOUT) == 143
        running.stderr.close()
        assert running.stdout is not None
        running.stdout.close()
    name = f"127.0.2.1:{server.port}"
    assert "state: 0/1 (0 %)" in text
    assert f"1 waiting for the first byte of {name}" in text
    assert "p95 ms" in text
    assert "state: 0/1 (0 %)" in log.read_text()
