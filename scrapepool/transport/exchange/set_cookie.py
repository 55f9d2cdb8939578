"""The parser of Set-Cookie header fields (RFC 6265 section 5.2).

Decides which fields set a cookie and which attributes count. Does not know who sent a field or what time it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple

MAX_SIZE = 4096
"""Bytes of a name and a value together: the limit of browsers and curl."""
MAX_ATTRIBUTE = 1024
"""Bytes of an attribute's value; a longer attribute is ignored (rfc6265bis section 5.6)."""
FOREVER = 253_402_300_799
"""The last second of the year 9999, beyond which no cookie lasts."""


_CONTROL = lazy_pattern(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_AGE = lazy_pattern(rb"-?[0-9]+")
_DATE_TOKEN = lazy_pattern(r"[^\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = lazy_pattern(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = lazy_pattern(r"([0-9]{1,2})(?![0-9])")
_YEAR = lazy_pattern(r"([0-9]{2,4})(?![0-9])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class SetCookie(NamedTuple):
    """A parsed Set-Cookie field (RFC 6265 section 5.2). An attribute that is missing or ignored is None.

    max_age: seconds. expires: Unix time. path: None for the default path.
    """

    name: bytes
    value: bytes
    max_age: int | None = None
    expires: int | None = None
    domain: str | None = None
    path: bytes | None = None
    secure: bool = False
    http_only: bool = False


def parse_set_cookie(field: bytes) -> SetCookie | None:
    """Parse a Set-Cookie field; return None if it sets no cookie. An attribute that is not valid is ignored."""
    if _CONTROL.search(field):
        return None
    pair, *attributes = field.split(b";")
    name, equals, value = pair.partition(b"=")
    name, value = name.strip(b" \t"), value.strip(b" \t")
    if not equals or not name or len(name) + len(value) > MAX_SIZE:
        return None
    parsed = SetCookie(name, value)
    for attribute in attributes:
        key, _, text = attribute.partition(b"=")
        text = text.strip(b" \t")
        if len(text) <= MAX_ATTRIBUTE:
            parsed = _with_attribute(parsed, key.strip(b" \t").lower(), text)
    return parsed


def _with_attribute(parsed: SetCookie, key: bytes, text: bytes) -> SetCookie:
    """Apply one attribute (RFC 6265 sections 5.2.1 to 5.2.6). The last of several with the same name counts."""
    changes: dict[str, Any] = {}
    match key:
        case b"expires" if (expires := parse_date(text.decode("latin-1"))) is not None:
            changes["expires"] = expires
        case b"max-age" if _MAX_AGE.fullmatch(text):
            changes["max_age"] = _seconds(text)
        case b"domain" if text:
            changes["domain"] = text.removeprefix(b".").lower().decode("latin-1")
        case b"path":
            changes["path"] = text if text.startswith(b"/") else None
        case b"secure":
            changes["secure"] = True
        case b"httponly":
            changes["http_only"] = True
    return parsed._replace(**changes)


def _seconds(digits: bytes) -> int:
    """Parse a number of any length; return ``FOREVER`` if it is larger."""
    return int(digits) if len(digits) <= 12 else -1 if digits.startswith(b"-") else FOREVER


def parse_date(text: str) -> int | None:
    """Parse a cookie's date (RFC 6265 section 5.1.1); return None if it is not a date."""
    clock: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DATE_TOKEN.findall(text):
        if clock is None and (found := _TIME.match(token)):
            clock = int(found[1]), int(found[2]), int(found[3])
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 2000 if year < 70 else 1900
    if year < 1601:
        return None
    try:
        return int(datetime(year, month, day, *clock, tzinfo=UTC).timestamp())
    except ValueError:
        return None
