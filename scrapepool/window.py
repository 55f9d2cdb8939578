"""The hours of a day in which a host may be requested: ``00:00-05:00 Europe/Berlin``.

Decides when a window is open, and when it opens next. The time is an argument, in Unix seconds. Knows the time zone
database, which is right about the nights on which clocks change, and does not know hosts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from .errors import UsageError
from .frozen import frozen
from .lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY = 24 * 60
MOST_DAYS = 1000
"""Days that ``Window.after`` looks ahead; a run of more than three years is not planned to the hour."""

_TEXT = lazy_pattern(r"(\d\d?):(\d\d)\s*(?:-|\u2013)\s*(\d\d?):(\d\d)(?:\s+([A-Za-z][\w+/-]*))?", re.ASCII)


@frozen
class Window:
    """The time from one time of day to another, every day; over midnight if the second is the earlier one.

    start, end: minutes since midnight, end up to 1440.
    zone: IANA name; None for the zone of this machine.
    Raises UsageError for invalid times, for a window without length and for an unknown zone.

    The window of a day is one period of time. It begins at the first moment at which the clocks of that day show
    ``start`` or later, and ends before the first moment at which they show ``end`` or later. If a clock is put forward
    over ``start``, that is the moment; if it is put back over it, it is the first time that it shows ``start``.
    """

    start: int
    end: int
    zone: str | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY and 0 < self.end <= DAY):
            raise UsageError("the times of a window must be between 00:00 and 24:00")
        if self.start == self.end:
            raise UsageError("a window must not open and close at the same time")
        _zone(self.zone)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``HH:MM-HH:MM`` and, optionally, a time zone. Raises UsageError."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"{text!r} is not a window; write it as 00:00-05:00 or 22:00-06:00 Europe/Berlin")
        hour, minute, to_hour, to_minute, zone = found.groups()
        if int(minute) > 59 or int(to_minute) > 59:
            raise UsageError(f"{text!r} is not a window: an hour has 60 minutes")
        start, end = int(hour) * 60 + int(minute), int(to_hour) * 60 + int(to_minute)
        return cls(start, end or DAY, zone)

    def __str__(self) -> str:
        times = f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"
        return times if self.zone is None else f"{times} {self.zone}"

    def is_open(self, wall: float) -> bool:
        """Whether the host may be requested at ``wall``."""
        return self.opens_at(wall) <= wall

    def opens_at(self, wall: float) -> float:
        """Return when it opens, in Unix seconds: ``wall`` itself while it is open."""
        return max(wall, next(self._periods(wall))[0])

    def closes_at(self, wall: float) -> float:
        """Return the end, in Unix seconds, of the period that ``opens_at`` begins."""
        return next(self._periods(wall))[1]

    def after(self, wall: float, seconds: float) -> float:
        """Return when ``seconds`` of open time have passed since ``wall``; infinity beyond ``MOST_DAYS`` days."""
        for number, (opens, closes) in enumerate(self._periods(wall)):
            begins = max(wall, opens)
            if seconds <= closes - begins:
                return begins + seconds
            if number == MOST_DAYS:
                break
            seconds -= closes - begins
        return float("inf")

    def _periods(self, wall: float) -> Iterator[tuple[float, float]]:
        """Yield begin and end of the periods that have not ended at ``wall``, in order."""
        zone = _zone(self.zone)
        day = datetime.fromtimestamp(wall, zone).date() - timedelta(days=1)
        end = self.end if self.end > self.start else self.end + DAY
        while True:
            opens, closes = _first(day, self.start, zone), _first(day, end, zone)
            if opens < closes and wall < closes:
                yield opens, closes
            day += timedelta(days=1)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - rarely needed

    try:
        return ZoneInfo(name)  # zoneinfo caches the zones that it has read
    except (OSError, ValueError, LookupError):
        raise UsageError(f"unknown time zone {name!r}; write it as Europe/Berlin or UTC") from None


def _first(day: date, minute: int, zone: ZoneInfo | None) -> float:
    """Return the first moment at which the clocks of a day show ``minute`` or later."""
    clock = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    once, again = (clock.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if once <= again:
        return once
    # No clock shows this time (PEP 495): it is in the gap, which begins somewhere between the two.
    moments = range(int(again), int(once) + 1)
    place = bisect_left(moments, clock, key=lambda moment: datetime.fromtimestamp(moment, zone).replace(tzinfo=None))
    return float(moments[place])
