"""Lines of styled text for a terminal: pieces with gaps between them, cut to the width.

Decides how pieces become a line. Knows no snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

GAP = "  "

Piece = tuple[str, str]
"""A text and its style."""


def spaced(pieces: Sequence[Piece], width: int) -> Text:
    """Write as many pieces from the left as fit into ``width``, with gaps between them."""
    return cut(append(joined([]), fitting(pieces, width)), width)


def fitting(pieces: Sequence[Piece], width: int) -> list[Piece]:
    """Return as many pieces from the left as fit into ``width``, and always the first one."""
    kept = list(pieces)
    while len(kept) > 1 and length_of(kept) > width:
        kept.pop()
    return kept


def length_of(pieces: Sequence[Piece]) -> int:
    """Return the columns of pieces with gaps between them."""
    return sum(len(text) for text, _ in pieces) + len(GAP) * max(0, len(pieces) - 1)


def joined(pieces: Sequence[Piece]) -> Text:
    """Write pieces without gaps."""
    line = Text(no_wrap=True, overflow="crop")
    for text, style in pieces:
        line.append(text, style)
    return line


def append(line: Text, pieces: Sequence[Piece]) -> Text:
    """Write pieces behind what a line has, with gaps between all of them."""
    for text, style in pieces:
        if line:
            line.append(GAP)
        line.append(text, style)
    return line


def cut(line: Text, width: int) -> Text:
    """Cut a line to ``width`` columns."""
    line.truncate(max(0, width))
    return line
