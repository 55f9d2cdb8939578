"""How long a reply asks to be left alone: Retry-After, and the fields by which servers tell of a rate limit.

Decides which of several fields counts and how its value is read: seconds, a date, or a Unix time. Knows no clock, and
nothing of what is made of the wait. Nothing that a server writes raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

from ..schedule.retry import HOST_WIDE
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
    """Seconds to wait, at most ``LONGEST_WAIT``; None where the reply asks for no wait.

    With an error Retry-After (RFC 9110 section 10.2.3) goes before all; of several values, in one field or in several,
    the longest wait that can be read counts. Else it is what is left of a limit's window: of
    RateLimit (in the two shapes that draft-ietf-httpapi-ratelimit-headers gave it), or of RateLimit-Reset and
    X-RateLimit-Reset. A limit counts where it says that nothing is left of it; with 429 and 503 also where it does not
    say. now: Unix time of the reply; its Date goes before it, as the server's clock set its other times too.
    """
    fields: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1").strip()
        fields[name] = (
            f"{fields[name]}, {text}" if name in fields and name.startswith(_LISTS) else fields.get(name, text)
        )
    now = _unix_time(fields.get("date", "")) or now
    if status >= 400 and (after := longest_wait(fields.get("retry-after", ""), now)) is not None:
        return after
    return max(_resets(fields, now, refused=status in HOST_WIDE), default=None)


def _resets(fields: dict[str, str], now: float, *, refused: bool) -> Iterator[float]:
    """What is left of the windows of all limits that count, in seconds."""
    for prefix in _PREFIXES:
        reset = longest_wait(fields.get(f"{prefix}-reset", ""), now)
        if reset is not None and _is_zero(fields.get(f"{prefix}-remaining", "0" if refused else "")):
            yield reset
    field = fields.get("ratelimit", "").lower()
    old = dict(_PAIR.findall(field))
    if "reset" in old:  # limit=10, remaining=0, reset=30
        if _is_zero(old.get("remaining", "0" if refused else "")):
            yield _clamped(float(old["reset"]))
        return
    windows = {name: pairs.get("w") for name, pairs in _members(fields.get("ratelimit-policy", "").lower())}
    for name, pairs in _members(field):  # "burst";r=0;t=2, "day";r=99;t=3600
        wait = pairs.get("t") or windows.get(name)
        if wait is not None and _is_zero(pairs.get("r", "")):
            yield _clamped(float(wait))


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


def _is_zero(text: str) -> bool:
    """Whether a number, or one of a list, is 0."""
    return any(_NUMBER.fullmatch(part) is not None and not float(part) for part in text.replace(",", " ").split())


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
