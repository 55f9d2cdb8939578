"""The workers: one ThreadPoolExecutor whose threads each run a loop over leases.

Decides how work reaches a thread and comes back: through queues that C code locks. There are two lanes: a lease has a
thread to itself while it lasts; those on nearby hosts share a thread and are worked in turns, and that thread watches
the connections of all leases that are resting. A loop is begun when there is work that no idle one can take, and ends
when it has been idle for a while.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from .. import address_space
from ..model import ErrorKind, Failed
from ..ports import LEASES_OUT, Begun, Done, Fetch, Resting, Unbegun, Work
from ..uptime import UPTIME

T = TypeVar("T")

COURTESY = 0.02  # seconds that leases worked in turns wait at most while the engine takes in what they gave
IDLE = 1.0  # seconds without work after which a loop ends and leaves its thread to the executor
RINGS = 64  # bytes to read at once: more than are ever in the pipe


class _Lane(Generic[T]):
    """Work of one kind, and the loops over it. most: loops that there may be."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.out = 0  # leases at work; the engine's thread only
        self.started = 0
        self.lock = threading.Lock()  # guards started, and that no loop ends while work is put
        self.work: queue.SimpleQueue[T | None] = queue.SimpleQueue()

    def next(self) -> T | None:
        """Work; None where the loop is to end: closed or, so that a forgotten run keeps no program alive, idle."""
        while True:
            try:
                return self.work.get(timeout=IDLE)
            except queue.Empty:
                with self.lock:
                    if self.work.empty():
                        self.started -= 1
                        return None


class _Turns(_Lane[Work | Resting]):
    """What one loop works in turns: a second one would fight it for the interpreter, measured no gain.

    Keeps ``ports.Source``: the loop waits for many connections at once, and for a bell that ``put`` rings.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self.more = False
        self._listening = False
        self._way = threading.Lock()  # held by nobody: released where the way is free
        self.ear, self._bell = os.pipe()
        os.set_blocking(self.ear, False)

    def __del__(self) -> None:
        with suppress(AttributeError):  # there was no descriptor to be had
            os.close(self.ear)
            os.close(self._bell)

    def put(self, work: Work | Resting) -> None:
        """Add work, and wake the loop where it listens."""
        self.work.put(work)
        self.more = True
        if self._listening:
            self._listening = False
            os.write(self._bell, b"!")

    def another(self) -> Work | Resting | None:
        """See ``ports.Source``."""
        self.more = False  # before the look, so that what comes after it is seen
        try:
            work = self.work.get_nowait()
        except queue.Empty:
            return None
        if work is None:
            self.work.put(None)  # closed: for ``next`` to see
        else:
            self.more = True
        return work

    def listen(self) -> None:
        """See ``ports.Source``."""
        self._listening = True

    def heard(self) -> None:
        """See ``ports.Source``."""
        with suppress(BlockingIOError):
            os.read(self.ear, RINGS)

    def make_way(self) -> None:
        """See ``ports.Source``."""
        self._way.acquire(timeout=COURTESY)

    def way_is_needed(self) -> None:
        """From now on ``make_way`` waits for ``way_is_free``."""
        self._way.acquire(blocking=False)

    def way_is_free(self) -> None:
        """The engine's thread has nothing to do."""
        with suppress(RuntimeError):  # it was free already
            self._way.release()


class Threads:
    """Keeps ``ports.Crew``. ``hand``, ``wait`` and ``close`` belong to the engine's thread."""

    def __init__(self, fetch: Fetch, workers: int) -> None:
        self._fetch = fetch
        most = LEASES_OUT * workers  # those that hang leave their workers' places to others, and keep their threads
        self._executor = ThreadPoolExecutor(most + 1, thread_name_prefix="scrapepool")
        self._single = _Lane[Work | Begun](most)
        self._quick = _Turns()
        self._done: queue.SimpleQueue[Sequence[Done | Resting | Unbegun]] = queue.SimpleQueue()
        self._address_space = address_space.limit()
        if self._address_space is not None:
            address_space.spare()

    def __repr__(self) -> str:
        started = self._single.started + self._quick.started
        return f"<Threads {self._single.out + self._quick.out} of {started} at work, {self._single.most} at most>"

    def hand(self, work: Work) -> None:
        """Give work to a free worker."""
        single = self._single
        if work.lease.quick:
            self._quick.out += 1
            if self._put_quick(work):
                return
        else:
            single.out += 1
        with single.lock:
            single.work.put(work)
            if single.started < min(single.most, max(single.out, 1)):
                self._begin(single, self._one_by_one)

    def wait(self, timeout: float | None) -> list[Done | Resting | Unbegun]:
        """What has come back; see ``ports.Crew``."""
        back: list[Done | Resting | Unbegun] = []
        with suppress(queue.Empty):
            if self._done.empty():
                self._quick.way_is_free()
                back += self._done.get(timeout=timeout)
            while True:
                back += self._done.get_nowait()
        for one in back:
            if one.rested if isinstance(one, Done) else isinstance(one, Unbegun):
                continue
            (self._quick if one.work.lease.quick else self._single).out -= 1
        return back

    def wake(self) -> None:
        """End a ``wait`` early; a SimpleQueue may be put to from a signal handler."""
        self._done.put(())

    def close(self) -> None:
        """Let the threads go, without waiting for them."""
        for lane in (self._single, self._quick):
            with lane.lock:
                for _ in range(lane.started):
                    lane.work.put(None)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _begin(self, lane: _Lane[Any], loop: Callable[[], None]) -> None:
        """Begin a loop. Raises RuntimeError where the system gives no more threads and the lane has none."""
        if (
            self._address_space is not None
            and lane.started
            and not address_space.has_room_for_thread(self._address_space)
        ):
            lane.most = lane.started
            return
        try:
            self._executor.submit(_timed, loop)
        except RuntimeError:
            if not lane.started:
                raise
            lane.most = lane.started  # those that there are take the work in turn
        else:
            lane.started += 1

    def _one_by_one(self) -> None:
        while (work := self._single.next()) is not None:
            back: Done | Resting
            try:
                back = self._fetch.run(work, self._done.put)
            except BaseException as error:  # noqa: BLE001 - a bug in the fetch stage costs a record, not a worker
                back = _broken(work if isinstance(work, Work) else work.work, error)
            self._done.put((back,))
            if not isinstance(back, Done):
                self._lay_aside(back)

    def _lay_aside(self, resting: Resting) -> None:
        """Leave a lease to the loop that waits for many; where there can be none, this thread is it."""
        if not self._put_quick(resting):
            self._work_in_turns(resting)

    def _put_quick(self, work: Work | Resting) -> bool:
        """Give work to the loop over many leases; False where the system gives no thread for one, from then on."""
        quick = self._quick
        with quick.lock:
            if not quick.started and quick.most:
                try:
                    self._begin(quick, self._in_turns)
                except RuntimeError:
                    quick.most = 0
            if quick.most:
                quick.put(work)
        return bool(quick.most)

    def _pass_on(self, begun: Begun) -> None:
        """Have a lease connect on a thread where that holds up no other."""
        single = self._single
        with single.lock:
            if single.started < single.most:
                self._begin(single, self._one_by_one)
            single.work.put(begun)

    def _in_turns(self) -> None:
        while (first := self._quick.next()) is not None:
            self._work_in_turns(first)

    def _give_together(self, back: Sequence[Done | Resting | Unbegun]) -> None:
        self._quick.way_is_needed()
        self._done.put(back)

    def _work_in_turns(self, first: Work | Resting) -> None:
        try:
            self._fetch.run_in_turns(first, self._quick, self._give_together, self._pass_on)
        except BaseException as error:  # noqa: BLE001 - as above
            self._done.put((_broken(first if isinstance(first, Work) else first.work, error),))


def _timed(loop: Callable[[], None]) -> None:
    with UPTIME:
        loop()


def _broken(work: Work, error: BaseException) -> Done:
    attempt = work.attempts[0]
    detail = f"a bug in scrapepool: {type(error).__name__}: {error}"
    return Done(
        work,
        [Failed(**{**attempt.ended(detail), "attempts": attempt.number}, error=ErrorKind.INTERNAL)],
    )
