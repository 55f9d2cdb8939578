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
