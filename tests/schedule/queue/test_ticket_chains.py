"""Chains of tickets come back in their order, wherever they are."""

from __future__ import annotations

from contextlib import closing
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import ListError
from scrapepool.read.streams.spool import Spool
from scrapepool.schedule.queue.ticket_chains import END, TicketChains

SMALL = mock.patch.multiple("scrapepool.schedule.queue.ticket_chains", MAX_HELD=5, BLOCK=4)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40), st.booleans())
def test_chains_agree_with_lists(steps: list[tuple[int, int]], spooled: bool) -> None:
    """In memory, on their way to the spool, and in it."""
    lasts, known, ticket = dict.fromkeys(range(5), END), {number: [] for number in range(5)}, 2**64 - 1000
    with SMALL, closing(Spool("the file of a test", memory=50)) as spool:
        chains = TicketChains(spool if spooled else None)
        for number, count in steps:
            if count:
                lasts[number] = chains.extend(lasts[number], range(ticket, ticket + count))
                known[number] += range(ticket, ticket + count)
                ticket += count
            else:
                assert list(chains.take(lasts[number])) == known[number]
                lasts[number], known[number] = END, []
        assert [list(chains.take(last)) for last in lasts.values()] == list(known.values())
        assert len(chains._tickets) <= 5 or not spooled
        assert repr(chains) == f"<TicketChains {len(chains._tickets)} slots, {chains._spooled} spooled>"


def test_a_spool_that_cannot_be_read_is_an_error_of_the_run() -> None:
    """It names the file and says why."""

    class Broken:
        def append(self, data: bytes) -> None:
            pass

        def read_at(self, offset: int, size: int) -> bytes:
            raise OSError(5, "Input/output error")

    with SMALL:
        chains = TicketChains(Broken())
        last = chains.extend(END, range(20))
        with pytest.raises(ListError, match="the temporary file of tickets: Input/output error"):
            chains.take(last)
