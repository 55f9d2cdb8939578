"""``scrapepool hosts``: shows what a host memory knows, and deletes hosts from it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...plural import counted
from ...text import printable, strict_json
from ..exits import Exit
from ..parameters.grouped_options import GroupedCommand, GroupedOption
from ..parameters.text_types import FileName
from ..standard_streams import echo, warn

if TYPE_CHECKING:
    from ...memory.host_listing import HostEntry

EPILOG = """Exit codes: 0 done; 1 the file does not know HOST; 2 wrong usage, or a file that is no host memory; 3 the
file cannot be written."""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("action", type=click.Choice(["show", "forget"]), metavar="show|forget")
@click.argument("file", type=FileName())
@click.argument("host", required=False)
@click.option("--all", "every", is_flag=True, cls=GroupedOption, group="Which", help="Forget all hosts.")
@click.option("--json", "as_json", is_flag=True, cls=GroupedOption, group="Output", help="Print JSON.")
def hosts(action: str, file: str, host: str | None, every: bool, as_json: bool) -> int:
    """Show or forget what a host memory knows of hosts.

    FILE is that of fetch --host-memory. HOST is a name (example.org, also with a port) or an origin
    (http://example.org); without it, all hosts are shown.
    """
    from ...memory.host_listing import HostListing  # noqa: PLC0415 - a quick --help needs none of it

    if action == "show" and every:
        raise UsageError("--all is only for forget; show without HOST shows all hosts")
    if action == "forget" and (host is None) is not every:
        raise UsageError("forget needs a HOST, or --all for all hosts, and not both")
    with closing(HostListing(file)) as listing:
        if action == "forget":
            number = listing.forget(host)
            echo(json.dumps({"forgotten": number}) if as_json else f"hosts forgotten: {number:,}")
            found = bool(number) or every
        else:
            entries = list(listing.entries(host))
            echo(_json(entries) if as_json else "\n".join(_lines(entries, time.time())))
            found = bool(entries) or host is None
    if not found:
        warn(f"{file} knows nothing of {printable(host or '')}")
    return Exit.OK if found else Exit.SOME_FAILED


def _json(entries: Sequence[HostEntry]) -> str:
    return strict_json(json.dumps([_dict(entry) for entry in entries], indent=2))


def _dict(entry: HostEntry) -> dict[str, Any]:
    """Return an entry with its times as RFC 3339. The keys are an API; see docs/host-memory.md."""
    return {
        "host": entry.origin,
        "seen": _instant(entry.seen),
        "latency": round(entry.latency, 6) or None,
        "in_flight": entry.in_flight,
        "interval": entry.interval or None,
        "free_at": _instant(entry.free_at),
        "parked_until": _instant(entry.parked_until),
        "down_since": _instant(entry.dead_since),
        "robots_read": _instant(entry.robots_at),
        "robots_rules": entry.rules,
        "crawl_delay": entry.crawl_delay,
    }


def _instant(seconds: float | None) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
    except (ValueError, OverflowError, OSError):  # no program of ours wrote it
        return None


def _lines(entries: Sequence[HostEntry], now: float) -> Iterator[str]:
    from ...render import units  # noqa: PLC0415 - as above

    def ago(seconds: float | None) -> str:
        return f"{units.spoken(now - seconds)} ago" if seconds else units.UNKNOWN

    rows = [("host", "seen", "latency", "in flight", "interval", "robots.txt", "state")]
    for entry in entries:
        state = "ok"
        if entry.parked_until > now:
            state = f"parked for {units.spoken(entry.parked_until - now)}"
        elif entry.dead_since is not None:
            state = f"down since {units.spoken(now - entry.dead_since)}"
        robots = units.UNKNOWN if entry.rules is None else f"{entry.rules} rules, {ago(entry.robots_at)}"
        rows.append(
            (
                printable(entry.origin.removeprefix("https://")),
                ago(entry.seen),
                f"{units.milliseconds(entry.latency)} ms" if entry.latency else units.UNKNOWN,
                units.UNKNOWN if entry.in_flight is None else str(entry.in_flight),
                units.spoken(entry.interval) if entry.interval else units.UNKNOWN,
                robots,
                state,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield counted(len(entries), "host")
