"""The cookies of a run (RFC 6265 section 5): which ones are stored, and which ones are sent where.

Decides both, and refuses cookies for a public suffix such as ``co.uk``. Sans-I/O: time is an argument, in Unix seconds.
Values are the bytes that were received. The limits are those of rfc6265bis, the successor of the RFC, and of browsers.
``set_cookie`` parses the header fields.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from typing import Any

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple
from ..http1.head import Field
from .set_cookie import FOREVER, SetCookie, parse_set_cookie

MAX_PER_DOMAIN = 180
"""Maximum number of cookies per domain, as in Chrome; RFC 6265 section 6.1 demands at least 50."""
MAX_COOKIES = 50_000
"""Maximum number of cookies. RFC 6265 section 6.1 demands at least 3,000; a run requests many hosts."""
_IPV4 = lazy_pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


class Cookie(NamedTuple):
    """One cookie as it is stored.

    domain: in lower case, without a leading dot. host_only: the cookie is not sent to subdomains.
    expires: Unix time, None for the end of the session. created: position in the order of creation.
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
        """The text ``name=value``."""
        return self.name + b"=" + self.value


class CookieStore:
    """The cookies of a run, or of one URL and its redirects. Thread-safe.

    cookies: the initial cookies, of any domain. now: Unix time; expired ones are left out.
    """

    def __init__(self, cookies: Iterable[Cookie] = (), now: float = 0.0) -> None:
        self._domains: OrderedDict[str, dict[tuple[bytes, bytes], Cookie]] = (
            OrderedDict()
        )  # the domain that was set last is the last
        self._size = 0
        self._created = count()
        self._lock = threading.Lock()
        for cookie in cookies:
            self.put(cookie, now)

    def __reduce__(self) -> tuple[type[CookieStore], tuple[list[Cookie]]]:
        """Copy the cookies: an attempt that goes on in another process takes its own along."""
        return CookieStore, (self.cookies(0.0),)

    def __repr__(self) -> str:
        return f"<CookieStore: {self._size} cookies of {len(self._domains)} domains>"  # their values are secrets

    def __len__(self) -> int:
        return self._size

    def cookies(self, now: float) -> list[Cookie]:
        """Return all cookies that have not expired, in the order of their creation."""
        with self._lock:
            found = [
                cookie for jar in self._domains.values() for cookie in jar.values() if not _has_expired(cookie, now)
            ]
        return sorted(found, key=lambda cookie: cookie.created)

    def store(self, fields: Iterable[Field], host: str, path: str, now: float) -> None:
        """Store the cookies of a response's header fields that the host may set (RFC 6265 section 5.3).

        host: the host that sent the response, as in ``HostKey``. path: the request target.
        """
        for name, value in fields:
            if len(name) == 10 and name.lower() == b"set-cookie" and (parsed := parse_set_cookie(value)) is not None:
                self._set(parsed, host, path, now)

    def header(self, host: str, path: str, now: float, *, secure: bool) -> bytes | None:
        """Return the value of a request's Cookie field (RFC 6265 section 5.4); None if there is no cookie to send.

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
        """Store a cookie, and replace one with the same name, domain and path. An expired cookie only removes it."""
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
                del jar[_key_to_evict(jar, now)]
                self._size -= 1
            while self._size > MAX_COOKIES:
                _, gone = self._domains.popitem(last=False)
                self._size -= len(gone)


def _key_to_evict(jar: dict[tuple[bytes, bytes], Cookie], now: float) -> tuple[bytes, bytes]:
    """Return the key of a cookie that has expired, else the key of the oldest one."""
    return min(jar, key=lambda key: (not _has_expired(jar[key], now), jar[key].created))


def _has_expired(cookie: Cookie, now: float) -> bool:
    return cookie.expires is not None and cookie.expires <= now


def _domains_of(host: str) -> Iterator[str]:
    """Yield the domains whose cookies a host may get: the host and, unless it is an IP address, its parent domains."""
    yield host
    if _is_address(host):
        return
    while "." in host:
        host = host.partition(".")[2]
        yield host


def _is_address(host: str) -> bool:
    return ":" in host or _IPV4.fullmatch(host) is not None


def _domain_matches(host: str, domain: str) -> bool:
    """Return whether a host matches a domain (RFC 6265 section 5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def _path_matches(target: bytes, path: bytes) -> bool:
    """Return whether a request target matches a cookie's path (RFC 6265 section 5.1.4)."""
    return target.startswith(path) and (
        len(target) == len(path) or path.endswith(b"/") or target[len(path) : len(path) + 1] == b"/"
    )


def _default_path(target: str) -> bytes:
    """Return the default path of the cookies that come with a request target (RFC 6265 section 5.1.4)."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        return b"/"
    return (path.rpartition("/")[0] or "/").encode("ascii", "replace")


@cache
def _suffixes() -> Any:
    """Return the public suffix list. It is read when the first cookie names a domain, which takes about 50 ms."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()


def _is_public_suffix(domain: str) -> bool:
    return not _is_address(domain) and bool(_suffixes().is_public(domain))
