"""Numbers as a person reads them: durations, sizes, counts, rates, shares.

Decides the spelling only; takes seconds and bytes, gives ASCII. What is not known or not finite is ``-``.
"""

from __future__ import annotations

import math

UNKNOWN = "-"

_SIZES = ("kB", "MB", "GB", "TB", "PB")


def clock(seconds: float | None) -> str:
    """Write a duration as on a stopwatch: ``0:04``, ``41:07``, ``1:02:03``, ``2 d 4:00:00``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def precise_share(part: float, whole: float) -> str:
    """Write a share: ``12.5%``. Only a part of 0 is ``0.0%``, and only the whole is ``100.0%``."""
    if not whole:
        return UNKNOWN
    if 0 < part < whole:
        return f"{min(max(part / whole, 0.001), 0.999):.1%}"
    return f"{part / whole:.1%}"


def countdown(seconds: float | None) -> str:
    """Write what is left of a time as ``clock``; begun seconds count, so that ``0:00`` is its end."""
    return clock(math.ceil(seconds) if seconds is not None and math.isfinite(seconds) else None)


def spoken(seconds: float | None) -> str:
    """Write a duration as in a sentence: ``0.42 s``, ``41 s``, ``41 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds < 0.995 else f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minute} min" if minute else f"{hours} h"
    days, hour = divmod(round(minutes / 60), 24)
    return f"{days} d {hour} h" if hour else f"{days} d"


def milliseconds(seconds: float | None) -> str:
    """Write a latency in milliseconds, without the unit: ``0.4``, ``23``, ``1,204``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    value = seconds * 1000
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def latency(seconds: float) -> str:
    """Write a latency: in milliseconds below a second, and above as ``spoken``."""
    return f"{milliseconds(seconds)} ms" if seconds < 0.9995 else spoken(seconds)


def size(count: int) -> str:
    """Write bytes in decimal units, as disks and networks count: ``812 B``, ``41.2 MB``, ``3,204 PB``."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in _SIZES:
        value /= 1000
        if value < 999.5 or unit == _SIZES[-1]:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:,.0f} {unit}"
    raise AssertionError("the last unit takes all")


def count(number: int) -> str:
    """Write a count with its thousands apart: ``20,000``."""
    return f"{number:,}"


def rate(per_second: float) -> str:
    """Write a rate: ``0.4/s``, ``183/s``, ``12,345/s``."""
    if not math.isfinite(per_second):
        return f"{UNKNOWN}/s"
    return f"{per_second:.1f}/s" if 0 < per_second < 9.95 else f"{per_second:,.0f}/s"


def share(part: int, whole: int) -> str:
    """Write a share in whole per cent, rounded down so that ``100 %`` means all; ``-`` of nothing."""
    return f"{min(part, whole) * 100 // whole} %" if whole > 0 else UNKNOWN


def reuse(requests: int, opened: int) -> str:
    """Write the share of requests that went over a connection which had served before."""
    return share(max(0, requests - opened), requests)


def middle_cut(text: str, width: int, mark: str = "…") -> str:
    """Shorten ``text`` to ``width`` characters by leaving out its middle: both ends of a host name tell most."""
    if len(text) <= width:
        return text
    kept = width - len(mark)
    if kept <= 0:
        return text[: max(0, width)]
    tail = kept // 2
    return f"{text[: kept - tail]}{mark}{text[len(text) - tail :]}"


def in_flight(busy: int, workers: int, processes: int) -> str:
    """Say how many requests are in flight, of how many at most, and in how many worker processes if in several."""
    of = f"{busy:>{len(str(workers))}}/{workers}"
    return of if processes == 1 else f"{of} in {processes} processes"
