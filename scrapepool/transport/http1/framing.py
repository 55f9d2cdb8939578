"""How the body of a response ends, and whether its connection can be reused (RFC 9112 sections 6 and 9).

The pure functions of this module interpret Connection, Transfer-Encoding and Content-Length, malformed values too.
"""

from __future__ import annotations

from typing import Literal

from ...model import ErrorKind
from ..errors import ResponseError
from .head import shown

MAX_LENGTH = 2**63 - 1
"""The largest Content-Length that is accepted, as in llhttp, curl and browsers."""
MAX_DIGITS = len(str(MAX_LENGTH))

_BODILESS = frozenset({204, 304})

Framing = Literal["none", "length", "chunked", "close"]
"""How a body ends: it does not exist, after ``length`` bytes, with its last chunk, or when the connection closes."""


def has_no_body(method: str, status: int) -> bool:
    """Return whether the message ends with its header block, for any header (RFC 9112 section 6.3, rules 1 and 2)."""
    if method == "GET":
        return status in _BODILESS
    return status in _BODILESS or method == "HEAD" or (method == "CONNECT" and status < 300)


def is_persistent(version: int, connection: bytes | None) -> bool:
    """Return whether the connection persists, by version and Connection (RFC 9112 section 9.3)."""
    if connection is None or connection == b"keep-alive":
        return version == 11 or connection is not None
    options = {option.strip() for option in connection.lower().split(b",")}
    return b"close" not in options and (version == 11 or b"keep-alive" in options)


def is_chunked(transfer_encoding: bytes) -> bool:
    """Return whether Transfer-Encoding is chunked (RFC 9112 section 6.1); False if it is only identity.

    If the field repeats "chunked", the body is chunked once, as in curl and browsers. Raises ResponseError for any
    other coding.
    """
    value = transfer_encoding.lower()
    codings = [coding.strip() for coding in value.split(b",") if coding.strip()]
    chunked = b"chunked" in codings
    if set(codings) - {b"chunked", b"identity"} or (chunked and codings[-1] != b"chunked"):
        raise ResponseError(ErrorKind.PROTOCOL, f"the Transfer-Encoding cannot be decoded: {shown(value)}")
    return chunked


def read_length(value: bytes, notes: list[str]) -> int | None:
    """Return the value of Content-Length, as the Fetch standard's "extract a length" does; None if it is invalid.

    A value that is not a number, or is larger than MAX_LENGTH, is ignored with a note. Raises ResponseError for
    several different values.
    """
    if value.isdigit():
        if len(value) < MAX_DIGITS:
            return int(value)
    else:
        values = {part.strip() for part in value.split(b",")}
        if len(values) > 1:
            raise ResponseError(ErrorKind.PROTOCOL, f"the response has different Content-Lengths: {shown(value)}")
        value = values.pop()
    digits = value.lstrip(b"0") or b"0"
    if value.isdigit() and len(digits) <= MAX_DIGITS and int(digits) <= MAX_LENGTH:
        return int(digits)
    notes.append(f"ignored an invalid Content-Length: {shown(value)}")
    return None
