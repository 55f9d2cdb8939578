"""``scrapepool fetch``: builds the objects, runs the engine, names the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ..errors import UsageError
from .exits import Exit
from .grouped import GroupedCommand
from .options import fetch_options, settings_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ports import Snapshot
    from ..settings import Settings

EXAMPLE = """give a list of URLs, a URL, or a pipe, as in
  scrapepool fetch urls.txt -o results.jsonl
  scrapepool fetch https://example.org/
  cat urls.txt | scrapepool fetch - | jq .status"""

EPILOG = """Exit codes: 0 every URL succeeded; 1 some did not; 2 usage, or no list to read; 3 an output cannot be
written; 130 and 143 interrupted. Each option can be given as SCRAPEPOOL_FETCH_NAME in the environment."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("sources", nargs=-1, metavar="[LIST_OR_URL]...")
@fetch_options
def fetch(sources: tuple[str, ...], **values: Any) -> int:
    """Fetch every URL of the lists and write one JSON record a line.

    LIST_OR_URL is a file (text, CSV, JSONL, each also as .gz), a URL, or - for standard input, which is also
    what is read where nothing is given and standard input is a pipe.
    """
    settings = settings_from(values)
    if not sources:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(EXAMPLE)
        sources = ("-",)
    return run(sources, settings)


def run(sources: Sequence[str], settings: Settings) -> int:
    """Run one fetch over lists and URLs; the exit code. Raises ListError, UsageError, OutputError."""
    from ..engine import Stop  # noqa: PLC0415 - a quick --help needs none of these
    from ..fetch.descriptors import raise_soft_limit  # noqa: PLC0415
    from ..record.open import sink_for  # noqa: PLC0415
    from ..render.choose import view_for  # noqa: PLC0415
    from ..run.assemble import assembled, lists  # noqa: PLC0415
    from .log import RunLog  # noqa: PLC0415
    from .signals import Signals  # noqa: PLC0415

    raise_soft_limit()
    stdin: BinaryIO | None = sys.stdin.buffer if "-" in sources else None
    stop = Stop()
    on_terminal = settings.output.path is None and sys.stdout is not None and sys.stdout.isatty()
    view = view_for(settings.display, sys.stderr, records_on_terminal=on_terminal)
    with RunLog(settings.display, view) as log, Signals(stop) as signals:
        feed = lists(sources, settings, stdin=stdin, on_note=log.note)
        with assembled(settings, feed, view=view, stop=stop) as engine:
            sink = sink_for(settings.output, should_stop=lambda: engine.out_of_patience)
            try:
                for outcomes in engine.run():
                    sink.write(outcomes)
                    log.outcomes(outcomes)
                sink.close()
            except BrokenPipeError:
                view.close(None)
                return signals.exit_code or Exit.PIPE  # raised further, Click would take it for its own affair
            except BaseException:
                view.close(engine.snapshot(last=True) if log.anything else None)
                raise
            last = engine.snapshot(last=True)
            view.close(last if last.done or signals.exit_code else None)
        code = exit_code(last, signals.exit_code)
        log.end(last, code)
        if settings.display.summary_json is not None:
            from ..render.summary import write_summary_json  # noqa: PLC0415

            write_summary_json(settings.display.summary_json, last, code)
    if code == Exit.USAGE:
        raise UsageError(f"no usable URL in {', '.join('standard input' if s == '-' else s for s in sources)}")
    return code


def exit_code(last: Snapshot, interrupted: int | None) -> int:
    """What the shell is told of a run that came to its end."""
    if interrupted is not None:
        return interrupted
    good = last.outcomes.get("ok", 0) + last.outcomes.get("unchanged", 0)
    duplicates = last.errors.get("duplicate", 0)
    asked = last.done - last.outcomes.get("skipped", 0)
    if asked == 0 and duplicates == 0:
        return Exit.USAGE
    return Exit.OK if good + duplicates == last.done else Exit.SOME_FAILED
