"""Content-Range: which bytes of a representation a 206 response contains (RFC 9110 section 14.4).

This module decides whether a 206 response to a request without Range contains the complete representation.
"""

from __future__ import annotations

import re

from ...lazy_pattern import lazy_pattern
from ...model import ErrorKind
from ...named_tuple import NamedTuple
from ..errors import FetchError
from .head import shown
from .response import ResponseParser

_CONTENT_RANGE = lazy_pattern(rb"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)", re.IGNORECASE)


class ContentRange(NamedTuple):
    """The bytes ``first`` to ``last``, both included, of ``whole`` bytes; None if the total is unknown."""

    first: int
    last: int
    whole: int | None


def content_range(value: bytes | None) -> ContentRange | None:
    """Parse the value of Content-Range; return None if the field is missing or is not a single byte range."""
    found = _CONTENT_RANGE.fullmatch(value or b"")
    if found is None:
        return None
    return ContentRange(int(found[1]), int(found[2]), None if found[3] == b"*" else int(found[3]))


def check_range(parser: ResponseParser, received: int | None = None) -> None:
    """Raise FetchError (``partial``) for a 206 that was not requested, unless its range covers the whole body.

    received: the bytes of the body before content decoding; None before the body has arrived. A response without a
        body, as to HEAD, is never partial.
    """
    if parser.framing == "none":
        return
    value = parser.values.get(b"content-range")
    found = content_range(value)
    size = parser.length if received is None else received
    if found is not None and found.first == 0 and found.last + 1 == found.whole and size in (found.whole, None):
        return
    if found is None:
        what = "has no Content-Range" if value is None else f"has the Content-Range {shown(value)}"
    else:
        whole = "an unknown number" if found.whole is None else found.whole
        what = f"contains the bytes {found.first} to {found.last} of {whole}"
        if found.first == 0 and found.last + 1 == found.whole:
            what += f", but is {size} bytes long"
    raise FetchError(ErrorKind.PARTIAL, f"the server sent a 206 that was not requested, which {what}")
