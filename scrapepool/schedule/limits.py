"""The limits of one host: the seam for settings that differ between hosts.

``Scheduler(…, limits_for=…)`` calls this once for each host that becomes active. By default, all hosts have the limits
of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from ..model import HostKey


class HostLimits(NamedTuple):
    """One host's limits.

    per_host: requests in flight. delay: seconds between two starts. robots: whether robots.txt is asked first.
    closed_for: seconds from a monotonic time until the host may be asked, 0.0 while its window is open; None for a host
    that may be asked at any time. parked_until: monotonic time until which it asked an earlier run to wait.
    lasts: seconds from a time until so many seconds of open time have gone by, None as ``closed_for``; for forecasts.
    """

    per_host: int
    delay: float
    robots: bool = False
    closed_for: Callable[[float], float] | None = None
    parked_until: float = -inf
    lasts: Callable[[float, float], float] | None = None


LimitsFor = Callable[[HostKey], HostLimits]
