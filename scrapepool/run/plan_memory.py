"""What a host memory knows of the hosts of a plan. A file that is not there yet is not made."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ..fetch.robots_rules import Rules
from ..model import HostKey
from ..ports import Clock, Known
from ..settings import Settings


def recalled(settings: Settings, hosts: Iterable[HostKey], clock: Clock) -> dict[HostKey, Known]:
    """What runs found out of these hosts, for a plan: all but their robots.txt. Raises UsageError, OutputError."""
    path = settings.politeness.host_memory
    if path is None or not Path(path).exists():
        return {}
    from ..memory.file import HostFile  # noqa: PLC0415 - SQLite is needed for nothing else
    from ..memory.rows import known_in, moved  # noqa: PLC0415

    with closing(HostFile(path)) as file:
        rows = ((host, file.row(host)) for host in hosts)
        offset = clock.monotonic() - clock.wall()
        return {host: moved(known_in(row, Rules, lambda: ""), offset) for host, row in rows if row is not None}
