"""What a response says about later requests for it: its validators, and how long it is fresh.

Decides which of these a record keeps, and which a later request sends (RFC 9110 section 13, RFC 9111 section 4). The
rules of a private cache apply. Knows no clocks, no sockets and no files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self

from .lazy_pattern import lazy_pattern
from .named_tuple import NamedTuple

MAX_ETAG = 512
"""Longest ETag that is kept, in characters; longer ones would fill the records."""

SAFE = frozenset({"GET", "HEAD"})
"""Methods that may be sent with a condition."""

_ETAG = lazy_pattern(rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"|[\x21\x23-\x7e\x80-\xff]+')
"""An ETag as in RFC 9110 section 8.8.3, or without quotes, as some servers send it and expect it back."""

_CONDITION = lazy_pattern(rb"\r\n(?:if-[a-z-]+|range):", re.IGNORECASE)
_DIRECTIVE = lazy_pattern(r'\s*([^\s,="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^,"]*(?:,|$)')
_SECONDS = lazy_pattern(r"\d{1,10}", re.ASCII)

_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = r"(?P<time>\d\d:\d\d:\d\d)"
_DATES = tuple(
    lazy_pattern(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} (?P<day>\d\d| \d) {_TIME} (?P<year>\d{{4}})",
    )
)

LONGEST = 2**31
"""Seconds that stand for any longer time (RFC 9111 section 1.2.2)."""

_SAYING = frozenset({b"etag", b"last-modified", b"cache-control", b"expires", b"vary"})
"""The fields without which a response says nothing about later requests."""

Fields = Mapping[bytes, bytes]
"""Values of header fields by lower-case name; those of repeated fields are joined by commas."""


class Validators(NamedTuple):
    """What a response says about later requests for it.

    etag, last_modified: the values of the fields.
    fresh_until: Unix time; None if the response does not say, or says that it must be requested each time.
    vary: the names in its Vary, and a digest of the values that its request had under these names.
    """

    etag: str | None = None
    last_modified: str | None = None
    fresh_until: float | None = None
    vary: str | None = None


class Known(NamedTuple):
    """What the last of the earlier records says about a target.

    record: the fields ``KEPT`` of that record by name, without those that are null.
    key: a digest of the values of ``--change-by``; None if the record does not have them.
    """

    record: Mapping[str, Any]
    key: str | None = None

    @property
    def is_page(self) -> bool:
        """Whether there was a page, rather than 404 or 410."""
        return self.record.get("outcome") in ("ok", "unchanged")

    @property
    def started(self) -> str | None:
        """The time of its request, in RFC 3339."""
        return self.record.get("started")

    def conditions(self, url: str, method: str, request: bytes) -> list[tuple[str, str]]:
        """List the header fields of a conditional request; none if they must not be sent.

        url: the one that is requested now, which must be the one of the validators.
        request: as it would be sent without them. Its values under the names of the old response's Vary must be
        those of the old request.
        """
        record = self.record
        if not self.is_page or method not in SAFE or record.get("final_url") != url:
            return []
        fields = self.asking
        if not fields or not self.varies_not(request) or _CONDITION.search(_head(request)):
            return []
        return fields

    def was_sent(self, request: bytes) -> bool:
        """Whether a request has one of these header fields."""
        head = _head(request)
        return any(f"\r\n{name}: {value}".encode("latin-1") in head for name, value in self.asking)

    @property
    def asking(self) -> list[tuple[str, str]]:
        """The header fields with its validators, as far as a request can carry them."""
        etag, date = _sendable_etag(self.record.get("etag")), _sendable_date(self.record.get("last_modified"))
        fields = [] if etag is None else [("If-None-Match", etag)]
        return fields if date is None else [*fields, ("If-Modified-Since", date)]

    def varies_not(self, request: bytes) -> bool:
        """Whether a request has the same values as the old one in all fields that the old response depended on."""
        vary = self.record.get("vary")
        return vary is None or vary == varying(",".join(_names(vary)), request)

    def is_fresh(self, now: float, request: bytes, variable: Collection[str] = ()) -> bool:
        """Whether its page is still fresh according to its response, so that it need not be requested now.

        request: the one that would be sent, as far as it is known.
        variable: names of header fields whose values are not known.
        """
        until, vary = unix(self.record.get("fresh_until")), self.record.get("vary")
        if not self.is_page or until is None or until <= now:
            return False
        return vary is None or (self.varies_not(request) and not set(_names(vary)) & set(variable))

    def is_younger(self, seconds: float, now: float) -> bool:
        """Whether its page was requested less than ``seconds`` ago. A time in the future counts as unknown."""
        at = unix(self.record.get("started"))
        return self.is_page and at is not None and 0 <= now - at < seconds

    @classmethod
    def of(cls, record: Mapping[str, Any], key: str | None = None) -> Self:
        """Make one from a record, with the fields that are needed."""
        return cls({name: value for name in KEPT if (value := record.get(name)) is not None}, key)


KEPT = (
    "outcome", "status", "sha256", "bytes", "content_type", "charset", "path", "final_url", "started", "etag",
    "last_modified", "fresh_until", "vary", "data",
)  # fmt: skip
"""The fields that ``Known.record`` may have."""


def validators_of(fields: Fields, request: bytes, *, redirected: bool, now: float, delay: float) -> Validators | None:
    """Read the header fields of a response; None if they say nothing about later requests.

    request: as it was sent.
    redirected: whether redirects led here, which must be requested each time.
    now: Unix time when the fields arrived.
    delay: seconds between the request and their arrival.
    """
    if _SAYING.isdisjoint(fields):
        return None
    etag, modified, vary = fields.get(b"etag"), fields.get(b"last-modified"), fields.get(b"vary")
    lifetime = None if redirected else _lifetime(fields, now, delay)
    validators = Validators(
        None if etag is None or not _ETAG.fullmatch(etag) or len(etag) > MAX_ETAG else etag.decode("latin-1"),
        None if modified is None or _unix(modified.decode("latin-1")) is None else modified.decode("latin-1"),
        None if lifetime is None or (vary is not None and b"*" in vary) else now + lifetime,
        None if vary is None else varying(vary.decode("latin-1"), request),
    )
    return None if validators == NOTHING else validators


NOTHING = Validators()


def varying(names: str, request: bytes) -> str | None:
    """Format the values of a request under the names of a Vary: ``accept-encoding,cookie 0123456789abcdef``.

    It is a digest because the values may be secrets.
    """
    return _varying(names, request[request.find(b"\r\n") : request.find(b"\r\n\r\n")])


@lru_cache(maxsize=4096)  # most requests to a host have the same values
def _varying(names: str, fields: bytes) -> str | None:
    wanted = sorted({name.strip().lower() for name in names.split(",")} - {""})
    if not wanted:
        return None
    lines = [line.partition(b":") for line in fields.split(b"\r\n")[1:]]
    said = [
        (name, [value.strip() for key, _, value in lines if key.lower() == name.encode("latin-1", "replace")])
        for name in wanted
    ]
    return f"{','.join(wanted)} {sha256(repr(said).encode()).hexdigest()[:16]}"


def _names(vary: str) -> list[str]:
    """Return the names in a record's ``vary``."""
    return vary.rpartition(" ")[0].split(",")


def unix(instant: Any) -> float | None:
    """Read a time in a record as Unix seconds; None if it is invalid."""
    if isinstance(instant, str):
        with suppress(ValueError, OverflowError):
            found = datetime.fromisoformat(instant)
            return found.timestamp() if found.tzinfo is not None else None
    return None


def _head(request: bytes) -> bytes:
    return request[: request.find(b"\r\n\r\n")]


def _lifetime(fields: Fields, now: float, delay: float) -> float | None:
    """Return for how many seconds a response is fresh; None if it is not (RFC 9111 sections 4.2, 5.2.2).

    Only explicit lifetimes count: none is guessed from Last-Modified.
    """
    control = _directives(fields.get(b"cache-control", b"").decode("latin-1"))
    if control.keys() & {"no-cache", "no-store"}:
        return None
    date = _unix(fields.get(b"date", b"").decode("latin-1"))
    if "max-age" in control:
        lifetime = _seconds(control["max-age"])
    elif b"expires" in fields:
        expires = _unix(fields[b"expires"].decode("latin-1"))
        lifetime = None if expires is None else expires - (now if date is None else date)
    else:
        return None
    if lifetime is None:
        return None
    age = _seconds(fields.get(b"age", b"0").decode("latin-1").split(",")[0].strip()) or 0.0
    apparent = 0.0 if date is None else max(0.0, now - date)
    left = lifetime - max(apparent, age + delay)
    return left if left > 0 else None


@lru_cache(maxsize=1024)
def _directives(text: str) -> dict[str, str]:
    """Parse a Cache-Control; of a repeated directive, the first one counts."""
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(text):
        name, quoted, bare = match.groups()
        found.setdefault(name.lower(), (bare if quoted is None else quoted) or "")
    return found


def _seconds(text: str) -> float | None:
    """Read a delta-seconds; None if it is invalid, which means stale (RFC 9111 section 4.2.1)."""
    return min(float(text), LONGEST) if _SECONDS.fullmatch(text) else LONGEST if text.isdecimal() else None


@lru_cache(maxsize=4096)
def _unix(text: str) -> float | None:
    """Read an HTTP-date in any of its three forms (RFC 9110 section 5.6.7); None if it is invalid.

    A year of two digits is at most 50 years in the future.
    """
    match = next(filter(None, (form.fullmatch(text) for form in _DATES)), None)
    if match is None:
        return None
    day, month, year = match["day"], match["month"].lower(), int(match["year"])
    if len(match["year"]) == 2:
        year += 2000 if year < 70 else 1900
    hour, minute, second = map(int, match["time"].split(":"))
    try:
        return datetime(
            year, _MONTHS.index(month) // 3 + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC
        ).timestamp()
    except ValueError:
        return None


def _sendable_etag(value: Any) -> str | None:
    """Return the ETag of a record if a request can carry it; anybody may have edited the record."""
    if not isinstance(value, str) or len(value) > MAX_ETAG:
        return None
    try:
        return value if _ETAG.fullmatch(value.encode("latin-1")) else None
    except UnicodeEncodeError:
        return None


def _sendable_date(value: Any) -> str | None:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > MAX_ETAG:
        return None
    return value if _unix(value) is not None else None
