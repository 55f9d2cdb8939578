"""How many workers are worth having at work at once.

Decides it from two figures: the share of a core that the process uses, and how many requests come
back a second. While there is CPU to spare, requests in flight are what counts, so workers are
added at once. Where the interpreter itself is the limit more threads make it slower (64 threads
took a third more CPU a request than 8 on loopback): then the number is raised or lowered step by
step, and a step is kept only if throughput gains from it. Knows no threads; time is an argument.
"""

from __future__ import annotations

FIRST = 8
"""Workers to begin with: what was quickest on a quick network."""

SPARE = 0.75
"""Share of a core up to which the process has CPU to spare; one interpreter can use little more than one."""

STEP = 0.02
"""Seconds between two looks while there is CPU to spare: 8 become 128 within a tenth of a second."""

TRIAL = 0.2
"""Seconds that a number of workers is tried: some thousands of requests where it matters."""

REST = 4.0
"""Seconds before the next trial, once one brought nothing."""

GAIN = 1.05
"""Ratio of throughputs from which on a step counts as a gain: below lies noise."""

FACTOR = 1.5
"""How far one step goes, up or down."""


class Headcount:
    """The number of workers that may be at work.

    allowed: that number, 1 to ``most``. due: monotonic time before which a ``look`` changes nothing.
    """

    def __init__(self, most: int) -> None:
        self.allowed = min(most, FIRST)
        self._most = most
        self.due = float("-inf")
        self._at: float | None = None  # of the last look
        self._cpu = 0.0
        self._done = 0
        self._before: tuple[int, float] | None = (
            None  # what a running trial is compared with: workers, requests a second
        )
        self._upwards = True
        self._quiet_until = 0.0

    def __repr__(self) -> str:
        return f"<Headcount {self.allowed} of {self._most}>"

    def look(self, now: float, cpu: float, done: int) -> None:
        """Think again. cpu: seconds of CPU used so far. done: requests that have come back so far."""
        if self._at is None:
            self._note(now, cpu, done)
            return
        seconds = now - self._at
        if now < self._at + STEP:
            return
        if (cpu - self._cpu) / seconds < SPARE:
            self._before = None
            self.allowed = min(self._most, self.allowed * 2)
            self._note(now, cpu, done)
        elif now >= self._at + TRIAL:
            self._climb(now, (done - self._done) / seconds)
            self._note(now, cpu, done)
        else:
            self.due = self._at + TRIAL

    def _note(self, now: float, cpu: float, done: int) -> None:
        self._at, self._cpu, self._done = now, cpu, done
        self.due = now + STEP

    def _climb(self, now: float, rate: float) -> None:
        if self._before is not None:
            workers, rate_before = self._before
            # Fewer workers are kept for the same rate, more of them only for a better one.
            if rate >= rate_before * (GAIN if self.allowed > workers else 1 / GAIN):
                self._try(rate)
                return
            self.allowed = workers
            self._before = None
            self._upwards = not self._upwards
            self._quiet_until = now + (REST if self._upwards else 0.0)  # both ways were tried
        elif now >= self._quiet_until:
            self._try(rate)

    def _try(self, rate: float) -> None:
        step = int(self.allowed * FACTOR + 0.5) if self._upwards else int(self.allowed / FACTOR)
        step = max(1, min(self._most, step))
        self._before = None if step == self.allowed else (self.allowed, rate)
        if self._before is None:
            self._upwards = not self._upwards
        self.allowed = step
