"""Line endings of lists other than the line feed.

Detects them from a list's format and its first bytes. The rest of this package sees line feeds only: a byte that ends a
line is replaced by a line feed, so that offsets and sizes stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple

SHORTEST = 4
"""Bytes of the shortest entry, ``a.b``, with its NUL. In UTF-16 and binary files NULs are more frequent."""

_LONE_RETURN = lazy_pattern(rb"\r(?!\n)")
_RETURN_TO_FEED = bytes.maketrans(b"\r", b"\n")
_LINE_END = lazy_pattern(rb"[\r\n]")
_CONTROL = lazy_pattern(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


class LineEndings(NamedTuple):
    """The line endings of a list besides the line feed.

    returns: whether a carriage return without a line feed ends a line, as in files of old Macs. nuls: whether a NUL
    does, as ``find -print0`` writes it.
    """

    returns: bool = False
    nuls: bool = False

    def with_newlines(self, data: bytes) -> bytes:
        """Replace each line ending by a line feed. A carriage return at the very end of ``data`` counts as one."""
        if self.nuls:
            data = data.replace(b"\0", b"\n")
        if self.returns and b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            data = _LONE_RETURN.sub(b"\n", data) if b"\n" in data else data.translate(_RETURN_TO_FEED)
        return data

    def pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Apply ``with_newlines`` to all pieces of a list; a carriage return that ends a piece waits for the next."""
        held = b""
        for piece in pieces:
            whole = held + piece
            held = b"\r" if self.returns and whole.endswith(b"\r") else b""
            if held:
                whole = whole[:-1]
            if whole:
                yield self.with_newlines(whole)
        if held:
            yield b"\n"


def line_endings(kind: str, head: bytes) -> LineEndings:
    """Return the line endings of a list of this format that begins with ``head``.

    A CSV cell may contain a carriage return, so carriage returns end CSV rows only in a file without line feeds.
    """
    match kind:
        case "csv" | "tsv":
            return LineEndings(returns=b"\n" not in head)
        case _:
            return LineEndings(returns=True, nuls=separated_by_nuls(head))


def separated_by_nuls(head: bytes) -> bool:
    """Whether a list that begins with ``head`` is text whose first line ends with a NUL."""
    first = head.find(b"\0")
    if first < 0 or _LINE_END.search(head, 0, first) is not None or _CONTROL.search(head) is not None:
        return False
    return head.count(b"\0") * SHORTEST <= len(head) + 1
