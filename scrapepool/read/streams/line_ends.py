"""Which bytes end a line of a list, besides a line feed.

Decides by a list's format and its first bytes. Every other part of this package sees line feeds only: a byte that ends
a line is replaced by one, so that offsets and sizes stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SHORTEST = 4
"""Bytes of the shortest entry with the NUL behind it (``a.b``). UTF-16 and binary files have more NULs than that."""

_LONE_RETURN = re.compile(rb"\r(?!\n)")
_RETURN_TO_FEED = bytes.maketrans(b"\r", b"\n")
_LINE_END = re.compile(rb"[\r\n]")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


class LineEnds(NamedTuple):
    """What ends a line besides a line feed.

    returns: a carriage return, where no line feed follows it: files of old Macs. nuls: a NUL, as ``find -print0``
    writes it.
    """

    returns: bool = False
    nuls: bool = False

    def as_feeds(self, data: bytes) -> bytes:
        """Write each end of a line as a line feed. A carriage return at the very end of ``data`` is taken for one."""
        if self.nuls:
            data = data.replace(b"\0", b"\n")
        if self.returns and b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            data = _LONE_RETURN.sub(b"\n", data) if b"\n" in data else data.translate(_RETURN_TO_FEED)
        return data

    def pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Do as ``as_feeds`` with all pieces of a list; a carriage return waits for what follows it."""
        held = b""
        for piece in pieces:
            whole = held + piece
            held = b"\r" if self.returns and whole.endswith(b"\r") else b""
            if held:
                whole = whole[:-1]
            if whole:
                yield self.as_feeds(whole)
        if held:
            yield b"\n"


def line_ends(kind: str, head: bytes) -> LineEnds:
    """Tell what ends the lines of a list of this format that begins so.

    A cell of CSV may hold a carriage return, so that they end the rows of a file without line feeds only.
    """
    match kind:
        case "csv" | "tsv":
            return LineEnds(returns=b"\n" not in head)
        case _:
            return LineEnds(returns=True, nuls=separated_by_nuls(head))


def separated_by_nuls(head: bytes) -> bool:
    """Whether a list that begins so is text, and the first end of a line in it is a NUL."""
    first = head.find(b"\0")
    if first < 0 or _LINE_END.search(head, 0, first) is not None or _CONTROL.search(head) is not None:
        return False
    return head.count(b"\0") * SHORTEST <= len(head) + 1
