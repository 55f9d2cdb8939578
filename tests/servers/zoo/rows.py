"""Behaviours that are a row of a table: what is wrong with them is their bytes, not their timing.

In a row's bytes, ``%(body)b`` stands for the page that names the path, ``%(length)d`` for its length,
``%(chunks)b`` for it in chunked coding without the last chunk, ``%(gzip)b`` for it compressed; see ``_values``.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from ..wire import OK, Behaviour, Wire, page

STRICT_OR_OK = OK | {"protocol"}
BAD = frozenset({"protocol"})
BIG = frozenset({"protocol", "too_large"})

START = b"HTTP/1.1 200 OK\r\n"
PAGE = b"Content-Length: %(length)d\r\n\r\n%(body)b"


class Row(NamedTuple):
    """One behaviour: ``close`` is whether the connection ends after the bytes, the rest is as in Behaviour."""

    name: str
    about: str
    expected: frozenset[str]
    reply: bytes
    close: bool = False
    body: Callable[[str], bytes] | None = page
    method: str = "GET"


def _values(path: str) -> dict[bytes, Any]:
    """What a row's placeholders stand for."""
    body = page(path)
    packed = gzip.compress(body, mtime=0)
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return {
        b"body": body,
        b"length": len(body),
        b"chunks": b"5\r\n%b\r\n%x\r\n%b\r\n" % (body[:5], len(body) - 5, body[5:]),
        b"gzip": packed,
        b"gzip_length": len(packed),
        b"gzip_cut": packed[:20],
        b"gzip_bare": packed[:-8],
        b"gzip_wrong": packed[:-8] + bytes(byte ^ 255 for byte in packed[-8:]),
        b"gzip_gzip": gzip.compress(packed, mtime=0),
        b"deflate_raw": raw.compress(body) + raw.flush(),
    }


def behaviour(row: Row) -> Behaviour:
    """Make a row into a behaviour."""

    def script(wire: Wire) -> None:
        wire.send(row.reply % _values(wire.path))
        if row.close:
            wire.close()

    return Behaviour(row.name, row.about, row.expected, script, body=row.body, method=row.method)
