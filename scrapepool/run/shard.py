"""A shard beside its caller: an engine with its event loop on one thread of an executor, whose outcomes another takes.

Decides how outcomes cross from the one thread to the other: in batches, through a queue without a lock. The engine's
thread never waits for whoever writes them; while too much is unwritten it only begins nothing, so that deadlines hold.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import suppress

from ..engine import IDLE, Engine
from ..model import Outcome, Transcript
from ..ports import Archive, Snapshot

MAX_UNWRITTEN = 500
"""Outcomes that are not taken yet, above which nothing is begun."""

MAX_BYTES = 32 * 1024 * 1024
"""The same, of their bodies."""

LOOK = 0.1
"""Seconds between two looks at whether the engine's thread has ended."""

Batch = tuple[Sequence[Transcript], Sequence[Outcome], int]
"""What was exchanged, what came of it, and the bytes of bodies in both."""


class Shard:
    """Runs one engine. ``full`` and ``wake`` may be called from any thread, all else from the caller's only."""

    def __init__(self) -> None:
        self._batches: queue.SimpleQueue[Batch | BaseException | None] = queue.SimpleQueue()
        self._put = self._put_bytes = 0  # by the engine's thread
        self._taken = self._taken_bytes = 0  # by the caller's
        self._running: Future[None] | None = None
        self._ended = False  # by the engine's thread, whatever it could tell of its end
        self._asked: deque[Future[Snapshot]] = deque()

    def __repr__(self) -> str:
        return f"<Shard {self._put - self._taken} outcomes not taken>"

    def full(self) -> bool:
        """Whether so much is not taken yet that nothing is to be begun."""
        return self._put - self._taken > MAX_UNWRITTEN or self._put_bytes - self._taken_bytes > MAX_BYTES

    def wake(self) -> None:
        """Have ``outcomes`` yield, if only nothing. May be called from a signal handler."""
        self._batches.put(((), (), 0))

    def outcomes(self, engine: Engine, executor: Executor, archive: Archive | None) -> Generator[Sequence[Outcome]]:
        """As ``Engine.run``, which runs on a thread of ``executor``; ``archive`` is used on this thread."""
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
                wait((running,), LOOK)
            if running.done():
                running.result()

    def _next(self) -> Batch | BaseException | None:
        """The next batch. Raises MemoryError where the engine's thread had none left to say that it ends."""
        while True:
            with suppress(queue.Empty):
                return self._batches.get(timeout=IDLE)
            if self._ended and self._batches.empty():
                raise MemoryError

    def snapshot(self, engine: Engine) -> Snapshot:
        """The run at this moment, as the engine's thread sees it."""
        asked: Future[Snapshot] = Future()
        self._asked.append(asked)
        engine.wake()
        while self._running is not None and not (self._running.done() or self._ended):
            with suppress(TimeoutError):
                return asked.result(LOOK)
        return engine.snapshot()

    def _run(self, engine: Engine, transcripts: list[Transcript] | None) -> None:
        try:
            try:
                for outcomes in engine.run(None if transcripts is None else _Kept(transcripts)):
                    while self._asked:
                        self._asked.popleft().set_result(engine.snapshot())
                    self._hand_over(transcripts, outcomes)
            finally:
                if transcripts:
                    self._hand_over(transcripts, ())
        except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
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
        size = sum(len(one.reply) for one in exchanged if isinstance(one.reply, bytes))
        size += sum(len(outcome.body) for outcome in outcomes if outcome.body is not None)
        self._put += len(outcomes)
        self._put_bytes += size
        self._batches.put((exchanged, outcomes, size))


class _Kept:
    """Keeps ``ports.Archive`` for the engine: what is to be archived goes with the outcomes."""

    def __init__(self, transcripts: list[Transcript]) -> None:
        self._transcripts = transcripts

    def keep(self, transcripts: Sequence[Transcript]) -> None:
        """Set them aside."""
        self._transcripts += transcripts

    def close(self) -> None:
        """Nothing: the archive is its owner's."""
