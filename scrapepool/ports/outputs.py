"""Between the engine and what keeps outcomes: records, stores and archives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..model import Outcome, Transcript


class Sink(Protocol):
    """Writes final outcomes. Called by one thread."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write them as whole records, and flush. Raises OutputError, and BrokenPipeError if the reader has left.

        While nothing ends, it is called with no outcomes at least every ``engine.MAX_SLEEP`` seconds.
        """

    def close(self) -> None:
        """Finish the output. Raises OutputError."""


class Store(Sink, Protocol):
    """A sink for what records refer to: pages, archives, tables. It may collect outcomes and write them together.

    A record is written when every store holds what belongs to it.
    """

    @property
    def kept(self) -> int:
        """How many outcomes would survive if this process were killed now, counted from the first one written."""


class Archive(Protocol):
    """Keeps what went over the wire. Called by one thread."""

    def keep(self, transcripts: Sequence[Transcript]) -> None:
        """Write the exchanges, or have them written. Raises OutputError."""

    def close(self) -> None:
        """Finish the archive. Raises OutputError."""
