"""The hours of a day at which a host may be asked: ``00:00-05:00 Europe/Berlin``.

Decides when a window is open, and when it opens next. Pure: the time is an argument, in Unix seconds. Knows the time
zone database, which is right about the nights on which clocks change, and nothing of hosts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from .errors import UsageError
from .frozen import frozen

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY = 24 * 60
MOST_DAYS = 1000
"""Nights that ``Window.after`` looks ahead: a run that takes longer than three years is not planned to the hour."""

_TEXT = re.compile(r"(\d\d?):(\d\d)\s*(?:-|\u2013)\s*(\d\d?):(\d\d)(?:\s+([A-Za-z][\w+/-]*))?", re.ASCII)


@frozen
class Window:
    """From a time of day to another, every day; over midnight where the second is the earlier one.

    start, end: minutes since midnight, end up to 1440. zone: IANA name, None for this machine's own.
    Raises UsageError for times that are none, for a window of no length and for a zone that is not known.

    A day's window is one stretch of time. It begins at the first moment at which that day's clocks show ``start`` or
    later, and ends before the first at which they show ``end`` or later: where a clock goes forward over ``start``, at
    that moment, and where it goes back over it, the first time round.
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
        """Read ``HH:MM-HH:MM`` and, where it is not this machine's, a time zone. Raises UsageError."""
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
        """Whether the host may be asked at ``wall``."""
        return self.opens_at(wall) <= wall

    def opens_at(self, wall: float) -> float:
        """When it opens: ``wall`` itself while it is open. Unix seconds."""
        return max(wall, next(self._stretches(wall))[0])

    def closes_at(self, wall: float) -> float:
        """When the stretch that ``opens_at`` names ends. Unix seconds."""
        return next(self._stretches(wall))[1]

    def after(self, wall: float, seconds: float) -> float:
        """When ``seconds`` of open time have gone by, counted from ``wall``; infinity beyond ``MOST_DAYS`` days."""
        for number, (opens, closes) in enumerate(self._stretches(wall)):
            begins = max(wall, opens)
            if seconds <= closes - begins:
                return begins + seconds
            if number == MOST_DAYS:
                break
            seconds -= closes - begins
        return float("inf")

    def _stretches(self, wall: float) -> Iterator[tuple[float, float]]:
        """What has not ended at ``wall``, in order."""
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
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most runs name no zone

    try:
        return ZoneInfo(name)  # zoneinfo keeps what it has read
    except (OSError, ValueError, LookupError):
        raise UsageError(f"unknown time zone {name!r}; write it as Europe/Berlin or UTC") from None


def _first(day: date, minute: int, zone: ZoneInfo | None) -> float:
    """The first moment, from the day's own hours on, at which clocks show ``minute`` of the day or later."""
    clock = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    once, again = (clock.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if once <= again:
        return once
    # No clock shows this time (PEP 495): it lies in the gap, which begins somewhere between the two.
    moments = range(int(again), int(once) + 1)
    place = bisect_left(moments, clock, key=lambda moment: datetime.fromtimestamp(moment, zone).replace(tzinfo=None))
    return float(moments[place])
