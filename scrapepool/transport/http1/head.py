"""A parser for one header block: from its bytes to the status line and the fields.

This module decides which blocks are HTTP/1, and how malformed lines are handled. Most lines are the same in every
response of a host, so the result for a plain line is cached. llhttp parses a block that has any other line. The few
blocks that llhttp rejects are parsed here again, line by line, as browsers do (docs/responses.md has the table). The
parser does not know where the block is in the stream, nor what the fields mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ...lazy_pattern import lazy_pattern
from ...model import ErrorKind
from ...named_tuple import NamedTuple
from ..errors import ResponseError

Field = tuple[bytes, bytes]

_VERSIONS = {b"HTTP/1.1 ": 11, b"HTTP/1.0 ": 10}
_STATUS_LINE = lazy_pattern(rb"HTTP/1\.([01]) +([1-9][0-9]{2})(?: |(?=[A-Za-z])|\Z)(.*)", re.DOTALL)
_NAME = lazy_pattern(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BARE_CR = lazy_pattern(rb"\r(?!\n)")
_SHOWN = 60

_TOKEN = bytes(byte for byte in range(0x80) if _NAME.fullmatch(bytes([byte])))
_TEXT = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))

LINES_KEPT = 8192
"""The maximum number of cached lines, about 2 MB. A full cache is cleared, since ETags and dates do not repeat."""
LONGEST_KEPT = 256
"""The maximum bytes of a cached line."""

_JOINED = frozenset({
    b"age", b"cache-control", b"connection", b"content-encoding", b"content-length", b"content-type", b"date", b"etag",
    b"expires", b"last-modified", b"transfer-encoding", b"vary",
})  # fmt: skip
"""The fields whose repeated values are joined, since they say how to read the body, or when to request it again."""

_starts: dict[bytes, tuple[int, int, bytes]] = {}  # version, status and reason, by the status line
_fields: dict[bytes, tuple[Field, bytes, bytes]] = {}  # the field, its name in lower case and its value, by the line


class Head(NamedTuple):
    """A parsed header block.

    version: 10 or 11.
    status: 100 to 999.
    reason: the reason phrase as sent, in latin-1.
    headers: the fields in their order, with the names as sent.
    values: the same by lower-case name, as ``values_of`` returns them.
    notes: what was repaired or skipped, one line per item.
    """

    version: int
    status: int
    reason: bytes
    headers: list[Field]
    values: dict[bytes, bytes]
    notes: list[str]


class _Hooks:
    """The callbacks for llhttp. It does not call hooks that are None."""

    __slots__ = ("on_header",)
    on_headers_complete = on_body = on_message_begin = on_message_complete = None
    on_chunk_header = on_chunk_complete = on_status = None

    on_header: Callable[[bytes, bytes], None]


def shown(raw: bytes) -> str:
    """Return received bytes in a form for people: quoted, with control characters escaped, and shortened."""
    text = repr(raw[:_SHOWN].decode("latin-1"))
    return text if len(raw) <= _SHOWN else text + "…"


def not_http(raw: bytes) -> ResponseError:
    """Return the error for bytes that do not start like an HTTP/1 response."""
    line = raw.split(b"\n", 1)[0].rstrip(b"\r")
    return ResponseError(ErrorKind.PROTOCOL, f"not an HTTP/1 status line: {shown(line)}")


def parse_head(block: bytes) -> Head:
    """Parse a header block, from the status line to the blank line, both included (RFC 9112 sections 4 and 5).

    Raises ResponseError (``protocol``) for a status line of another protocol or version, a NUL, or a bare CR.
    """
    lines = block.split(b"\r\n")
    start = _starts.get(lines[0])
    if start is not None and not lines[-2]:
        headers: list[Field] = []
        values: dict[bytes, bytes] = {}
        for line in lines[1:-2]:
            known = _fields.get(line) or _plain(line)
            if known is None:
                break
            field, name, value = known
            headers.append(field)
            values[name] = value
        else:
            version, status, reason = start
            return Head(
                version, status, reason, headers, values if len(values) == len(headers) else values_of(headers), []
            )
    head = _parse_strictly(block)
    if head is None:
        return _parse_leniently(block)
    if len(lines[0]) <= LONGEST_KEPT and b"\n" not in lines[0]:
        _make_room(_starts)
        _starts[lines[0]] = head[:3]
    return head


def values_of(headers: Sequence[Field]) -> dict[bytes, bytes]:
    """Return the values of fields by lower-case name.

    For a repeated field this is the first value, or all values joined if they say how to read the body, or when to
    request it again.
    """
    values = {name.lower(): value for name, value in reversed(headers)}
    if len(values) != len(headers):
        for name in _JOINED & values.keys():
            values[name] = b", ".join([value for field, value in headers if field.lower() == name])
    return values


def _plain(line: bytes) -> tuple[Field, bytes, bytes] | None:
    """Return the field of a line that is not ambiguous, as ``_fields`` has it; None for any other line."""
    name, colon, value = line.partition(b":")
    if not (name and colon) or name.translate(None, _TOKEN) or value.translate(None, _TEXT):
        return None
    value = value.strip(b" \t")
    known = (name, value), name.lower(), value
    if len(line) <= LONGEST_KEPT:
        _make_room(_fields)
        _fields[line] = known
    return known


def _make_room(kept: dict[bytes, Any]) -> None:
    if len(kept) >= LINES_KEPT:
        kept.clear()


def _parse_strictly(block: bytes) -> Head | None:
    """Parse a block with llhttp; return None if llhttp rejects it."""
    version = _VERSIONS.get(block[:9])
    if version is None or block[12:13] not in {b" ", b"\r"}:
        return None
    headers: list[Field] = []

    def on_header(name: bytes, value: bytes) -> None:
        headers.append((name, value.rstrip()))

    hooks = _Hooks()
    hooks.on_header = on_header
    parser = HttpResponseParser(hooks)
    try:
        parser.feed_data(block)
    except (HttpParserError, HttpParserUpgrade):
        return None
    status = parser.get_status_code()
    reason = block[13 : block.find(b"\r\n", 12)]
    if status < 100 or b"\0" in reason:
        return None
    return Head(version, status, reason, headers, values_of(headers), [])


def _parse_leniently(block: bytes) -> Head:
    """Parse a block that llhttp rejected: keep every valid line, and add a note for each other line."""
    if b"\0" in block:
        raise ResponseError(ErrorKind.PROTOCOL, "the header block contains a NUL byte")
    if _BARE_CR.search(block):
        raise ResponseError(ErrorKind.PROTOCOL, "a header line contains a bare carriage return")
    lines = block.replace(b"\r\n", b"\n").split(b"\n")
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise not_http(lines[0])
    notes: list[str] = []
    headers = parse_fields(lines[1:], notes)
    return Head(10 + int(match[1]), int(match[2]), match[3], headers, values_of(headers), notes)


def parse_fields(lines: list[bytes], notes: list[str]) -> list[Field]:
    """Parse field lines without their line ends. Blank lines are ignored; skipped lines are added to ``notes``.

    A line that starts with white space continues the field before it (RFC 9112 section 5.2). It is skipped if that
    field was skipped.
    """
    headers: list[Field] = []
    kept = False
    for line in lines:
        if not line:
            continue
        if line[:1] in b" \t":
            if kept:
                name, value = headers[-1]
                headers[-1] = name, (value + b" " + line.strip(b" \t")).strip(b" ")
            else:
                notes.append(f"skipped a continuation line without a header: {shown(line)}")
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        kept = bool(colon) and _NAME.fullmatch(name) is not None
        if kept:
            headers.append((name, value.strip(b" \t")))
        else:
            notes.append(f"skipped a malformed header line: {shown(line)}")
    return headers
