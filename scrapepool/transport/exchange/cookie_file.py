"""Cookie files of curl, wget and browser extensions: Netscape's format, seven columns separated by tabs.

Decides which lines are cookies, as tolerantly as curl does, and writes cookies so that all of these programs can read
them. Input and output are bytes. No message contains the text of a line, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...lazy_pattern import lazy_pattern
from .cookies import Cookie
from .set_cookie import FOREVER, parse_set_cookie

FIRST_LINE = b"# Netscape HTTP Cookie File\n"
HTTP_ONLY = b"#HttpOnly_"
SET_COOKIE = b"set-cookie:"
"""The beginning of a line that is a header field; curl accepts such lines too."""
_BOM = b"\xef\xbb\xbf"
_YES_NO = (b"TRUE", b"FALSE")
_EXPIRES = lazy_pattern(rb"(-?[0-9]{1,20})(?:\.[0-9]*)?")
_CONTROL = lazy_pattern(rb"[\x00-\x08\x0a-\x1f\x7f]")


def read_cookies(data: bytes) -> tuple[list[Cookie], list[int]]:
    """Return the cookies of a file, and the numbers of the lines that are not cookies, counted from 1."""
    cookies: list[Cookie] = []
    bad: list[int] = []
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        text = line.removesuffix(b"\r").lstrip(b" ").removeprefix(_BOM)
        if not text.strip() or (text.startswith(b"#") and not text.startswith(HTTP_ONLY)):
            continue
        is_field = text[:11].lower() == SET_COOKIE
        cookie = _cookie_of_field(text[11:]) if is_field else _cookie_of_columns(text)
        if cookie is None:
            bad.append(number)
        else:
            cookies.append(cookie)
    return cookies, bad


def _cookie_of_field(field: bytes) -> Cookie | None:
    """Return the cookie of a Set-Cookie field. It must name a domain, as there is no response to take it from."""
    parsed = parse_set_cookie(field)
    if parsed is None or not parsed.domain or not parsed.domain.isascii():
        return None
    return Cookie(
        parsed.name,
        parsed.value,
        parsed.domain,
        parsed.path or b"/",
        False,
        parsed.secure,
        parsed.http_only,
        parsed.expires,
    )


def _cookie_of_columns(line: bytes) -> Cookie | None:
    http_only = line.startswith(HTTP_ONLY)
    columns = line.removeprefix(HTTP_ONLY).split(b"\t")
    if len(columns) >= 3 and columns[2].upper() in _YES_NO:  # there is no path column, which curl accepts
        columns.insert(2, b"/")
    if len(columns) == 6:  # there is neither a value nor the tab before it
        columns.append(b"")
    while len(columns) > 7 and not columns[-1]:
        columns.pop()
    if len(columns) != 7:
        return None
    domain, subdomains, path, secure, expires, name, value = columns
    domain = domain.strip().removeprefix(b".").lower()
    until = _EXPIRES.fullmatch(expires.strip() or b"0")
    if not domain or not name or until is None or _CONTROL.search(line):
        return None
    try:
        host = domain.decode("ascii") if domain.isascii() else domain.decode().encode("idna").decode("ascii")
    except UnicodeError:
        return None
    path = path.strip(b'" ')
    return Cookie(
        name=name,
        value=value,
        domain=host.strip("[]"),
        path=path if path.startswith(b"/") else b"/",
        host_only=subdomains.strip().upper() != b"TRUE",
        secure=secure.strip().upper() == b"TRUE",
        http_only=http_only,
        expires=min(int(until[1]), FOREVER) if int(until[1]) > 0 else None,
    )


def spell_cookies(cookies: Iterable[Cookie]) -> bytes:
    """Return the file that holds these cookies. A cookie that does not expire gets a 0, as from curl and wget.

    A cookie that contains a tab is left out, because the format cannot express it.
    """
    return FIRST_LINE + b"".join(_line(cookie) for cookie in cookies if b"\t" not in cookie.pair + cookie.path)


def _line(cookie: Cookie) -> bytes:
    dot, subdomains = ("", b"FALSE") if cookie.host_only else (".", b"TRUE")
    columns = (
        (HTTP_ONLY if cookie.http_only else b"") + (dot + cookie.domain).encode("ascii"),
        subdomains,
        cookie.path,
        b"TRUE" if cookie.secure else b"FALSE",
        b"%d" % (cookie.expires or 0),
        cookie.name,
        cookie.value,
    )
    return b"\t".join(columns) + b"\n"
