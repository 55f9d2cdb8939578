"""Between the engine and what reads lists: batches of tickets, and targets by their tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from ..frozen import frozen
from ..model import HostKey, Skipped, Target, Unchanged

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


@frozen
class Downloaded:
    """A list that was downloaded.

    url: the URL at which it was found, after redirects.
    content_type: the type that the server named.
    """

    url: str
    content_type: str | None


class Download(Protocol):
    """Downloads lists by their URLs. Called by the thread that reads lists."""

    def __call__(self, url: str, begin: Callable[[], Callable[[bytes | memoryview], object]]) -> Downloaded:
        """Download one whole list, decoded. Raises ListError.

        begin: called when the body begins, and again if it begins anew; returns the function that takes the pieces.
        """


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
