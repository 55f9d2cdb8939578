"""One worker process as its run sees it: the stream to it, and the leases that are out there.

Decides nothing: ``process_transport`` decides which lease goes where, and what becomes of those of a process that died.
"""

from __future__ import annotations

import pickle
import subprocess
from collections import deque

from ...ports import Done, Unbegun, Work
from ...worker_process import death_of
from .channel import Channel
from .codec import Plain, Report, dumps, number_of, pack_work, unpack_back
from .messages import Ask
from .process_starter import ProcessStarter
from .suspects import OutWork
from .worker import Start

EXIT_GRACE = 2.0
"""Seconds that a process may take to end after its stream was closed."""

MOST_TOGETHER = 16
"""Leases in one message: the process begins the first ones while the others are still being spelled."""


class WorkerHandle:
    """One worker process. starter: starts it. Raises OSError if it cannot be started.

    out: the leases that are out, by number. held: leases on targets that were in flight when a process died, which go
    out one at a time. suspect: the number of the one that is out, None if none is. in_flight: leases that count.
    cpu, received: as in ``Report``. counted: ``received`` at the last division. proven: whether it has ever reported
    anything. killed: whether a signal ended it. share: bytes per second that it may receive; 0.0 without a limit.
    """

    def __init__(self, start: Start, starter: ProcessStarter) -> None:
        self.number = start.number
        self.out: dict[int, OutWork] = {}
        self.held: deque[Work] = deque()
        self.suspect: int | None = None
        self.cpu = 0.0
        self.received = self.counted = 0
        self.share = start.bandwidth or 0.0
        self.proven = self.killed = False
        self.failure: str | None = None  # what it said before it ended by itself
        self._unsent: list[Plain] = []
        self._sent = 0
        self._reported = (0, 0)
        self._process, descriptor = starter.start()
        self.channel = Channel(descriptor)
        self.channel.put(pickle.dumps(start, pickle.HIGHEST_PROTOCOL))

    def __repr__(self) -> str:
        return f"<WorkerHandle {self.number}: {len(self.out)} leases out>"

    @property
    def in_flight(self) -> int:
        """Leases that count as in flight: those of the last report, and those that are not in it yet."""
        begun, in_flight = self._reported
        return in_flight + self._sent - begun + len(self.held)

    def begin(self, number: int, work: Work, begins: int) -> None:
        """Queue a lease. begins: as in ``OutWork``."""
        self.out[number] = OutWork(work, begins)
        self._sent += 1
        self._unsent.append(
            pack_work(number, work if begins == len(work.attempts) else work._replace(attempts=work.attempts[:begins]))
        )
        if len(self._unsent) >= MOST_TOGETHER:
            self._put_unsent()

    def ask(self, ask: Ask, what: Plain = None) -> None:
        """Queue a message."""
        self._put_unsent()
        self.channel.put(dumps((int(ask), what)))

    def flush(self) -> bool:
        """Send what is queued, as far as that needs no wait; return whether all of it was sent. Raises OSError."""
        self._put_unsent()
        return self.channel.flush()

    def take(self, report: Report) -> list[Done | Unbegun]:
        """Take a report in, and return what came back with it."""
        self.proven = True
        self._reported = report.begun, report.in_flight
        self.cpu, self.received = report.cpu, report.received
        back: list[Done | Unbegun] = []
        for packed in report.back:
            number = number_of(packed)
            out = self.out[number]
            one = unpack_back(packed, out.work, out.given, self.channel.descriptors)
            if isinstance(one, Done):
                del self.out[number]
                if number == self.suspect:
                    self.suspect = None
            else:
                out.given += len(one.results) + one.again
                out.begins = min(out.begins, one.begun)
            back.append(one)
        return back

    def end(self) -> str:
        """Close the stream, wait for the end of the process, and return how it ended."""
        self.channel.close()
        try:
            code = self._process.wait(EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self.failure is not None:
            return f"ended by a bug in scrapepool: {self.failure}"
        killer = death_of(code)
        self.killed = killer is not None
        return f"ended with exit code {code}" if killer is None else f"was killed by {killer}"

    def _put_unsent(self) -> None:
        if self._unsent:
            self.channel.put(dumps((int(Ask.BEGIN), self._unsent)))
            self._unsent = []
