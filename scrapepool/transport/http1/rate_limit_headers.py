"""How long a server wants no requests: Retry-After, and the fields in which servers state a rate limit.

Decides which of several fields counts and how its value is read: seconds, a date, or a Unix time. Knows no clock, and
not what follows from the wait. Nothing that a server sends raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

from ...model import RateLimit
from ...schedule.health.retry import HOST_WIDE
from .head import Field

LONGEST_WAIT = 315_576_000.0
"""Seconds, ten years: a longer wait is taken for this, so that its end stays a date."""

UNIX_FROM = 1e9
"""What is this large is a Unix time, of 2001 or later; as a wait it would be 31 years."""

MILLISECONDS_FROM = 1e11
"""What is this large is a Unix time in milliseconds; in seconds it would be the year 5138."""

MOST_VALUES = 16
"""Values of one field that are looked at; real servers send one, broken ones two."""

_LISTS = ("retry-after", "ratelimit", "x-ratelimit", "x-rate-limit")
_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,9})?")
_MEMBER = re.compile(r'(?:"[^"]*"|[^",])+')  # of a list (RFC 9651 section 3.1)
_PAIR = re.compile(r"\b([a-z]+)\s*=\s*([0-9]{1,18}(?:\.[0-9]{0,9})?)")


def wait_of(headers: Iterable[Field], status: int, now: float) -> float | None:
    """The wait of ``waits_of``."""
    return waits_of(headers, status, now)[0]


def waits_of(headers: Iterable[Field], status: int, now: float) -> tuple[float | None, tuple[RateLimit, ...]]:
    """Seconds to wait, at most ``LONGEST_WAIT``, None where the response asks for no wait; and what is left of limits.

    With an error Retry-After (RFC 9110 section 10.2.3) goes before all; of several values, in one field or in several,
    the longest wait that can be read counts. Else it is what is left of a limit's window: of
    RateLimit (in the two shapes that draft-ietf-httpapi-ratelimit-headers gave it), or of RateLimit-Reset and
    X-RateLimit-Reset. A limit counts where it says that nothing is left of it; with 429 and 503 also where it does not
    say. now: Unix time of the response; its Date goes before it, as the server's clock set its other times too.
    """
    fields: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1").strip()
        fields[name] = (
            f"{fields[name]}, {text}" if name in fields and name.startswith(_LISTS) else fields.get(name, text)
        )
    now = _unix_time(fields.get("date", "")) or now
    limits = tuple(_limits(fields, now, refused=status in HOST_WIDE))
    if status >= 400 and (after := longest_wait(fields.get("retry-after", ""), now)) is not None:
        return after, limits
    return max((limit.reset for limit in limits if not limit.left), default=None), limits


def _limits(fields: dict[str, str], now: float, *, refused: bool) -> Iterator[RateLimit]:
    """The limits of which it is said what is left, and when that changes."""
    unsaid = "0" if refused else ""
    for prefix in _PREFIXES:
        reset = longest_wait(fields.get(f"{prefix}-reset", ""), now)
        left = _least(fields.get(f"{prefix}-remaining", unsaid))
        if reset is not None and left is not None:
            yield RateLimit(prefix, left, reset)
    field = fields.get("ratelimit", "").lower()
    old = dict(_PAIR.findall(field))
    if "reset" in old:  # limit=10, remaining=0, reset=30
        left = _least(old.get("remaining", unsaid))
        if left is not None:
            yield RateLimit("", left, _clamped(float(old["reset"])))
        return
    windows = {name: pairs.get("w") for name, pairs in _members(fields.get("ratelimit-policy", "").lower())}
    for name, pairs in _members(field):  # "burst";r=0;t=2, "day";r=99;t=3600
        window = windows.get(name)
        wait, left = pairs.get("t") or window, _least(pairs.get("r", ""))
        if wait is not None and left is not None:
            yield RateLimit(name, left, _clamped(float(wait)), None if window is None else _clamped(float(window)))


def _members(field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The members of a list, each with the numbers among its parameters."""
    for member in _MEMBER.findall(field):
        name, _, parameters = member.partition(";")
        yield name.strip(), dict(_PAIR.findall(parameters))


def longest_wait(text: str, now: float) -> float | None:
    """The longest wait of a list; a date has a comma of its own. None where no member can be read."""
    if "," not in text:
        return _wait(text, now)
    parts = [part.strip() for part in text.split(",", MOST_VALUES)[:MOST_VALUES]]
    pairs = [f"{first}, {second}" for first, second in pairwise(parts)]
    return max((wait for part in parts + pairs if (wait := _wait(part, now)) is not None), default=None)


def _wait(text: str, now: float) -> float | None:
    """A wait out of seconds, a Unix time or a date; None for what is none of them."""
    if _NUMBER.fullmatch(text) is None:
        then = _unix_time(text)
        return None if then is None else _clamped(then - now)
    number = float(text)
    if number < UNIX_FROM:
        return _clamped(number)
    return _clamped((number / 1000 if number >= MILLISECONDS_FROM else number) - now)


def _unix_time(text: str) -> float | None:
    """A date of HTTP (RFC 9110 section 5.6.7, and what email may hold), or of RFC 3339; None for what is neither."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            then = read(text)
            return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _least(text: str) -> float | None:
    """A number, or the least of a list; None where there is none."""
    parts = text.replace(",", " ").split()
    return min((float(part) for part in parts if _NUMBER.fullmatch(part) is not None), default=None)


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
