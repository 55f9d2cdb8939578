"""Lines about single URLs: on standard error with ``--verbose``, in a file with ``--log-file``.

Decides what such a line says. The records are complete; these lines are for a person who watches the run.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from ...errors import OutputError, ScrapepoolError
from ...model import ErrorKind, Fetched, Outcome, Skipped, error_of, is_repeat, verdict
from ...ports import Snapshot, View
from ...settings import DisplaySettings
from ...text import printable
from ...version import __version__

if TYPE_CHECKING:
    from ...run.monitoring.failure_examples import FailureExamples

SHOWN_REJECTS = 20
"""Rejected lines that are shown; further ones are only recorded."""

KEPT_FAILURES = 5
"""Lines that a quiet run keeps for its end: enough to see a pattern, few enough for an email from cron."""

VALID_SKIPS = frozenset({ErrorKind.DUPLICATE, ErrorKind.ROBOTS, ErrorKind.ROBOTS_UNREACHABLE})
"""Reasons to skip a valid line. There can be thousands, and the summary counts them."""


class RunLog:
    """Writes one run's lines about list lines and URLs. opening: the first lines of the log file.

    examples: gets the outcomes that are no success, None if they are not shown.

    Raises OutputError if the log file cannot be opened, LockedError if another run writes its records there. If the log
    cannot be written later, the run goes on without it, and ``finish`` raises.
    """

    def __init__(
        self,
        settings: DisplaySettings,
        view: View,
        opening: Sequence[str] = (),
        examples: FailureExamples | None = None,
    ) -> None:
        self._view = view
        self._examples = examples
        self._opening = opening
        self._verbose = settings.verbose
        self._rejected = 0
        self.has_outcomes = False  # whether any target has ended
        self._path = settings.log_file
        self._file: TextIO | None = None
        self._is_own = False  # whether the file can be renamed: it is no pipe and no stream of this process
        self._failure: OutputError | None = None
        if settings.log_file is not None:
            from ...record.safe_io.lock import is_ours  # noqa: PLC0415 - most runs have no log

            try:
                self._file = _opened(settings.log_file)
            except OSError as error:
                raise OutputError.from_error(settings.log_file, error) from error
            self._is_own = is_ours(settings.log_file)
        self._keeps = settings.quiet and not self._verbose  # lines for the end, since the view shows no notes
        self._writes_failures = self._verbose or self._file is not None or self._keeps
        self.kept: list[str] = []  # lines that a quiet run shows at its end if something failed
        self.left_out = 0  # number of further such lines

    def __enter__(self) -> Self:
        self._write(f"started, scrapepool {__version__}")
        for line in self._opening:
            self._write(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._write(f"stopped: {printable(str(error) or type(error).__name__)}")
            if not isinstance(error, ScrapepoolError):
                for line in "".join(traceback.format_exception(error)).splitlines():
                    self._write(printable(line))
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def note(self, message: str) -> None:
        """Say something about the run as a whole."""
        if self._keeps:
            self._keep(message)
        self._view.note(message)
        self._write(message)

    def state(self, line: str) -> None:
        """Write a line that was requested, even if the run is quiet."""
        if self._keeps:
            from ...render.stderr import Stderr  # noqa: PLC0415 - rarely needed

            Stderr(sys.stderr).write(f"{printable(line)}\n")
        else:
            self._view.note(line)
        self._write(line)

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Write a line for each outcome that did not succeed. The first few rejected list lines are always shown."""
        self.has_outcomes = True
        for outcome in outcomes:
            if isinstance(outcome, Fetched) and (outcome.status or 0) < 400:
                continue
            word = verdict(outcome)
            if self._examples is not None and word not in ("ok", "unchanged") and not is_repeat(outcome):
                self._examples.add(outcome)
            if word == "skipped":
                self._skipped(outcome)
            elif self._writes_failures and word not in ("ok", "unchanged"):
                self._write_failure(outcome, word)

    def end(self, last: Snapshot, code: int) -> None:
        """Write how the run ended to the log."""
        counts = ", ".join(f"{word} {number}" for word, number in sorted(last.outcomes.items()))
        self._write(f"ended after {last.elapsed:.1f} s with exit code {code}: {counts or 'no URL was done'}")

    def finish(self) -> None:
        """Raise OutputError if the log is incomplete."""
        if self._failure is not None:
            raise self._failure

    def _skipped(self, outcome: Outcome) -> None:
        error = error_of(outcome)
        if error in VALID_SKIPS:
            if self._writes_failures:
                self._write_failure(outcome, "skipped")
            return
        self._rejected += 1
        message = printable(f"{outcome.detail}: {_short(outcome)}" if isinstance(outcome, Skipped) else "")
        if self._verbose or self._rejected <= SHOWN_REJECTS:
            self._view.note(message)
        elif self._rejected == SHOWN_REJECTS + 1:
            self._view.note("more lines were rejected; the records list all of them")
        if self._keeps:
            self._keep(message)
        self._write(message)

    def _keep(self, line: str) -> None:
        if len(self.kept) < KEPT_FAILURES:
            self.kept.append(line)
        else:
            self.left_out += 1

    def _write_failure(self, outcome: Outcome, word: str) -> None:
        what = error_of(outcome) or word
        line = printable(f"{word}  {what}  {outcome.target.url}  {outcome.detail or outcome.status or ''}".rstrip())
        if self._verbose:
            self._view.note(line)
        elif self._keeps and not is_repeat(outcome):
            self._keep(line)
        self._write(line)

    def _reopen_if_renamed(self) -> None:
        """Open a new file if the log was renamed or deleted, as logrotate does. Raises OSError."""
        if self._path is None or self._file is None or not self._is_own:
            return
        from ...record.safe_io.lock import is_open_as  # noqa: PLC0415 - as below

        if not is_open_as(self._file.fileno(), self._path):
            renamed, self._file = self._file, _opened(self._path)
            renamed.close()

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        try:
            self._reopen_if_renamed()
            self._file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}  {line}\n")
            self._file.flush()
        except OSError as error:
            self._view.note("the log file can no longer be written")
            self._failure = OutputError.from_error(str(self._path), error)
            with suppress(OSError):  # buffered lines cannot be written either
                self._file.close()
            self._file = None


def _opened(path: str) -> TextIO:
    """Open a log in append mode, so that truncation, as by logrotate's copytruncate, leaves no gap."""
    from ...record.safe_io.lock import lock  # noqa: PLC0415 - most runs have no log

    file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - closed by the caller
    try:
        lock(file.fileno(), path, shared=True)
    except BaseException:
        file.close()
        raise
    return file


def _short(outcome: Outcome) -> str:
    url = outcome.target.url
    return url if len(url) <= 100 else f"{url[:97]}..."
