"""The self-pipe with which other threads and signal handlers wake the event loop."""

from __future__ import annotations

import os
from contextlib import suppress

MAX_READ = 64
"""Bytes that are read at once; the rest is read in the next round of the loop."""


class WakeupPipe:
    """A pipe that the loop polls. fd: the descriptor to poll."""

    __slots__ = ("_write_fd", "fd")

    def __init__(self) -> None:
        self.fd, self._write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write_fd, False)

    def __del__(self) -> None:
        with suppress(AttributeError):  # no descriptor was available
            os.close(self.fd)
            os.close(self._write_fd)

    def wake(self) -> None:
        """End the poll, so that ``drain`` returns True. May be called from any thread and from a signal handler."""
        self._write(b"!")

    def interrupt(self) -> None:
        """End the poll, without an effect on ``drain``. May be called from any thread."""
        self._write(b".")

    def drain(self) -> bool:
        """Empty the pipe, and return whether ``wake`` was called."""
        with suppress(BlockingIOError):
            return b"!" in os.read(self.fd, MAX_READ)
        return False

    def _write(self, data: bytes) -> None:
        with suppress(OSError):  # the pipe is full, so that the loop will wake anyway, or the loop has ended
            os.write(self._write_fd, data)
