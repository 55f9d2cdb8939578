"""What a header field may be: RFC 9110 section 5, as far as HTTP/1 can carry it.

Decides which names and values can be sent, and which of them anybody may see. Knows no options, lists or requests.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

ABOUT_THE_BODY = frozenset({"content-encoding", "content-language", "content-location", "content-type"})
"""Fields that go where the body goes (Fetch standard, request-body-header name)."""

HARMLESS = ABOUT_THE_BODY | {
    "accept", "accept-charset", "accept-datetime", "accept-encoding", "accept-language",
    "cache-control", "connection", "dnt", "pragma", "priority", "range", "save-data",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
    "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-gpc",
    "te", "upgrade-insecure-requests", "user-agent",
}  # fmt: skip
"""Fields that say what is wanted, and nothing of who wants it. Any other one may hold a secret."""

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Fields that tell where a request ends: a server would wait for what is announced and never comes, or read on."""


def field_fault(name: str, value: str) -> str | None:
    """Say what is wrong with a field, None for one that can be sent."""
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
    """Whether a field may be sent to an origin that it was not given for, and shown."""
    return name.lower() in HARMLESS
