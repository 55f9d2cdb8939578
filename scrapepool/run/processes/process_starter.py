"""How a run gets its worker processes: forked before it has threads, or started anew.

Decides which of both. A forked process has all modules already; another one needs some 0.3 seconds of CPU time for its
imports. But a process with threads must not be forked, because their locks could stay locked for ever. So processes are
forked as the first thing of a run. What replaces one that died, or is needed by a program that has threads, is started
anew.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ...worker_process import spawn
from ..process_count import cores

WORKER = "scrapepool.run.processes.worker"
"""The module that a worker process runs."""

LOOK_EVERY = 0.005
"""Seconds between two looks whether a forked process has ended."""

TASKS = Path("/proc/self/task")
"""The threads of this process, those of other languages too."""

DESCRIPTORS = Path("/proc/self/fd")
"""The descriptors that this process has open."""


class Process(Protocol):
    """A process that was started; ``subprocess.Popen`` is one."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended. Raises subprocess.TimeoutExpired."""

    def kill(self) -> None:
        """Kill it."""


class ProcessStarter:
    """Starts worker processes. count: how many are needed; as many as there are cores are forked now, if any can be."""

    def __init__(self, count: int = 1) -> None:
        self._forked: deque[tuple[ForkedProcess, int]] = deque()
        if count > 1 and can_fork():
            with suppress(OSError):  # ``start`` raises it, if it lasts
                for _ in range(min(count, cores())):
                    self._forked.append(fork())

    def __repr__(self) -> str:
        return f"<ProcessStarter {len(self._forked)} forked>"

    def start(self) -> tuple[Process, int]:
        """Return a process that runs ``WORKER``, and the descriptor of this end of its stream. Raises OSError."""
        while self._forked:
            forked, descriptor = self._forked.popleft()
            if not forked.has_ended():  # or the requests that it never got would be blamed
                return forked, descriptor
            os.close(descriptor)
        process, pipe = spawn(WORKER)
        with pipe:
            return process, os.dup(pipe.fileno())

    def close(self) -> None:
        """End the processes that were not needed."""
        for _, descriptor in self._forked:
            os.close(descriptor)
        while self._forked:
            process, _ = self._forked.popleft()
            process.kill()
            process.wait()


def can_fork() -> bool:
    """Return whether this process may be forked: it has one thread, and the system forks safely."""
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return False
    try:
        return len(list(TASKS.iterdir())) == 1
    except OSError:
        return False


def fork() -> tuple[ForkedProcess, int]:
    """Fork a worker process. Return it, and the descriptor of this end of its stream. Raises OSError."""
    from .worker import main  # noqa: PLC0415 - for runs with worker processes

    ours, theirs = socket.socketpair()
    with theirs:
        try:
            pid = os.fork()
        except BaseException:
            ours.close()
            raise
        if not pid:
            try:
                main(_leave_run(theirs.fileno()))
            finally:
                os._exit(1)
    return ForkedProcess(pid), ours.detach()


def _leave_run(stream: int) -> int:
    """Give up what belongs to the run: its process group, its standard streams and its files. Return the stream."""
    with suppress(OSError):
        os.setpgid(0, 0)  # so that Ctrl-C does not reach it
    kept = fcntl.fcntl(stream, fcntl.F_DUPFD, 3)  # a run may have no standard streams, and the stream their number
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    for number in [int(path.name) for path in DESCRIPTORS.iterdir()]:
        if number > 2 and number != kept:
            with suppress(OSError):  # the one by which the folder was read
                os.close(number)
    return kept


class ForkedProcess:
    """A process that was forked, with the methods of ``subprocess.Popen`` that are used."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def __repr__(self) -> str:
        return f"<ForkedProcess {self.pid}>"

    def has_ended(self) -> bool:
        """Return whether it has ended."""
        try:
            self.wait(0.0)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait(self, timeout: float | None = None) -> int:
        """As ``Process``."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            try:
                pid, status = os.waitpid(self.pid, 0 if end is None else os.WNOHANG)
            except ChildProcessError:  # the run was started with SIGCHLD ignored
                self._code = 0
                break
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif end is not None and time.monotonic() >= end:
                raise subprocess.TimeoutExpired("a worker process", timeout or 0.0)
            else:
                time.sleep(LOOK_EVERY)
        return self._code

    def kill(self) -> None:
        """As ``Process``."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
