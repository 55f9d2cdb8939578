"""``scrapepool fetch``: builds the objects, runs the engine, names the exit code."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..errors import ExtractionError, LockedError, OutputError, UsageError
from .ending import Ending, conclude, exit_code
from .exits import Exit
from .grouped import GroupedCommand
from .inputs import files_read
from .limits import check_memory
from .lists import all_names, are_several, sources_or_stdin, spoken, standard_input
from .options import fetch_options, settings_from
from .options.idle import check_idle, without_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine import Engine, Stop
    from ..model import Outcome
    from ..ports import Sink, View
    from ..run.figures import Alarm
    from ..run.outputs import Outputs
    from ..settings import Settings
    from .config_file import ConfigFile
    from .inputs import Input
    from .log import RunLog

COLLECT_AFTER = 20_000
"""Objects between two collections: a run makes a few for each URL, in no cycles, and 700 is once for each lease."""

EPILOG = """Exit codes: 0 every URL succeeded; 1 some did not; 2 usage, or no list to read; 3 an output cannot be
written; 75 another run writes it; 130 and 143 interrupted. Each option can be given as SCRAPEPOOL_FETCH_NAME in the
environment."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("sources", nargs=-1, metavar="[LIST_OR_URL]...")
@fetch_options
@click.pass_context
def fetch(ctx: click.Context, /, sources: tuple[str, ...], **values: Any) -> int:
    """Fetch every URL of the lists and write one JSON record a line.

    LIST_OR_URL is a file (text, CSV, TSV, JSONL, Parquet, sitemap, feed or HTML page, each also as .gz), a URL, or -
    for standard input, which is also what is read where nothing is given and standard input is a pipe.
    """
    settings = settings_from(without_idle(ctx, values))
    check_idle(ctx, settings)
    config: ConfigFile = values["config"]
    config.tell(ctx)
    inputs = files_read(ctx, values, settings)
    names = sources_or_stdin(sources, settings.input)
    settings = settings.with_(output={"lists": are_several(names, settings.input)})
    return run(names, settings, inputs, note=config.note)


def run(
    sources: Sequence[str],
    settings: Settings,
    inputs: Sequence[Input] = (),
    *,
    note: str | None = None,
    view: View | None = None,
) -> int:
    """Run one fetch over lists and URLs; the exit code. inputs: files that were read beside the lists.

    note: what the log is told at its beginning. view: another one than the settings mean.

    Raises ListError, UsageError, OutputError.
    """
    ending = Ending(settings)
    try:
        code = _run(sources, settings, inputs, ending, note=note, view=view)
    except (OutputError, LockedError, ExtractionError) as error:
        ending.tell(Exit.OUTPUT if isinstance(error, OutputError) else Exit.TEMPFAIL)
        raise
    ending.tell(code)
    if code == Exit.USAGE:
        raise UsageError(f"no usable URL in {ending.read}")
    return code


def _run(
    sources: Sequence[str],
    settings: Settings,
    inputs: Sequence[Input],
    ending: Ending,
    *,
    note: str | None,
    view: View | None,
) -> int:
    from ..engine import Stop  # noqa: PLC0415 - a quick --help needs none of these
    from ..read.finished import Finished  # noqa: PLC0415
    from ..render.choose import view_for  # noqa: PLC0415
    from ..run.assemble import assembled, final_outcomes, lists  # noqa: PLC0415
    from ..run.figures import Alarm  # noqa: PLC0415
    from ..run.list_order import list_order  # noqa: PLC0415
    from ..run.outputs import open_outputs  # noqa: PLC0415
    from .files import check_files  # noqa: PLC0415
    from .log import RunLog  # noqa: PLC0415
    from .signals import Signals  # noqa: PLC0415

    gc.freeze()  # what was imported stays: no collection needs to look at it
    gc.set_threshold(COLLECT_AFTER)
    stdin = standard_input(sources, settings.input)
    _check_standard_output(settings)
    check_files(all_names(sources, settings.input), settings, inputs)
    stop = Stop()
    on_terminal = settings.output.uses_stdout and sys.stdout is not None and sys.stdout.isatty()
    view = view or view_for(settings.display, sys.stderr, records_on_terminal=on_terminal)
    with RunLog(settings.display, view, note) as log, Signals(stop) as signals:
        _open_more_files(settings, log)
        finished = Finished(each=not settings.input.dedupe)
        order = list_order(settings, log.note)
        read_as: dict[str, str] = {}
        alarm = Alarm(settings.alarm, finished)
        with assembled(
            settings,
            lists(sources, settings, stdin=stdin, on_note=log.note, finished=finished, order=order, read_as=read_as),
            view=view,
            stop=stop,
            on_note=log.note,
            put_off=None if settings.output.resume is None else finished.put_off,
        ) as engine:
            try:
                outputs = open_outputs(
                    settings,
                    finished,
                    stop=stop,
                    should_stop=_write_watch(settings, lambda: engine.out_of_patience, log),
                    on_note=log.note,
                    order=order,
                )
            except KeyboardInterrupt:
                view.close(None)
                return signals.exit_code or Exit.INTERRUPT
            left: list[Outcome] = []
            try:
                for outcomes in final_outcomes(engine, settings, stop, log.note, outputs.archive, left.extend):
                    _take(outcomes, outputs, log)
                    _watch(alarm, outcomes, engine, log, stop)
                outputs.close()
            except BrokenPipeError:
                view.close(None)
                _keep(outputs)
                return signals.exit_code or Exit.PIPE  # raised further, Click would take it for its own affair
            except BaseException:
                ending.last = alarm.checked(engine.snapshot(last=True))
                view.close(ending.last if log.anything else None)
                _keep(outputs)
                raise
            last = ending.last = alarm.checked(engine.snapshot(last=True).without(left))
            view.close(last if last.done or signals.exit_code else None)
            lost = engine.lost is not None
            _note_rest(engine, outputs, log, whole=not left and not stop.asked)
        code = Exit.TEMPFAIL if lost else exit_code(last, signals.exit_code, finished, spent=engine.spent is not None)
        ending.read = spoken(sources, settings.input, read_as)
        conclude(settings, log, last, code, stop)
    return code


def _write_watch(settings: Settings, should_stop: Callable[[], bool], log: RunLog) -> Callable[[], bool]:
    seconds = settings.display.watch_stalls
    if seconds is None:
        return should_stop
    from ..run.stalls import WriteWatch  # noqa: PLC0415 - as above

    return WriteWatch(should_stop, seconds, log.note)


def _check_standard_output(settings: Settings) -> None:
    from ..record.output import STANDARD_OUTPUT  # noqa: PLC0415 - as above

    if settings.output.uses_stdout and sys.stdout is None:
        raise OutputError(STANDARD_OUTPUT, "it is closed")


def _keep(sink: Sink) -> None:
    """See what was written before the end of a run that did not come to its end onto the disk."""
    with suppress(OutputError, BrokenPipeError):
        sink.close()


def _take(outcomes: Sequence[Outcome], outputs: Outputs, log: RunLog) -> None:
    """Write outcomes down. Raises OutputError, BrokenPipeError, and MemoryError where one of them had no memory."""
    outputs.write(outcomes)
    if outcomes:
        log.outcomes(outcomes)
        check_memory(outcomes)


def _watch(alarm: Alarm, outcomes: Sequence[Outcome], engine: Engine, log: RunLog, stop: Stop) -> None:
    """Stop the run where it is certain to fail, if that is wanted."""
    if (certain := alarm.take(outcomes, engine.snapshot)) is not None:
        log.note(f"--fail-if {certain.text} is certain to be true: nothing more is begun (--fail-fast)")
        stop.ask()


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
    from ..fetch.descriptors import raise_soft_limit, workers_within  # noqa: PLC0415 - as above

    raise_soft_limit()
    workers = settings.pool.workers
    most = workers_within(workers, save=settings.files.save_dir is not None)
    if most < workers:
        log.note(f"{most} workers instead of {workers}: this process may open no more files (see ulimit -n)")
