"""Cookies as RFC 6265 section 5 has them: what a Set-Cookie field says, which cookies are kept, which are sent where.

Decides all of that, and that no cookie is taken for a public suffix such as ``co.uk``. Sans-I/O: time is an argument,
Unix seconds. Values are the bytes that came. The limits are those of the RFC's successor, rfc6265bis, and of browsers.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from ..http1.head import Field

MAX_SIZE = 4096
"""Bytes of a name and a value together: the limit of browsers and curl."""
MAX_ATTRIBUTE = 1024
"""Bytes of an attribute's value; a longer attribute is ignored (rfc6265bis section 5.6)."""
MAX_PER_DOMAIN = 180
"""Cookies of one domain: Chrome's limit; RFC 6265 section 6.1 demands 50."""
MAX_COOKIES = 50_000
"""Cookies in all; RFC 6265 section 6.1 demands 3,000, and a run meets many hosts."""
FOREVER = 253_402_300_799
"""The last second of the year 9999, beyond which no cookie lasts."""

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_AGE = re.compile(rb"-?[0-9]+")
_DATE_TOKEN = re.compile(r"[^\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Cookie(NamedTuple):
    """One cookie as it is stored.

    domain: lower case, without a dot before it. host_only: for that very host, not for those below it.
    expires: Unix time, None for the end of the session. created: order of creation, smaller is earlier.
    """

    name: bytes
    value: bytes
    domain: str
    path: bytes = b"/"
    host_only: bool = True
    secure: bool = False
    http_only: bool = False
    expires: int | None = None
    created: int = 0

    @property
    def pair(self) -> bytes:
        """``name=value``."""
        return self.name + b"=" + self.value


class SetCookie(NamedTuple):
    """What a Set-Cookie field says (RFC 6265 section 5.2). None where an attribute is missing or ignored.

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


class CookieStore:
    """The cookies of a run, or of one URL along its redirects. Called from many threads.

    cookies: that are there from the beginning, of any domain. now: those that have expired by then are left out.
    """

    def __init__(self, cookies: Iterable[Cookie] = (), now: float = 0.0) -> None:
        self._domains: OrderedDict[str, dict[tuple[bytes, bytes], Cookie]] = OrderedDict()  # the last one set last
        self._size = 0
        self._created = count()
        self._lock = threading.Lock()
        for cookie in cookies:
            self.put(cookie, now)

    def __repr__(self) -> str:
        return f"<CookieStore: {self._size} cookies of {len(self._domains)} domains>"  # their values are secrets

    def __len__(self) -> int:
        return self._size

    def cookies(self, now: float) -> list[Cookie]:
        """All cookies that have not expired, in the order of their creation."""
        with self._lock:
            found = [
                cookie for jar in self._domains.values() for cookie in jar.values() if not _has_expired(cookie, now)
            ]
        return sorted(found, key=lambda cookie: cookie.created)

    def store(self, fields: Iterable[Field], host: str, path: str, now: float) -> None:
        """Take the cookies of a response's header fields, as far as they may be set (RFC 6265 section 5.3).

        host: which sent them, as in ``HostKey``. path: the request target.
        """
        for name, value in fields:
            if len(name) == 10 and name.lower() == b"set-cookie" and (parsed := parse_set_cookie(value)) is not None:
                self._set(parsed, host, path, now)

    def header(self, host: str, path: str, now: float, *, secure: bool) -> bytes | None:
        """The value of the Cookie field for a request (RFC 6265 section 5.4); None where no cookie is to be sent.

        secure: whether the request goes over TLS.
        """
        target = path.partition("?")[0].encode("ascii", "replace")
        with self._lock:
            found = [
                cookie
                for domain in _domains_of(host)
                for cookie in self._domains.get(domain, {}).values()
                if not (cookie.host_only and domain != host)
                and (secure or not cookie.secure)
                and not _has_expired(cookie, now)
                and _path_matches(target, cookie.path)
            ]
        if not found:
            return None
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        return b"; ".join([cookie.pair for cookie in found])

    def _set(self, parsed: SetCookie, host: str, path: str, now: float) -> None:
        domain, host_only = host, True
        if parsed.domain and parsed.domain != host:
            if _is_public_suffix(parsed.domain) or not _domain_matches(host, parsed.domain):
                return
            domain, host_only = parsed.domain, False
        elif parsed.domain:
            host_only = _is_address(host) or _is_public_suffix(host)
        expires = parsed.expires
        if parsed.max_age is not None:
            expires = min(int(now) + parsed.max_age, FOREVER) if parsed.max_age > 0 else 0
        self.put(
            Cookie(
                parsed.name,
                parsed.value,
                domain,
                _default_path(path) if parsed.path is None else parsed.path,
                host_only,
                parsed.secure,
                parsed.http_only,
                expires,
            ),
            now,
        )

    def put(self, cookie: Cookie, now: float) -> None:
        """Store a cookie in the place of one with its name, domain and path; one that has expired removes that one."""
        key = cookie.path, cookie.name
        with self._lock:
            jar = self._domains.setdefault(cookie.domain, {})
            old = jar.get(key)
            created = next(self._created) if old is None else old.created
            if _has_expired(cookie, now):
                if old is not None:
                    del jar[key]
                    self._size -= 1
                if not jar:
                    del self._domains[cookie.domain]
                return
            jar[key] = cookie._replace(created=created)
            self._size += old is None
            self._domains.move_to_end(cookie.domain)
            if len(jar) > MAX_PER_DOMAIN:
                del jar[_first_to_go(jar, now)]
                self._size -= 1
            while self._size > MAX_COOKIES:
                _, gone = self._domains.popitem(last=False)
                self._size -= len(gone)


def _first_to_go(jar: dict[tuple[bytes, bytes], Cookie], now: float) -> tuple[bytes, bytes]:
    """The key of a cookie that has expired, else of the oldest one."""
    return min(jar, key=lambda key: (not _has_expired(jar[key], now), jar[key].created))


def _has_expired(cookie: Cookie, now: float) -> bool:
    return cookie.expires is not None and cookie.expires <= now


def _domains_of(host: str) -> Iterator[str]:
    """The domains whose cookies a host may get: itself, and those above it where it is no IP address."""
    yield host
    if _is_address(host):
        return
    while "." in host:
        host = host.partition(".")[2]
        yield host


def _is_address(host: str) -> bool:
    return ":" in host or _IPV4.fullmatch(host) is not None


def _domain_matches(host: str, domain: str) -> bool:
    """RFC 6265 section 5.1.3."""
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def _path_matches(target: bytes, path: bytes) -> bool:
    """RFC 6265 section 5.1.4."""
    return target.startswith(path) and (
        len(target) == len(path) or path.endswith(b"/") or target[len(path) : len(path) + 1] == b"/"
    )


def _default_path(target: str) -> bytes:
    """RFC 6265 section 5.1.4, of a request target."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        return b"/"
    return (path.rpartition("/")[0] or "/").encode("ascii", "replace")


@cache
def _suffixes() -> Any:
    """The public suffix list, read when the first cookie names a domain: that takes some 50 ms."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()


def _is_public_suffix(domain: str) -> bool:
    return not _is_address(domain) and bool(_suffixes().is_public(domain))


def parse_set_cookie(field: bytes) -> SetCookie | None:
    """Read a Set-Cookie field; None where it sets no cookie. An attribute that cannot be read is ignored by itself."""
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
    """RFC 6265 sections 5.2.1 to 5.2.6; of attributes of one name the last counts."""
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
    """Read a number of any length; what is beyond FOREVER comes to that."""
    return int(digits) if len(digits) <= 12 else -1 if digits.startswith(b"-") else FOREVER


def parse_date(text: str) -> int | None:
    """Read a cookie's date as RFC 6265 section 5.1.1 has it; None for what is none."""
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
