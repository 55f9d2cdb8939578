"""The WHATWG URL standard, by ada-url: how a reference is resolved and how a host is spelled.

Decides nothing itself. The library is loaded once something needs it, which most lists never do: their URLs are
absolute, and their hosts stand as they are sent.
"""

from __future__ import annotations

import re
from functools import lru_cache

HOSTS_KEPT = 8192
"""Hosts whose spelling is remembered."""

_DROPPED = re.compile(r"[\t\n\r]")


def resolve(base: str | None, reference: str) -> str:
    """Resolve a reference against an absolute URL: the standard's serialization, with its fragment.

    Without a base only an absolute reference has a result. Raises ValueError where the standard returns failure.
    """
    from ada_url import join_url, normalize_url  # noqa: PLC0415 - see above

    return normalize_url(reference) if base is None else join_url(base, reference)


@lru_cache(maxsize=HOSTS_KEPT)
def host_of(text: str) -> str:
    """Spell the host of an http URL as the standard's host parser does: an IPv6 address in brackets.

    text: what stands between userinfo and port. Raises ValueError where the standard returns failure.
    """
    from ada_url import URL  # noqa: PLC0415 - see above

    if _DROPPED.search(text):  # a URL may hold them and they are dropped, but they are part of no host
        raise ValueError(text)
    return URL(f"http://{text}/").hostname
