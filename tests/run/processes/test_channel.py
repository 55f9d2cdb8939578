"""Messages come out whole and in order, however the stream cuts them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from scrapepool.run.processes.channel import MOST_DESCRIPTORS, READ_SIZE, Channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    """The two ends of a stream."""
    one, other = socket.socketpair()
    with closing(Channel(one.detach())) as left, closing(Channel(other.detach())) as right:
        yield left, right


def test_messages_are_told_apart(ends: tuple[Channel, Channel]) -> None:
    """Sent or queued, one or many at a time."""
    left, right = ends
    left.send(b"first")
    left.put(b"second")
    left.put(b"third" * 10)
    assert "2 messages" in repr(left)
    assert left.flush()
    assert right.wait() == b"first"
    assert right.receive() == [b"second", b"third" * 10]
    assert right.receive() == []


def test_what_the_system_does_not_take_stays_queued(ends: tuple[Channel, Channel]) -> None:
    """A message longer than any buffer comes out whole, and the sender never waits."""
    left, right = ends
    long = os.urandom(20 * READ_SIZE)
    left.put(long)
    left.put(b"next")
    found: list[bytes] = []
    flushed = left.flush()
    assert not flushed
    while not flushed or len(found) < 2:
        found += right.receive()
        flushed = left.flush()
    assert found == [long, b"next"]


def test_descriptors_come_in_order_however_many(ends: tuple[Channel, Channel]) -> None:
    """Before the message that they belong to."""
    left, right = ends
    pipes = [os.pipe() for _ in range(MOST_DESCRIPTORS + 3)]
    left.send(b"message", [write for _, write in pipes])
    for _, write in pipes:
        os.close(write)
    messages = right.receive()
    while not messages:
        messages = right.receive()
    assert messages == [b"message"]
    assert len(right.descriptors) == len(pipes)
    for number, (read, _) in enumerate(pipes):
        taken = right.descriptors.popleft()
        os.write(taken, b"%d" % number)
        os.close(taken)
        assert os.read(read, 9) == b"%d" % number
        os.close(read)


def test_the_end_of_the_stream_is_told(ends: tuple[Channel, Channel]) -> None:
    """To one that waits and one that does not; descriptors that nobody took are closed."""
    left, right = ends
    read, write = os.pipe()
    left.send(b"last", [write])
    os.close(write)
    found: list[bytes] = []
    while not found:
        found += right.receive()
    assert found == [b"last"]
    left.close()
    for receive in (right.receive, right.wait):
        with pytest.raises(EOFError):
            while True:
                receive()
    right.close()
    assert os.read(read, 1) == b""
    with suppress(OSError):
        os.close(read)
