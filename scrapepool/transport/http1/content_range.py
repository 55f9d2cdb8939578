"""Content-Range: which bytes of a representation a 206 response holds (RFC 9110 section 14.4).

Decides whether a 206 that answers no Range request is the whole representation after all. Knows no connections.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...model import ErrorKind
from ..errors import FetchError
from .head import shown
from .response import ResponseParser

_CONTENT_RANGE = re.compile(rb"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)", re.IGNORECASE)


class ContentRange(NamedTuple):
    """The bytes ``first`` to ``last``, both included, of ``whole``; None where the server does not know the total."""

    first: int
    last: int
    whole: int | None


def content_range(value: bytes | None) -> ContentRange | None:
    """Read the field's value; None for a missing field and for anything but one range of bytes."""
    found = _CONTENT_RANGE.fullmatch(value or b"")
    if found is None:
        return None
    return ContentRange(int(found[1]), int(found[2]), None if found[3] == b"*" else int(found[3]))


def check_range(parser: ResponseParser, received: int | None = None) -> None:
    """Raise FetchError (``partial``) for a 206 that nobody requested, unless its range covers the whole body.

    received: bytes of the body, with the content coding left on; None before the body has come. A response to HEAD has
    no body that could be a part.
    """
    if parser.framing == "none":
        return
    value = parser.get(b"content-range")
    found = content_range(value)
    size = parser.length if received is None else received
    if found is not None and found.first == 0 and found.last + 1 == found.whole and size in (found.whole, None):
        return
    if found is None:
        what = "names no range of bytes" if value is None else f"has the Content-Range {shown(value)}"
    else:
        whole = "an unknown number" if found.whole is None else found.whole
        what = f"holds the bytes {found.first} to {found.last} of {whole}"
        if found.first == 0 and found.last + 1 == found.whole:
            what += f", but is {size} bytes long"
    raise FetchError(ErrorKind.PARTIAL, f"the server sent a 206 that was not requested, which {what}")
