"""The URL and the method of the request that follows a redirect.

The rules are those of RFC 9110 section 15.4 and of "HTTP-redirect fetch" in the Fetch standard. Which header fields
are sent only to their own origin is decided in ``header``.
"""

from __future__ import annotations

import re

from ... import url as urls
from ...errors import InvalidURLError
from ...lazy_pattern import lazy_pattern
from ...model import ErrorKind
from ...text import HIDDEN, without_userinfo
from ..errors import FetchError

STATUSES = frozenset({301, 302, 303, 307, 308})
_USERINFO = lazy_pattern(r"\A(\s*(?:[A-Za-z][A-Za-z0-9+.\t-]*:)?[/\\]*).*@", re.DOTALL)
"""The part of an invalid URL that may contain a user and a password: everything before the last ``@``."""

_NOT_ASCII = lazy_pattern(rb"[\x80-\xff]+")


def next_method(method: str, status: int) -> str:
    """Return the method of the next request."""
    if status == 303 and method != "HEAD":
        return "GET"
    if status in (301, 302) and method == "POST":
        return "GET"
    return method


def next_url(current: str, location: bytes) -> tuple[str, urls.ParsedURL]:
    """Return the URL of a Location field, as text and parsed, in the form of the WHATWG URL standard.

    Bytes that are not ASCII are percent-encoded without a conversion, as in browsers, since they are in the server's
    own encoding. The user and the password are removed, since they are not sent. Raises FetchError (``invalid_url``,
    ``unsupported_scheme``) if the field has no URL that can be fetched.
    """
    reference = _NOT_ASCII.sub(_percent_encoded, location).decode("ascii")
    try:
        href = urls.join(current, reference)
        parsed = urls.parse(href)
    except InvalidURLError as error:
        kind = ErrorKind.UNSUPPORTED_SCHEME if error.scheme_unsupported else ErrorKind.INVALID_URL
        shown = _USERINFO.sub(rf"\1{HIDDEN}@", reference)[:200]
        raise FetchError(kind, f"redirected to {shown!r}: {error.reason}") from error
    return without_userinfo(href), parsed._replace(path=urls.request_target(href), userinfo=None)


def _percent_encoded(found: re.Match[bytes]) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in found[0])
