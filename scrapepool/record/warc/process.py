"""An archive that is written by a process of its own: hashing and compression take more time than fetching does.

Decides what is sent there, and when an outcome's exchanges count as kept. What is written, and where, is ``archive``'s
to decide; the other end of the pipe is ``child``.
"""

from __future__ import annotations

import marshal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.reduction import send_handle

from ...errors import OutputError, system_reason
from ...model import Outcome, Transcript
from ...settings import WarcSettings
from ...worker_process import death_of, spawn
from ..safe_io.durability import Fsync
from ..safe_io.output import never

LOOK_EVERY = 0.1
"""Seconds between two looks at whether to give up, while the files of an earlier run are read."""

IDLE_AFTER = 0.1
"""Seconds without an exchange after which the next ones are waited for: else what speaks of them would be written when
others come, which may take a second."""

SOON = 0.05
"""Seconds that they are waited for: a hundred times as long as they take."""

MESSAGE = 4 * 1024 * 1024
"""Bytes of replies, but for the last one, that are sent together."""

LAST_WORDS = 5.0
"""Seconds that the process is given to end when it has nothing left to do."""


class ArchiveProcess:
    """Keeps ``ports.Archive`` and ``ports.Store`` over a ``WarcArchive`` elsewhere; parameters and errors are its.

    Raises OutputError where the process cannot be started or ends before its time.
    """

    def __init__(
        self,
        settings: WarcSettings,
        said: Mapping[str, str],
        *,
        resume: bool = False,
        fsync: Fsync = "second",
        should_stop: Callable[[], bool] = never,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = settings.path or ""
        self._sent = self._answered = 0  # messages
        self._given = self._kept = 0  # outcomes
        self._marks: deque[tuple[int, int]] = deque()  # once so many messages are answered, so many outcomes are kept
        self._idle = True  # the last ones were the only ones for a while
        self._last = 0.0  # monotonic; when there were any
        self._error: Exception | None = None
        self._closed = False
        try:
            self._process, self._pipe = spawn("scrapepool.record.warc.child")
        except OSError as error:
            raise OutputError(self._path, f"cannot start the process that writes it: {system_reason(error)}") from error
        try:
            self._pipe.send((settings, dict(said), resume, fsync))
            self._sent = 1
            while not self._answered and not should_stop():
                if self._pipe.poll(LOOK_EVERY):
                    self._take(on_note)
                    self._raise()
        except OSError:
            why = self._why()
            self._end()
            raise why from None
        except BaseException:
            self._end()
            raise
        if not self._answered:
            self._end()
            raise KeyboardInterrupt

    def __repr__(self) -> str:
        return f"<ArchiveProcess {self._path!r} {self._sent - self._answered} messages under way>"

    def keep(self, transcripts: Sequence[Transcript]) -> None:
        """Have the exchanges written. Raises OutputError, of earlier ones too."""
        now = time.monotonic()
        self._idle, self._last = now - self._last > IDLE_AFTER, now
        together: list[tuple[object, ...]] = []
        size = 0
        for transcript in transcripts:
            response = transcript.response
            if isinstance(response, bytes):
                together.append(tuple(transcript))  # marshal knows no classes
                size += len(response)
                if size < MESSAGE:
                    continue
            self._send(together)
            together, size = [], 0
            if isinstance(response, bytes):
                continue
            with response.file as file:
                file.flush()
                message = tuple(transcript._replace(response=b""))
                self._send([message], (file.fileno(), response.begin, response.size))
        self._send(together)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of outcomes, whose exchanges were given to ``keep`` before. Raises OutputError."""
        if outcomes:
            self._given += len(outcomes)
            self._marks.append((self._sent, self._given))
        while self._awaits and self._pipe.poll(SOON if self._idle else 0):
            self._take()
        self._raise()

    @property
    def kept(self) -> int:
        """How many of those outcomes, the first so many, have their exchanges in the archive."""
        marks = self._marks
        while marks and marks[0][0] <= self._answered:
            self._kept = marks.popleft()[1]
        return self._kept

    def close(self) -> None:
        """Have the archive finished. Raises OutputError."""
        if self._closed:
            return
        try:
            self._raise()
            self._post(b"")
            while self._awaits:
                self._take()
            self._raise()
        finally:
            self._end()

    @property
    def _awaits(self) -> bool:
        """Whether there is an answer to come."""
        return self._error is None and self._sent > self._answered

    def _send(self, together: list[tuple[object, ...]], span: tuple[int, int, int] | None = None) -> None:
        if not together:
            return
        where = None if span is None else span[1:]
        self._post(marshal.dumps((together, where)))
        if span is not None:
            try:
                send_handle(self._pipe, span[0], self._process.pid)
            except OSError:
                self._broken()

    def _post(self, message: bytes) -> None:
        self._raise()
        try:
            self._pipe.send_bytes(message)
        except OSError:
            self._broken()
        self._sent += 1

    def _take(self, on_note: Callable[[str], None] = lambda _: None) -> None:
        """Take one answer, and wait for it."""
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            self._error = self._why()
            return
        if isinstance(answer, str):
            on_note(answer)
        elif isinstance(answer, Exception):
            self._error = answer
        else:
            self._answered += 1

    def _broken(self) -> None:
        """Raise what the process said before it went away."""
        while self._error is None:
            self._take()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _why(self) -> OutputError:
        try:
            code = self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            return OutputError(self._path, "the process that writes it does not respond")
        killer = death_of(code)
        how = f"ended with exit code {code}" if killer is None else f"was killed by {killer}"
        return OutputError(self._path, f"the process that writes it {how}")

    def _end(self) -> None:
        self._closed = True
        self._pipe.close()
        try:
            self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
