"""A clock that counts only the time in which this process could run. Timeouts are measured with it.

Decides when the process was stopped: none of its threads ran for ``GAP`` seconds. The causes are SIGSTOP, Ctrl-Z, a
virtual machine that was paused, and a machine that is short of memory. While anybody measures, an extra thread shows
that the process runs. The age of something, of a cached name for example, is measured with the machine's own clock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from types import TracebackType
from typing import Self

TICK = 0.2
"""Seconds between two moments at which the thread shows that the process runs."""

GAP = 0.6
"""Seconds without such a moment, after which the process counts as stopped."""


class RunningClock:
    """A clock that stands still while the process is stopped. It does so only within its block, which starts a thread.

    The block may be entered many times, by many threads. stood: seconds that the process was stopped until now.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards all but ``_seen``
        self._users = 0
        self._end = threading.Event()
        self.stood = 0.0
        self._beat = inf  # when the thread ran last; infinite if there is none
        self._seen = -inf  # when the time was last read

    def __repr__(self) -> str:
        return f"<RunningClock {self._users} users, stood for {self.stood:.1f} s>"

    def __enter__(self) -> Self:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._end = threading.Event()
                thread = threading.Thread(target=self._watch, args=(self._end,), name="scrapepool-clock", daemon=True)
                with suppress(RuntimeError):  # the system starts no further threads
                    thread.start()
                    self._beat = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._beat = inf
                self._end.set()

    def monotonic(self) -> float:
        """Return seconds that never jump; their zero has no meaning."""
        while True:
            stood = self.stood
            now = self._clock()
            if now - self._seen > GAP and now - self._beat > GAP:
                self.look()
            elif stood == self.stood:  # else the process was stopped between the two readings
                self._seen = now
                return now - stood

    def look(self) -> None:
        """Show that the process runs, and find out whether it was stopped."""
        with self._lock:
            if self._beat == inf:
                return
            now = self._clock()
            ran = max(self._beat, self._seen)
            if now - ran > GAP:
                self.stood += now - ran
            self._beat = now

    def forget(self) -> None:
        """Begin again without users: a forked process has none of the threads of its parent."""
        self._lock = threading.Lock()
        self._users, self._beat = 0, inf

    def _watch(self, end: threading.Event) -> None:
        while not end.wait(TICK):
            self.look()


RUNNING_CLOCK = RunningClock()
monotonic = RUNNING_CLOCK.monotonic
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RUNNING_CLOCK.forget)
