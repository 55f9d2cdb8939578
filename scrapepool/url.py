"""What a URL's text means: which host is asked, and for which path.

Decides what counts as a URL that can be fetched, by RFC 3986 with the WHATWG URL Standard's leniency where
lists in the wild need it: white space around, non-ASCII text, odd IPv4 spellings. Path and query stay as the
user wrote them, apart from what cannot be sent. Knows nothing of lists, sockets or DNS: whether a host
exists is for others to find out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urljoin

import idna

from .errors import InvalidURLError
from .model import DEFAULT_PORTS, HostKey
from .text import brief, without_passwords

MAX_LABEL = 63
MAX_HOST = 253
"""RFC 1035 section 2.3.4, without the final dot."""

MAX_HOST_TEXT = 1024
"""Characters of a host before it is encoded; longer text is not worth the IDNA tables' time."""

HOST_KEYS_KEPT = 8192
"""Parsed hosts that are shared, so that URLs of one host hold one key."""

SENDABLE = "!$%&'()*+,\\-./0-9:;=?@A-Z\\[\\]_a-z~"
"""A character class: what of a path and query is sent as it stands. The rest is percent-encoded."""

_ORDINARY = re.compile(rf"(https?://[a-z0-9_.:-]++)(/[{SENDABLE}]*+)?+(?s:#.*)?+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"[^/?]*")
_UNSENDABLE = re.compile(f"[^{SENDABLE}]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9_.-]+")
_IPV4_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.DOTALL)
_JOINERS = frozenset("\u200c\u200d")
_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_AROUND = (
    "".join(map(chr, range(0x21)))
    + "\x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000\ufeff")
)

_host_key = lru_cache(maxsize=HOST_KEYS_KEPT)(HostKey)


class ParsedURL(NamedTuple):
    """What is asked, and of whom.

    host: where. path: the request target, path and query in ASCII, percent-encoded; at least ``/``.
    userinfo: ``user:password``, percent-encoded; None where the URL has none.
    """

    host: HostKey
    path: str
    userinfo: str | None = None


def parse(url: str) -> ParsedURL:
    """Take an absolute http or https URL apart.

    White space around it is dropped, tabs and line breaks inside too, and so is the fragment. The host is
    lower-cased and IDNA-encoded (UTS #46, nontransitional); ASCII labels that IDNA 2008 refuses are left to DNS.

    Raises InvalidURLError, and nothing else, for any other text.
    """
    ordinary = _ORDINARY.fullmatch(url)
    if ordinary is not None:
        origin, path = ordinary.groups()
        try:
            return ParsedURL(_of_origin(origin), path or "/")
        except InvalidURLError:
            pass  # said again below, of the whole URL
    return _parse_any(url)


def join(base: str, reference: str) -> str:
    """Resolve a relative reference against an absolute URL (RFC 3986 section 5). An absolute one stays as it is.

    The result is text to be parsed; it is not yet known to be fetchable. Raises InvalidURLError.
    """
    reference = _tidy(reference)
    if reference[:8].lower().startswith(("http://", "https://")):
        return reference
    try:
        return urljoin(_tidy(base), reference)
    except ValueError:
        raise InvalidURLError(reference, "no valid reference") from None


def plain(url: str) -> str:
    """Spell a URL so that any line, cell or terminal can hold it and it parses to the same: most come back as they are.

    So does text that is no URL.
    """
    if url.isprintable():
        return url
    try:
        return canonical(url)
    except InvalidURLError:
        return url


def canonical(url: str) -> str:
    """Spell an absolute URL as it is asked for: ASCII, without a fragment. Raises InvalidURLError."""
    host, path, userinfo = parse(url)
    return f"{host.origin}{path}" if userinfo is None else f"{host.scheme}://{userinfo}@{host.netloc}{path}"


def without_line_breaks(reference: str) -> str:
    """Drop tabs and line breaks, as browsers do in the references of a page (WHATWG URL, basic URL parser)."""
    return reference.translate(_LINE_BREAKS)


def _tidy(text: str) -> str:
    """Without what browsers drop; lone surrogates, which no encoding can carry, become U+FFFD."""
    if text.isascii() and text.isprintable():
        return text.strip(" ")  # the same at a fifth of the time
    return _SURROGATES.sub("\ufffd", text).translate(_LINE_BREAKS).strip(_AROUND)


@lru_cache(maxsize=HOST_KEYS_KEPT)
def _of_origin(origin: str) -> HostKey:
    return _parse_any(origin).host


def _parse_any(url: str) -> ParsedURL:
    text = _tidy(url)
    if not text:
        raise InvalidURLError(url, "no URL")
    scheme_found = _SCHEME.match(text)
    if scheme_found is None:
        raise InvalidURLError(url, "no scheme")
    scheme = scheme_found[1].lower()
    if scheme not in DEFAULT_PORTS:
        reason = f"scheme {brief(scheme)} is not fetched (http and https only)"
        raise InvalidURLError(url, reason, scheme_unsupported=True)
    rest = text[scheme_found.end() :].partition("#")[0]
    if not rest.startswith("//"):
        raise InvalidURLError(url, "no host")
    authority_found = _AUTHORITY.match(rest, 2)
    assert authority_found is not None  # noqa: S101  # it matches the empty string too
    authority, path = authority_found[0], rest[authority_found.end() :]
    try:
        userinfo, _, place = authority.rpartition("@")
        host, port = _split_port(place if "\\" not in userinfo else authority)
        key = _host_key(scheme, _host(host), DEFAULT_PORTS[scheme] if not port else _port(port))
    except _Refused as refused:
        reason = str(refused)
        if "@" not in authority and without_passwords(url) != url:  # the reason may quote a part of the password
            reason = 'a user or password in which "/", "?" or "#" is not percent-encoded'
        raise InvalidURLError(url, reason) from None
    path = _sendable(path if path.startswith("/") else "/" + path)
    return ParsedURL(key, path, _sendable(userinfo).replace("@", "%40") if userinfo.strip(":") else None)


class _Refused(Exception):  # noqa: N818  # it carries a reason to parse and never leaves this file
    """Why a part is not acceptable."""


def _split_port(place: str) -> tuple[str, str]:
    """``host:port`` in two; an IPv6 address keeps its brackets."""
    if "\\" in place:
        raise _Refused("a backslash in the host")  # browsers end the host there, RFC 3986 does not
    if not place.startswith("["):
        host, _, port = place.partition(":")
        return host, port
    host, closing, port = place.partition("]")
    if not closing or (port and port[0] != ":"):
        raise _Refused("no valid IPv6 address")
    return host + closing, port[1:]


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _Refused(f"port {brief(text)} is no number")
    digits = text.lstrip("0") or "0"
    if len(digits) > 5 or not 1 <= int(digits) <= 65535:
        raise _Refused(f"port {brief(digits)} is out of range")
    return int(digits)


def _host(text: str) -> str:
    """Spell the host as HostKey wants it: lower-cased, IDNA-encoded, an address in its usual spelling."""
    if text.startswith("["):
        return _ipv6(text[1:-1])
    if len(text) > MAX_HOST_TEXT:
        raise _Refused(f"host longer than {MAX_HOST} characters")
    if "%" in text:
        try:
            text = unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            raise _Refused(f"no valid host: {brief(text)}") from None
    host = text.lower() if text.isascii() else _to_ascii(text)
    if not host:
        raise _Refused("no host")
    if not _HOST.fullmatch(host):
        raise _Refused(f"no valid host: {brief(text)}")
    if _IPV4_END.fullmatch(host):
        return _ipv4(host)
    bare = host.removesuffix(".")
    if len(bare) > MAX_HOST:
        raise _Refused(f"host longer than {MAX_HOST} characters")
    for label in bare.split("."):
        if not label:
            raise _Refused(f"an empty label in the host: {brief(host)}")
        if len(label) > MAX_LABEL:
            raise _Refused(f"a label of the host is longer than {MAX_LABEL} characters")
    return host


def _to_ascii(host: str) -> str:
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return ".".join(label if label.isascii() else _a_label(label) for label in mapped.split("."))
    except UnicodeError:
        raise _Refused(f"no valid host: {brief(host)}") from None


def _a_label(label: str) -> str:
    """One label in Punycode. What UTS #46 allows beyond IDNA 2008 (``☃``) is allowed, as browsers do."""
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        if label.startswith("xn--") or not _JOINERS.isdisjoint(label):
            raise
        idna.check_nfc(label)
        idna.check_initial_combiner(label)
        idna.check_bidi(label)
        return "xn--" + label.encode("punycode").decode("ascii")


def _ipv6(text: str) -> str:
    if "%" in text:
        raise _Refused("an IPv6 zone, which names nothing outside this machine")
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise _Refused(f"no valid IPv6 address: {brief(text)}") from None


def _ipv4(host: str) -> str:
    """Four decimal numbers, also for the short, octal and hexadecimal spellings (WHATWG URL, IPv4 parser)."""
    parts = host.removesuffix(".").split(".")
    try:
        numbers = [_ipv4_number(part) for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 4 or any(n > 255 for n in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise _Refused(f"no valid IPv4 address: {brief(host)}")
    whole = numbers[-1] + sum(number << 8 * (3 - place) for place, number in enumerate(numbers[:-1]))
    return ".".join(str(whole >> shift & 255) for shift in (24, 16, 8, 0))


def _ipv4_number(part: str) -> int:
    if "_" in part or len(part) > MAX_HOST:  # int() would take the underscore
        raise ValueError(part)
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _sendable(text: str) -> str:
    return _UNSENDABLE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
