"""Tickets of hosts with few of them, as chains: 12 bytes per ticket, in memory or in a temporary file.

Decides where a ticket is. The first million are in memory, where places are used again; further ones are only appended
to a spool, until their list has ended. Does not know hosts, nor where a spool keeps its bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from struct import Struct
from typing import Protocol

from ...errors import ListError, system_reason

END = 0xFFFF_FFFF
"""The slot before the first ticket of a chain."""

TICKET_FILE = "the temporary file of tickets"
"""The name of the spool in messages."""

MAX_HELD = 1_000_000
"""Tickets in memory, if there is a spool; lists that may be endless are read less far ahead."""

BLOCK = 1 << 13
"""Tickets that are appended to the spool at once."""


_TICKET = Struct("=QI")
"""A ticket in the spool, and the slot of the one before it."""


class TicketSpool(Protocol):
    """A store of bytes beyond memory."""

    def append(self, data: bytes) -> None:
        """Add bytes. Raises ListError."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes that were added. Raises OSError."""


class TicketChains:
    """A chain is known by the slot of its last ticket, ``END`` if it is empty.

    spool: for tickets that are not in memory; None keeps all in memory.
    """

    def __init__(self, spool: TicketSpool | None = None) -> None:
        self._spool = spool
        self._tickets: array[int] = array("Q")  # by slot
        self._earlier: array[int] = array("I")  # by slot: that of the ticket before, or of the next free one
        self._free = END
        self._spooled = 0  # tickets in the spool
        self._newest: array[int] = array("Q")  # tickets that are to be appended to the spool, and the slots before them
        self._before_newest: array[int] = array("I")

    def __repr__(self) -> str:
        return f"<TicketChains {len(self._tickets)} slots, {self._spooled} spooled>"

    def extend(self, last: int, tickets: Iterable[int]) -> int:
        """Append tickets to the chain that ends in a slot; return the slot that it ends in then. Raises ListError."""
        for ticket in tickets:
            slot = self._free
            if slot != END:
                self._free = self._earlier[slot]
                self._tickets[slot] = ticket
                self._earlier[slot] = last
            elif self._spool is None or len(self._tickets) < MAX_HELD:
                slot = len(self._tickets)
                self._tickets.append(ticket)
                self._earlier.append(last)
            else:
                slot = self._append(self._spool, ticket, last)
            last = slot
        return last

    def take(self, last: int) -> array[int]:
        """Return the tickets of a chain, which is gone then. Raises ListError."""
        tickets: array[int] = array("Q")
        slot = last
        while slot != END:
            if slot < len(self._tickets):
                tickets.append(self._tickets[slot])
                earlier = self._earlier[slot]
                self._earlier[slot], self._free = self._free, slot
            else:
                ticket, earlier = self._spooled_at(slot - len(self._tickets))
                tickets.append(ticket)
            slot = earlier
        tickets.reverse()
        return tickets

    def _append(self, spool: TicketSpool, ticket: int, last: int) -> int:
        slot = len(self._tickets) + self._spooled + len(self._newest)
        self._newest.append(ticket)
        self._before_newest.append(last)
        if len(self._newest) == BLOCK:
            spool.append(b"".join(map(_TICKET.pack, self._newest, self._before_newest)))
            self._spooled += BLOCK
            del self._newest[:], self._before_newest[:]
        return slot

    def _spooled_at(self, number: int) -> tuple[int, int]:
        """Return a ticket that is not in memory, and the slot before it."""
        if number >= self._spooled:
            return self._newest[number - self._spooled], self._before_newest[number - self._spooled]
        assert self._spool is not None  # noqa: S101 - the ticket was appended to it
        try:
            found = self._spool.read_at(number * _TICKET.size, _TICKET.size)
        except OSError as error:
            raise ListError(TICKET_FILE, system_reason(error)) from error
        ticket, before = _TICKET.unpack(found)
        return ticket, before
