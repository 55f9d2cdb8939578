"""The WHATWG URL standard, by ada-url: resolves references and spells hosts.

Decides nothing itself. The library is loaded when it is first needed. Most lists never need it, because their URLs are
absolute and their hosts are spelled as they are sent.
"""

from __future__ import annotations

from functools import lru_cache

from .charset import encode_query
from .lazy_pattern import lazy_pattern

SPELLINGS_KEPT = 8192
"""Number of hosts whose spelling is cached."""

_NOT_ASCII = lazy_pattern(r"[^\x00-\x7f]+")
_STAYS = frozenset(range(0x21, 0x7F)) - frozenset(b"\"#<>'")  # the standard's special-query percent-encode set
_DROPPED = lazy_pattern(r"[\t\n\r]")


def resolve(base: str | None, reference: str) -> str:
    """Resolve a reference against an absolute URL: the standard's serialization, with its fragment.

    Without a base only an absolute reference has a result. Raises ValueError where the standard returns failure.
    """
    from ada_url import join_url, normalize_url  # noqa: PLC0415 - see above

    return normalize_url(reference) if base is None else join_url(base, reference)


def in_charset(reference: str, charset: str) -> str:
    """Percent-encode the query of a reference in the charset of its page, as the standard does."""
    if reference.isascii():
        return reference
    whole, hash_, fragment = reference.partition("#")
    path, mark, query = whole.partition("?")
    encoded = _NOT_ASCII.sub(lambda run: _percent_encoded(encode_query(run[0], charset)), query)
    return f"{path}{mark}{encoded}{hash_}{fragment}"


def _percent_encoded(data: bytes) -> str:
    return "".join(chr(byte) if byte in _STAYS else f"%{byte:02X}" for byte in data)


@lru_cache(maxsize=SPELLINGS_KEPT)
def host_of(text: str) -> str:
    """Spell the host of an http URL as the host parser of the standard does, an IPv6 address in brackets.

    text: the part between userinfo and port. Raises ValueError where the standard returns failure.
    """
    from ada_url import URL  # noqa: PLC0415 - see above

    if _DROPPED.search(text):  # they are dropped from a URL, but a host has none
        raise ValueError(text)
    return URL(f"http://{text}/").hostname
