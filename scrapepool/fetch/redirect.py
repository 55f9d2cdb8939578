"""Where a redirect leads, and what may be sent there.

Decides the next URL and method (RFC 9110 section 15.4, the Fetch standard's HTTP-redirect
fetch). Which header fields stay with the origin that they were given for is decided in ``header``.
"""

from __future__ import annotations

from .. import url as urls
from ..errors import InvalidURLError
from ..model import ErrorKind
from .faults import FetchError

STATUSES = frozenset({301, 302, 303, 307, 308})


def next_method(method: str, status: int) -> str:
    """The method of the next request."""
    if status == 303 and method != "HEAD":
        return "GET"
    if status in (301, 302) and method == "POST":
        return "GET"
    return method


def next_url(current: str, location: bytes) -> tuple[str, urls.ParsedURL]:
    """The URL that a Location field names, as text and parsed.

    Raises FetchError (``invalid_url``, ``unsupported_scheme``) where it names none that can be fetched.
    """
    try:
        reference = location.decode("utf-8")
    except UnicodeDecodeError:
        reference = location.decode("latin-1")
    try:
        joined = urls.join(current, reference)
        return joined, urls.parse(joined)
    except InvalidURLError as error:
        kind = ErrorKind.UNSUPPORTED_SCHEME if error.scheme_unsupported else ErrorKind.INVALID_URL
        raise FetchError(kind, f"redirected to {reference[:200]!r}: {error.reason}") from error
