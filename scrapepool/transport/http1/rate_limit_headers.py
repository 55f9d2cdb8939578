"""A parser for Retry-After and for the fields in which servers state a rate limit.

This module decides which of several fields counts, and whether a value is in seconds, a date, or a Unix time. The
current time is an argument. Nothing that a server sends raises an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

from ...lazy_pattern import lazy_pattern
from ...model import RateLimit
from ...schedule.health.retry import HOST_WIDE
from .head import Field

LONGEST_WAIT = 315_576_000.0
"""Ten years in seconds, the maximum wait, so that its end is still a valid date."""

UNIX_FROM = 1e9
"""A number of this size or more is a Unix time, of 2001 or later; as a wait it would be 31 years."""

MILLISECONDS_FROM = 1e11
"""A number of this size or more is a Unix time in milliseconds; in seconds it would be the year 5138."""

MOST_VALUES = 16
"""The maximum number of values of one field that are parsed; real servers send one, broken ones two."""

_LISTS = ("retry-after", "ratelimit", "x-ratelimit", "x-rate-limit")
_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_NUMBER = lazy_pattern(r"[0-9]{1,18}(?:\.[0-9]{0,9})?")
_MEMBER = lazy_pattern(r'(?:"[^"]*"|[^",])+')  # of a list (RFC 9651 section 3.1)
_PAIR = lazy_pattern(r"\b([a-z]+)\s*=\s*([0-9]{1,18}(?:\.[0-9]{0,9})?)")


def wait_of(headers: Iterable[Field], status: int, now: float) -> float | None:
    """Return only the wait of ``waits_of``."""
    return waits_of(headers, status, now)[0]


def waits_of(headers: Iterable[Field], status: int, now: float) -> tuple[float | None, tuple[RateLimit, ...]]:
    """Return the seconds to wait, at most ``LONGEST_WAIT`` or None for no wait, and the rate limits of the response.

    In an error response, Retry-After (RFC 9110 section 10.2.3) has priority. If it has several values, in one field or
    in several, the longest valid wait counts. Otherwise the wait is the time until a rate limit resets. Rate limits are
    read from RateLimit (in both forms of draft-ietf-httpapi-ratelimit-headers), RateLimit-Reset and X-RateLimit-Reset.
    A limit counts if it says that no request remains; with 429 and 503 also if it does not say how many remain.

    now: the Unix time of the response. The Date field replaces it, because the server computed its other times with
        the same clock.
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
    """Yield the limits whose remaining requests and reset time are known."""
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
    """Yield the members of a list, each with its numeric parameters."""
    for member in _MEMBER.findall(field):
        name, _, parameters = member.partition(";")
        yield name.strip(), dict(_PAIR.findall(parameters))


def longest_wait(text: str, now: float) -> float | None:
    """Return the longest wait of a list, in which a date may contain a comma; None if no member is valid."""
    if "," not in text:
        return _wait(text, now)
    parts = [part.strip() for part in text.split(",", MOST_VALUES)[:MOST_VALUES]]
    pairs = [f"{first}, {second}" for first, second in pairwise(parts)]
    return max((wait for part in parts + pairs if (wait := _wait(part, now)) is not None), default=None)


def _wait(text: str, now: float) -> float | None:
    """Return the wait that a number of seconds, a Unix time or a date gives; None for anything else."""
    if _NUMBER.fullmatch(text) is None:
        then = _unix_time(text)
        return None if then is None else _clamped(then - now)
    number = float(text)
    if number < UNIX_FROM:
        return _clamped(number)
    return _clamped((number / 1000 if number >= MILLISECONDS_FROM else number) - now)


def _unix_time(text: str) -> float | None:
    """Return the Unix time of a date of HTTP (RFC 9110 section 5.6.7), email or RFC 3339; None for anything else."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            then = read(text)
            return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _least(text: str) -> float | None:
    """Return the smallest number of a list; None if there is no number."""
    parts = text.replace(",", " ").split()
    return min((float(part) for part in parts if _NUMBER.fullmatch(part) is not None), default=None)


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
