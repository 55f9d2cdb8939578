"""The workers: one ThreadPoolExecutor whose threads each run a loop over leases.

Decides how work reaches a thread and comes back: through queues that C code locks. There are two lanes: a lease has a
thread to itself while it lasts; those on quick hosts share a thread and are worked in turns. A loop is begun when there
is work that no idle one can take, and ends when it has been idle for a while.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..fetch.turns import AT_ONCE
from ..model import ErrorKind, Failed
from ..ports import Done, Fetch, Work

IDLE = 1.0  # seconds without work after which a loop ends and leaves its thread to the executor
QUICK_THREADS = 1  # for quick leases: a second one fights the first for the interpreter, measured no gain


class _Lane:
    """Work of one kind, and the loops over it. capacity: leases that one loop holds at once."""

    def __init__(self, most: int, capacity: int) -> None:
        self.most = most
        self.capacity = capacity
        self.out = 0  # the engine's thread only
        self.started = 0
        self.lock = threading.Lock()  # guards started, and that no loop ends while work is put
        self.work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()

    def next(self) -> Work | None:
        """Work; None where the loop is to end: closed or, so that a forgotten run keeps no program alive, idle."""
        while True:
            try:
                return self.work.get(timeout=IDLE)
            except queue.Empty:
                with self.lock:
                    if self.work.empty():
                        self.started -= 1
                        return None

    def another(self) -> Work | None:
        """More work where there is some now."""
        try:
            work = self.work.get_nowait()
        except queue.Empty:
            return None
        if work is None:
            self.work.put(None)  # closed: for ``next`` to see
        return work


class Threads:
    """Keeps ``ports.Crew``. ``hand``, ``wait`` and ``close`` belong to the engine's thread."""

    def __init__(self, fetch: Fetch, workers: int) -> None:
        self._fetch = fetch
        self._executor = ThreadPoolExecutor(workers + QUICK_THREADS, thread_name_prefix="scrapepool")
        self._single = _Lane(workers, 1)
        self._quick = _Lane(min(workers, QUICK_THREADS), AT_ONCE)
        self._done: queue.SimpleQueue[Done | None] = queue.SimpleQueue()

    def __repr__(self) -> str:
        started = self._single.started + self._quick.started
        return f"<Threads {self._single.out + self._quick.out} of {started} at work, {self._single.most} at most>"

    def hand(self, work: Work) -> None:
        """Give work to a free worker."""
        lane, loop = (self._quick, self._in_turns) if work.lease.quick else (self._single, self._one_by_one)
        lane.out += 1
        with lane.lock:
            lane.work.put(work)
            if lane.started < lane.most and lane.started * lane.capacity < lane.out:
                self._begin(lane, loop)

    def wait(self, timeout: float | None) -> list[Done]:
        """What has come back; see ``ports.Crew``."""
        back: list[Done] = []
        try:
            done = self._done.get(timeout=timeout)
            while True:
                if done is not None:
                    back.append(done)
                    (self._quick if done.work.lease.quick else self._single).out -= 1
                done = self._done.get_nowait()
        except queue.Empty:
            return back

    def wake(self) -> None:
        """End a ``wait`` early; a SimpleQueue may be put to from a signal handler."""
        self._done.put(None)

    def close(self) -> None:
        """Let the threads go, without waiting for them."""
        for lane in (self._single, self._quick):
            with lane.lock:
                for _ in range(lane.started):
                    lane.work.put(None)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _begin(self, lane: _Lane, loop: Callable[[], None]) -> None:
        try:
            self._executor.submit(loop)
        except RuntimeError:  # the system gives no more threads: those that there are take the work in turn
            if not lane.started:
                raise
            lane.most = lane.started
        else:
            lane.started += 1

    def _one_by_one(self) -> None:
        while (work := self._single.next()) is not None:
            try:
                done = self._fetch.run(work)
            except BaseException as error:  # noqa: BLE001 - a bug in the fetch stage costs a record, not a worker
                done = _broken(work, error)
            self._done.put(done)

    def _in_turns(self) -> None:
        while (work := self._quick.next()) is not None:
            try:
                self._fetch.run_in_turns(work, self._quick.another, self._done.put)
            except BaseException as error:  # noqa: BLE001 - as above
                self._done.put(_broken(work, error))


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
