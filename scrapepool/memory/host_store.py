"""Keeps a run's side of a host memory: one thread that writes, and what is to be written until it does.

Decides when the file is told something: four times a second, at once where a host waits for its share, every ten
seconds all that was found out, and the rest at the end. Decides that a run which could not tell the file anything for
too long lets go of its shares. Does not know what stands in the file.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from math import inf

from ..errors import ScrapepoolError
from ..model import HostKey
from ..ports import Clock
from ..schedule.memory import Known, Sharer
from ..schedule.robots import RobotsVerdict
from ..schedule.shares import Claim, Grant, Shares
from .host_file import EXPIRY, HostFile, Report
from .host_rows import MakeRules, known_in, moved

BEAT = 0.25
"""Seconds between two reports: how soon a parking is known to others, and half of what handing a host over takes."""

SAVE = 10.0
"""Seconds between two savings of what was found out of hosts that are not finished: what a kill costs."""

MARGIN = 2.0
"""Seconds before its claims expire at which a run that is behind stops: its requests should not begin after that."""

DRIFT = 0.1
"""Seconds that the two clocks may part before one is set by the other: claims should not change with each report."""

FAREWELL = 10.0
"""Seconds that the end of a run waits for its last report, which another run's transaction may hold up for five."""

SUSPENDED = Shares(alone=False, grants={})


class HostStore:
    """Keeps ``ports.HostMemory`` over an open file, which it closes. wake: ends the engine's sleep."""

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        make_rules: MakeRules,
        agent_of: Callable[[HostKey], str],
        wake: Callable[[], None],
    ) -> None:
        """Open the file. Raises UsageError for one that is no host memory, and OutputError."""
        self.due = -inf
        self._file = HostFile(path)
        self._reader = HostFile(path)
        self._clock = clock
        self._make_rules = make_rules
        self._agent_of = agent_of
        self._wake = wake
        self._offset = clock.wall() - clock.monotonic()
        # The engine's thread only:
        self._known: dict[HostKey, Known] = {}
        self._robots: dict[HostKey, tuple[RobotsVerdict, float]] = {}
        self._alone = False
        self._waits = False  # whether a host was begun since the last report, and waits for its share
        self._asked = False  # whether a report is with the thread
        self._lost = False  # whether the file cannot be written any more
        self._told_at = -inf
        self._saved_at = clock.monotonic()
        self._valid_until = inf
        # Between the two:
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Shares, float] | ScrapepoolError] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="scrapepool-memory", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<HostStore of {self._file!r}, {len(self._known)} hosts to be written>"

    def recall(self, host: HostKey, now: float) -> Known | None:
        """What is known of a host. Raises OutputError."""
        if not self._alone:
            self._waits = True
            if not self._asked:
                self.due = -inf
        if (unwritten := self._known.get(host)) is not None:
            return unwritten
        row = self._reader.row(host)
        if row is None:
            return None
        known = known_in(row, self._make_rules, lambda: self._agent_of(host))
        return moved(known, now - self._clock.wall())

    def keep(self, host: HostKey, known: Known) -> None:
        """Keep what was found out, with the next report."""
        self._known[host] = known

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Keep a robots.txt, with the next report."""
        self._robots[host] = verdict, now

    def exchange(self, run: Sharer, now: float) -> None:
        """Take the answer to the last report in, where there is one, and make the next where it is time."""
        if self._asked:
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                pass
            else:
                self._asked = False
                self._take(answer, run, now)
        if now >= self._valid_until:
            self._valid_until = inf
            self._alone = False
            run.share(SUSPENDED, now)
        if not self._asked and (self._waits or now >= self._told_at + BEAT):
            self._tell(run, now)
        else:
            self.due = self._valid_until if self._asked else self._told_at + BEAT
        if self._asked and not self._answers.empty():
            self.due = -inf  # it came in between

    def close(self, run: Sharer, now: float) -> None:
        """Report a last time, and close the file."""
        if not self._lost:
            self._known |= run.known(now)
            self._reports.put(self._report({}, leaving=True))
        self._reports.put(None)
        self._thread.join(FAREWELL)
        self._reader.close()
        while not self._lost and not self._answers.empty():
            answer = self._answers.get()
            if isinstance(answer, ScrapepoolError):
                raise answer

    def _take(self, answer: tuple[Shares, float] | ScrapepoolError, run: Sharer, now: float) -> None:
        if isinstance(answer, ScrapepoolError):
            self._lost = True
            raise answer
        shares, written = answer
        self._valid_until = written + EXPIRY - MARGIN
        if self._alone and not shares.alone:
            self._waits = True  # the claims are to be named now
        self._alone = shares.alone
        grants = {
            host: Grant(slots, free_at - self._offset, parked_until - self._offset)
            for host, (slots, free_at, parked_until) in shares.grants.items()
        }
        run.share(Shares(shares.alone, grants), now)

    def _tell(self, run: Sharer, now: float) -> None:
        offset = self._clock.wall() - self._clock.monotonic()
        if abs(offset - self._offset) > DRIFT:
            self._offset = offset
        if now >= self._saved_at + SAVE:
            self._saved_at = now
            self._known |= run.known(now)
        report = self._report({} if self._alone else run.claims())
        self._waits = False
        self._asked = True
        self._told_at = now
        self.due = self._valid_until
        self._reports.put(report)

    def _report(self, claims: dict[HostKey, Claim], *, leaving: bool = False) -> Report:
        """All that is to be written, by the wall's clock."""
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
        """What the thread does: a transaction for each report."""
        while (report := self._reports.get()) is not None:
            began = self._clock.monotonic()
            try:
                self._answers.put((self._file.tell(report, self._clock.wall()), began))
            except ScrapepoolError as error:
                self._answers.put(error)
            self.due = -inf
            self._wake()
        self._file.close()
