"""What a header field may be: RFC 9110 section 5, as far as HTTP/1 can carry it.

Decides which names and values can be sent. Knows no options, lists or requests.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Fields that tell where a request ends: a server would wait for what is announced and never comes, or read on."""


def field_fault(name: str, value: str) -> str | None:
    """Say what is wrong with a field, None for one that can be sent."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is no header name"
    if name.lower() in FRAMING:
        return f"{name} follows from the body, and is not yours to set"
    if _FORBIDDEN.search(value):
        return f"the value of {name} holds a control character"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"the value of {name} holds a character outside latin-1, which HTTP cannot carry"
    return None
