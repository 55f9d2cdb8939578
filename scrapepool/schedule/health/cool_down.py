"""How long a host gets no requests after it responded "too many requests" (429) or "unavailable" (503).

The wait is the one that the host names (Retry-After), or one of ours that doubles with each refusal. Refusals of one
window count once: a request that began before the cool-down tells nothing that the first refusal did not tell. Time is
an argument.
"""

from __future__ import annotations

from math import inf, ldexp

from ...named_tuple import NamedTuple

FIRST_COOL_DOWN = 0.5
"""Seconds of the first cool-down if the host names no wait; lychee begins with the same."""

MAX_COOL_DOWN = 60.0
"""Maximum cool-down in seconds if the host names no wait: a limiter that counts per minute has restarted by then."""

_MAX_DOUBLINGS = 10
"""Number of doublings after which ``FIRST_COOL_DOWN`` exceeds ``MAX_COOL_DOWN`` anyway."""


class CoolDownPeriod(NamedTuple):
    """The consequence of one refusal.

    wait: seconds from now in which the host gets no requests. counts: False for a further refusal of the same window.
    """

    wait: float
    counts: bool


class CoolDown:
    """The refusals of one host in a row.

    refused_in_row: windows in which the host refused requests since its last response. since: when the last of these
    refusals came.
    """

    __slots__ = ("refused_in_row", "since")

    def __init__(self) -> None:
        self.refused_in_row = 0
        self.since = -inf

    def __repr__(self) -> str:
        return f"<CoolDown: {self.refused_in_row} in a row, the last at {self.since:.3f}>"

    def on_refusal(
        self, after: float | None, started: float, now: float, *, most: float = MAX_COOL_DOWN
    ) -> CoolDownPeriod:
        """Take in a refusal of a request that began at ``started``.

        after: seconds that the host named. most: maximum wait if it named none, limited to ``FIRST_COOL_DOWN`` ..
        ``MAX_COOL_DOWN``. ``Retry-After: 0`` with a refusal counts as no wait named.
        """
        if started <= self.since:
            return CoolDownPeriod(after or 0.0, counts=False)
        wait = after or min(
            MAX_COOL_DOWN, max(FIRST_COOL_DOWN, most), ldexp(FIRST_COOL_DOWN, min(self.refused_in_row, _MAX_DOUBLINGS))
        )
        self.refused_in_row += 1
        self.since = now
        return CoolDownPeriod(wait, counts=True)

    def on_response(self, started: float) -> None:
        """End the row on a response that is no refusal, if its request began after the last refusal."""
        if started > self.since:
            self.refused_in_row = 0
