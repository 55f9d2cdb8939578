"""The WHATWG URL standard, by ada-url: how a reference is resolved and how a host is spelled.

Decides nothing itself. The library is loaded once something needs it, which most lists never do: their URLs are
absolute, and their hosts stand as they are sent.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .charset import encode_query

HOSTS_KEPT = 8192
"""Hosts whose spelling is remembered."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_STAYS = frozenset(range(0x21, 0x7F)) - frozenset(b"\"#<>'")  # the standard's special-query percent-encode set
_DROPPED = re.compile(r"[\t\n\r]")


def resolve(base: str | None, reference: str) -> str:
    """Resolve a reference against an absolute URL: the standard's serialization, with its fragment.

    Without a base only an absolute reference has a result. Raises ValueError where the standard returns failure.
    """
    from ada_url import join_url, normalize_url  # noqa: PLC0415 - see above

    return normalize_url(reference) if base is None else join_url(base, reference)


def in_charset(reference: str, charset: str) -> str:
    """Percent-encode the query of a reference in the charset of the page that it stands in, as the standard does."""
    if reference.isascii():
        return reference
    whole, hash_, fragment = reference.partition("#")
    path, mark, query = whole.partition("?")
    encoded = _NOT_ASCII.sub(lambda run: _percent_encoded(encode_query(run[0], charset)), query)
    return f"{path}{mark}{encoded}{hash_}{fragment}"


def _percent_encoded(data: bytes) -> str:
    return "".join(chr(byte) if byte in _STAYS else f"%{byte:02X}" for byte in data)


@lru_cache(maxsize=HOSTS_KEPT)
def host_of(text: str) -> str:
    """Spell the host of an http URL as the standard's host parser does: an IPv6 address in brackets.

    text: what stands between userinfo and port. Raises ValueError where the standard returns failure.
    """
    from ada_url import URL  # noqa: PLC0415 - see above

    if _DROPPED.search(text):  # a URL may hold them and they are dropped, but they are part of no host
        raise ValueError(text)
    return URL(f"http://{text}/").hostname
