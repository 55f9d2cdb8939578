"""Parses URLs: which host is requested, and which path.

Decides what counts as a URL that can be fetched. Hosts are those of the WHATWG URL standard, as far as DNS can look
them up. Path and query of an absolute URL stay as the user wrote them, apart from what cannot be sent; a reference is
resolved, and spelled, as the standard has it. Knows nothing of lists, sockets or DNS: whether a host exists is for
others to find out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from . import whatwg
from .errors import InvalidURLError
from .host_key import DEFAULT_PORTS, HostKey
from .lazy_pattern import lazy_pattern
from .named_tuple import NamedTuple
from .text import brief, without_passwords

MAX_LABEL = 63
MAX_HOST = 253
"""RFC 1035 section 2.3.4, without the final dot."""

MAX_PORT = 65_535
"""RFC 9293 section 3.1."""

MAX_HOST_TEXT = 1024
"""Characters of a host before it is encoded; no longer text becomes a host that DNS can look up."""

HOST_KEYS_KEPT = 8192
"""Number of cached host keys, so that the URLs of a host share one."""

SENDABLE = "!$%&'()*+,\\-./0-9:;=?@A-Z\\[\\]_a-z~"
"""A character class: the characters of a path and query that are sent unchanged. The others are percent-encoded."""

_ORDINARY = lazy_pattern(rf"(https?://[a-z0-9_.:-]++)(/[{SENDABLE}]*+)?(?s:#.*)?")
_SCHEME = lazy_pattern(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = lazy_pattern(r"[^/?]*")
_UNSENDABLE = lazy_pattern(f"[^{SENDABLE}]+")
_SURROGATES = lazy_pattern("[\ud800-\udfff]")
_HOST = lazy_pattern(r"[a-z0-9_.-]+")
_ENDS_LIKE_IPV4 = r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?\Z"
_IPV4_END = lazy_pattern(_ENDS_LIKE_IPV4, re.DOTALL)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_AS_IT_STANDS = lazy_pattern(rf"(?!.*xn--|{_ENDS_LIKE_IPV4})[a-z0-9_.-]+|{_OCTET}(?:\.{_OCTET}){{3}}")
_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_AROUND = (
    "".join(map(chr, range(0x21)))
    + "\x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000\ufeff")
)

_host_key = lru_cache(maxsize=HOST_KEYS_KEPT)(HostKey)


class ParsedURL(NamedTuple):
    """The parts of a URL that a request needs.

    host: where it is requested.
    path: the request target: path and query in ASCII, percent-encoded; at least ``/``.
    userinfo: ``user:password``, percent-encoded; None if the URL has none.
    """

    host: HostKey
    path: str
    userinfo: str | None = None


def parse(url: str) -> ParsedURL:
    """Parse an absolute http or https URL.

    White space around it is dropped, tabs and line breaks inside too, and so is the fragment. The host is spelled as
    the WHATWG URL standard has it: lower-cased and IDNA-encoded, an IPv4 address as four decimal numbers.

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


def join(base: str | None, reference: str, charset: str = "utf-8") -> str:
    """Resolve a reference against an absolute URL, as the WHATWG URL standard does; an absolute one is spelled by it.

    Without a base only an absolute reference has a result. It is text to be parsed, and not yet known to be fetchable.
    charset: of the page that the reference stands in; its query is encoded in that. Raises InvalidURLError.
    """
    reference = whatwg.in_charset(_scalars(reference), charset)
    try:
        return whatwg.resolve(None if base is None else _scalars(base), reference)
    except ValueError:
        raise InvalidURLError(reference, _why_invalid(reference)) from None


def request_target(href: str) -> str:
    """Return the path and query of a result of ``join``, as the standard spells them."""
    return href[href.index("/", len("https://")) :].partition("#")[0]


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
    """Spell an absolute URL as it is requested: ASCII, without a fragment. Raises InvalidURLError."""
    host, path, userinfo = parse(url)
    return f"{host.origin}{path}" if userinfo is None else f"{host.scheme}://{userinfo}@{host.netloc}{path}"


def without_line_breaks(reference: str) -> str:
    """Drop tabs and line breaks, as browsers do in the references of a page (WHATWG URL, basic URL parser)."""
    return reference.translate(_LINE_BREAKS)


def _scalars(text: str) -> str:
    """Replace lone surrogates, which no encoding can carry, by U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _why_invalid(reference: str) -> str:
    """Return what is wrong with a reference that the standard refuses."""
    try:
        parse(f"http:{reference}" if reference.startswith("//") else reference)
    except InvalidURLError as error:
        if "//" in reference and not error.scheme_unsupported:
            return error.reason
    return "not a valid URL reference"


def _tidy(text: str) -> str:
    """Remove the characters that browsers drop; replace lone surrogates, which no encoding can carry, by U+FFFD."""
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
        reason = f"scheme {brief(scheme)} is not supported (only http and https are)"
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
    """Split ``host:port``; an IPv6 address keeps its brackets."""
    if "\\" in place:
        raise _Refused("a backslash in the host")  # browsers end the host there, RFC 3986 does not
    if not place.startswith("["):
        host, _, port = place.partition(":")
        return host, port
    host, closing, port = place.partition("]")
    if not closing or (port and port[0] != ":"):
        raise _Refused("not a valid IPv6 address")
    return host + closing, port[1:]


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _Refused(f"port {brief(text)} is not a number")
    digits = text.lstrip("0") or "0"
    if len(digits) > 5 or not 1 <= int(digits) <= MAX_PORT:
        raise _Refused(f"port {brief(digits)} is out of range")
    return int(digits)


def _host(text: str) -> str:
    """Spell the host as HostKey wants it: lower-cased, IDNA-encoded, an address in its usual spelling."""
    host = text.lower()
    if not _AS_IT_STANDS.fullmatch(host):
        host = _by_the_standard(text)
    bare = host.removesuffix(".")
    if len(bare) > MAX_HOST:
        raise _Refused(f"host longer than {MAX_HOST} characters")
    for label in bare.split("."):
        if not label:
            raise _Refused(f"an empty label in the host: {brief(host)}")
        if len(label) > MAX_LABEL:
            raise _Refused(f"a label of the host is longer than {MAX_LABEL} characters")
    return host


def _by_the_standard(text: str) -> str:
    """Spell a host as the WHATWG URL standard does, an IPv6 address without its brackets.

    Names with punctuation, which it takes, are refused: nobody can register one, and in a list they are prose.
    """
    if not text:
        raise _Refused("no host")
    if len(text) > MAX_HOST_TEXT:
        raise _Refused(f"host longer than {MAX_HOST} characters")
    try:
        host = whatwg.host_of(_scalars(text))
    except ValueError:
        raise _Refused(_why_no_host(text)) from None
    if host.startswith("["):
        return host[1:-1]
    if not _HOST.fullmatch(host):
        raise _Refused(f"not a valid host: {brief(text)}")
    return host


def _why_no_host(text: str) -> str:
    if text.startswith("["):
        if "%" in text:
            return "an IPv6 zone, which has no meaning outside this machine"
        return f"not a valid IPv6 address: {brief(text[1:-1])}"
    kind = "IPv4 address" if _IPV4_END.match(text.lower()) else "host"
    return f"not a valid {kind}: {brief(text)}"


def _sendable(text: str) -> str:
    return _UNSENDABLE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
