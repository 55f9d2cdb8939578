"""``scrapepool plan``: what ``fetch`` would do.

Decides what is requested for a plan, and its exit code. ``plan_text`` decides how the plan is written.
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...storage.urls import is_storage
from ...text import printable, strict_json
from ..arguments.list_arguments import (
    ListFormats,
    check_list_options,
    source_names,
    sources_or_stdin,
    standard_input,
)
from ..config.opening_notes import opening_notes
from ..exits import Exit
from ..options import fetch_options, settings_from
from ..options.ineffective_options import without_ineffective
from ..parameters.completions import files
from ..parameters.grouped_options import GroupedCommand, GroupedOption, is_typed
from ..parameters.quantity_types import Duration, Whole
from ..standard_streams import echo, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...model import HostKey
    from ...ports import Clock, HostState
    from ...run.dry_run.estimate import Count
    from ...run.dry_run.robots_check import HostRobots
    from ...run.dry_run.size_estimate import SizeEstimate
    from ...settings import Settings

GROUP = "Plan"
EPILOG = """Exit codes: 0 every line is a URL; 1 some lines are rejected; 2 wrong usage, a list that cannot be read, or
no URL that may be fetched. All options of fetch are accepted; those about lists, hosts and pace change the plan."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("sources", nargs=-1, shell_complete=files, metavar="[LIST_OR_URL]...")
@click.option("--offline", is_flag=True, cls=GroupedOption, group=GROUP,
              help="Do not request any robots.txt.")  # fmt: skip
@click.option("--hosts", type=Whole(0), default=10, show_default=True, cls=GroupedOption, group=GROUP,
              help="List this many hosts, those with the most URLs.")  # fmt: skip
@click.option("--rejects", type=Whole(0), default=20, show_default=True, cls=GroupedOption, group=GROUP,
              help="Show at most this many rejected lines; all are counted.")  # fmt: skip
@click.option("--latency", type=Duration(above_zero=True), default="100ms", show_default=True,
              cls=GroupedOption, group=GROUP, help="Assume that a request takes this long.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, cls=GroupedOption, group=GROUP, help="Print JSON.")
@fetch_options
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    offline: bool,
    hosts: int,
    rejects: int,
    latency: float,
    as_json: bool,
    **values: Any,
) -> int:
    """Show what fetch would do and how long it would take.

    Lists rejected lines, duplicates and URLs per host, and names the host that decides the duration. Requests each
    host's robots.txt, as fetch would, and nothing else: how long a request takes is assumed.
    """
    settings = settings_from(without_ineffective(ctx, values))
    opening_notes(ctx, values)
    names = sources_or_stdin(sources, settings.input)
    check_list_options(ctx, names, settings.input)
    return run(
        names,
        settings,
        offline=offline,
        hosts=hosts,
        rejects=rejects,
        latency=latency,
        as_json=as_json,
        names_column=is_typed(ctx, "url_field"),
    )


def run(
    sources: Sequence[str],
    settings: Settings,
    *,
    offline: bool,
    hosts: int,
    rejects: int,
    latency: float,
    as_json: bool,
    names_column: bool,
) -> int:
    """Read the lists, print the plan and return the exit code. Raises ListError, UsageError.

    names_column: as for ``Invocation``.
    """
    from ...ports import SystemClock  # noqa: PLC0415 - a quick --help needs none of these
    from ...run.dry_run.estimate import planned  # noqa: PLC0415
    from ...run.dry_run.known_hosts import recalled  # noqa: PLC0415
    from .plan_text import Report, plan_dict, plan_lines  # noqa: PLC0415

    clock = SystemClock()
    notes: list[str] = []
    formats = ListFormats(notes.append if names_column else None)
    found, robots = _read_lists(sources, settings, clock, formats, notes, rejects=rejects, offline=offline)
    allowed, delays = found.hosts, {}
    for host, changed in (robots or {}).items():
        delays[host] = changed.crawl_delay
        allowed.subtract(host, changed.refused)
    result = None
    known: Mapping[HostKey, HostState] = {}
    if allowed:
        known = recalled(settings, allowed, clock)
        result = planned(allowed, settings, latency=latency, most=hosts, clock=clock, crawl_delays=delays, known=known)
    sizes = _sizes(settings, allowed) if allowed and settings.since.records else None
    report = Report(found, robots, result, settings, latency, hosts, len(known), sizes, _free(settings))
    echo(strict_json(json.dumps(plan_dict(report), indent=2)) if as_json else "\n".join(plan_lines(report)))
    if result is None and robots:
        raise UsageError(f"no URL that may be fetched in {source_names(sources, settings.input)}")
    if result is None and not found.of_other_shards:
        raise UsageError(f"no usable URL in {source_names(sources, settings.input, formats)}")
    return Exit.SOME_FAILED if found.rejects else Exit.OK


def _read_lists(
    sources: Sequence[str],
    settings: Settings,
    clock: Clock,
    formats: ListFormats,
    notes: list[str],
    *,
    rejects: int,
    offline: bool,
) -> tuple[Count, Mapping[HostKey, HostRobots] | None]:
    """Count what is in the lists, show the notes about them, and request the robots.txt of hosts unless ``offline``."""
    from ...read import TargetList  # noqa: PLC0415
    from ...run.dry_run.estimate import count  # noqa: PLC0415
    from ...run.dry_run.list_fetcher import downloads  # noqa: PLC0415
    from ...run.host_limits import limits_for  # noqa: PLC0415 - as above

    limits = limits_for(settings, clock)
    with (
        downloads(settings) as open_document,
        closing(
            TargetList(
                sources,
                settings.input,
                stdin=standard_input(sources, settings.input),
                on_note=notes.append,
                method=settings.request.method,
                open_document=open_document,
                on_format=formats.add,
                whole=True,
            )
        ) as targets,
    ):
        if targets.lazy:
            raise UsageError("a pattern of more than a million URLs can be fetched but not planned; plan a part of it")
        found = count(targets, rejects, asks=None if offline else lambda host: limits(host).robots)
        for note in notes:
            click.echo(printable(note), err=True)
        if not found.tickets:
            return found, None
        from ...run.dry_run.robots_check import ask_robots  # noqa: PLC0415 - requests is needed for nothing else here

        return found, ask_robots(found.tickets, targets, settings)


def _sizes(settings: Settings, hosts: Mapping[HostKey, int]) -> SizeEstimate | None:
    """Estimate sizes from the records of ``--since``. Raises ListError, UsageError."""
    from ...results.find import typed_record  # noqa: PLC0415 - rarely needed
    from ...results.record_parts import record_files  # noqa: PLC0415
    from ...run.dry_run.size_estimate import PageSizes  # noqa: PLC0415
    from ..arguments.record_arguments import watched_records  # noqa: PLC0415

    sizes = PageSizes(hosts)
    for name in settings.since.records:
        if settings.since.if_there and name != "-" and not any(Path(file).exists() for file in record_files(name)):
            continue
        for _, record in watched_records(name, warn):
            sizes.add(typed_record(record))
    return sizes.estimate()


def _free(settings: Settings) -> int | None:
    """Return the free bytes of the disk that outputs go to; None if no output is a file on a disk of this machine."""
    import shutil  # noqa: PLC0415 - as above

    for path in (
        settings.files.save_dir,
        settings.warc.path,
        settings.output.file,
        settings.output.sqlite,
        settings.output.parquet,
    ):
        if path is None or is_storage(path):
            continue
        folder = Path(path).absolute()
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        with suppress(OSError):
            return shutil.disk_usage(folder).free
    return None
