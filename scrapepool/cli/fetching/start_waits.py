"""What a run waits for before it starts: a random time, and another run that writes the same output.

Decides how to wait for a lock. Takes no lock itself: after the wait, the run takes it as any other run does.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress

from ...errors import LockedError
from ...fallbacks import CLOEXEC, NONBLOCK
from ...record.safe_io.lock import lock

POLL_EVERY = 0.5
"""Seconds between two looks at a lock."""


def splay(
    seconds: float, sleep: Callable[[float], None] = time.sleep, rng: Callable[[], float] = random.random
) -> None:
    """Wait for a random time of at most ``seconds``."""
    if seconds > 0:
        sleep(rng() * seconds)


def await_lock(path: str, until: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Wait until no process locks a file. Return False if one still does at the monotonic time ``until``."""
    while clock() < until:
        time.sleep(min(POLL_EVERY, max(0.0, until - clock())))
        if not is_locked(path):
            return True
    return False


def is_locked(path: str) -> bool:
    """Return whether another process locks a file now."""
    try:
        fd = os.open(path, os.O_RDONLY | CLOEXEC | NONBLOCK)
    except OSError:
        return False
    try:
        lock(fd, path)
    except LockedError:
        return True
    finally:
        with suppress(OSError):
            os.close(fd)
    return False
