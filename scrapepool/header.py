"""Rules for header fields: RFC 9110 section 5, as far as HTTP/1 can carry them.

Decides which names and values can be sent, and which of them are no secret. Knows no options, lists or requests.
"""

from __future__ import annotations

import re

from .lazy_pattern import lazy_pattern

_TOKEN = lazy_pattern(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2
_FORBIDDEN = lazy_pattern(r"[\x00-\x08\x0a-\x1f\x7f]")

ABOUT_THE_BODY = frozenset({"content-encoding", "content-language", "content-location", "content-type"})
"""Fields that belong to the body of a request (Fetch standard, request-body-header name)."""

HARMLESS = ABOUT_THE_BODY | {
    "accept", "accept-charset", "accept-datetime", "accept-encoding", "accept-language",
    "cache-control", "connection", "dnt", "pragma", "priority", "range", "save-data",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
    "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-gpc",
    "te", "upgrade-insecure-requests", "user-agent",
}  # fmt: skip
"""Fields that describe what is requested, and not who requests it. Any other field may hold a secret."""

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Fields that define where a request ends. With a wrong one, a server waits, or takes the rest for a request."""


def field_fault(name: str, value: str) -> str | None:
    """Return what is wrong with a field; None if it can be sent."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is not a header name"
    if name.lower() in FRAMING:
        return f"{name} is computed from the body and cannot be set"
    if _FORBIDDEN.search(value):
        return f"the value of {name} holds a control character"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"the value of {name} holds a character outside latin-1, which HTTP cannot carry"
    return None


def is_harmless(name: str) -> bool:
    """Whether a field may be sent to an origin that it was not meant for, and may be shown."""
    return name.lower() in HARMLESS
