"""The end of a run of ``fetch``: its exit code, the JSON summary, the failures of a quiet run, and ``--at-end``.

Decides the exit code, and the order in which these are written.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ...errors import CommandError, system_reason
from ...text import brief, printable
from ..exits import Exit

if TYPE_CHECKING:
    from ...engine import Stop
    from ...ports import Snapshot
    from ...read.seen.finished import Finished
    from ...run.monitoring.prometheus import MetricsFile
    from ...settings import Settings
    from .run_log import RunLog


class RunEnd:
    """What is done after a run, when all of its files are closed.

    last: the snapshot at the end of the run, None if the run did not start. lists: the names of the lists, as shown in
    messages. metrics: the file for metrics.
    """

    def __init__(self, settings: Settings) -> None:
        self.last: Snapshot | None = None
        self.lists = ""
        self.metrics: MetricsFile | None = None
        self._command = settings.alarm.at_end

    def report(self, code: int) -> None:
        """Write the metrics, and run the command of ``--at-end``. Raises OutputError, CommandError."""
        if self.last is None:
            return
        try:
            if self.metrics is not None:
                self.metrics.write(self.last, code)
        finally:
            if self._command is not None:
                self._run(self._command, self.last, code)

    @staticmethod
    def _run(command: str, last: Snapshot, code: int) -> None:
        """Run the command. Raises CommandError if it fails after a run that was not interrupted."""
        import subprocess  # noqa: PLC0415 - rarely needed

        from ...render.summary import summary_json  # noqa: PLC0415

        name = f"--at-end {brief(command)}"
        try:
            ran = subprocess.run(  # noqa: S602 - a command of the shell is what was asked for
                command,
                shell=True,
                input=summary_json(last, code).encode("ascii"),
                stdout=sys.stderr if _has_descriptor() else subprocess.DEVNULL,  # standard output is for records
                check=False,
            )
        except OSError as error:
            raise CommandError(name, f"cannot be run: {system_reason(error)}") from error
        if ran.returncode and code in (Exit.OK, Exit.SOME_FAILED):
            ended = f"signal {-ran.returncode}" if ran.returncode < 0 else f"exit code {ran.returncode}"
            raise CommandError(name, f"ended with {ended}")


def _has_descriptor() -> bool:
    try:
        sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _open_summary(stop: Stop, path: str, flags: int) -> int:
    """Open the file of the summary. A file that the shell opened is not truncated; a FIFO waits for its reader."""
    from ...record.safe_io.lock import await_reader, is_fifo, is_ours  # noqa: PLC0415 - rarely needed

    if is_fifo(path):
        return await_reader(path, lambda: stop.requested)
    return os.open(path, flags if is_ours(path) else (flags & ~os.O_TRUNC) | os.O_APPEND, 0o666)


def conclude(settings: Settings, log: RunLog, last: Snapshot, code: int, stop: Stop) -> None:
    """Write the end of the log, the summary, and the failures of a quiet run.

    Raises OutputError if the log or the summary is incomplete.
    """
    log.end(last, code)
    if settings.display.summary_json is not None:
        from ...render.summary import write_summary_json  # noqa: PLC0415 - rarely needed

        with suppress(KeyboardInterrupt):  # the run was stopped while the FIFO waited for its reader
            write_summary_json(settings.display.summary_json, last, code, partial(_open_summary, stop))
    if settings.display.quiet and code not in (Exit.OK, Exit.USAGE):  # the latter has a line of its own
        _write_failures(log, last)
    log.finish()


def _write_failures(log: RunLog, last: Snapshot) -> None:
    from ...render.plain import SUMMARY_TIMEOUT  # noqa: PLC0415 - as above
    from ...render.stderr import Stderr  # noqa: PLC0415
    from ...render.summary import failure_text  # noqa: PLC0415

    stderr = Stderr(sys.stderr)
    if stderr.ready(SUMMARY_TIMEOUT):
        stderr.write(failure_text(last, [printable(line) for line in log.kept], log.left_out, stderr.width()))


def exit_code(last: Snapshot, interrupted: int | None, finished: Finished | None = None, *, spent: bool = False) -> int:
    """Return the exit code of a run.

    finished: targets that were skipped because earlier records have them, or because they are in other shards. spent: a
    limit of the run was reached, so that some targets may not have been started.
    """
    if interrupted is not None:
        return interrupted
    duplicates = last.errors.get("duplicate", 0)
    refused = sum(last.errors.get(error, 0) for error in ("robots", "robots_unreachable", "forbidden_address"))
    usable = last.done - last.outcomes.get("skipped", 0) + refused
    passed_over = finished is not None and (finished.passed_over > 0 or finished.of_other_shards > 0)
    if usable == 0 and duplicates == 0 and not passed_over and not spent:
        return Exit.USAGE
    if last.checks:
        return Exit.SOME_FAILED if any(verdict.holds for verdict in last.checks) else Exit.OK
    failures = last.failures + (0 if finished is None else finished.failures)
    return Exit.SOME_FAILED if failures else Exit.OK
