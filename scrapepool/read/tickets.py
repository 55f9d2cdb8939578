"""Tickets: a number for each row, from which the row is found again.

Decides how a row's place fits into 64 bits: 40 bits of offset in all lists together (1 TiB), 24 of line number,
whose upper part follows from the offset. Knows nothing of what rows say. One thread writes, another looks up.
"""

from __future__ import annotations

from bisect import bisect_right

from ..errors import ListError
from .sources import Source

LINE_BITS = 24
LINE_MASK = (1 << LINE_BITS) - 1
MAX_OFFSET = 1 << (64 - LINE_BITS)


class Span:
    """One list's part of the offsets.

    base: what its own offsets are added to. epochs: own offsets of the first rows beyond each 2^24 lines.
    """

    __slots__ = ("base", "epochs", "source")

    def __init__(self, source: Source, base: int) -> None:
        self.source = source
        self.base = base
        self.epochs: tuple[int, ...] = ()

    def ticket(self, offset: int, line: int) -> int:
        """Give the row at this offset its number. Rows come in order. Raises ListError beyond 1 TiB."""
        self.reach(offset, line)
        if self.base + offset >= MAX_OFFSET:
            raise ListError(self.source.name, "more than 1 TiB of lists in one run")
        return (self.base + offset) << LINE_BITS | (line & LINE_MASK)

    def reach(self, offset: int, line: int) -> None:
        """Take note of how far the line numbers have come."""
        if line >> LINE_BITS > len(self.epochs):
            self.epochs += (offset,) * ((line >> LINE_BITS) - len(self.epochs))


class Index:
    """All lists' spans, in the order in which they are read.

    occurrences: of the tickets whose targets are not the first that their record describes, as ``model.Apart`` has it.
    """

    def __init__(self) -> None:
        self.occurrences: dict[int, int] = {}
        self._spans: tuple[Span, ...] = ()  # replaced whole by the reading thread, never changed in place

    def begin(self, source: Source, base: int) -> Span:
        """Start the next list's span where the one before ended."""
        span = Span(source, base)
        self._spans += (span,)
        return span

    def locate(self, ticket: int) -> tuple[Span, int, int]:
        """Tell the list, the offset in it and the line number of a ticket."""
        position = ticket >> LINE_BITS
        spans = self._spans
        span = spans[bisect_right(spans, position, key=_base) - 1] if len(spans) > 1 else spans[0]
        offset = position - span.base
        epochs = span.epochs
        line = ticket & LINE_MASK
        return span, offset, line | bisect_right(epochs, offset) << LINE_BITS if epochs else line


def _base(span: Span) -> int:
    return span.base
