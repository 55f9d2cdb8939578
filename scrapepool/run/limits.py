"""What holds for each host, out of a run's settings and its sections for hosts.

Decides that a section's value replaces the run's, one by one. Knows the clock that windows are told by.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model import HostKey
from ..ports import Clock
from ..schedule.limits import HostLimits, LimitsFor
from ..settings import Settings
from ..window import Window


def limits_for(settings: Settings, clock: Clock) -> LimitsFor:
    """The scheduler's question about a host, answered."""
    pool, robots, overrides = settings.pool, settings.politeness.robots, settings.host_overrides
    usual = HostLimits(pool.per_host, pool.delay, robots)

    def limits(host: HostKey) -> HostLimits:
        own = overrides.override_for(host)
        return HostLimits(
            pool.per_host if own.per_host is None else own.per_host,
            pool.delay if own.delay is None else own.delay,
            robots if own.robots is None else own.robots,
            None if own.window is None else _closed_for(own.window, clock),
        )

    return limits if overrides else lambda _: usual


def most_per_host(settings: Settings) -> int:
    """Requests in flight on any one host, at most."""
    own = (override.per_host or 0 for _, override in settings.host_overrides.sections)
    return max(settings.pool.per_host, *own, 0)


def _closed_for(window: Window, clock: Clock) -> Callable[[float], float]:
    def closed_for(now: float) -> float:
        # The two clocks are compared each time: the wall's may be set, and a machine may sleep.
        wall = clock.wall() + now - clock.monotonic()
        return window.opens_at(wall) - wall

    return closed_for
