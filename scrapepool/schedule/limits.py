"""The limits of one host, for settings that differ between hosts.

``Scheduler(…, limits_for=…)`` calls this once for each host that becomes active. By default, all hosts have the limits
of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from ..model import HostKey
from ..named_tuple import NamedTuple


class HostLimits(NamedTuple):
    """One host's limits.

    per_host: requests in flight. delay: seconds between two starts. robots: whether robots.txt is requested first.
    closed_for: returns the seconds from a monotonic time until the host may get requests, 0.0 while its window is open;
    None for a host without hours. parked_until: monotonic time until which the host asked an earlier run to wait.
    lasts: returns the seconds from a time until so many seconds of open time have passed, for forecasts; None as above.
    """

    per_host: int
    delay: float
    robots: bool = False
    closed_for: Callable[[float], float] | None = None
    parked_until: float = -inf
    lasts: Callable[[float, float], float] | None = None


LimitsFor = Callable[[HostKey], HostLimits]
