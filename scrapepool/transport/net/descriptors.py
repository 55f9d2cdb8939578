"""File descriptors: how many there are to spend on connections, and whether there are any.

Decides the share of the process's limit that workers and idle connections may take.
"""

from __future__ import annotations

import os

from ...fallbacks import limit, raise_limit

SHARE = 0.8  # the rest is for files, the terminal, name look-ups and whatever the caller holds
WORKERS_SHARE = 0.75  # of the budget, for connections in use; what they leave is for idle ones
WITHOUT_LIMIT = 8192


def budget() -> int:
    """Descriptors that connections may take."""
    most = limit("NOFILE")
    return WITHOUT_LIMIT if most is None else int(most * SHARE)


def workers_within(workers: int, *, save: bool = False) -> int:
    """How many of so many workers can have a connection each, and a file for the body where these are saved."""
    return max(1, min(workers, int(budget() * WORKERS_SHARE) // (2 if save else 1)))


def are_used_up() -> bool:
    """Whether the process can open no further file now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False


def raise_soft_limit() -> None:
    """Lift the soft limit to the hard one, as far as the system lets us."""
    raise_limit("NOFILE")
