"""Cookie files of curl, wget and browsers' exporters: Netscape's format, seven columns with tabs between.

Decides which lines are cookies, as liberally as curl does, and how cookies are written so that all of these programs
read them again. Bytes in, bytes out; never puts what a line says into a message, as it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .cookies import FOREVER, Cookie, parse_set_cookie

FIRST_LINE = b"# Netscape HTTP Cookie File\n"
HTTP_ONLY = b"#HttpOnly_"
SET_COOKIE = b"set-cookie:"
"""How a line begins that is a header field; curl takes these too."""
_BOM = b"\xef\xbb\xbf"
_YES_NO = (b"TRUE", b"FALSE")
_EXPIRES = re.compile(rb"(-?[0-9]{1,20})(?:\.[0-9]*)?")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def read_cookies(data: bytes) -> tuple[list[Cookie], list[int]]:
    """The cookies of a file, and the numbers of the lines that are none, counted from 1."""
    cookies: list[Cookie] = []
    bad: list[int] = []
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        text = line.removesuffix(b"\r").lstrip(b" ").removeprefix(_BOM)
        if not text.strip() or (text.startswith(b"#") and not text.startswith(HTTP_ONLY)):
            continue
        is_field = text[:11].lower() == SET_COOKIE
        cookie = _of_field(text[11:]) if is_field else _of_columns(text)
        if cookie is None:
            bad.append(number)
        else:
            cookies.append(cookie)
    return cookies, bad


def _of_field(field: bytes) -> Cookie | None:
    """A cookie as a response sets it. It has to name its domain, as nothing else does."""
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


def _of_columns(line: bytes) -> Cookie | None:
    http_only = line.startswith(HTTP_ONLY)
    columns = line.removeprefix(HTTP_ONLY).split(b"\t")
    if len(columns) >= 3 and columns[2].upper() in _YES_NO:  # without a path, as curl has it
        columns.insert(2, b"/")
    if len(columns) == 6:  # without a value, nor the tab before it
        columns.append(b"")
    while len(columns) > 7 and not columns[-1]:
        columns.pop()
    if len(columns) != 7:
        return None
    domain, below, path, secure, expires, name, value = columns
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
        host_only=below.strip().upper() != b"TRUE",
        secure=secure.strip().upper() == b"TRUE",
        http_only=http_only,
        expires=min(int(until[1]), FOREVER) if int(until[1]) > 0 else None,
    )


def spell_cookies(cookies: Iterable[Cookie]) -> bytes:
    """The file that holds these cookies; those without an end get a 0, as curl and wget write it.

    A cookie with a tab in it is left out: the format has no way to write it.
    """
    return FIRST_LINE + b"".join(_line(cookie) for cookie in cookies if b"\t" not in cookie.pair + cookie.path)


def _line(cookie: Cookie) -> bytes:
    dot, below = ("", b"FALSE") if cookie.host_only else (".", b"TRUE")
    columns = (
        (HTTP_ONLY if cookie.http_only else b"") + (dot + cookie.domain).encode("ascii"),
        below,
        cookie.path,
        b"TRUE" if cookie.secure else b"FALSE",
        b"%d" % (cookie.expires or 0),
        cookie.name,
        cookie.value,
    )
    return b"\t".join(columns) + b"\n"
