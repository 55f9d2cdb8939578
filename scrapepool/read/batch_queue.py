"""Between the thread that reads lists and the one that wants targets.

Decides how far reading may run ahead. Knows nothing of lists.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from threading import Condition

from ..model import HostKey
from ..ports import Batch, Ended

MAX_BATCHES = 8
"""Batches that wait to be taken; then reading pauses."""

FULL = 1024
"""Rows from which a waiting batch is not added to."""

AHEAD = 250_000
"""Targets of a paced list, which may be endless, that are found and not yet looked up. It is as many as keep 32 workers
busy where a list is sorted by host and each of its hosts has 30,000 URLs, and takes 10 MB of memory."""


class Closed(Exception):  # noqa: N818  # a way out of the reading thread, no error
    """Nobody wants more."""


class Finds:
    """A batch in the making."""

    __slots__ = ("added", "found", "places", "rejected")

    def __init__(self) -> None:
        self.added: defaultdict[HostKey, list[int]] = defaultdict(list)
        self.found = 0
        self.rejected: list[Ended] = []
        self.places: list[int] = []

    def __len__(self) -> int:
        return self.found + len(self.rejected)

    def reject(self, outcome: Ended, place: int) -> None:
        """Put down a row that is not fetched. place: the ticket that it would have had."""
        self.rejected.append(outcome)
        self.places.append(place)

    def extend(self, later: Finds) -> None:
        """Put what was found later behind."""
        for host, tickets in later.added.items():
            self.added[host].extend(tickets)
        self.found += later.found
        self.rejected.extend(later.rejected)
        self.places.extend(later.places)


class Handover:
    """A bounded queue of batches. ``wake`` is called whenever there is something to take, and at the end."""

    def __init__(self, wake: Callable[[], None], *, batches: int = MAX_BATCHES, ahead: int = AHEAD) -> None:
        self._wake = wake
        self._max_batches = batches
        self._ahead = ahead
        self._changed = Condition()  # guards everything below
        self._waiting: deque[Finds] = deque()
        self._paced_out = 0  # targets of a paced list handed over and not yet looked up
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def put(self, finds: Finds, *, has_room: Callable[[], bool] | None = None) -> None:
        """Hand over what was found, waiting while too much waits already. Raises Closed.

        has_room: of a paced list, whether more of it may be kept; None for one that is read as quickly as can be.
        """
        paced = has_room is not None
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._max_batches)
            if self._closed:
                raise Closed
            if self._waiting and len(self._waiting[-1]) + len(finds) <= FULL:
                self._waiting[-1].extend(finds)
            else:
                self._waiting.append(finds)
            if paced:
                self._paced_out += finds.found
        self._wake()
        if has_room is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._paced_out < self._ahead and has_room()))

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, and why if that is not as it should be."""
        with self._changed:
            self._ended = True
            self._error = error
        self._wake()

    def take(self) -> Batch | None:
        """Take the next batch, None where none waits. Raises, once, what ended the reading."""
        with self._changed:
            if self._waiting:
                finds = self._waiting.popleft()
                more = bool(self._waiting) or self._ended
                self._changed.notify()
            else:
                finds, more = None, False
                error, self._error = self._error, None
        if more:
            self._wake()  # who takes one batch a turn is not left waiting for the next
        if finds is not None:
            return Batch(finds.added, finds.rejected, finds.places)
        if error is not None:
            raise error
        return None

    def looked_up(self, *, made_room: bool) -> None:
        """Tell that a paced list's target is being used. made_room: whether less of the list is kept now."""
        with self._changed:
            self._paced_out -= 1
            if made_room or self._paced_out == self._ahead - 1:
                self._changed.notify()

    def close(self) -> None:
        """Let the reading thread go; it is told by Closed at its next ``put``."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether nobody wants more."""
        with self._changed:
            return self._closed

    @property
    def exhausted(self) -> bool:
        """Whether nothing more comes and everything was taken."""
        with self._changed:
            return self._ended and not self._waiting and self._error is None
