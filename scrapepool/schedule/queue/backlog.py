"""Hosts of which nothing was requested yet: their tickets, and no other state.

Decides which of them is next: the one with the most targets, by octave. A list may name millions of hosts with a few
URLs each, so that none of them has an object of its own: some 60 bytes per host, and 12 per ticket, in memory or in a
temporary file. Only those with many tickets have an array.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from ...host_index import HostIndex
from ...model import HostKey
from .ready import OCTAVES, octave
from .ticket_chains import END, TicketChains, TicketSpool

MANY = 64
"""Tickets of a host from which on they are kept in an array of its own, which takes 8 bytes per ticket."""

_OCTAVE_OF = (-1, *(octave(count) for count in range(1, MANY)))
"""The octave of a host by the number of its tickets, below ``MANY``."""

COMPACT_AFTER = 4096
"""Entries of a queue that were taken before its front is cut off, if they are at least half of it; likewise for those
that were left behind."""


class Backlog:
    """The hosts that are not begun.

    The tickets of a host with few of them are a chain (``TicketChains``). spool: for those that are not kept in memory.
    A host stands in the queue of its octave. One that grew into a higher octave leaves its old entry behind, to be
    dropped when it is come upon.
    """

    def __init__(self, spool: TicketSpool | None = None) -> None:
        self._hosts = HostIndex()
        self._counts: array[int] = array("B")  # tickets by host number, MANY for those in ``_many``
        self._last: array[int] = array("I")  # slot of the last ticket by host number
        self._many: dict[int, array[int]] = {}  # by host number
        self._chains = TicketChains(spool)
        self._queues = [_NumberQueue() for _ in range(OCTAVES)]
        self._mask = 0

    def __len__(self) -> int:
        return len(self._hosts)

    def __contains__(self, host: HostKey) -> bool:
        return self._hosts.find(host) >= 0

    def add(self, host: HostKey, tickets: Sequence[int]) -> bool:
        """Add tickets, at least one, to a host that is not begun. Return whether it had none."""
        number = self._hosts.find(host, add=True)
        if number == len(self._counts):
            self._counts.append(0)
            self._last.append(END)
        had = self._counts[number]
        before = self._octave(number) if had == MANY else _OCTAVE_OF[had]
        count = had + len(tickets)
        if count < MANY:
            self._last[number] = self._chains.extend(self._last[number], tickets)
            self._counts[number] = count
            now = _OCTAVE_OF[count]
        else:
            if had < MANY:
                self._many[number] = self._take(number)
                self._counts[number] = MANY
            self._many[number].extend(tickets)
            now = self._octave(number)
        if now > before:
            self._queues[now].numbers.append(number)
            self._mask |= 1 << now
            if before >= 0 and self._queues[before].leave():
                self._queues[before].keep(lambda number: self._octave(number) == before)
        return not had

    def longest(self) -> int:
        """Return the highest octave with a host in it, -1 if there is none."""
        counts = self._counts
        while self._mask:
            top = self._mask.bit_length() - 1
            queue = self._queues[top]
            while queue.head < len(queue.numbers):
                count = counts[number := queue.numbers[queue.head]]
                if (_OCTAVE_OF[count] if count < MANY else self._octave(number)) == top:
                    return top
                queue.pop()
            self._mask ^= 1 << top
        return -1

    def pop_first(self, bucket: int) -> tuple[HostKey, array[int]]:
        """Return the host that has been longest in a bucket that ``longest`` gave, which leaves the backlog."""
        return self._remove(self._queues[bucket].pop())

    def pop(self, host: HostKey) -> array[int]:
        """Return the tickets of a host, which leaves the backlog; none if it is not in."""
        number = self._hosts.find(host)
        return array("Q") if number < 0 else self._remove(number)[1]

    def _remove(self, number: int) -> tuple[HostKey, array[int]]:
        tickets = self._many.pop(number) if self._counts[number] == MANY else self._take(number)
        self._counts[number] = 0
        return self._hosts.remove(number), tickets

    def _take(self, number: int) -> array[int]:
        tickets = self._chains.take(self._last[number])
        self._last[number] = END
        return tickets

    def _octave(self, number: int) -> int:
        count = self._counts[number]
        return octave(len(self._many[number])) if count == MANY else _OCTAVE_OF[count]


class _NumberQueue:
    """First in, first out, in 4 bytes per number. numbers: from ``head`` on. left: how many were left behind."""

    __slots__ = ("head", "left", "numbers")

    def __init__(self) -> None:
        self.numbers: array[int] = array("I")
        self.head = 0
        self.left = 0

    def leave(self) -> bool:
        """Count a number that is left behind. Return whether those are most of the queue."""
        self.left += 1
        return self.left >= COMPACT_AFTER and 2 * self.left >= len(self.numbers) - self.head

    def keep(self, stays: Callable[[int], bool]) -> None:
        """Drop the numbers that were left behind."""
        self.numbers = array("I", filter(stays, self.numbers[self.head :]))
        self.head = self.left = 0

    def pop(self) -> int:
        """Take the first number; there must be one."""
        number = self.numbers[self.head]
        self.head += 1
        if self.head == len(self.numbers) or (self.head >= COMPACT_AFTER and 2 * self.head >= len(self.numbers)):
            del self.numbers[: self.head]
            self.head = 0
        return number
