"""How long a host is left alone after it said ``too many`` (429) or ``not now`` (503).

Decides it from the wait that the host named, or doubles one of its own. Refusals of one window count once: replies to
requests that were started before the parking tell nothing that the first of them did not. Time is an argument.
"""

from __future__ import annotations

from math import inf, ldexp
from typing import NamedTuple

FIRST = 0.5
"""Seconds of the first parking where the host names none; lychee begins with as much."""

MOST = 60.0
"""Seconds of such a parking at most: by then a limiter that counts by the minute has started anew."""

_DOUBLINGS = 10
"""Where doubling stops being computed: ``FIRST`` is past ``MOST`` by then."""


class Parked(NamedTuple):
    """What one refusal came to.

    wait: seconds from now in which the host is not asked. counts: False for a further refusal of the same window.
    """

    wait: float
    counts: bool


class Parking:
    """The refusals of one host in a row.

    row: windows in which it refused since it last answered. since: when the last of them began.
    """

    __slots__ = ("row", "since")

    def __init__(self) -> None:
        self.row = 0
        self.since = -inf

    def __repr__(self) -> str:
        return f"<Parking: {self.row} in a row, the last at {self.since:.3f}>"

    def refused(self, after: float | None, started: float, now: float, *, most: float = MOST) -> Parked:
        """Take in a refusal of a request that was ``started`` then.

        after: seconds that the host named. most: those that are waited for at most where it named none, ``FIRST`` at
        least and ``MOST`` at most. A wait of no seconds is none: who says ``Retry-After: 0`` with a refusal is asked as
        one that names nothing.
        """
        if started <= self.since:
            return Parked(after or 0.0, counts=False)
        wait = after or min(MOST, max(FIRST, most), ldexp(FIRST, min(self.row, _DOUBLINGS)))
        self.row += 1
        self.since = now
        return Parked(wait, counts=True)

    def answered(self, started: float) -> None:
        """An answer that is no refusal ends the row, where its request was started after the refusal came."""
        if started > self.since:
            self.row = 0
