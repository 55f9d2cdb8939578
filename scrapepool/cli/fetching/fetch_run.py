"""One run of ``fetch``, from its settings to its exit code: what it is made of, and in which order the parts start.

Decides the order: contradictions are reported first, then earlier records are read, then outputs are opened. After
that, outcomes are compared, counted and written. Imported when a run starts, so that ``--help`` is quick. This file is
long because the parts of a run are closed in the reverse order of their start, which is seen in one place.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from ...engine import Engine, Stop
from ...errors import OutputError
from ...model import Outcome
from ...plural import counted
from ...ports import Controls, KeyView, Sink, Snapshot, View
from ...read.seen.finished import Finished
from ...record.safe_io.output import STANDARD_OUTPUT
from ...render.choose import view_for
from ...run.assemble import Run, assembled, final_outcomes
from ...run.list_feed import lists
from ...run.monitoring.counters import ChangesView, Counters
from ...run.monitoring.fail_if import Alarm
from ...run.monitoring.striking import Striking
from ...run.outputs.open_outputs import Outputs, open_outputs
from ...run.process_count import process_count
from ...run.recrawl import Recrawl
from ...settings import Settings
from ...transport.net.descriptors import raise_soft_limit, workers_within
from ..arguments.file_conflicts import check_files
from ..arguments.list_arguments import ListFormats, all_names, source_names, standard_input
from ..exits import Exit
from ..machine_limits import check_memory
from .earlier_records import ReadCount, known_pages
from .invocation import Invocation
from .live_keys import keys_for
from .long_steps import finishing, opening, step
from .run_end import RunEnd, conclude, exit_code
from .run_log import RunLog
from .run_metrics import measured
from .state_report import StateReport
from .stop_signals import StopSignals

if TYPE_CHECKING:
    from ...run.outputs.ordered_output import ListOrder
    from ...run.processes.process_starter import ProcessStarter

COLLECT_AFTER = 20_000
"""Objects between two garbage collections. A run makes a few per URL, in no cycles; Python's 700 is once per lease."""


def run_once(
    sources: Sequence[str],
    settings: Settings,
    invocation: Invocation,
    end: RunEnd,
    view: View | None,
) -> int:
    """Run one fetch and return its exit code. The parameters and errors are those of ``fetch_command.run``.

    end: gets the summary, the metrics and the names of the lists.
    """
    gc.freeze()  # imported modules stay, so that no collection needs to look at them
    gc.set_threshold(COLLECT_AFTER)
    starter = _starter(settings)
    stdin = standard_input(sources, settings.input)
    if settings.output.uses_stdout and sys.stdout is None:
        raise OutputError(STANDARD_OUTPUT, "it is closed")
    check_files(all_names(sources, settings.input), settings, invocation.files_read)
    counts = bool(settings.alarm.fail_if) or settings.display.has_metrics
    counters = Counters(wanted=counts, compares=bool(settings.since.records))
    shown = view = view or _view(settings)
    examples = None
    if isinstance(view, KeyView):
        from ...run.monitoring.failure_examples import ExamplesView, FailureExamples  # noqa: PLC0415 - for a terminal

        examples = FailureExamples()
        view = ExamplesView(view, examples)
    view = ChangesView(view, counters) if counters.changes else view
    stop, controls = Stop(), Controls()
    with (
        nullcontext() if starter is None else closing(starter),
        StateReport() as report,  # before the log says that the run has started
        measured(settings.display, view, counters, end) as (measured_view, url),
        RunLog(settings.display, measured_view, invocation.notes, examples) as log,
        StopSignals(stop) as signals,
        keys_for(shown, settings, stdin, signals, controls),
    ):
        report.log = log
        if url is not None:
            log.note(f"metrics are at {url}")
        _raise_file_limit(settings, log)
        run = _FetchRun(
            sources=sources,
            settings=settings,
            invocation=invocation,
            stdin=stdin,
            view=measured_view,
            counters=counters,
            stop=stop,
            controls=controls,
            log=log,
            signals=signals,
            report=report,
            end=end,
            starter=starter,
        )
        return run.run()


def _starter(settings: Settings) -> ProcessStarter | None:
    """Return what starts worker processes, if the run has any. Called before the run has threads."""
    processes = process_count(settings.pool)
    if processes == 1:
        return None
    from ...run.processes.process_starter import ProcessStarter  # noqa: PLC0415 - an option

    return ProcessStarter(processes)


def _list_order(settings: Settings, on_note: Callable[[str], None]) -> ListOrder | None:
    if not settings.output.ordered:
        return None
    from ...run.outputs.ordered_output import ListOrder  # noqa: PLC0415 - an option

    return ListOrder(on_note, bodies=settings.output.needs.body)


def _view(settings: Settings) -> View:
    on_terminal = settings.output.uses_stdout and sys.stdout is not None and sys.stdout.isatty()
    return view_for(settings.display, sys.stderr, records_on_terminal=on_terminal)


@dataclass(repr=False, eq=False, kw_only=True)
class _FetchRun:
    """A run and its parts."""

    sources: Sequence[str]
    settings: Settings
    invocation: Invocation
    stdin: BinaryIO | None
    view: View
    counters: Counters
    stop: Stop
    controls: Controls
    log: RunLog
    signals: StopSignals
    report: StateReport
    end: RunEnd
    starter: ProcessStarter | None

    def __post_init__(self) -> None:
        self._finished = Finished(each=not self.settings.input.dedupe)
        self._order = _list_order(self.settings, self.log.note)
        self._alarm = Alarm(self.settings.alarm, self.counters, self._finished)
        self._formats = ListFormats(self.log.note if self.invocation.names_column else None)
        self._left: list[Outcome] = []  # outcomes that are not final at the end
        self._striking = Striking()

    def run(self) -> int:
        """Run, and return the exit code."""
        settings, log = self.settings, self.log
        read = ReadCount()
        try:
            text = f"reading {', '.join(settings.since.records)}" if settings.since.records else None
            with self._step(text, lambda: counted(read.records, "record")):
                known = known_pages(settings, log.note, lambda: self.stop.requested, read)
        except KeyboardInterrupt:
            return self._interrupted()
        self._recrawl = Recrawl(known, settings)
        with closing(self._recrawl), self._assembled() as run:
            self.report.run = run
            try:
                with self._step(opening(settings), self._resumed):
                    outputs = self._open_outputs(run.engine)
            except KeyboardInterrupt:
                return self._interrupted()
            if not self._write(run, outputs):
                return self.signals.exit_code or Exit.PIPE  # Click would treat a BrokenPipeError as its own
            lost = run.engine.lost is not None
        last, spent = self._last(run.engine), run.engine.spent is not None
        code = exit_code(last, self.signals.exit_code, self._finished, spent=spent)
        code = Exit.TEMPFAIL if lost else code
        self.end.lists = source_names(self.sources, settings.input, self._formats)
        conclude(settings, log, last, code, self.stop)
        return code

    def _step(self, text: str | None, count: Callable[[], str] = str) -> AbstractContextManager[None]:
        return step(self.view, text, count, note=self.log.note)

    def _resumed(self) -> str:
        return f"{len(self._finished):,} finished URLs" if len(self._finished) else ""

    def _interrupted(self) -> int:
        self.view.close(None)
        return self.signals.exit_code or Exit.INTERRUPT

    def _assembled(self) -> AbstractContextManager[Run]:
        make_feed = lists(
            self.sources,
            self.settings,
            stdin=self.stdin,
            on_note=self.log.note,
            finished=self._finished,
            order=self._order,
            on_format=self._formats.add,
            fresh=self._recrawl.fresh(),
        )
        return assembled(
            self.settings,
            self._recrawl.feed(make_feed),
            view=self.view,
            stop=self.stop,
            on_note=self.log.note,
            not_before=None if self.settings.output.resume is None else self._finished.not_before,
            has_file=self._recrawl.has_file,
            controls=self.controls,
            makes_records=True,
            starter=self.starter,
        )

    def _open_outputs(self, engine: Engine) -> Outputs:
        return open_outputs(
            self.settings,
            self._finished,
            stop=self.stop,
            should_stop=self._watched(lambda: engine.must_end_now),
            on_note=self.log.note,
            order=self._order,
            owners=self._recrawl.owners,
        )

    def _watched(self, should_stop: Callable[[], bool]) -> Callable[[], bool]:
        """Return ``should_stop``; with ``--watch-stalls`` it also reports outputs that accept nothing."""
        seconds = self.settings.display.watch_stalls
        if seconds is None:
            return should_stop
        from ...run.monitoring.stall_report import WriteWatch  # noqa: PLC0415 - rarely needed

        return WriteWatch(should_stop, seconds, self.log.note)

    def _write(self, run: Run, outputs: Outputs) -> bool:
        """Write all outcomes and close the outputs and the view. Return False if the reader of the records is gone.

        Raises what the outputs raise, and MemoryError if there was no memory for an outcome.
        """
        batches = final_outcomes(run, self.settings, self.stop, self.log.note, outputs.archive, self._left.extend)
        try:
            with closing(batches):
                for outcomes in batches:
                    self._take(outcomes, outputs)
                    self._stop_if_certain_to_fail(run)
            with self._step(finishing(self.settings)):
                outputs.close()
        except BrokenPipeError:
            self.view.close(None)
            _flush(outputs)
            return False
        except BaseException:
            last = self._last(run.engine)
            self.view.close(last if self.log.has_outcomes else None)
            _flush(outputs)
            raise
        reasons = self._reasons(run.engine)
        for reason in reasons:
            self.log.note(f"{reason}; the remaining URLs are left for another run (--resume)")
        last = self._last(run.engine)
        shown = last.done or last.checks or last.passed_over or self.signals.exit_code
        self.view.close(last if shown else None)
        if not reasons and not self._left and not self.stop.requested:
            outputs.complete()
        return True

    def _last(self, engine: Engine) -> Snapshot:
        """Return the snapshot at the end of the run, the same one on each call."""
        if self.end.last is None:
            last = replace(
                engine.snapshot(last=True).without(self._left),
                striking=tuple(self._striking.notes()),
                passed_over=self._finished.passed_over,
            )
            self.end.last = self._alarm.checked(last)
        return self.end.last

    def _take(self, outcomes: Sequence[Outcome], outputs: Outputs) -> None:
        self._recrawl.compare(outcomes)
        self.counters.take(outcomes)
        self._striking.take(outcomes)
        outputs.write(outcomes)
        if outcomes:
            self.log.outcomes(outcomes)
            check_memory(outcomes)

    def _stop_if_certain_to_fail(self, run: Run) -> None:
        if (certain := self._alarm.look(run.snapshot)) is not None:
            self.log.note(f"--fail-if {certain.text} is certain to be true; no more URLs are started (--fail-fast)")
            self.stop.request()

    def _reasons(self, engine: Engine) -> list[str]:
        """Return why the run ended early. They come before the summary."""
        last, can_go_on = self._last(engine), self.settings.output.journal is not None
        whole = last.done >= last.total and not last.reading
        interrupted = "interrupted" if self.signals.exit_code is not None and can_go_on and not whole else None
        return list(dict.fromkeys(reason for reason in (engine.spent, engine.lost, interrupted) if reason))


def _flush(sink: Sink) -> None:
    """Flush the output of a run that stopped early."""
    with suppress(OutputError, BrokenPipeError):
        sink.close()


def _raise_file_limit(settings: Settings, log: RunLog) -> None:
    """Raise the limit on open files as far as the system allows, and report if it is too low for the workers."""
    raise_soft_limit()
    workers = settings.pool.workers
    save, processes = settings.files.save_dir is not None, process_count(settings.pool)
    most = workers_within(workers, save=save, processes=processes)
    if most < workers:
        log.note(
            f"{counted(most, 'worker')} instead of {workers}: the limit on open files allows no more (see ulimit -n)"
        )
