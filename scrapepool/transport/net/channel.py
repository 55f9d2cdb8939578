"""What goes over an open connection, in steps that never block.

Decides when a receive or a send has to wait and how long that may take, whether the connection is clean enough to serve
again, and for how many more requests. Opens nothing, and knows neither urllib3 nor what the bytes mean.
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
LARGE_RECEIVE_SIZE = 256 * 1024  # for a body that is known to be long
NO_LIMIT = 3600.0  # seconds; what "no timeout" means to a name look-up and a TCP connect
LEAST_TIMEOUT = 0.001  # seconds; a timeout of 0 would mean "do not wait"


class Recorder(Protocol):
    """Writes down what goes over the wire."""

    def sent(self, data: bytes | memoryview) -> None:
        """Take bytes that were sent."""

    def received(self, data: bytes | memoryview) -> None:
        """Take bytes that were received."""


class Condition(Enum):
    """What a connection that is not in use looks like."""

    QUIET = auto()
    """Open and silent: fit for another request."""
    CLOSED = auto()
    """The peer closed it, as it may."""
    UNEXPECTED_DATA = auto()
    """Unsolicited data came: what came before may belong to another request."""


class Channel:
    """An open connection, as the event loop uses it.

    sock: None while it is closed. deadline: monotonic time at which every wait ends. read_timeout: seconds that one
    wait for data may take. served: responses taken whole. capture: gets every byte that is sent and received, None for
    nobody. bandwidth: of the run, None for no limit.
    """

    has_records: ClassVar[bool] = False
    """Whether a receive gives one record at most, so that there may be more without a wait."""

    sock: socket.socket | Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline: float | None = None
        self.read_timeout = NO_LIMIT
        self.served: int = 0
        self._idle_since = 0.0  # monotonic; when the last response ended
        self._idle_limit = LONGEST_IDLE
        self._requests_left: int | None = None  # that the server takes over this connection; None where it did not say
        self.capture: Recorder | None = None
        self.bandwidth: Bandwidth | None = None
        self._low_water = 1
        self._paid_at = 0.0  # monotonic; when what came last has come slowly enough
        self._aborted = False

    def begin_anew(self) -> None:
        """Take note that the connection was opened, so that nothing was requested over it."""
        self.served = 0
        self._idle_limit, self._requests_left = LONGEST_IDLE, None

    def receive(self, size: int = RECEIVE_SIZE) -> bytes | None:
        """What has come, at least one byte; None where nothing has, no bytes at the end. Raises OSError."""
        if self.bandwidth is not None:
            size = min(size, self.bandwidth.piece)
        try:
            data = self.sock.recv(size) or b""  # TLS within TLS says 0 at a ragged end
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except TimeoutError as error:
            if error.errno is not None:
                raise
            return None  # pyOpenSSL's way to say so
        if self.bandwidth is not None:
            self._paid_at = self.bandwidth.took(len(data), time.monotonic())
        if self.capture is not None:
            self.capture.received(data)
        return data

    def receive_into(self, buffer: memoryview) -> int | None:
        """As ``receive``, into a buffer; how many bytes came, 0 at the end."""
        if self.bandwidth is not None:
            buffer = buffer[: self.bandwidth.piece]
        try:
            size = self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if self.bandwidth is not None:
            self._paid_at = self.bandwidth.took(size, time.monotonic())
        if self.capture is not None:
            self.capture.received(buffer[:size])
        return size

    def wait_for_much(self, size: int) -> None:
        """Have the socket be readable only once so many bytes have come, or the end. Through TLS there is no such."""
        if size != self._low_water and not self.has_records and self.sock is not None:
            self._low_water = size
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def send_some(self, data: bytes | memoryview) -> int:
        """Send what there is room for now; how many bytes that was. Raises OSError."""
        try:
            size = self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        if self.capture is not None:
            self.capture.sent(data[:size])
        return size

    def throttle(self) -> Steps[None]:
        """Wait until what came last is within the bandwidth. The wait is our own, so the deadline moves."""
        began = monotonic()
        while not self._aborted and (left := self._paid_at - time.monotonic()) > 0:
            yield Watch((), monotonic() + left)
        if self.deadline is not None:
            self.deadline += monotonic() - began

    def make_non_blocking(self) -> None:
        """Let no call of the socket wait, whoever used it before."""
        # pyOpenSSL's sockets, which urllib3 can be told to use, have no such method.
        timeout = getattr(self.sock, "gettimeout", None)
        if timeout is None or timeout() != 0.0:
            self.sock.settimeout(0)

    def wait_deadline(self, now: float) -> float:
        """The monotonic time until which a receive that begins now may wait."""
        until = now + self.read_timeout
        deadline = self.deadline
        return until if deadline is None or until < deadline else deadline

    def postpone(self, seconds: float) -> None:
        """Move the deadline."""
        if self.deadline is not None:
            self.deadline += seconds

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and monotonic() >= self.deadline - LEAST_TIMEOUT

    def timeout_error(self, what: str = "sent nothing") -> FetchError:
        """What a wait that was in vain comes to."""
        if self.is_late:
            return FetchError(ErrorKind.DEADLINE, "the time for this URL was used up")
        return FetchError(ErrorKind.READ_TIMEOUT, f"the server {what} for {self.read_timeout:.3g} s")

    def condition(self) -> Condition:
        """Look whether the connection can be used. Costs one system call where it can."""
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
        """Bytes that were received and not handed out yet, which no poll tells of."""
        return 0

    def takes_another(self, keep_alive: bytes | None, now: float) -> bool:
        """Take note of a whole response that left the connection open; whether it may serve again.

        keep_alive: the response's Keep-Alive field. now: monotonic.
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
        """Whether the connection has been idle for so long that the server may be about to close it."""
        return now - self._idle_since >= self._idle_limit

    def abort(self) -> None:
        """Cut the connection from another thread, for good: whoever waits on it is woken, and opens it no more."""
        self._aborted = True
        shut(self.sock)


def shut(sock: socket.socket | None) -> None:
    """End both directions, so that whoever waits is woken."""
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)  # below TLS within TLS
