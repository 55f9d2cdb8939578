"""File descriptors: how many of them connections may use, and whether any is left.

This module decides the share of the process's limit that workers and idle connections may use.
"""

from __future__ import annotations

import os

from ...fallbacks import limit, raise_limit

SHARE = 0.8  # the rest is for files, the terminal, name look-ups and the code that calls this package
WORKERS_SHARE = 0.75  # share of the budget for connections in use; the rest is for idle ones
WITHOUT_LIMIT = 8192


def budget() -> int:
    """Return the number of descriptors that connections may use."""
    most = limit("NOFILE")
    return WITHOUT_LIMIT if most is None else int(most * SHARE)


def workers_within(workers: int, *, save: bool = False, processes: int = 1) -> int:
    """Return how many of ``workers`` can have a connection each, and a file each if bodies are saved.

    processes: number of processes that share them, each of which has a limit of its own.
    """
    return max(1, min(workers, processes * (int(budget() * WORKERS_SHARE) // (2 if save else 1))))


def are_used_up() -> bool:
    """Return whether the process cannot open another file now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False


def raise_soft_limit() -> None:
    """Raise the soft limit to the hard limit, as far as the system allows it."""
    raise_limit("NOFILE")
