"""Opens the host memory of a run, if the settings name one.

A robots.txt that another run has read counts for this run if it was read for the same agent.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..model import HostKey
from ..ports import Clock, HostMemory
from ..settings import Settings


def memory_for(
    settings: Settings, clock: Clock, agent: Callable[[HostKey], str], wake: Callable[[], None]
) -> HostMemory | None:
    """Return what other runs know, None where no file is named. Raises UsageError, OutputError.

    agent: returns the product token that a host is sent.
    """
    path = settings.politeness.host_memory
    if path is None:
        return None
    from ..memory.host_store import HostStore  # noqa: PLC0415 - SQLite is needed for nothing else
    from ..transport.robots.rules import Rules  # noqa: PLC0415

    def agent_of(host: HostKey) -> str:
        with suppress(Exception):  # a host that cannot be reached is reported when it is fetched from
            return agent(host)
        return ""

    return HostStore(path, clock, make_rules=Rules, agent_of=agent_of, wake=wake)
