"""SIGUSR1: the state of the run, as text on standard error and in the log.

Decides what that text says. It is written by a thread of its own, so that it comes even if an output is blocked.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from .signal_handlers import SignalHandlers

if TYPE_CHECKING:
    from ...run.assemble import Run
    from .run_log import RunLog

LOG_WIDTH = 120
"""Columns of the table of hosts: a log has no width."""

HOSTS_LOGGED = 12
"""Lines of the table: what is in flight must stay visible above it."""


class StateReport(SignalHandlers):
    """Handles the signal for the time of its block. log: gets the text. run: the run, both None before they exist."""

    def __init__(self) -> None:
        super().__init__(["SIGUSR1"])
        self.log: RunLog | None = None
        self.run: Run | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run = None
        super().__exit__(kind, error, trace)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        threading.Thread(target=self._report, name="scrapepool-state", daemon=True).start()

    def _report(self) -> None:
        run, log = self.run, self.log
        for line in ["state: the run has not started yet"] if run is None else state_lines(run):
            if log is not None:
                log.state(line)


def state_lines(run: Run) -> Iterator[str]:
    """Yield the lines of a report: progress, hosts, and what is waited for."""
    from ...render.hosts_table import hosts_table  # noqa: PLC0415 - rarely needed
    from ...render.plain import progress  # noqa: PLC0415
    from ...run.monitoring.stall_report import waits  # noqa: PLC0415

    snapshot = run.snapshot()
    yield f"state: {progress(snapshot)}"
    yield from waits(snapshot, run.activity())
    unicode = (getattr(sys.stderr, "encoding", None) or "").lower().startswith("utf")
    for line in hosts_table(snapshot, LOG_WIDTH, HOSTS_LOGGED, ascii_only=not unicode):
        yield f"  {line.plain.rstrip()}"
