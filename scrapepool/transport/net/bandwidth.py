"""How fast bytes come in, over all connections of a run: a token bucket.

Decides from when on a connection may read again, one piece after another. Bytes that are not read stay in the kernel's
buffers, and TCP slows the server down. Waits for nothing itself, and does not know who reads; time is an argument.
"""

from __future__ import annotations

from threading import Lock

BURST = 1.0
"""Seconds of the rate that may be saved up: a short page is not held up, an idle minute is not made up."""

PIECE = 0.1
"""Seconds of the rate that are read at a time, so that bytes come evenly."""

LEAST_PIECE = 1024
"""Bytes that are read at a time at least."""


class Bandwidth:
    """A rate that all connections share. piece: bytes that one should read at a time. Used from many threads."""

    def __init__(self, rate: float, now: float) -> None:
        """rate: bytes a second, above 0. now: monotonic seconds, as everywhere here."""
        self.piece: int = max(LEAST_PIECE, int(rate * PIECE))
        self._rate = rate
        self._paid_at = now - BURST
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Bandwidth], tuple[float, float]]:
        """A copy has the same rate, of its own: monotonic seconds mean nothing to another machine."""
        return Bandwidth, (self._rate, 0.0)

    def __repr__(self) -> str:
        return f"<Bandwidth {self._rate:g} bytes a second>"

    @property
    def paid_at(self) -> float:
        """When all that was read so far is paid for."""
        return self._paid_at

    def took(self, size: int, now: float) -> float:
        """Take note of bytes that were read; when they are paid for, before which their reader should read no more."""
        with self._lock:
            self._paid_at = max(self._paid_at, now - BURST) + size / self._rate
            return self._paid_at
