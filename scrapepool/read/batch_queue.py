"""The bounded queue between the thread that reads lists and the thread that takes targets.

Decides how far reading may run ahead. Knows nothing about lists.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from threading import Condition

from ..model import HostKey
from ..ports import Batch, Ended

MAX_BATCHES = 8
"""Reading pauses while so many batches wait to be taken."""

BATCH_ROWS = 1024
"""A waiting batch takes more rows up to this number."""

MAX_AHEAD = 250_000
"""Targets of a lazy list, which may be endless, that are found and not yet looked up. This keeps 32 workers busy on a
list that is sorted by host, with 30,000 URLs per host, and takes 10 MB of memory."""


class QueueClosed(Exception):  # noqa: N818  # ends the reading thread; it is not an error
    """The queue was closed: nobody takes further batches."""


class PendingBatch:
    """A batch that rows are still added to."""

    __slots__ = ("added", "found", "places", "rejected")

    def __init__(self) -> None:
        self.added: defaultdict[HostKey, list[int]] = defaultdict(list)
        self.found = 0
        self.rejected: list[Ended] = []
        self.places: list[int] = []

    def __len__(self) -> int:
        return self.found + len(self.rejected)

    def reject(self, outcome: Ended, place: int) -> None:
        """Add a row that ends here without a request. place: the ticket that it would have had."""
        self.rejected.append(outcome)
        self.places.append(place)

    def extend(self, later: PendingBatch) -> None:
        """Append a later batch."""
        for host, tickets in later.added.items():
            self.added[host].extend(tickets)
        self.found += later.found
        self.rejected.extend(later.rejected)
        self.places.extend(later.places)


class BatchQueue:
    """A bounded queue of batches. It calls ``wake`` whenever there is something to take, and at the end."""

    def __init__(self, wake: Callable[[], None], *, batches: int = MAX_BATCHES, ahead: int = MAX_AHEAD) -> None:
        self._wake = wake
        self._max_batches = batches
        self._ahead = ahead
        self._changed = Condition()  # guards everything below
        self._waiting: deque[PendingBatch] = deque()
        self._ahead_now = 0  # targets of lazy lists that were put and not yet looked up
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def put(self, batch: PendingBatch, *, has_room: Callable[[], bool] | None = None) -> None:
        """Add a batch; block while the queue is full. Raises QueueClosed.

        has_room: for a lazy list, whether more of it may be kept. ``put`` blocks behind such a batch until the reader
        may go on.
        """
        lazy = has_room is not None
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._max_batches)
            if self._closed:
                raise QueueClosed
            if self._waiting and len(self._waiting[-1]) + len(batch) <= BATCH_ROWS:
                self._waiting[-1].extend(batch)
            else:
                self._waiting.append(batch)
            if lazy:
                self._ahead_now += batch.found
        self._wake()
        if has_room is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._ahead_now < self._ahead and has_room()))

    def end(self, error: BaseException | None = None) -> None:
        """Note that nothing follows. error: what stopped the reading, if it did not reach the end."""
        with self._changed:
            self._ended = True
            self._error = error
        self._wake()

    def take(self) -> Batch | None:
        """Return the next batch, None if there is none. Raises the error that stopped the reading, once."""
        with self._changed:
            if self._waiting:
                batch = self._waiting.popleft()
                more = bool(self._waiting) or self._ended
                self._changed.notify()
            else:
                batch, more = None, False
                error, self._error = self._error, None
        if more:
            self._wake()  # the engine takes one batch each time it is woken
        if batch is not None:
            return Batch(batch.added, batch.rejected, batch.places)
        if error is not None:
            raise error
        return None

    def on_lookup(self, *, made_room: bool) -> None:
        """Note that a target of a lazy list was looked up. made_room: whether less of the list is kept now."""
        with self._changed:
            self._ahead_now -= 1
            if made_room or self._ahead_now == self._ahead - 1:
                self._changed.notify()

    def close(self) -> None:
        """Stop the reading thread: its next ``put`` raises QueueClosed."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        with self._changed:
            return self._closed

    @property
    def exhausted(self) -> bool:
        """Whether the reading has ended and every batch was taken."""
        with self._changed:
            return self._ended and not self._waiting and self._error is None
