"""One run of ``fetch``, from its settings to its exit code: what it is made of, and in which order that begins.

Decides the order: what cannot be meant is said first, then earlier records are read, then outputs are opened; outcomes
are compared, counted and written. Imported when a run begins, since ``--help`` is to be quick.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from ...engine import Engine, Stop
from ...errors import OutputError
from ...model import Outcome
from ...ports import Sink, Snapshot, View
from ...read.seen.finished import Finished
from ...record.output import STANDARD_OUTPUT
from ...render.choose import view_for
from ...run.assemble import Run, assembled, final_outcomes, lists
from ...run.monitoring.counters import ChangesView, Counters
from ...run.monitoring.fail_if import Alarm
from ...run.outputs.open_outputs import Outputs, open_outputs
from ...run.outputs.ordered_output import list_order
from ...run.recrawl import Recrawl
from ...settings import DisplaySettings, Settings
from ...transport.net.descriptors import raise_soft_limit, workers_within
from ..arguments.file_conflicts import check_files
from ..arguments.list_arguments import all_names, spoken, standard_input
from ..exits import Exit
from ..machine_limits import check_memory
from ..parameters.files_read import Input
from .earlier_records import known_pages
from .run_end import Ending, conclude, exit_code
from .run_log import RunLog
from .signals import Signals

COLLECT_AFTER = 20_000
"""Objects between two collections: a run makes a few for each URL, in no cycles, and 700 is once for each lease."""


def run_once(
    sources: Sequence[str],
    settings: Settings,
    inputs: Sequence[Input],
    ending: Ending,
    *,
    note: str | None,
    view: View | None,
) -> int:
    """Run one fetch; the exit code. The parameters and errors are ``fetch.run``'s.

    ending: gets the summary and what was read.
    """
    gc.freeze()  # what was imported stays: no collection needs to look at it
    gc.set_threshold(COLLECT_AFTER)
    stdin = standard_input(sources, settings.input)
    if settings.output.uses_stdout and sys.stdout is None:
        raise OutputError(STANDARD_OUTPUT, "it is closed")
    check_files(all_names(sources, settings.input), settings, inputs)
    stop = Stop()
    on_terminal = settings.output.uses_stdout and sys.stdout is not None and sys.stdout.isatty()
    view = view or view_for(settings.display, sys.stderr, records_on_terminal=on_terminal)
    wanted = bool(settings.alarm.fail_if) or settings.display.has_metrics
    counted = Counters(wanted=wanted, compares=bool(settings.since.records))
    view = ChangesView(view, counted) if counted.changes else view
    with (
        _measured(settings.display, view, counted, ending) as (view, where),
        RunLog(settings.display, view, note) as log,
        Signals(stop) as signals,
    ):
        if where is not None:
            log.note(f"metrics are at {where}")
        _open_more_files(settings, log)
        finished = Finished(each=not settings.input.dedupe)
        try:
            known = known_pages(settings, log.note, lambda: stop.asked)
        except KeyboardInterrupt:
            view.close(None)
            return signals.exit_code or Exit.INTERRUPT
        order = list_order(settings, log.note)
        read_as: dict[str, str] = {}
        revisit = Recrawl(known, settings)
        make = lists(
            sources,
            settings,
            stdin=stdin,
            on_note=log.note,
            finished=finished,
            order=order,
            read_as=read_as,
            fresh=revisit.fresh(),
        )
        alarm = Alarm(settings.alarm, counted, finished)
        run = _Run(settings, view, stop, log, signals, ending, counted, alarm, revisit)
        with (
            closing(run.revisit),
            assembled(
                settings,
                run.revisit.feed(make),
                view=view,
                stop=stop,
                on_note=log.note,
                not_before=None if settings.output.resume is None else finished.not_before,
                has_file=revisit.has_file,
            ) as made,
        ):
            engine = made.engine
            try:
                outputs = open_outputs(
                    settings,
                    finished,
                    stop=stop,
                    should_stop=_write_watch(settings, lambda: engine.out_of_patience, log),
                    on_note=log.note,
                    order=order,
                    owners=revisit.owners,
                )
            except KeyboardInterrupt:
                view.close(None)
                return signals.exit_code or Exit.INTERRUPT
            if not run.write(made, outputs):
                return signals.exit_code or Exit.PIPE  # raised further, Click would take it for its own affair
            lost = engine.lost is not None
        last, spent = run.last(engine), engine.spent is not None
        code = Exit.TEMPFAIL if lost else exit_code(last, signals.exit_code, finished, spent=spent)
        ending.read = spoken(sources, settings.input, read_as)
        conclude(settings, log, last, code, stop)
    return code


@contextmanager
def _measured(
    settings: DisplaySettings, view: View, counted: Counters, ending: Ending
) -> Iterator[tuple[View, str | None]]:
    """Have the metrics written and served as settings say: the view that does it, and where they are served.

    The second is None where nobody needs to be told. Raises UsageError, OutputError.
    """
    if not settings.has_metrics:
        yield view, None
        return
    from ...run.monitoring.prometheus import MetricsFile, MetricsView  # noqa: PLC0415 - an extra

    if settings.metrics_file is not None:
        ending.metrics = MetricsFile(settings.metrics_file, counted)
        view = MetricsView(view, ending.metrics)
    if settings.metrics_port is None:
        yield view, None
        return
    from ...run.monitoring.metrics_server import MetricsServer, ServedView  # noqa: PLC0415 - as above

    succeeded = None if ending.metrics is None else ending.metrics.succeeded
    with closing(MetricsServer(settings.metrics_port, counted, succeeded)) as server:
        yield ServedView(view, server), None if settings.metrics_port else server.url


@dataclass(slots=True, repr=False, eq=False)
class _Run:
    """What a run is made of beside its engine and its outputs. left: outcomes that are not final in the end."""

    settings: Settings
    view: View
    stop: Stop
    log: RunLog
    signals: Signals
    ending: Ending
    counted: Counters
    alarm: Alarm
    revisit: Recrawl
    left: list[Outcome] = field(default_factory=list)

    def write(self, made: Run, outputs: Outputs) -> bool:
        """Write all outcomes down, and close the outputs and the view; False where the reader of the records left.

        Raises what the outputs raise, and MemoryError where an outcome had no memory.
        """
        engine = made.engine
        outcomes_of = final_outcomes(made, self.settings, self.stop, self.log.note, outputs.archive, self.left.extend)
        try:
            with closing(outcomes_of):
                for outcomes in outcomes_of:
                    self._take(outcomes, outputs)
                    self._look(made)
            outputs.close()
        except BrokenPipeError:
            self.view.close(None)
            _keep(outputs)
            return False
        except BaseException:
            last = self.last(engine)
            self.view.close(last if self.log.anything else None)
            _keep(outputs)
            raise
        last = self.last(engine)
        self.view.close(last if last.done or self.signals.exit_code else None)
        _note_rest(engine, outputs, self.log, whole=not self.left and not self.stop.asked)
        return True

    def last(self, engine: Engine) -> Snapshot:
        """The run at its end; the same each time."""
        if self.ending.last is None:
            self.ending.last = self.alarm.checked(engine.snapshot(last=True).without(self.left))
        return self.ending.last

    def _take(self, outcomes: Sequence[Outcome], outputs: Outputs) -> None:
        self.revisit.compare(outcomes)
        self.counted.take(outcomes)
        outputs.write(outcomes)
        if outcomes:
            self.log.outcomes(outcomes)
            check_memory(outcomes)

    def _look(self, made: Run) -> None:
        """Stop the run where it is certain to fail, if that is wanted."""
        if (certain := self.alarm.look(made.snapshot)) is not None:
            self.log.note(f"--fail-if {certain.text} is certain to be true: nothing more is begun (--fail-fast)")
            self.stop.ask()


def _write_watch(settings: Settings, should_stop: Callable[[], bool], log: RunLog) -> Callable[[], bool]:
    seconds = settings.display.watch_stalls
    if seconds is None:
        return should_stop
    from ...run.monitoring.stall_report import WriteWatch  # noqa: PLC0415 - as above

    return WriteWatch(should_stop, seconds, log.note)


def _keep(sink: Sink) -> None:
    """See what was written before the end of a run that did not come to its end onto the disk."""
    with suppress(OutputError, BrokenPipeError):
        sink.close()


def _note_rest(engine: Engine, outputs: Outputs, log: RunLog, *, whole: bool) -> None:
    """Say why a part of the lists is left for another run; or take note in the records that none is.

    whole: whether the run was not interrupted.
    """
    reasons = dict.fromkeys(reason for reason in (engine.spent, engine.lost) if reason)
    for reason in reasons:
        log.note(f"{reason}: the rest is left for another run, as with --resume")
    if whole and not reasons:
        outputs.complete()


def _open_more_files(settings: Settings, log: RunLog) -> None:
    """Lift the limit on open files as far as the system lets us, and say where it is too low for the workers."""
    raise_soft_limit()
    workers = settings.pool.workers
    most = workers_within(workers, save=settings.files.save_dir is not None)
    if most < workers:
        log.note(f"{most} workers instead of {workers}: this process may open no more files (see ulimit -n)")
