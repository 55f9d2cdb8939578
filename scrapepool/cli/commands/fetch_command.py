"""``scrapepool fetch``: builds the objects, runs the engine, names the exit code."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ...errors import ExtractionError, LockedError, OutputError, UsageError
from ..arguments.list_arguments import are_several, sources_or_stdin
from ..exits import Exit
from ..fetching.earlier_records import check_since
from ..fetching.run_end import Ending
from ..options import fetch_options, settings_from
from ..options.ineffective_options import check_idle, without_idle
from ..options.start_options import with_cron
from ..parameters.files_read import files_read
from ..parameters.grouped_options import GroupedCommand
from ..standard_streams import note as complain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports import View
    from ...settings import Settings
    from ..config.config_file import ConfigFile
    from ..parameters.files_read import Input

EPILOG = """Exit codes: 0 every URL succeeded; 1 some did not; 2 wrong usage, or no usable URL; 3 an output cannot be
written; 75 another run writes the output, or the network is down; 130 and 143 interrupted. Each option can also be set
in the environment, as SCRAPEPOOL_FETCH_NAME."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("sources", nargs=-1, metavar="[LIST_OR_URL]...")
@fetch_options
@click.pass_context
def fetch(ctx: click.Context, /, sources: tuple[str, ...], **values: Any) -> int:
    """Fetch every URL of the lists; write one JSON record per URL.

    LIST_OR_URL is a file (text, CSV, TSV, JSONL, Parquet, sitemap, feed or HTML page, each also as .gz), a URL, or -
    for standard input. Without any, standard input is read if it is a pipe or a file.
    """
    values = with_cron(ctx, values)
    settings = settings_from(without_idle(ctx, values))
    check_idle(ctx, settings)
    config: ConfigFile = values["config"]
    config.tell(ctx)
    inputs = files_read(ctx, values, settings)
    names = sources_or_stdin(sources, settings.input)
    several, compared = are_several(names, settings.input), bool(settings.since.records)
    settings = settings.with_(output={"lists": several, "compared": compared})
    check_since(settings, names)
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
    from ..fetching.start_waits import await_lock, splay  # noqa: PLC0415 - a quick --help needs none of it

    splay(settings.start.splay)
    until = time.monotonic() + settings.start.wait_lock
    told = settings.display.quiet
    while True:
        try:
            return _run(sources, settings, inputs, note=note, view=view)
        except LockedError as error:
            if settings.start.wait_lock and not told:
                told = True
                complain(f"{error}; waiting for it, {settings.start.wait_lock:g} s at most (--wait-lock)")
            if not await_lock(error.path, until):
                raise


def _run(
    sources: Sequence[str], settings: Settings, inputs: Sequence[Input], *, note: str | None, view: View | None
) -> int:
    from ..fetching.fetch_run import run_once  # noqa: PLC0415 - a quick --help needs none of it

    ending = Ending(settings)
    try:
        code = run_once(sources, settings, inputs, ending, note=note, view=view)
    except (OutputError, LockedError, ExtractionError) as error:
        with suppress(OutputError):  # the first one is told
            ending.tell(Exit.OUTPUT if isinstance(error, OutputError) else Exit.TEMPFAIL)
        raise
    ending.tell(code)
    if code == Exit.USAGE:
        raise UsageError(f"no usable URL in {ending.read}")
    return code
