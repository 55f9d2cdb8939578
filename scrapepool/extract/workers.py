"""Extraction processes and the threads that wait for them: pages go in, what was found comes out as it is found.

Decides how processes are started, and what becomes of a page whose process dies: it costs that page's values, and the
next page gets a new process. Not multiprocessing's pool: one that dies takes all of it along.
"""

from __future__ import annotations

import errno
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from ..beside import begin
from ..errors import ExtractionError
from ..model import Fetched
from ..settings import OutputSettings
from .limits import LIMITS, OVERTIME, Limits
from .page import Extracted, Page

STARTS = (0.0, 0.1, 0.5, 1.0, 2.0)
"""Seconds before each try to start a process: a machine that is out of processes may have one in a moment."""

LAST_WORDS = 1.0
"""Seconds that a process which closed its pipe is given to end."""


class Process:
    """One extraction process. Used by one thread; ``kill`` by any. Raises OSError where it cannot start."""

    def __init__(self, settings: OutputSettings, limits: Limits) -> None:
        self._process, self._pipe = begin("scrapepool.extract.child")
        try:
            self._pipe.send((settings, limits))
            self._pipe.recv_bytes()
        except (OSError, EOFError):
            raise ChildProcessError(errno.ECHILD, _said(self.end())) from None

    def extract(self, page: Page) -> Extracted:
        """Have a page worked on. Raises OSError, EOFError where the process dies."""
        self._pipe.send(page[1:])
        self._pipe.send_bytes(page.body)
        found: Extracted = self._pipe.recv()
        return found

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()

    def end(self) -> int:
        """Let it go; its exit code, or what killed it as a negative number."""
        self._pipe.close()
        try:
            return self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _said(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Workers:
    """Up to ``most`` processes, each begun when there is a page that no other has time for.

    lost: what is told of a page whose process died, by the reason. wake: called whenever something came back.
    ``hand``, ``back`` and ``close`` belong to one thread.
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
        self._most = most
        self._lost = lost
        self._wake = wake
        self._threads: list[threading.Thread] = []
        self._pages: queue.SimpleQueue[tuple[Fetched, Page] | None] = queue.SimpleQueue()
        self._found: queue.SimpleQueue[tuple[Fetched, Extracted | ExtractionError]] = queue.SimpleQueue()
        self._processes: set[Process] = set()
        self._lock = threading.Lock()  # guards _processes and _closed
        self._closed = False

    def __repr__(self) -> str:
        return f"<Workers {len(self._processes)} of {self._most}, {self._pages.qsize()} pages waiting>"

    def hand(self, outcome: Fetched, page: Page) -> None:
        """Have a page worked on, after those that wait. Raises ExtractionError."""
        self._pages.put((outcome, page))
        if len(self._threads) < self._most and self._pages.qsize() > 0:
            thread = threading.Thread(target=self._loop, name="scrapepool-extract", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no more threads: those that there are do the work
                if not self._threads:
                    raise ExtractionError(str(error)) from None
                self._most = len(self._threads)
            else:
                self._threads.append(thread)

    def back(self, timeout: float) -> tuple[Fetched, Extracted]:
        """What was found on one page; waits up to ``timeout`` seconds. Raises queue.Empty, ExtractionError."""
        outcome, found = self._found.get(timeout > 0, timeout)
        if isinstance(found, ExtractionError):
            raise found
        return outcome, found

    def close(self) -> None:
        """End every process, and what it is at."""
        with self._lock:
            self._closed = True
            for process in self._processes:
                process.kill()
        for _ in self._threads:
            self._pages.put(None)
        for thread in self._threads:
            thread.join(LAST_WORDS)

    def _loop(self) -> None:
        process: Process | None = None
        while not self._closed and (job := self._pages.get()) is not None:
            outcome, page = job
            found: Extracted | ExtractionError
            try:
                process = process or self._started()
                found = process.extract(page)
            except ExtractionError as error:
                found = error
            except (OSError, EOFError):
                assert process is not None  # noqa: S101 - what cannot be started is an ExtractionError
                found = self._lost(self._reason(self._ended(process)))
                process = None
            self._found.put((outcome, found))
            self._wake()
        if process is not None:
            self._ended(process)

    def _started(self) -> Process:
        """A new process. Raises ExtractionError."""
        for pause in STARTS:
            time.sleep(pause)
            try:
                process = Process(self._settings, self._limits)
            except OSError as error:
                reason = error.strerror or str(error)
                continue
            with self._lock:
                self._processes.add(process)
                if self._closed:
                    process.kill()
            return process
        raise ExtractionError(reason)

    def _reason(self, code: int) -> str:
        if code == -OVERTIME:
            return f"took longer than {self._limits.page:g} s of CPU"
        return f"the process that read it ended ({_said(code)})"

    def _ended(self, process: Process) -> int:
        with self._lock:
            self._processes.discard(process)
        return process.end()
