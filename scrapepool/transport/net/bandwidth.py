"""A token bucket that limits the bytes per second that all connections of a run receive.

It decides when a connection may read its next piece. Bytes that are not read stay in the kernel's buffers, and TCP
slows the server down. The bucket does not wait itself, and it does not know who reads; the time is an argument.
"""

from __future__ import annotations

from threading import Lock

BURST = 1.0
"""The capacity of the bucket in seconds of the rate: a short page is not delayed, but idle time is not made up for."""

PIECE = 0.1
"""The size of one read in seconds of the rate, so that bytes arrive evenly."""

LEAST_PIECE = 1024
"""The minimum bytes of one read."""


class Bandwidth:
    """A rate that all connections share, safe for many threads.

    piece: the bytes to read at a time. received: the bytes that were read so far.
    """

    def __init__(self, rate: float, now: float) -> None:
        """rate: the bytes per second, above 0. now: the monotonic time in seconds."""
        self.change_rate(rate)
        self.received: int = 0
        self._next_read_at = now - BURST
        self._lock = Lock()

    def change_rate(self, rate: float) -> None:
        """Read at another rate from now on. rate: the bytes per second, above 0."""
        self.piece: int = max(LEAST_PIECE, int(rate * PIECE))
        self._rate = rate

    def __reduce__(self) -> tuple[type[Bandwidth], tuple[float, float]]:
        """Copy the rate into a bucket of its own, since monotonic times have no meaning on another machine."""
        return Bandwidth, (self._rate, 0.0)

    def __repr__(self) -> str:
        return f"<Bandwidth {self._rate:g} bytes per second>"

    @property
    def next_read_at(self) -> float:
        """The monotonic time at which the bytes read so far are within the rate."""
        return self._next_read_at

    def consume(self, size: int, now: float) -> float:
        """Count ``size`` bytes that were read, and return the monotonic time of the next allowed read."""
        with self._lock:
            self.received += size
            self._next_read_at = max(self._next_read_at, now - BURST) + size / self._rate
            return self._next_read_at
