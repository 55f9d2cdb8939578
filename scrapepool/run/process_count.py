"""How many worker processes a run has.

Decides it from the settings and from the cores that this process may use: no more than one per request in flight.
"""

from __future__ import annotations

import os

from ..settings import PoolSettings


def process_count(pool: PoolSettings) -> int:
    """Return the number of worker processes; 1 if the run needs none beside its own."""
    return min(pool.processes or cores(), pool.workers)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
