"""One host's queue."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import HostKey
from scrapepool.schedule.health.host_health import HostHealth
from scrapepool.schedule.limits import HostLimits
from scrapepool.schedule.queue.host_queue import COMPACT_AFTER, HostQueue
from scrapepool.schedule.queue.latency import MAX_LEASE
from scrapepool.schedule.tally import HostTally

HOST = HostKey("http", "h.test", 80)


def queue_of(count, limit=4, delay=0.0):
    return HostQueue(HOST, HostTally(HOST), array("Q", range(count)), HostLimits(limit, delay))


@given(st.integers(1, 3000), st.lists(st.tuples(st.integers(1, 200), st.integers(0, 64))))
def test_tickets_come_in_order_whatever_is_handed_back(count, steps):
    """Taking, and giving some of it back, goes through the list from front to end."""
    queue, model, out = queue_of(count), list(range(count)), []
    for take, back in steps:
        if not model:
            break
        taken = queue.take(take)
        assert list(taken) == model[:take]
        del model[:take]
        out.append(taken)
        if back:
            returned = out.pop(0)[-back:]
            queue.give_back(returned)
            model[:0] = returned
        assert queue.fresh == len(model)
    if model:
        assert list(queue.take(count * 2)) == model


def test_taken_tickets_are_let_go():
    """The front of a long queue does not stay in memory."""
    queue = queue_of(100_000)
    for _ in range(9_000):
        queue.take(10)
    assert len(queue.tickets) <= 2 * 10_000 + COMPACT_AFTER


def test_leases_grow_by_doubling_and_shrink_at_once():
    """A fast host's leases double; one that was handed back sets the length."""
    queue = queue_of(100_000)
    lengths = []
    for _ in range(9):
        lengths.append(queue.lease_length())
        queue.latency.update(queue.tally, [0.0001] * lengths[-1], 0)
    assert lengths == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert max(lengths) == MAX_LEASE
    queue.latency.update(queue.tally, [0.0001] * 3, unbegun=61)
    assert queue.lease_length() == 3


@pytest.mark.parametrize(("best", "length"), [(0.001, 64), (0.01, 26), (0.1, 3), (0.25, 2), (0.3, 1)])
def test_a_lease_holds_its_first_response_for_a_quarter_of_a_second(best, length):
    """By the best latency that its host has shown."""
    queue = queue_of(1000)
    queue.latency.update(queue.tally, [best], 0)
    queue.latency.max_lease = 64
    assert queue.lease_length() == length


def test_a_host_that_slowed_down_gets_shorter_leases():
    """What the program does to itself must not look like a slow host; what was handed back sets the length."""
    queue = queue_of(1000)
    queue.latency.update(queue.tally, [0.001], 0)
    queue.latency.max_lease = 64
    queue.latency.update(queue.tally, [0.2] * 3, unbegun=61)
    assert queue.lease_length() == 3


@pytest.mark.parametrize(("limit", "length"), [(1, 12), (4, 12), (16, 12), (64, 3), (256, 1)])
def test_the_tail_is_shared(limit, length):
    """No lease takes more than half of what is left, and less where there are many slots."""
    queue = queue_of(24, limit=limit)
    queue.latency.update(queue.tally, [0.0001], 0)
    queue.latency.max_lease = 64
    assert queue.lease_length() == length


@pytest.mark.parametrize(("left", "length"), [(7, 1), (8, 2), (11, 2), (12, 3), (100, 3)])
def test_the_slots_of_a_distant_host_end_together(left, length):
    """No slot has a second target of the tail while another one has none."""
    queue = queue_of(left, limit=4)
    queue.latency.update(queue.tally, [0.1], 0)
    queue.latency.max_lease = 64
    assert queue.lease_length() == length


def test_a_delayed_host_is_asked_one_by_one():
    """Where starts have to be apart, a lease is one target."""
    queue = queue_of(1000, delay=0.1)
    queue.latency.max_lease, queue.tally.mean = 64, 0.0001
    assert queue.lease_length() == 1


def test_a_distant_host_that_failed_is_asked_one_by_one():
    """A limit that it has is met by fewer requests, and a page that fails again holds up no other."""
    queue = queue_of(1000)
    queue.latency.update(queue.tally, [0.1], 0)
    queue.latency.max_lease = 64
    queue.health = HostHealth(4, 5, adapt=True)
    assert queue.lease_length() == 1
