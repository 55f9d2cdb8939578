"""A shard: an engine with its event loop on one thread of an executor, and its outcomes on the caller's thread.

Outcomes cross from one thread to the other in batches, through a queue. The engine's thread never waits for the writer:
while too many outcomes are not written, it starts no new work, but keeps the deadlines of what is in flight.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from typing import Any, TypeVar

from ..engine import MAX_SLEEP, Engine
from ..model import Outcome, Transcript
from ..ports import Archive

MAX_UNWRITTEN = 500
"""While more outcomes than this wait to be taken, no new work starts."""

MAX_BYTES = 32 * 1024 * 1024
"""The same for the bytes of their bodies."""

T = TypeVar("T")

POLL_INTERVAL = 0.1
"""Seconds between two checks whether the engine's thread has ended."""

OutcomeBatch = tuple[Sequence[Transcript], Sequence[Outcome], int]
"""Transcripts to archive, outcomes, and the bytes of bodies in both."""


class Shard:
    """Runs one engine.

    ``full``, ``wake`` and ``on_engine`` may be called from any thread, everything else from the caller's only.
    """

    def __init__(self) -> None:
        self._batches: queue.SimpleQueue[OutcomeBatch | BaseException | None] = queue.SimpleQueue()
        self._put = self._put_bytes = 0  # written by the engine's thread
        self._taken = self._taken_bytes = 0  # written by the caller's thread
        self._running: Future[None] | None = None
        self._ended = False  # written by the engine's thread, in any case
        self._asked: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def __repr__(self) -> str:
        return f"<Shard {self._put - self._taken} outcomes not taken>"

    def full(self) -> bool:
        """Whether so many outcomes wait to be taken that no new work should start."""
        return self._put - self._taken > MAX_UNWRITTEN or self._put_bytes - self._taken_bytes > MAX_BYTES

    def wake(self) -> None:
        """Make ``outcomes`` yield, if only an empty batch. May be called from a signal handler."""
        self._batches.put(((), (), 0))

    def outcomes(self, engine: Engine, executor: Executor, archive: Archive | None) -> Generator[Sequence[Outcome]]:
        """As ``Engine.run``, which runs on a thread of ``executor``. ``archive`` is used on the caller's thread."""
        running = self._running = executor.submit(self._run, engine, None if archive is None else [])
        try:
            while (batch := self._next()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                transcripts, outcomes, size = batch
                if archive is not None and transcripts:
                    archive.keep(transcripts)
                yield outcomes
                was_full = self.full()
                self._taken += len(outcomes)
                self._taken_bytes += size
                if was_full and not self.full():
                    engine.wake()
        finally:
            engine.halt()
            while not (running.done() or self._ended):
                wait((running,), POLL_INTERVAL)
            if running.done():
                running.result()

    def _next(self) -> OutcomeBatch | BaseException | None:
        """Return the next batch. Raises MemoryError if the engine's thread had no memory left to report its end."""
        while True:
            with suppress(queue.Empty):
                return self._batches.get(timeout=MAX_SLEEP)
            if self._ended and self._batches.empty():
                raise MemoryError

    def on_engine(self, engine: Engine, function: Callable[[], T]) -> T:
        """Call a function on the engine's thread, and return what it returns. May be called from any thread."""
        asked: Future[T] = Future()
        self._asked.append((asked, function))
        engine.wake()
        while self._running is not None and not (self._running.done() or self._ended):
            with suppress(TimeoutError):
                return asked.result(POLL_INTERVAL)
        return function()

    def _run(self, engine: Engine, transcripts: list[Transcript] | None) -> None:
        try:
            try:
                for outcomes in engine.run(None if transcripts is None else _Kept(transcripts)):
                    while self._asked:
                        asked, function = self._asked.popleft()
                        asked.set_result(function())
                    self._hand_over(transcripts, outcomes)
            finally:
                if transcripts:
                    self._hand_over(transcripts, ())
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self._batches.put(error)
        else:
            self._batches.put(None)
        finally:
            self._ended = True

    def _hand_over(self, transcripts: list[Transcript] | None, outcomes: Sequence[Outcome]) -> None:
        exchanged: list[Transcript] = []
        if transcripts:
            exchanged = transcripts[:]
            transcripts.clear()
        size = sum(len(one.response) for one in exchanged if isinstance(one.response, bytes))
        size += sum(len(outcome.body) for outcome in outcomes if outcome.body is not None)
        self._put += len(outcomes)
        self._put_bytes += size
        self._batches.put((exchanged, outcomes, size))


class _Kept:
    """The engine's ``ports.Archive``: collects transcripts, which are passed on with the outcomes."""

    def __init__(self, transcripts: list[Transcript]) -> None:
        self._transcripts = transcripts

    def keep(self, transcripts: Sequence[Transcript]) -> None:
        """Collect transcripts."""
        self._transcripts += transcripts

    def close(self) -> None:
        """Do nothing: the caller closes the archive."""
