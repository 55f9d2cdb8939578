"""Hosts that are not begun, and their tickets."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import HostKey
from scrapepool.schedule.queue import backlog as backlog_module
from scrapepool.schedule.queue.backlog import MANY, Backlog
from scrapepool.schedule.queue.ready import octave

HOSTS = st.integers(0, 9).map(lambda number: HostKey("http", f"h{number}.test", 80))
STEPS = st.lists(st.tuples(HOSTS, st.integers(0, 4) | st.just(MANY)), max_size=60)


@given(STEPS)
def test_agrees_with_a_dict_of_lists(steps: list[tuple[HostKey, int]]) -> None:
    """Tickets come out in their order, whatever came between, and the longest host is that of the highest octave."""
    backlog, known, ticket = Backlog(), {}, 2**64 - 10_000
    for host, count in steps:
        if count:
            tickets = range(ticket, ticket + count)
            ticket += count
            assert backlog.add(host, tickets) == (host not in known)
            known.setdefault(host, []).extend(tickets)
        elif host in known or not known:
            assert list(backlog.pop(host)) == known.pop(host, [])
        else:
            bucket = backlog.longest()
            first, popped = backlog.pop_first(bucket)
            assert octave(len(popped)) == bucket
            assert list(popped) == known.pop(first)
        assert len(backlog) == len(known)
        assert (host in backlog) == (host in known)
        longest = max((octave(len(tickets)) for tickets in known.values()), default=-1)
        assert backlog.longest() == longest
    assert len(backlog._chains._tickets) <= len(steps) * MANY
    while known:
        host, popped = backlog.pop_first(backlog.longest())
        assert list(popped) == known.pop(host)
    assert (backlog.longest(), len(backlog)) == (-1, 0)


def test_hosts_of_one_octave_take_turns() -> None:
    """First in, first out; a host that grew is last in its new octave."""
    hosts = [HostKey("http", f"h{number}.test", 80) for number in range(3 * 4096)]
    backlog = Backlog()
    for number, host in enumerate(hosts):
        backlog.add(host, [number])
    backlog.add(hosts[0], [len(hosts)])
    assert backlog.pop_first(backlog.longest()) == (hosts[0], array("Q", [0, len(hosts)]))
    for number, host in enumerate(hosts[1:], 1):
        assert backlog.pop_first(backlog.longest()) == (host, array("Q", [number]))


def test_slots_are_used_again() -> None:
    """An endless list with new hosts all the time takes the room of what waits, and no more."""
    backlog = Backlog()
    for number in range(500):
        host = HostKey("http", f"h{number}.test", 80)
        backlog.add(host, range(5))
        assert list(backlog.pop(host)) == [0, 1, 2, 3, 4]
    assert len(backlog._chains._tickets) == 5
    assert len(backlog._counts) == 1


def test_entries_left_behind_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that grow leave entries in the queues of shorter ones, which do not pile up while a list is read."""
    monkeypatch.setattr(backlog_module, "COMPACT_AFTER", 4)
    hosts = [HostKey("http", f"h{number}.test", 80) for number in range(100)]
    backlog = Backlog()
    for ticket in range(8):
        for host in hosts[ticket:]:
            backlog.add(host, [ticket])
    assert sum(len(queue.numbers) for queue in backlog._queues) < 2 * len(hosts)
    order = [backlog.pop_first(backlog.longest())[0] for _ in hosts]
    assert order == [*hosts[7:], *hosts[3:7], *hosts[1:3], hosts[0]]
    assert backlog.longest() == -1
