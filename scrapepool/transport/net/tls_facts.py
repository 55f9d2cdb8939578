"""Reads from an open TLS connection what records say of it.

Decides how the names in a certificate are written. ``ssl`` parses only a certificate that it verified, and no other
one is parsed here.
"""

from __future__ import annotations

from ssl import cert_time_to_seconds
from typing import Any

from ...lazy_pattern import lazy_pattern
from ...model import TLSFacts

SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}
"""The short names of RFC 4514, section 3. Others keep the name that OpenSSL has for them."""

_SPECIAL = lazy_pattern(r'[,+"\\<>;]|^[ #]| $')
"""Characters of a value that RFC 4514, section 2.4, has escaped."""


def tls_facts(sock: Any) -> TLSFacts:
    """Return the facts of an open connection. sock: an ``SSLSocket``, or urllib3's ``SSLTransport``."""
    cipher, certificate = sock.cipher(), sock.getpeercert() or {}
    expires = certificate.get("notAfter")
    return TLSFacts(
        sock.version(),
        None if cipher is None else cipher[0],
        _name(certificate.get("issuer", ())),
        _name(certificate.get("subject", ())),
        None if expires is None else float(cert_time_to_seconds(expires)),
    )


def _name(parts: Any) -> str | None:
    """Write a name as RFC 4514 does, the most specific part first. parts: as ``getpeercert`` has them."""
    written = ("+".join(f"{SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in part) for part in parts[::-1])
    return ",".join(written) or None


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", value)
