"""Non-blocking sends and receives on an open connection.

This module decides when a receive or a send must wait, and for how long. It also decides whether a connection can be
reused, and for how many more requests. It opens no connection, and knows neither urllib3 nor the meaning of the bytes.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from enum import Enum, auto
from typing import Any, ClassVar, Protocol

from ...model import ErrorKind
from ...running_clock import monotonic
from ..errors import FetchError
from ..http1.keep_alive import LONGEST_IDLE, read_keep_alive
from .bandwidth import Bandwidth
from .steps import Steps, Watch

RECEIVE_SIZE = 64 * 1024
LARGE_RECEIVE_SIZE = 256 * 1024  # bytes; for a body that is known to be long
NO_LIMIT = 3600.0  # seconds; the limit of a name look-up and a TCP connect without a timeout
LEAST_TIMEOUT = 0.001  # seconds; a timeout of 0 would make the socket non-blocking


class Recorder(Protocol):
    """Records the bytes that a connection sends and receives."""

    def sent(self, data: bytes | memoryview) -> None:
        """Record bytes that were sent."""

    def received(self, data: bytes | memoryview) -> None:
        """Record bytes that were received."""


class Condition(Enum):
    """The condition of a connection that is not in use."""

    QUIET = auto()
    """The connection is open and silent, so it can be reused."""
    CLOSED = auto()
    """The peer closed the connection, which is normal."""
    UNEXPECTED_DATA = auto()
    """Unsolicited data arrived, so the earlier responses may belong to other requests."""


class Channel:
    """An open connection, as the event loop uses it.

    sock: the socket; None while the connection is closed.
    deadline: the monotonic time at which every wait ends; None for no deadline.
    read_timeout: the maximum seconds of one wait for data.
    served: the number of complete responses.
    capture: records every byte that is sent and received; None if nothing is recorded.
    bandwidth: the limit of the run; None for no limit.
    """

    has_records: ClassVar[bool] = False
    """Whether a receive returns at most one TLS record, so that more data may be available without a wait."""

    sock: socket.socket | Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline: float | None = None
        self.read_timeout = NO_LIMIT
        self.served: int = 0
        self._idle_since = 0.0  # monotonic time at which the last response ended
        self._idle_limit = LONGEST_IDLE
        self._requests_left: int | None = None  # further requests that the server accepts; None if it did not say
        self.capture: Recorder | None = None
        self.bandwidth: Bandwidth | None = None
        self._low_water = 1
        self._next_read_at = 0.0  # monotonic time at which the received bytes are within the bandwidth
        self._aborted = False

    def mark_opened(self) -> None:
        """Reset the state of a connection that was just opened: nothing was requested over it yet."""
        self.served = 0
        self._idle_limit, self._requests_left = LONGEST_IDLE, None

    def receive(self, size: int = RECEIVE_SIZE) -> bytes | None:
        """Return the data that has arrived; None if there is none, ``b""`` at the end of the stream. Raises OSError."""
        if self.bandwidth is not None:
            size = min(size, self.bandwidth.piece)
        try:
            data = self.sock.recv(size) or b""  # TLS within TLS returns 0 if the peer closed without close_notify
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except TimeoutError as error:
            if error.errno is not None:
                raise
            return None  # pyOpenSSL raises this if no data has arrived
        if self.bandwidth is not None:
            self._next_read_at = self.bandwidth.consume(len(data), time.monotonic())
        if self.capture is not None:
            self.capture.received(data)
        return data

    def receive_into(self, buffer: memoryview) -> int | None:
        """Receive into a buffer, as ``receive`` does, and return the number of bytes; 0 at the end of the stream."""
        if self.bandwidth is not None:
            buffer = buffer[: self.bandwidth.piece]
        try:
            size = self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if self.bandwidth is not None:
            self._next_read_at = self.bandwidth.consume(size, time.monotonic())
        if self.capture is not None:
            self.capture.received(buffer[:size])
        return size

    def set_low_water(self, size: int) -> None:
        """Make the socket readable only after ``size`` bytes or the end have arrived. With TLS this has no effect."""
        if size != self._low_water and not self.has_records and self.sock is not None:
            self._low_water = size
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def send_some(self, data: bytes | memoryview) -> int:
        """Send as much as the socket accepts now, and return the number of bytes. Raises OSError."""
        try:
            size = self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        if self.capture is not None:
            self.capture.sent(data[:size])
        return size

    def throttle(self) -> Steps[None]:
        """Wait until the received bytes are within the bandwidth, and move the deadline by the length of the wait."""
        began = monotonic()
        while not self._aborted and (left := self._next_read_at - time.monotonic()) > 0:
            yield Watch((), monotonic() + left)
        if self.deadline is not None:
            self.deadline += monotonic() - began

    def make_non_blocking(self) -> None:
        """Make the socket non-blocking, whatever its last user set."""
        # The sockets of pyOpenSSL, which urllib3 can be configured to use, do not have this method.
        timeout = getattr(self.sock, "gettimeout", None)
        if timeout is None or timeout() != 0.0:
            self.sock.settimeout(0)

    def wait_deadline(self, now: float) -> float:
        """Return the monotonic time until which a receive that starts at ``now`` may wait."""
        until = now + self.read_timeout
        deadline = self.deadline
        return until if deadline is None or until < deadline else deadline

    def postpone(self, seconds: float) -> None:
        """Move the deadline by ``seconds``."""
        if self.deadline is not None:
            self.deadline += seconds

    @property
    def deadline_passed(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and monotonic() >= self.deadline - LEAST_TIMEOUT

    def timeout_error(self, what: str = "sent nothing") -> FetchError:
        """Return the error for a wait that timed out."""
        if self.deadline_passed:
            return FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return FetchError(ErrorKind.READ_TIMEOUT, f"the server {what} for {self.read_timeout:.3g} s")

    def condition(self) -> Condition:
        """Return whether the connection can be reused. This costs one system call if it can."""
        if self.sock is None:
            return Condition.CLOSED
        try:
            self.make_non_blocking()
            data = self.receive()
        except OSError:
            return Condition.CLOSED
        if data is None:
            return Condition.QUIET
        return Condition.UNEXPECTED_DATA if data else Condition.CLOSED

    def pending(self) -> int:
        """Return the number of received bytes that are buffered above the socket, where poll does not see them."""
        return 0

    def takes_another(self, keep_alive: bytes | None, now: float) -> bool:
        """Count a complete response that left the connection open, and return whether the connection can be reused.

        keep_alive: the value of the response's Keep-Alive field.
        now: the monotonic time.
        """
        self.served += 1
        self._idle_since = now
        if keep_alive is not None:
            timeout, most = read_keep_alive(keep_alive)
            self._idle_limit = LONGEST_IDLE if timeout is None else min(timeout, LONGEST_IDLE)
            if most is not None:
                self._requests_left = most + 1
        if self._requests_left is not None:
            self._requests_left -= 1
            return self._requests_left > 0
        return True

    def is_stale(self, now: float) -> bool:
        """Return whether the connection has been idle for so long that the server may be about to close it."""
        return now - self._idle_since >= self._idle_limit

    def abort(self) -> None:
        """Shut down the connection from another thread. This wakes its waiters and prevents a reopening."""
        self._aborted = True
        shut(self.sock)


def shut(sock: socket.socket | None) -> None:
    """Shut down both directions, so that a thread that waits on the socket wakes up."""
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):  # TLS within TLS has the real socket as ``socket``
            socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)
