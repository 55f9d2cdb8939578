"""The workers: one ThreadPoolExecutor whose threads each run a loop over leases.

Decides how work reaches a thread and comes back: through two queues that C code locks. A loop is
begun when there is work that no idle one can take, and ends when it has been idle for a while.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from ..model import ErrorKind, Failed
from ..ports import Done, Fetch, Work

IDLE = 1.0  # seconds without work after which a loop ends and leaves its thread to the executor


class Threads:
    """Keeps ``ports.Crew``. ``hand``, ``wait`` and ``close`` belong to the engine's thread."""

    def __init__(self, fetch: Fetch, workers: int) -> None:
        self._fetch = fetch
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="scrapepool")
        self._most = workers
        self._lock = threading.Lock()  # guards _started, and that no loop ends while work is put
        self._started = 0
        self._out = 0
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done | None] = queue.SimpleQueue()

    def __repr__(self) -> str:
        return f"<Threads {self._out} of {self._started} at work, {self._most} at most>"

    def hand(self, work: Work) -> None:
        """Give work to a free worker."""
        self._out += 1
        with self._lock:
            self._work.put(work)
            if self._started < min(self._out, self._most):
                self._begin()

    def wait(self, timeout: float | None) -> list[Done]:
        """What has come back; see ``ports.Crew``."""
        back: list[Done] = []
        try:
            done = self._done.get(timeout=timeout)
            while True:
                if done is not None:
                    back.append(done)
                done = self._done.get_nowait()
        except queue.Empty:
            self._out -= len(back)
            return back

    def wake(self) -> None:
        """End a ``wait`` early; a SimpleQueue may be put to from a signal handler."""
        self._done.put(None)

    def close(self) -> None:
        """Let the threads go, without waiting for them."""
        with self._lock:
            for _ in range(self._started):
                self._work.put(None)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        try:
            self._executor.submit(self._loop)
        except RuntimeError:  # the system gives no more threads: those that there are take the work in turn
            if not self._started:
                raise
            self._most = self._started
        else:
            self._started += 1

    def _loop(self) -> None:
        while (work := self._next()) is not None:
            try:
                done = self._fetch.run(work)
            except BaseException as error:  # noqa: BLE001 - a bug in the fetch stage costs a record, not a worker
                done = _broken(work, error)
            self._done.put(done)

    def _next(self) -> Work | None:
        """Work; None where the loop is to end: closed or, so that a forgotten run keeps no program alive, idle."""
        while True:
            try:
                return self._work.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._work.empty():
                        self._started -= 1
                        return None


def _broken(work: Work, error: BaseException) -> Done:
    attempt = work.attempts[0]
    detail = f"a bug in scrapepool: {type(error).__name__}: {error}"
    return Done(
        work,
        [
            Failed(
                target=attempt.target,
                error=ErrorKind.INTERNAL,
                attempts=attempt.number,
                started=attempt.started,
                waited=attempt.waited,
                detail=detail,
            )
        ],
    )
