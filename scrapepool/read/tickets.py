"""Tickets: a 64-bit number per row, by which the row is found again.

A ticket has 40 bits for the row's offset in all lists together (1 TiB) and 24 bits for the lower part of its line
number; the upper part follows from the offset. Knows nothing about what rows say. One thread writes, another reads.
"""

from __future__ import annotations

from bisect import bisect_right

from ..errors import ListError
from .sources import ListSource

LINE_BITS = 24
LINE_MASK = (1 << LINE_BITS) - 1
MAX_OFFSET = 1 << (64 - LINE_BITS)


class ListSpan:
    """The range of offsets that belongs to one list.

    base: what the list's own offsets are added to. epochs: the list's own offsets at which the line number passes a
    multiple of 2^24.
    """

    __slots__ = ("base", "epochs", "source")

    def __init__(self, source: ListSource, base: int) -> None:
        self.source = source
        self.base = base
        self.epochs: tuple[int, ...] = ()

    def ticket(self, offset: int, line: int) -> int:
        """Return the ticket of the row at this offset. Rows come in order. Raises ListError beyond 1 TiB."""
        self.reach(offset, line)
        if self.base + offset >= MAX_OFFSET:
            raise ListError(self.source.name, "more than 1 TiB of lists in one run")
        return (self.base + offset) << LINE_BITS | (line & LINE_MASK)

    def reach(self, offset: int, line: int) -> None:
        """Note the line number at an offset."""
        if line >> LINE_BITS > len(self.epochs):
            self.epochs += (offset,) * ((line >> LINE_BITS) - len(self.epochs))


class TicketIndex:
    """The spans of all lists, in the order in which they are read.

    occurrences: by ticket, for targets that are not the first with the URL that their record shows (``model.Apart``).
    """

    def __init__(self) -> None:
        self.occurrences: dict[int, int] = {}
        self._spans: tuple[ListSpan, ...] = ()  # the reading thread replaces it and never changes it in place

    def begin(self, source: ListSource, base: int) -> ListSpan:
        """Start the span of the next list."""
        span = ListSpan(source, base)
        self._spans += (span,)
        return span

    def locate(self, ticket: int) -> tuple[ListSpan, int, int]:
        """Return the list of a ticket, the offset in it, and the line number."""
        position = ticket >> LINE_BITS
        spans = self._spans
        span = spans[bisect_right(spans, position, key=_base) - 1] if len(spans) > 1 else spans[0]
        offset = position - span.base
        epochs = span.epochs
        line = ticket & LINE_MASK
        return span, offset, line | bisect_right(epochs, offset) << LINE_BITS if epochs else line


def _base(span: ListSpan) -> int:
    return span.base
