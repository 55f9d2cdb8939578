"""A run's side of a host memory: a thread that writes reports, and what is to be written next.

Decides when a report is written: four times per second, and at once if a host waits for its share. What was learned
about hosts is written every ten seconds and at the end. Decides that a run which could not report for too long gives up
its shares. Does not know the format of the file.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from math import inf

from ..errors import ScrapepoolError
from ..model import HostKey
from ..ports import Clock
from ..schedule.robots import RobotsVerdict
from ..schedule.sharing.host_quota import Allocations, QuotaAllocation, QuotaRequest
from ..schedule.sharing.host_state import HostState, SharingRun
from .host_file import EXPIRY, HostFile, LockedFileError, Report
from .host_rows import MakeRules, known_in, moved

BEAT = 0.25
"""Seconds between two reports: other runs learn of a pause this soon, and to hand over a host takes twice as long."""

SAVE = 10.0
"""Seconds between two writes of what was learned about unfinished hosts, which is lost if the process is killed."""

MARGIN = 2.0
"""Seconds before its claims expire at which a run without an answer stops, so that no request starts after that."""

DRIFT = 0.1
"""Seconds that the two clocks may differ before one is adjusted: claims should not change with each report."""

CLOSE_TIMEOUT = 10.0
"""Seconds that the end of a run waits for its last report; a transaction of another run may delay it for five."""

LOCKED_FOR = 60.0
"""Seconds for which a report is tried while another process has locked the file, as one does that was stopped amid its
report. Meanwhile the run gives up its shares."""

SUSPENDED = Allocations(alone=False, grants={})


class HostStore:
    """A ``ports.HostMemory`` over a file. wake: ends the engine's wait."""

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        make_rules: MakeRules,
        agent_of: Callable[[HostKey], str],
        wake: Callable[[], None],
    ) -> None:
        """Open the file. Raises UsageError if it is not a host memory, and OutputError."""
        self.due = -inf
        self._file = HostFile(path)
        self._reader = HostFile(path)
        self._clock = clock
        self._make_rules = make_rules
        self._agent_of = agent_of
        self._wake = wake
        self._offset = clock.wall() - clock.monotonic()
        # The engine's thread only:
        self._known: dict[HostKey, HostState] = {}
        self._robots: dict[HostKey, tuple[RobotsVerdict, float]] = {}
        self._alone = False
        self._waits = False  # whether a host was started since the last report, and waits for its share
        self._pending = False  # whether a report is with the thread
        self._failed = False  # whether the file can no longer be written
        self._reported_at = -inf
        self._saved_at = clock.monotonic()
        self._valid_until = inf
        # Between the two:
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Allocations, float] | ScrapepoolError] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="scrapepool-memory", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<HostStore of {self._file!r}, {len(self._known)} hosts to be written>"

    def recall(self, host: HostKey, now: float) -> HostState | None:
        """Return what is known about a host. Raises OutputError."""
        if not self._alone:
            self._waits = True
            if not self._pending:
                self.due = -inf
        if (unwritten := self._known.get(host)) is not None:
            return unwritten
        row = self._reader.row(host)
        if row is None:
            return None
        known = known_in(row, self._make_rules, lambda: self._agent_of(host))
        return moved(known, now - self._clock.wall())

    def keep(self, host: HostKey, known: HostState) -> None:
        """Write what was learned about a host with the next report."""
        self._known[host] = known

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Write a robots.txt with the next report."""
        self._robots[host] = verdict, now

    def exchange(self, run: SharingRun, now: float) -> None:
        """Take the answer to the last report, if there is one, and make the next report if it is due."""
        if self._pending:
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                pass
            else:
                self._pending = False
                self._take(answer, run, now)
        if now >= self._valid_until:
            self._valid_until = inf
            self._alone = False
            run.apply(SUSPENDED, now)
        if not self._pending and (self._waits or now >= self._reported_at + BEAT):
            self._send_report(run, now)
        else:
            self.due = self._valid_until if self._pending else self._reported_at + BEAT
        if self._pending and not self._answers.empty():
            self.due = -inf  # the answer came in the meantime

    def close(self, run: SharingRun, now: float) -> None:
        """Report a last time, and close the file."""
        self._closing = True
        if not self._failed:
            self._known |= run.host_states(now)
            self._reports.put(self._report({}, leaving=True))
        self._reports.put(None)
        self._thread.join(CLOSE_TIMEOUT)
        self._reader.close()
        while not self._failed and not self._answers.empty():
            answer = self._answers.get()
            if isinstance(answer, ScrapepoolError):
                raise answer

    def _take(self, answer: tuple[Allocations, float] | ScrapepoolError, run: SharingRun, now: float) -> None:
        if isinstance(answer, ScrapepoolError):
            self._failed = True
            raise answer
        shares, written = answer
        self._valid_until = written + EXPIRY - MARGIN
        if self._alone and not shares.alone:
            self._waits = True  # the claims must be stated now
        self._alone = shares.alone
        grants = {
            host: QuotaAllocation(slots, free_at - self._offset, parked_until - self._offset)
            for host, (slots, free_at, parked_until) in shares.grants.items()
        }
        run.apply(Allocations(shares.alone, grants), now)

    def _send_report(self, run: SharingRun, now: float) -> None:
        offset = self._clock.wall() - self._clock.monotonic()
        if abs(offset - self._offset) > DRIFT:
            self._offset = offset
        if now >= self._saved_at + SAVE:
            self._saved_at = now
            self._known |= run.host_states(now)
        report = self._report({} if self._alone else run.quota_requests())
        self._waits = False
        self._pending = True
        self._reported_at = now
        self.due = self._valid_until
        self._reports.put(report)

    def _report(self, claims: dict[HostKey, QuotaRequest], *, leaving: bool = False) -> Report:
        """Return the next report, with times of the wall clock."""
        offset = self._offset
        report = Report(
            self._alone,
            {
                host: claim._replace(free_at=claim.free_at + offset, parked_until=claim.parked_until + offset)
                for host, claim in claims.items()
            },
            {host: moved(known, offset) for host, known in self._known.items()},
            {host: (verdict, at + offset) for host, (verdict, at) in self._robots.items()},
            leaving,
        )
        self._known, self._robots = {}, {}
        return report

    def _write(self) -> None:
        """Run the thread: one transaction per report."""
        while (report := self._reports.get()) is not None:
            self._answers.put(self._exchanged(report))
            self.due = -inf
            self._wake()
        self._file.close()

    def _exchanged(self, report: Report) -> tuple[Allocations, float] | ScrapepoolError:
        """Write a report; return the shares and when it was written, or why it was not."""
        until = self._clock.monotonic() + LOCKED_FOR
        while True:
            began = self._clock.monotonic()
            try:
                return self._file.exchange(report, self._clock.wall()), began
            except LockedFileError as error:
                if self._closing or began >= until:
                    return error
            except ScrapepoolError as error:
                return error
