"""How long a run will still take, which host decides that, and why, in words.

Decides words only; the figures come from the scheduler and the survey.
"""

from __future__ import annotations

from ...frozen import frozen
from ...model import HostKey
from ...plural import counted
from .remaining import Remaining

IDLE_SHARE = 0.25
"""Minimum share of idle workers for which a hint is given."""


@frozen
class Forecast:
    """What is known about the rest of a run.

    seconds: time left; None while nothing is known. host: the host that decides it, None if no single host does.
    reason: one line, as ``1,204 left at 1 per 2 s``. hint: what would make use of idle workers, or None.
    """

    seconds: float | None
    host: HostKey | None
    reason: str
    hint: str | None = None


def at_pace(left: int, host: Remaining) -> str:
    """Return why a host takes as long as it does, given the number of its targets left."""
    if host.paced:
        return f"{left:,} left at {every(host.delay)}"
    return f"{left:,} left, {host.slots} at a time, {_seconds(host.each)} each"


def every(delay: float) -> str:
    """Return an interval between starts as text: ``1 per 2 s``, ``4 a second``."""
    return f"1 per {_seconds(delay)}" if delay >= 1 else f"{1 / delay:.3g} a second"


def idle_hint(idle: int, workers: int, *, paced: bool) -> str | None:
    """Return what to do about idle workers; None where there are few. paced: whether a delay is what they wait for."""
    if idle < max(1.0, workers * IDLE_SHARE):
        return None
    idle_ones = f"{idle} of {counted(workers, 'worker')} {'is' if idle == 1 else 'are'} idle"
    if paced:
        return f"{idle_ones}: no host may be requested more often now"
    return f"{idle_ones}: a higher --per-host would use them"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
