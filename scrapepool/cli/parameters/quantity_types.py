"""Types of options for quantities: numbers, rates, shares, durations, times of day and sizes, with their units."""

from __future__ import annotations

import math
import re
import time
from datetime import datetime, timedelta
from typing import Any

import click

from ...durations import seconds_of
from ...lazy_pattern import lazy_pattern
from ...text import brief

LONGEST = 10 * 366 * 86_400.0
"""Seconds of the longest duration: ten years, so that times stay ones that a calendar has."""

LONGEST_TIMEOUT = 20 * 86_400.0
"""Seconds of the longest timeout of a socket: the system's poll counts milliseconds in 31 bits, which is 24 days."""

MOST_RATE = 1e6
"""Requests per second, more than any network carries."""

UNLIMITED = "none"
"""The text for a share without a limit."""

_WHOLE = lazy_pattern(r"[+-]?\d{1,18}", re.ASCII)
_SIZE = lazy_pattern(r"(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?)(i?b)?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Whole(click.ParamType[int]):
    """A whole number in a range."""

    name = "N"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value).strip()
        if not _WHOLE.fullmatch(text):
            self.fail(f"{value!r} is not a whole number", param, ctx)
        number = int(text)
        if number < self._least:
            self.fail(f"{number} is too small; the minimum is {self._least}", param, ctx)
        if self._most is not None and number > self._most:
            self.fail(f"{number} is too large; the maximum is {self._most}", param, ctx)
        return number


class Rate(click.ParamType[float]):
    """A number of requests per second."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the requests per second, a float above 0."""
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 1 / LONGEST <= rate <= MOST_RATE:
            self.fail(f"{value!r} is not a rate; give a number above 0, such as 10 or 0.5", param, ctx)
        return rate


class Duration(click.ParamType[float]):
    """Seconds, or a number with a unit. above_zero: whether 0 is refused. most: seconds of the longest."""

    name = "seconds"

    def __init__(self, *, above_zero: bool = False, most: float = LONGEST) -> None:
        self._above_zero = above_zero
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds as a float."""
        if isinstance(value, int | float):
            return float(value)
        seconds = seconds_of(value)
        if seconds is None:
            self.fail(
                f"{value!r} is not a duration; give seconds, such as 2.5, or a unit, such as 500ms, 5m or 30d",
                param,
                ctx,
            )
        if seconds > self._most:
            self.fail(f"{value!r} is too long; the maximum is {self._most / 86_400:,.0f} days", param, ctx)
        if self._above_zero and not seconds:
            self.fail("must be above 0", param, ctx)
        return seconds


class Share(click.ParamType[float]):
    """A share such as 10% or 0.1; infinite for ``none``. A share above 1 needs ``%``, as 10 probably means 10%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share as a number."""
        if isinstance(value, int | float):
            return float(value)
        text = value.strip()
        if text.lower() == UNLIMITED:
            return math.inf
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = math.nan
        if not 0 <= share < math.inf or (share > 1 and not text.endswith("%")):
            self.fail(f"{value!r} is not a share; write 10%, 0.1 or none", param, ctx)
        return share


class TimeOfDay(click.ParamType[str]):
    """A time of day such as 06:00."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time as it was given."""
        try:
            time.strptime(value, "%H:%M")
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a time of day; write it as 06:00", param, ctx)
        return str(value)


def next_time(text: str, now: datetime | None = None) -> float:
    """Return the next such time of day in the machine's time zone, in Unix seconds. now: local time."""
    hour, minute = map(int, text.split(":"))
    now = now or datetime.now()
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return then.timestamp()


class Size(click.ParamType[int]):
    """Bytes, or a number with kB, MB, GB (thousands) or KiB, MiB, GiB (1,024s)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes as an int."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is not a size; give bytes or a unit, such as 500kB or 100MiB", param, ctx)
        base = 1024 if (match[3] or "").lower() == "ib" else 1000
        size = float(match[1]) * base ** _POWERS[match[2].lower()]
        if size < 1:
            self.fail("must be at least 1 byte", param, ctx)
        if size == math.inf:
            self.fail(f"{brief(value, 20)} is too large", param, ctx)
        return int(size)
