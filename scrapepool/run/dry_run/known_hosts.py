"""Reads what a host memory knows about the hosts of a plan. A missing file is not created."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from ...model import HostKey
from ...ports import Clock, HostState
from ...settings import Settings
from ...transport.robots.rules import Rules
from ...url import parse


def recalled(settings: Settings, hosts: Iterable[HostKey], clock: Clock) -> dict[HostKey, HostState]:
    """Return what earlier runs know about these hosts, without the rules of robots.txt.

    Raises UsageError, OutputError.
    """
    path = settings.politeness.host_memory
    if path is None or not Path(path).exists():
        return {}
    from ...memory.host_file import HostFile  # noqa: PLC0415 - SQLite is needed for nothing else
    from ...memory.host_rows import known_in, moved  # noqa: PLC0415

    offset = clock.monotonic() - clock.wall()

    def known(row: tuple[Any, ...]) -> HostState:
        robots_at = -inf if row[-2] is None else row[-2]
        return moved(replace(known_in(row, Rules, lambda: ""), robots=None, robots_at=robots_at), offset)

    with closing(HostFile(path)) as file:
        rows = ((host, file.row(host)) for host in hosts)
        return {host: known(row) for host, row in rows if row is not None}


def crawl_delays(settings: Settings) -> dict[HostKey, float]:
    """Return the Crawl-delay of hosts whose robots.txt an earlier run has read, in seconds.

    Raises UsageError, OutputError.
    """
    path, politeness = settings.politeness.host_memory, settings.politeness
    if path is None or not politeness.robots or not Path(path).exists():
        return {}
    from ...memory.host_listing import HostListing  # noqa: PLC0415 - as above

    with closing(HostListing(path)) as file:
        return {
            parse(entry.origin).host: min(entry.crawl_delay, politeness.max_crawl_delay)
            for entry in file.entries()
            if entry.crawl_delay
        }
