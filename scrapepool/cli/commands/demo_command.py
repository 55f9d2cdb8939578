"""``scrapepool demo``: a run over a small web that the program serves itself."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...settings import Settings
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.quantity_types import Whole
from ..parameters.text_types import FileName
from ..standard_streams import echo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...demo.pages import Role
    from ...ports import View

CLOSING_LINES = """The failures are intended: some hosts of the demo are slow, flaky, rate-limited or broken on purpose.
Next: scrapepool fetch urls.txt -o results.jsonl, or scrapepool fetch --help."""


@click.command(cls=GroupedCommand)
@click.option(
    "--list", "only_list", is_flag=True, help="Print the URLs and fetch nothing.", cls=GroupedOption, group="What"
)
@click.option(
    "--keep",
    is_flag=True,
    help="Serve the pages until Ctrl-C and fetch nothing, so that you can fetch them yourself.",
    cls=GroupedOption,
    group="What",
)
@click.option(
    "--port",
    type=Whole(0, 65535),
    help="Serve on this port; 0 takes any free one.  [default: 8900, or any free one]",
    cls=GroupedOption,
    group="How",
)
@click.option(
    "-o",
    "--output",
    type=FileName(),
    help="Write records to this file.  [default: standard output, unless progress is shown there]",
    cls=GroupedOption,
    group="How",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "live", "plain", "none"]),
    default="auto",
    show_default=True,
    help="Show progress, as fetch does.",
    cls=GroupedOption,
    group="How",
)
def demo(only_list: bool, keep: bool, port: int | None, output: str | None, progress: Any) -> int:
    """Fetch a small web that the program serves itself, on loopback.

    Sixteen hosts show how fast, slow, flaky, redirecting, rate-limited and broken servers are handled. No other server
    is contacted.
    """
    from ...demo import DEFAULT_PORT, DemoWeb, demo_urls  # noqa: PLC0415 - a quick --help needs none of it

    if only_list and (keep or output):
        raise UsageError(f"--list and {'--keep' if keep else '--output'} contradict each other")
    if keep and output:
        raise UsageError("--keep and --output contradict each other: with --keep nothing is fetched")
    if only_list:
        echo("\n".join(demo_urls(DEFAULT_PORT if port is None else port)))
        return Exit.OK
    try:
        web = DemoWeb(DEFAULT_PORT if port is None else port)
    except OSError as error:
        raise UsageError(f"cannot start a server on loopback: {error.strerror}") from error
    with web:
        if keep:
            return _serve(web.urls, web.port)
        from .fetch_command import run  # noqa: PLC0415

        if output is None and _shown_with_the_display():
            output = os.devnull
        settings = Settings().with_(output={"path": output}, display={"progress": progress})
        code = run(web.urls, settings, view=_view(web.hosts) if progress == "auto" else None)
    if code in (Exit.OK, Exit.SOME_FAILED):
        click.echo(CLOSING_LINES, err=True)
        return Exit.OK
    return code


def _shown_with_the_display() -> bool:
    """Return whether records would go where progress is shown: to the terminal, or to the same file or pipe."""
    if sys.stdout is None:
        return False
    if sys.stdout.isatty():
        return True
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno()))
    except (OSError, ValueError, AttributeError):
        return False


def _view(hosts: Mapping[str, Role]) -> View | None:
    """Introduce the hosts, and return a view that needs no terminal; None if standard error is one."""
    from ...render.choose import can_redraw  # noqa: PLC0415

    if can_redraw(sys.stderr):
        return None
    from ...render.hosts_view import TABLE_INTERVAL, HostsView  # noqa: PLC0415

    for origin, role in hosts.items():
        click.echo(f"{origin}  {role.character}", err=True)
    return HostsView(sys.stderr, every=TABLE_INTERVAL)


def _serve(urls: list[str], port: int) -> int:
    import threading  # noqa: PLC0415

    click.echo(
        f"serving {len(urls)} pages on port {port} of {urls[0].rsplit(':', 1)[0]} and the following addresses; "
        "stop with Ctrl-C",
        err=True,
    )
    click.echo(f"try: scrapepool demo --list --port {port} | scrapepool fetch -", err=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return Exit.OK
