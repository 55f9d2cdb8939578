"""``scrapepool fetch``: builds the objects, runs the engine, names the exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ..errors import OutputError, UsageError
from ..text import printable
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
    from ..ports import Sink, Snapshot, View
    from ..read.finished import Finished
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
    from ..engine import Stop  # noqa: PLC0415 - a quick --help needs none of these
    from ..read.finished import Finished  # noqa: PLC0415
    from ..render.choose import view_for  # noqa: PLC0415
    from ..run.assemble import assembled, final_outcomes, lists  # noqa: PLC0415
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
                outputs.close()
            except BrokenPipeError:
                view.close(None)
                _keep(outputs)
                return signals.exit_code or Exit.PIPE  # raised further, Click would take it for its own affair
            except BaseException:
                view.close(engine.snapshot(last=True) if log.anything else None)
                _keep(outputs)
                raise
            last = engine.snapshot(last=True).without(left)
            view.close(last if last.done or signals.exit_code else None)
            lost = engine.lost is not None
            _note_rest(engine, outputs, log, whole=not left and signals.exit_code is None)
        code = Exit.TEMPFAIL if lost else exit_code(last, signals.exit_code, finished, spent=engine.spent is not None)
        _conclude(settings, log, last, code, stop)
    if code == Exit.USAGE:
        raise UsageError(f"no usable URL in {spoken(sources, settings.input, read_as)}")
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


def _open_summary(stop: Stop, path: str, flags: int) -> int:
    """Open the file of the summary. What the shell opened is not emptied, and the reader of a FIFO is waited for."""
    from ..record.lock import await_reader, is_fifo, is_ours  # noqa: PLC0415 - rarely needed

    if is_fifo(path):
        return await_reader(path, lambda: stop.asked)
    return os.open(path, flags if is_ours(path) else (flags & ~os.O_TRUNC) | os.O_APPEND, 0o666)


def _conclude(settings: Settings, log: RunLog, last: Snapshot, code: int, stop: Stop) -> None:
    log.end(last, code)
    if settings.display.summary_json is not None:
        from ..render.summary import write_summary_json  # noqa: PLC0415 - rarely needed

        with suppress(KeyboardInterrupt):  # nobody reads the FIFO that it would be written to
            write_summary_json(settings.display.summary_json, last, code, partial(_open_summary, stop))
    if settings.display.quiet and code not in (Exit.OK, Exit.USAGE):  # the latter has a line of its own
        _tell_failures(log, last)
    log.finish()


def _tell_failures(log: RunLog, last: Snapshot) -> None:
    from ..render.plain import SUMMARY_PATIENCE  # noqa: PLC0415 - as above
    from ..render.stderr import Stderr  # noqa: PLC0415
    from ..render.summary import failure_text  # noqa: PLC0415

    stderr = Stderr(sys.stderr)
    if stderr.ready(SUMMARY_PATIENCE):
        stderr.write(failure_text(last, [printable(line) for line in log.few], log.more, stderr.width()))


def exit_code(last: Snapshot, interrupted: int | None, finished: Finished | None = None, *, spent: bool = False) -> int:
    """What the shell is told of a run that came to its end.

    finished: targets that were passed over. spent: a limit of the run was reached, and some may not have been begun.
    """
    if interrupted is not None:
        return interrupted
    good = last.outcomes.get("ok", 0) + last.outcomes.get("unchanged", 0)
    duplicates = last.errors.get("duplicate", 0)
    refused = sum(last.errors.get(error, 0) for error in ("robots", "robots_unreachable", "forbidden_address"))
    usable = last.done - last.outcomes.get("skipped", 0) + refused
    passed_over = finished is not None and finished.passed_over > 0
    if usable == 0 and duplicates == 0 and not passed_over and not spent:
        return Exit.USAGE
    all_good = good + duplicates == last.done and not (finished is not None and finished.failures)
    return Exit.OK if all_good else Exit.SOME_FAILED
