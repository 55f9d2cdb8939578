"""How the body of a response ends, and whether its connection may serve again (RFC 9112 sections 6 and 9).

Decides what Connection, Transfer-Encoding and Content-Length mean, malformed ones too. Pure functions of their values.
"""

from __future__ import annotations

from typing import Literal

from ...model import ErrorKind
from ..errors import ResponseError
from .head import shown

MAX_LENGTH = 2**63 - 1
"""The largest Content-Length that is counted to, as in llhttp, curl and browsers."""
MAX_DIGITS = len(str(MAX_LENGTH))

_BODILESS = frozenset({204, 304})

Framing = Literal["none", "length", "chunked", "close"]
"""How a body ends: there is none, after so many bytes, with its last chunk, or with the connection."""


def has_no_body(method: str, status: int) -> bool:
    """Whether the message ends with its header block, whatever that says (RFC 9112 section 6.3, rules 1 and 2)."""
    if method == "GET":
        return status in _BODILESS
    return status in _BODILESS or method == "HEAD" or (method == "CONNECT" and status < 300)


def is_persistent(version: int, connection: bytes | None) -> bool:
    """Whether the connection stays open, by version and Connection (RFC 9112 section 9.3)."""
    if connection is None or connection == b"keep-alive":
        return version == 11 or connection is not None
    options = {option.strip() for option in connection.lower().split(b",")}
    return b"close" not in options and (version == 11 or b"keep-alive" in options)


def is_chunked(transfer_encoding: bytes) -> bool:
    """Whether Transfer-Encoding says chunked (RFC 9112 section 6.1); False where it says identity only.

    Chunked named twice is chunked once, as curl and browsers have it. Raises ResponseError for any other coding.
    """
    value = transfer_encoding.lower()
    codings = [coding.strip() for coding in value.split(b",") if coding.strip()]
    chunked = b"chunked" in codings
    if set(codings) - {b"chunked", b"identity"} or (chunked and codings[-1] != b"chunked"):
        raise ResponseError(ErrorKind.PROTOCOL, f"a Transfer-Encoding that cannot be decoded: {shown(value)}")
    return chunked


def read_length(value: bytes, notes: list[str]) -> int | None:
    """Return the length that Content-Length gives, as Fetch's "extract a length" has it; None where it gives none.

    Values that differ raise ResponseError. What is no number, or one beyond MAX_LENGTH, is ignored, and noted.
    """
    if value.isdigit():
        if len(value) < MAX_DIGITS:
            return int(value)
    else:
        values = {part.strip() for part in value.split(b",")}
        if len(values) > 1:
            raise ResponseError(ErrorKind.PROTOCOL, f"several different Content-Lengths: {shown(value)}")
        value = values.pop()
    digits = value.lstrip(b"0") or b"0"
    if value.isdigit() and len(digits) <= MAX_DIGITS and int(digits) <= MAX_LENGTH:
        return int(digits)
    notes.append(f"ignored an invalid Content-Length: {shown(value)}")
    return None
