"""From an entry of a list to a URL, and how an entry that is not a URL is reported.

Decides when a word is a host without a scheme. Knows neither files nor formats.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import InvalidURLError
from ..lazy_pattern import lazy_pattern
from ..model import DEFAULT_PORTS, ErrorKind, HostKey, RowRequest, Skipped, Target
from ..text import HIDDEN, brief, without_password, without_passwords
from ..url import ParsedURL, join, parse
from .characters import control_in, invisible_before_host

NO_HOST = HostKey("", "", 0)
NO_BASE_URL = "a relative URL without a base URL"
PROSE = ": is this prose? (input format: prose)"
SHOWN = 500
"""Characters of a malformed entry that its record shows."""

_SCHEME = lazy_pattern(r"([a-z][a-z0-9+.-]*):(//)?(?:([0-9]{1,5})(?![^/?#]))?", re.IGNORECASE)
_AUTHORITY = lazy_pattern(r"(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)|([^/?#]*)", re.IGNORECASE)
_SPACE = lazy_pattern(r"\s+")
_URL_INSIDE = lazy_pattern(r"[^/?#]*https?://", re.IGNORECASE)
_LATER_URL = lazy_pattern(r"\shttps?://", re.IGNORECASE)
_FOLLOWED_BY_DIGITS = frozenset({"tel", "sms", "fax", "callto", "geo", "urn", "cid", "mid", "data", "mailto", "news"})


def absolute(entry: str, base_url: str | None) -> str:
    """Complete an entry to a URL: resolve it against ``base_url``, or prepend ``https://`` to a host without a scheme.

    ``localhost:8000`` and ``example.org:8000/x`` are hosts. ``mailto:x`` and ``javascript:0`` are URLs of another
    scheme and are returned unchanged. Raises InvalidURLError for a relative reference without a base, and for an entry
    that is not exactly one URL.
    """
    if " " in entry or not (entry.isascii() and entry.isprintable()):
        check_characters(entry)
    if entry[:8].lower().startswith(("http://", "https://")):
        return entry
    found = _SCHEME.match(entry)
    if found is not None and not (base_url is not None and found[1].lower() in DEFAULT_PORTS):
        scheme, slashes, port = found.groups()
        host_first = "." in scheme if port is None else scheme.lower() not in _FOLLOWED_BY_DIGITS
        return _with_scheme(entry) if host_first and not slashes else entry
    if base_url is not None:
        return join(base_url, entry)
    if not entry:
        raise InvalidURLError(entry, "no URL")
    if entry.startswith("//"):
        return f"https:{entry}"
    if entry[0] in "/?#.":
        raise InvalidURLError(entry, NO_BASE_URL)
    return _with_scheme(entry)


def _with_scheme(entry: str) -> str:
    if _URL_INSIDE.match(entry) is not None:
        raise InvalidURLError(entry, f"something before the URL{PROSE}")
    if len(_SPACE.findall(entry)) > 1:
        raise InvalidURLError(entry, f"words between white space{PROSE}")
    return f"https://{entry}"


def check_characters(entry: str) -> None:
    """Raise InvalidURLError for an entry with control characters, white space in its host, or invisible characters."""
    if (control := control_in(entry)) is not None:
        hint = ": is this TSV? (input format: tsv)" if control == "a tab" else ""
        raise InvalidURLError(entry, f"{control} in the URL{hint}")
    if (invisible := invisible_before_host(entry)) is not None:
        raise InvalidURLError(entry, f"{invisible} before the host")
    if _LATER_URL.search(entry) is not None:
        raise InvalidURLError(entry, f"a URL after white space{PROSE}")
    authority = _AUTHORITY.match(entry)
    if authority is not None and _SPACE.search(authority[1] or authority[2] or "") is not None:
        raise InvalidURLError(entry, f"white space in the host{PROSE}")


def target_url(entry: str, base_url: str | None) -> tuple[str, ParsedURL]:
    """Complete an entry to a URL, as ``absolute`` does, and parse it.

    Raises InvalidURLError for an invalid URL, and for a URL copied from a record, in which the password is hidden.
    """
    url = absolute(entry, base_url)
    parsed = parse(url)
    if parsed.userinfo is not None and HIDDEN in parsed.userinfo.split(":", 1):
        raise InvalidURLError(url, f"its password is hidden ({HIDDEN}), as in records; take the URL from its list")
    return url, parsed


def place(name: str, line: int | None, unit: str | None = None) -> str:
    """Format a place for messages: ``urls.txt:17``, ``sitemap.xml, entry 17``, or the name alone without a number."""
    shown = brief(without_password(name), SHOWN)
    if line is None:
        return shown
    return f"{shown}:{line}" if unit is None else f"{shown}, {unit} {line}"


def rejected(
    text: str,
    line: int | None,
    name: str,
    error: InvalidURLError | str,
    row: dict[str, Any] | None = None,
    unit: str | None = None,
    source: str | None = None,
    request: RowRequest | None = None,
) -> Skipped:
    """Make the outcome of an entry that cannot be fetched.

    error: the reason. unit: what ``line`` counts, if not lines. source: the list, as records name it.
    """
    unsupported = isinstance(error, InvalidURLError) and error.scheme_unsupported
    return Skipped(
        target=Target(
            brief(without_passwords(text), SHOWN), NO_HOST, "", line, input=row, request=request, source=source
        ),
        error=ErrorKind.UNSUPPORTED_SCHEME if unsupported else ErrorKind.INVALID_URL,
        detail=f"{place(name, line, unit)}: {error}",
    )
