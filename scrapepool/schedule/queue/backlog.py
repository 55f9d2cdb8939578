"""Hosts of which nothing was requested yet: their tickets, and no other state.

Decides which of them is next: the one with the most targets, by octave. A list may name millions of hosts with a few
URLs each, so that none of them has an object of its own: 12 bytes per ticket and some 60 per host. Only those with many
tickets have an array.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from ...host_index import HostIndex
from ...model import HostKey
from .ready import OCTAVES, octave

MANY = 64
"""Tickets of a host from which on they are kept in an array of its own, which takes 8 bytes per ticket."""

NO_SLOT = 0xFFFF_FFFF

COMPACT_AFTER = 4096
"""Entries of a queue that were taken before its front is cut off, if they are at least half of it."""


class Backlog:
    """The hosts that are not begun.

    The tickets of a host with few of them are a chain, from the last one to the first, through the slots of two arrays.
    A host stands in the queue of its octave. One that grew into a higher octave leaves its old entry behind, to be
    dropped when it is come upon.
    """

    def __init__(self) -> None:
        self._hosts = HostIndex()
        self._counts: array[int] = array("B")  # tickets by host number, MANY for those in ``_many``
        self._last: array[int] = array("I")  # slot of the last ticket by host number
        self._many: dict[int, array[int]] = {}  # by host number
        self._tickets: array[int] = array("Q")  # by slot
        self._earlier: array[int] = array("I")  # by slot: that of the ticket before, or of the next free one
        self._free = NO_SLOT
        self._queues = [_NumberQueue() for _ in range(OCTAVES)]
        self._mask = 0

    def __len__(self) -> int:
        return len(self._hosts)

    def __contains__(self, host: HostKey) -> bool:
        return self._hosts.find(host) >= 0

    def add(self, host: HostKey, tickets: Sequence[int]) -> bool:
        """Add tickets to a host that is not begun. Return whether it had none."""
        number = self._hosts.find(host)
        is_new = number < 0
        if is_new:
            number = self._hosts.add(host)
            if number == len(self._counts):
                self._counts.append(0)
                self._last.append(NO_SLOT)
            before = -1
        else:
            before = self._octave(number)
        count = self._counts[number] + len(tickets)
        if count < MANY:
            self._chain(number, tickets)
            self._counts[number] = count
        else:
            if self._counts[number] < MANY:
                self._many[number] = self._unchain(number)
                self._counts[number] = MANY
            self._many[number].extend(tickets)
        now = self._octave(number)
        if now > before:
            self._queues[now].append(number)
            self._mask |= 1 << now
        return is_new

    def longest(self) -> int:
        """Return the highest octave with a host in it, -1 if there is none."""
        while self._mask:
            top = self._mask.bit_length() - 1
            queue = self._queues[top]
            while queue and self._octave(queue.first()) != top:
                queue.pop()
            if queue:
                return top
            self._mask ^= 1 << top
        return -1

    def first(self, bucket: int) -> HostKey:
        """Return the host that has been longest in a bucket that ``longest`` gave."""
        return self._hosts.host(self._queues[bucket].first())

    def pop(self, host: HostKey) -> array[int]:
        """Return the tickets of a host, which leaves the backlog; none if it is not in."""
        number = self._hosts.find(host)
        if number < 0:
            return array("Q")
        tickets = self._many.pop(number) if self._counts[number] == MANY else self._unchain(number)
        self._counts[number] = 0
        self._hosts.remove(number)
        return tickets

    def _octave(self, number: int) -> int:
        count = self._counts[number]
        return -1 if not count else octave(len(self._many[number]) if count == MANY else count)

    def _chain(self, number: int, tickets: Sequence[int]) -> None:
        last = self._last[number]
        for ticket in tickets:
            slot = self._free
            if slot == NO_SLOT:
                slot = len(self._tickets)
                self._tickets.append(ticket)
                self._earlier.append(last)
            else:
                self._free = self._earlier[slot]
                self._tickets[slot] = ticket
                self._earlier[slot] = last
            last = slot
        self._last[number] = last

    def _unchain(self, number: int) -> array[int]:
        """Take the tickets of a host out of their slots."""
        tickets: array[int] = array("Q")
        slot = self._last[number]
        while slot != NO_SLOT:
            tickets.append(self._tickets[slot])
            earlier = self._earlier[slot]
            self._earlier[slot], self._free = self._free, slot
            slot = earlier
        self._last[number] = NO_SLOT
        tickets.reverse()
        return tickets


class _NumberQueue:
    """First in, first out, in 4 bytes per number."""

    __slots__ = ("_head", "_numbers")

    def __init__(self) -> None:
        self._numbers: array[int] = array("I")
        self._head = 0

    def __bool__(self) -> bool:
        return self._head < len(self._numbers)

    def append(self, number: int) -> None:
        self._numbers.append(number)

    def first(self) -> int:
        return self._numbers[self._head]

    def pop(self) -> None:
        self._head += 1
        if self._head == len(self._numbers) or (self._head >= COMPACT_AFTER and 2 * self._head >= len(self._numbers)):
            del self._numbers[: self._head]
            self._head = 0
