"""Between the engine and what reads lists: batches of tickets, and targets by their tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from ..frozen import frozen
from ..model import HostKey, ListTarget, Outcome, Skipped, Target, Unchanged

Ended = Skipped | Unchanged
"""The outcomes that a line can have without a request."""


@frozen
class Batch:
    """What the reader has found since it was last polled.

    added: tickets by host, each host's in the order of the list.
    rejected: outcomes of lines that end here: those that are no targets, and pages that are still fresh.
    places: numbers of the rejected lines. They sort among the tickets as the lines do in the lists.
    """

    added: Mapping[HostKey, Sequence[int]] = field(default_factory=dict)
    rejected: Sequence[Ended] = ()
    places: Sequence[int] = ()


class ListRequests(Protocol):
    """The lists by URL that the reader waits for. Used by the engine's thread."""

    def take(self) -> ListTarget | None:
        """Return the next list, once; None if the reader waits for none."""

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Pass the final outcomes of lists on to the reader."""

    def close(self) -> None:
        """Let the reader wait no longer: nothing more will be fetched."""


class Feed(Protocol):
    """The targets of all lists, without holding them in memory. Later lines have higher tickets."""

    def poll(self) -> Batch | None:
        """Return the next batch; None if none is ready now. Raises ListError if a list cannot be read."""

    def target(self, ticket: int) -> Target | Skipped:
        """Look a ticket up again, once. Returns Skipped if the list no longer has the same line."""

    @property
    def exhausted(self) -> bool:
        """Whether every list has been read to its end and every batch was polled."""

    def close(self) -> None:
        """Stop reading, close files, remove temporary ones."""
