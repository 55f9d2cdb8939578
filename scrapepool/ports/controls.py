"""Between a person at the keyboard and the engine: what can be changed while a run goes on.

Decides which values these are. They are few, so that they can be sent on to several engines.
"""

from __future__ import annotations

from collections.abc import Callable

from ..schedule.forecast.host_query import ALL_HOSTS, HostQuery

USUAL_ROWS = 60
"""Hosts in a snapshot: more than any terminal has lines."""

MOST_ROWS = 1000
"""Hosts in a snapshot while all hosts are shown; 1,000 rows take about 15 ms."""


class Controls:
    """What a person has changed about a run. A view sets it and the engine reads it, so there is no lock.

    paused: nothing new may begin.
    workers: maximum number of leases in flight; None for the number that the run began with.
    most_workers: the highest number that may be chosen: as many as file descriptors allow.
    query, rows: which hosts snapshots list, and how many at most.
    wake: ends the engine's sleep. stop: requests a stop, as a first Ctrl-C does.
    """

    def __init__(self, most_workers: int = 1) -> None:
        self.paused = False
        self.workers: int | None = None
        self.most_workers = most_workers
        self.query: HostQuery = ALL_HOSTS
        self.rows = USUAL_ROWS
        self.wake: Callable[[], None] = lambda: None
        self.stop: Callable[[], None] = lambda: None
