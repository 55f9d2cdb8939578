"""How long a run will still take, which host decides it, and why: for people.

Decides words and the larger of a few bounds; the figures come from the scheduler and the survey.
"""

from __future__ import annotations

from ...frozen import frozen
from ...model import HostKey
from .remaining import Remaining

IDLE_SHARE = 0.25
"""Of the workers: fewer idle ones are not worth a remark."""


@frozen
class Forecast:
    """What is known about the rest of a run.

    seconds: left; None while nothing is known. host: the one that decides it, None where it is not one host.
    reason: one human line, as ``1,204 left at 1 per 2 s``. hint: what would make use of idle workers, None for nothing.
    """

    seconds: float | None
    host: HostKey | None
    reason: str
    hint: str | None = None


def at_pace(left: int, host: Remaining) -> str:
    """Why a host with so many targets left takes as long as it does."""
    if host.paced:
        return f"{left:,} left at {every(host.delay)}"
    return f"{left:,} left, {host.slots} at a time, {_seconds(host.each)} each"


def every(delay: float) -> str:
    """An interval as people say it: ``1 per 2 s``, ``4 a second``."""
    return f"1 per {_seconds(delay)}" if delay >= 1 else f"{1 / delay:.3g} a second"


def idle_hint(idle: int, workers: int, *, paced: bool) -> str | None:
    """What to do about idle workers; None where there are few. paced: whether a delay is what they wait for."""
    if idle < max(1.0, workers * IDLE_SHARE):
        return None
    cure = "hosts set the pace: more hosts" if paced else "more hosts or --per-host"
    return f"{idle} of {workers} workers idle: {cure} would help"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
