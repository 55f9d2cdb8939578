"""What failures have made of one host: its pace, its parking and its circuit, until it is well again.

A host that never failed has none of this, which keeps what it costs off the quick path. Decides nothing itself.
"""

from __future__ import annotations

from math import inf

from .breaker import Breaker
from .pace import Pace
from .parking import Parking


class Trouble:
    """A host's three policies; pace: None where the pace is fixed."""

    __slots__ = ("breaker", "pace", "parking")

    def __init__(self, most: int, break_after: int, *, adapt: bool) -> None:
        self.pace = Pace(most) if adapt else None
        self.parking = Parking()
        self.breaker = Breaker(break_after)

    def __repr__(self) -> str:
        return f"<Trouble {self.pace} {self.parking} {self.breaker}>"

    @property
    def interval(self) -> float:
        """Seconds between two starts that the host was found to want."""
        return self.pace.interval if self.pace is not None else 0.0

    def limit(self, most: int) -> int:
        """Requests that may be in flight now."""
        if self.breaker.opened is not None:
            return 1
        return self.pace.limit if self.pace is not None else most

    @property
    def probe_at(self) -> float:
        """No request earlier, while the circuit is open."""
        return self.breaker.probe_at if self.breaker.opened is not None else -inf

    def answered(self, count: int, started: float) -> bool:
        """Take in answers to a lease of that time; True where the host is as well as one that never failed."""
        self.parking.answered(started)
        breaker = self.breaker
        if breaker.row:
            breaker.answered()
        if self.pace is None:
            return not self.parking.row
        self.pace.answered(count)
        return self.pace.recovered and not self.parking.row
