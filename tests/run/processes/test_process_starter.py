"""Worker processes are forked before a run has threads, and started anew after that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import pytest

from scrapepool.run.processes import process_starter
from scrapepool.run.processes.process_starter import ForkedProcess, ProcessStarter, can_fork
from scrapepool.run.processes.worker import NAME

TIMEOUT = 60.0
"""Seconds that a process may take on a busy machine."""

PROGRAM = """
import os
from pathlib import Path
from scrapepool.run.processes.process_starter import ForkedProcess, ProcessStarter

starter = ProcessStarter(2)
process, stream = starter.start()
assert isinstance(process, ForkedProcess)
with open(stream, "wb", buffering=0) as ours:
    folder = Path(f"/proc/{process.pid}")
    while (name := (folder / "comm").read_text().rstrip()) != "NAME":
        pass
    files = {os.readlink(path).partition(":")[0] for path in (folder / "fd").iterdir()}
    print(os.getpgid(process.pid) == process.pid, sorted(files))
print(process.wait())
starter.close()
"""
"""Prints that a forked process has a group of its own, what it has open, and its exit code after its stream ended."""


def test_a_forked_process_has_nothing_of_the_run_but_its_stream() -> None:
    """Also if the run has no standard streams. It ends with its stream."""
    program = PROGRAM.replace("NAME", NAME)
    for prelude in ("", "import os; os.close(0); "):
        ran = subprocess.run(
            [sys.executable, "-c", prelude + program],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            cwd=Path(__file__).parents[3],
        )
        assert ran.stdout == "True ['/dev/null', 'socket']\n1\n", ran.stderr


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether they are Python's or not, or cannot be counted."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert not can_fork()
    end.set()
    thread.join()
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    for tasks, single in ((("1",), True), (("1", "2"), False), ((), False)):
        folder = tmp_path / "-".join(tasks) if tasks else tmp_path / "missing"
        for task in tasks:
            (folder / task).mkdir(parents=True)
        monkeypatch.setattr(process_starter, "TASKS", folder)
        assert can_fork() is (single and sys.platform.startswith("linux"))


def test_what_cannot_be_forked_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes when a process is needed, if it lasts until then."""
    started: list[str] = []

    def no_more() -> Any:
        raise BlockingIOError

    def start(module: str) -> Any:
        started.append(module)
        return object(), Pipe()[0]

    monkeypatch.setattr(process_starter, "can_fork", lambda: True)
    monkeypatch.setattr(process_starter, "fork", no_more)
    monkeypatch.setattr(process_starter, "spawn", start)
    starter = ProcessStarter(2)
    _, stream = starter.start()
    open(stream, "rb").close()  # noqa: PTH123 - a descriptor
    starter.close()
    assert started == [process_starter.WORKER]
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    starter._forked.append((ForkedProcess(killed.pid), os.open(os.devnull, os.O_RDONLY)))
    os.close(starter.start()[1])  # instead of one that was killed before it was needed
    assert started == [process_starter.WORKER] * 2
    killed.wait()
    assert repr(starter) == "<ProcessStarter 0 forked>"


@pytest.mark.skipif(not process_starter.DESCRIPTORS.exists(), reason="descriptors are counted in /proc")
def test_a_fork_that_fails_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under ``ulimit -u``."""

    def no_more() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_more)
    before = len(list(process_starter.DESCRIPTORS.iterdir()))
    with pytest.raises(BlockingIOError):
        process_starter.fork()
    assert len(list(process_starter.DESCRIPTORS.iterdir())) == before


def test_a_forked_process_is_waited_for_like_any_other() -> None:
    """With an end to the wait; whether it ended by itself is in its code."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process = ForkedProcess(child.pid)
    assert repr(process) == f"<ForkedProcess {child.pid}>"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    assert process.wait(TIMEOUT) == process.wait() == -9
    process.kill()
    child.wait()
    assert ForkedProcess(child.pid).wait() == 0  # nobody knows, as if the run was started with SIGCHLD ignored
