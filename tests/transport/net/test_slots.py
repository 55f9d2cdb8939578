"""Tests the slots of a pool, and which idle connection is closed if there are too many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.transport.net.slots import TLS_WEIGHT, IdleConnections, Slots


class Conn:
    """A connection that is open until it is closed."""

    def __init__(self, *, tls: bool = False) -> None:
        self.sock: object | None = object()
        self.has_records = tls

    def close(self) -> None:
        self.sock = None


def filled(maxsize: int, idle: IdleConnections | None = None) -> Slots:
    """Fill the slots as urllib3 fills a new pool."""
    slots = Slots(maxsize, idle)
    for _ in range(maxsize):
        slots.put(None, block=False)
    return slots


def test_an_open_connection_comes_before_a_closed_slot() -> None:
    """The connection that was used last is taken first."""
    slots = filled(3)
    held = [slots.get(block=False) for _ in range(3)]
    assert held == [None] * 3
    first, second, closed = Conn(), Conn(), Conn()
    closed.close()
    for conn in (first, second, closed):
        slots.put(conn, block=False)
    assert slots.qsize() == 3
    assert [slots.get() for _ in range(3)] == [second, first, closed]


def test_the_number_of_slots_is_fixed() -> None:
    """No more slots can be taken or returned."""
    slots = filled(1)
    with pytest.raises(Full):
        slots.put(Conn(), block=False)
    slots.get()
    with pytest.raises(Empty):
        slots.get(block=False)
    with pytest.raises(Empty):
        slots.get(timeout=0.01)


def test_a_waiting_thread_gets_a_returned_slot() -> None:
    """Each waiting thread gets one slot."""
    slots = filled(2)
    held = [slots.get(), slots.get()]
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(slots.get, timeout=10) for _ in range(2)]
        conns = [Conn(), Conn()]
        for conn in conns:
            slots.put(conn)
        assert {future.result() for future in waiting} == set(conns)
    assert held == [None, None]
    assert slots.qsize() == 0


def test_the_one_that_was_idle_for_longest_is_evicted() -> None:
    """This holds over all pools, and the slot is kept."""
    idle = IdleConnections(2)
    pools = [filled(2, idle) for _ in range(3)]
    conns = [Conn() for _ in pools]
    for slots, conn in zip(pools, conns, strict=True):
        slots.get()
        slots.put(conn)
    assert [conn.sock is None for conn in conns] == [True, False, False]
    assert [slots.qsize() for slots in pools] == [2, 2, 2]
    assert len(idle) == 2
    assert pools[0].get() in (conns[0], None)


def test_one_through_tls_counts_as_several() -> None:
    """A TLS connection takes as much memory as several plain ones."""
    idle = IdleConnections(TLS_WEIGHT)
    slots = filled(4, idle)
    plain = [Conn() for _ in range(2)]
    for _ in range(3):
        slots.get()
    for conn in (*plain, Conn(tls=True)):
        slots.put(conn)
    assert [conn.sock for conn in plain] == [None, None]
    assert len(slots.idle) == 1


def test_a_given_connection_can_be_taken() -> None:
    """A given connection can be taken if it is idle."""
    idle = IdleConnections(10)
    slots = filled(2, idle)
    slots.get()
    conn = Conn()
    assert not slots.take_out(conn)
    slots.put(conn)
    assert slots.take_out(conn)
    assert not slots.take_out(conn)
    assert (len(idle), slots.qsize()) == (0, 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["get", "open", "closed", "shed"])), max_size=60))
def test_slots_and_counts_always_match(steps: list[tuple[int, str]]) -> None:
    """After any sequence of calls, each pool has all of its slots, and the limit of idle connections holds."""
    idle = IdleConnections(5)
    pools = [filled(3, idle) for _ in range(4)]
    held: list[list[Any]] = [[] for _ in pools]
    for at, step in steps:
        slots = pools[at]
        if step == "get" and slots.qsize():
            held[at].append(slots.get(block=False))
        elif step == "shed":
            for conn in slots.take_idle():
                conn.close()
        elif held[at]:
            conn = held[at].pop() or Conn()
            if step == "closed":
                conn.close()
            slots.put(conn, block=False)
        assert [slots.qsize() + len(mine) for slots, mine in zip(pools, held, strict=True)] == [3] * 4
        assert len(idle) == sum(len(slots.idle) for slots in pools) <= 5
        assert all(conn.sock is not None for slots in pools for conn in slots.idle)
