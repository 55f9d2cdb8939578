"""A pool of extraction processes, each with a thread that waits for it.

Decides how processes are started, and what happens to a page whose process dies: its values are lost, and the next page
gets a new process. If the process had several pages, each of them is read again alone; and a process that takes long
for several is killed, so that one of them holds up no others. Not multiprocessing's pool, which does not survive the
death of a process.
"""

from __future__ import annotations

import errno
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..errors import ExtractionError, system_reason
from ..fallbacks import CPU_SIGNAL
from ..model import Fetched
from ..settings import OutputSettings
from ..worker_process import death_of, spawn
from .cpu_limits import LIMITS, Limits
from .extraction import Extracted, Page
from .waiting_pages import SLOW_AFTER, WaitingPages

START_DELAYS = (0.0, 0.1, 0.5, 1.0, 2.0)
"""Seconds before each attempt to start a process: a machine without free processes may soon have one."""

LOW_PRIORITY = 15
"""Niceness of a process with a slow page: a thirtieth of the CPU if others need it."""

EXIT_GRACE = 1.0
"""Seconds to wait for a process to end after its pipe was closed."""


Job = tuple[Fetched, Page]
"""An outcome and its page."""


class Process:
    """One extraction process. Used by one thread; ``kill`` by any. Raises OSError if it cannot start.

    yields: the process has low priority for good, and so takes no further page.
    """

    yields = False

    def __init__(self, settings: OutputSettings, limits: Limits) -> None:
        self._process, self._pipe = spawn("scrapepool.extract.extract_process")
        try:
            self._pipe.send((settings, limits))
            self._pipe.recv_bytes()
        except (OSError, EOFError):
            raise ChildProcessError(errno.ECHILD, _exit_reason(self.end())) from None

    def extract(self, pages: Sequence[Page]) -> list[Extracted]:
        """Extract the values of each page. Raises OSError or EOFError if the process dies."""
        self._pipe.send([tuple(page) for page in pages])
        return [Extracted(*found) for found in self._pipe.recv()]

    def yield_cpu(self) -> None:
        """Lower the priority of the process."""
        if not self.yields:
            self.yields = True
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, LOW_PRIORITY)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def end(self) -> int:
        """Close the pipe, and return the exit code, or the signal that killed the process as a negative number."""
        self._pipe.close()
        try:
            return self._process.wait(EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _exit_reason(code: int) -> str:
    killer = death_of(code)
    return f"exit code {code}" if killer is None else f"killed by {killer}"


class Workers:
    """Up to ``most`` processes, each started when a page has to wait for the others; see ``waiting_pages``.

    lost: makes the result of a page whose process died, from the reason. wake: called whenever a result is ready.
    One thread calls ``submit``, ``result``, ``blocked`` and ``close``.
    """

    def __init__(
        self,
        settings: OutputSettings,
        most: int,
        *,
        lost: Callable[[str], Extracted],
        wake: Callable[[], None] = lambda: None,
        limits: Limits = LIMITS,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._lost = lost
        self._wake = wake
        self._threads: set[threading.Thread] = set()
        self._idle = 0  # threads that wait for a job
        self._waiting = WaitingPages[Job](most)
        self._found: queue.SimpleQueue[tuple[Fetched, Extracted | Exception]] = queue.SimpleQueue()
        self._processes: set[Process] = set()
        self._at: dict[int, Process] = {}  # the process of each job, by the job's number
        self._changed = threading.Condition()  # guards all of these except _found; also _closed
        self._closed = False

    def __repr__(self) -> str:
        return f"<Workers {len(self._processes)} of {self._waiting.most}, {len(self._waiting)} pages waiting>"

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue pages. Raises ExtractionError."""
        with self._changed:
            self._put(jobs)
            self._changed.notify(len(jobs))
        self.adjust_threads()

    def _put(self, jobs: Sequence[Job], *, alone: bool = False) -> None:
        for job in jobs:
            self._waiting.put(job[0].target.host, job, alone=alone)

    def result(self, timeout: float) -> tuple[Fetched, Extracted]:
        """Return the next result; waits up to ``timeout`` seconds for it.

        Raises queue.Empty, ExtractionError, and errors of the threads.
        """
        if timeout > 0:
            self.adjust_threads()
        outcome, found = self._found.get(timeout > 0, timeout)
        if isinstance(found, Exception):
            raise found
        return outcome, found

    def blocked(self) -> list[Fetched]:
        """Return the outcomes whose pages wait behind a slow page of their own host."""
        with self._changed:
            return [outcome for outcome, _ in self._waiting.blocked(time.monotonic())]

    def close(self) -> None:
        """Kill every process."""
        with self._changed:
            self._closed = True
            for process in self._processes:
                process.kill()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(EXIT_GRACE)

    def adjust_threads(self) -> None:
        """Start a thread if a page has to wait and one more is allowed. Raises ExtractionError if none can start."""
        with self._changed:
            now = time.monotonic()
            for number, several in self._waiting.very_slow(now):
                if number in self._at and several:
                    self._at[number].kill()
                elif number in self._at:
                    self._at[number].yield_cpu()
            if len(self._waiting) <= self._idle or len(self._threads) >= self._waiting.allowed(now):
                return
            thread = threading.Thread(target=self._loop, name="scrapepool-extract", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system allows no more threads: the existing ones do the work
                if not self._threads:
                    raise ExtractionError(str(error)) from None
                self._waiting.most = min(self._waiting.most, len(self._threads))
            else:
                self._threads.add(thread)

    def _next(self) -> tuple[int, list[Job]] | None:
        """Wait for the next jobs; None if the thread is to end: the pool is closed, or has too many threads."""
        with self._changed:
            self._idle += 1
            try:
                while not self._closed and len(self._threads) <= self._waiting.allowed(time.monotonic()):
                    if (job := self._waiting.take(time.monotonic())) is not None:
                        return job
                    self._changed.wait(SLOW_AFTER)
                self._threads.discard(threading.current_thread())
                return None
            finally:
                self._idle -= 1

    def _loop(self) -> None:
        process: Process | None = None
        while (taken := self._next()) is not None:
            number, jobs = taken
            found: Sequence[Extracted | Exception]
            again: Sequence[Job] = ()
            try:
                process = process or self._start_process()
                with self._changed:
                    self._at[number] = process
                    self._waiting.mark_started(number, time.monotonic())
                found = process.extract([page for _, page in jobs])
            except ExtractionError as error:
                if self._leave_to_others(number, jobs):
                    return
                found = [error] * len(jobs)
            except (OSError, EOFError) as error:
                if process is None:
                    found = [ExtractionError(system_reason(error))] * len(jobs)
                else:
                    found = [self._lost(self._reason(self._end_process(process)))]
                    if len(jobs) > 1:  # one of them did that
                        jobs, found, again = [], [], jobs
                process = None
            except Exception as error:  # noqa: BLE001 - for example no memory; ``result`` raises it
                found = [error] * len(jobs)
            process = self._end_jobs(number, process, again)
            for (outcome, _), one in zip(jobs, found, strict=True):
                self._found.put((outcome, one))
            if jobs:
                self._wake()
        if process is not None:
            self._end_process(process)

    def _end_jobs(self, number: int, process: Process | None, again: Sequence[Job]) -> Process | None:
        """Take note that jobs ended, of which some begin again; return the process if it takes further ones."""
        with self._changed:
            self._at.pop(number, None)
            self._waiting.done(number, time.monotonic())
            self._put(again, alone=True)
            self._changed.notify(1 + len(again))
        if process is None or not process.yields:
            return process
        process.kill()
        self._end_process(process)
        return None

    def _leave_to_others(self, number: int, jobs: Sequence[Job]) -> bool:
        """Queue pages again, and end the thread, because no process starts; return whether others have one."""
        with self._changed:
            if not self._processes:
                return False
            self._waiting.done(number, time.monotonic())
            self._put(jobs)
            self._waiting.most = max(1, min(self._waiting.most, len(self._processes)))
            self._threads.discard(threading.current_thread())
            self._changed.notify()
        return True

    def _start_process(self) -> Process:
        """Start a process. Raises ExtractionError."""
        for pause in START_DELAYS:
            time.sleep(pause)
            try:
                process = Process(self._settings, self._limits)
            except OSError as error:
                reason = system_reason(error)
                continue
            with self._changed:
                self._processes.add(process)
                if self._closed:
                    process.kill()
            return process
        raise ExtractionError(reason)

    def _reason(self, code: int) -> str:
        if CPU_SIGNAL and code == -CPU_SIGNAL:
            return f"took longer than {self._limits.page:g} s of CPU time"
        return f"the process that read it ended ({_exit_reason(code)})"

    def _end_process(self, process: Process) -> int:
        with self._changed:
            self._processes.discard(process)
        return process.end()
