"""``scrapepool fetch``: from options to settings, one run, and its exit code."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ...errors import ExtractionError, LockedError, OutputError, ProcessError, UsageError
from ..arguments.list_arguments import are_several, check_list_options, sources_or_stdin
from ..config.opening_notes import opening_notes
from ..exits import Exit
from ..fetching.earlier_records import check_since
from ..fetching.invocation import Invocation
from ..fetching.run_end import RunEnd
from ..options import fetch_options, settings_from
from ..options.ineffective_options import check_effective, without_ineffective
from ..options.start_options import with_cron
from ..parameters.completions import files
from ..parameters.files_read import files_read
from ..parameters.grouped_options import GroupedCommand, is_typed
from ..standard_streams import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports import View
    from ...settings import Settings

EPILOG = """Exit codes: 0 every URL succeeded; 1 some did not; 2 wrong usage, or no usable URL; 3 an output cannot be
written; 75 another run writes the output, or the network is down; 130 and 143 interrupted. Each option can also be set
in the environment, as SCRAPEPOOL_FETCH_NAME."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("sources", nargs=-1, shell_complete=files, metavar="[LIST_OR_URL]...")
@fetch_options
@click.pass_context
def fetch(ctx: click.Context, /, sources: tuple[str, ...], **values: Any) -> int:
    """Fetch every URL of the lists; write one JSON record per URL.

    LIST_OR_URL is a file (text, CSV, TSV, JSONL, Parquet, sitemap, feed or HTML page, each also as .gz), a URL, or -
    for standard input. Without any, standard input is read if it is a pipe or a file.
    """
    values = with_cron(ctx, values)
    settings = settings_from(without_ineffective(ctx, values))
    check_effective(ctx, settings)
    notes = opening_notes(ctx, values)
    invocation = Invocation(files_read(ctx, values, settings), notes, is_typed(ctx, "url_field"))
    names = sources_or_stdin(sources, settings.input)
    check_list_options(ctx, names, settings.input)
    several, compared = are_several(names, settings.input), bool(settings.since.records)
    settings = replace(settings, output=replace(settings.output, lists=several, compared=compared))
    check_since(settings, names)
    return run(names, settings, invocation)


def run(
    sources: Sequence[str],
    settings: Settings,
    invocation: Invocation = Invocation(),  # noqa: B008 - frozen
    *,
    view: View | None = None,
) -> int:
    """Run one fetch over lists and URLs, and return its exit code.

    view: replaces the view that the settings choose.

    Raises ListError, UsageError, OutputError.
    """
    from ..fetching.start_waits import await_lock, splay  # noqa: PLC0415 - a quick --help needs none of it

    splay(settings.start.splay)
    until = time.monotonic() + settings.start.wait_lock
    reported = settings.display.quiet
    while True:
        try:
            return _run(sources, settings, invocation, view)
        except LockedError as error:
            if not settings.start.wait_lock and not error.hint:
                raise LockedError(error.path, "--wait-lock waits for its end") from None
            if settings.start.wait_lock and not reported:
                reported = True
                warn(f"{error}; waiting up to {settings.start.wait_lock:g} s for it (--wait-lock)")
            if not await_lock(error.path, until):
                raise


def _run(sources: Sequence[str], settings: Settings, invocation: Invocation, view: View | None) -> int:
    if settings.start.cluster is not None:
        from ..fetching.cluster_run import run_once  # noqa: PLC0415 - an extra
    else:
        from ..fetching.fetch_run import run_once  # noqa: PLC0415 - a quick --help needs none of it

    end = RunEnd(settings)
    try:
        code = run_once(sources, settings, invocation, end, view)
    except (OutputError, LockedError, ExtractionError, ProcessError) as error:
        with suppress(OutputError):  # the first error is the one that is reported
            end.report(Exit.OUTPUT if isinstance(error, OutputError) else Exit.TEMPFAIL)
        raise
    end.report(code)
    if code == Exit.USAGE:
        raise UsageError(f"no usable URL in {end.lists}")
    return code
