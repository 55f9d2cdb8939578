"""The limits of each host, from a run's settings and their sections for hosts.

Each value in a section replaces the run's value. Knows the clock, which time windows need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING

from ..model import HostKey
from ..ports import Clock
from ..schedule.limits import HostLimits, LimitsFor
from ..settings import Settings

if TYPE_CHECKING:
    from ..window import Window


def limits_for(settings: Settings, clock: Clock, not_before: Mapping[HostKey, float] | None = None) -> LimitsFor:
    """Return the function by which the scheduler looks up the limits of a host.

    not_before: by host, the Unix time until which it asked an earlier run not to send requests. It may be filled later.
    """
    pool, robots, overrides = settings.pool, settings.politeness.robots, settings.host_overrides
    usual = HostLimits(pool.per_host, pool.delay, robots)

    def limits(host: HostKey) -> HostLimits:
        own = overrides.override_for(host)
        return HostLimits(
            pool.per_host if own.per_host is None else own.per_host,
            pool.delay if own.delay is None else own.delay,
            robots if own.robots is None else own.robots,
            None if own.window is None else _closed_for(own.window, clock),
            _parked_until(host),
            None if own.window is None else _lasts(own.window, clock),
        )

    def _parked_until(host: HostKey) -> float:
        until = None if not_before is None else not_before.get(host)
        return -inf if until is None else clock.monotonic() + until - clock.wall()

    return limits if overrides or not_before is not None else lambda _: usual


def most_per_host(settings: Settings) -> int:
    """Return the highest limit of requests in flight on any host."""
    own = (override.per_host or 0 for _, override in settings.host_overrides.sections)
    return max(settings.pool.per_host, *own, 0)


def _closed_for(window: Window, clock: Clock) -> Callable[[float], float]:
    def closed_for(now: float) -> float:
        wall = _wall(clock, now)
        return window.opens_at(wall) - wall

    return closed_for


def _lasts(window: Window, clock: Clock) -> Callable[[float, float], float]:
    def lasts(now: float, seconds: float) -> float:
        wall = _wall(clock, now)
        return window.after(wall, seconds) - wall

    return lasts


def _wall(clock: Clock, now: float) -> float:
    """Convert monotonic to Unix time. The clocks are compared at each call: one may be set, and a machine may sleep."""
    return clock.wall() + now - clock.monotonic()
