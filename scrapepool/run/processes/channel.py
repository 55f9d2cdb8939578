"""One end of a stream of messages between a run and a worker process.

Decides how messages are framed (a length of four bytes before each), and when a send must wait. Knows nothing of
what they say. Both ends use one socket; the run never waits for a worker process, which waits for the run.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

_LENGTH = struct.Struct("!I")

READ_SIZE = 1 << 18
"""Bytes that are received at once."""

BUFFER = 1 << 20
"""Bytes that the system keeps on their way, as far as it allows."""

MOST_DESCRIPTORS = 64
"""Descriptors that are received at once."""


_SPACE = socket.CMSG_SPACE(MOST_DESCRIPTORS * struct.calcsize("i"))


class Channel:
    """For one thread. descriptors: the file descriptors that came with the messages so far, in order."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.settimeout(None)
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._out: deque[memoryview] = deque()
        self._in = bytearray()
        self.descriptors: deque[int] = deque()

    def __repr__(self) -> str:
        return f"<Channel {self.fileno()}, {len(self._out)} messages to send>"

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    def send(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send a message and wait until the system has taken it. Raises OSError."""
        head = _LENGTH.pack(len(message))
        if not descriptors:
            self._socket.sendall(head + message)
            return
        for begin in range(0, len(descriptors), MOST_DESCRIPTORS):  # each with a byte of the head or an empty message
            some = descriptors[begin : begin + MOST_DESCRIPTORS]
            socket.send_fds(self._socket, [_LENGTH.pack(0)], list(some))
        self._socket.sendall(head + message)

    def put(self, message: bytes) -> None:
        """Queue a message for ``flush``."""
        self._out.append(memoryview(_LENGTH.pack(len(message)) + message))

    def flush(self) -> bool:
        """Send what is queued, as far as that needs no wait; return whether all of it was sent. Raises OSError."""
        out = self._out
        if len(out) > 1:
            together = memoryview(b"".join(out))
            out.clear()
            out.append(together)
        while out:
            try:
                sent = self._socket.send(out[0], socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            out[0] = out[0][sent:]
            if not out[0]:
                out.popleft()
        return True

    def receive(self) -> list[bytes]:
        """Return the messages that have come, without waiting. Raises EOFError at the end of the stream, OSError."""
        while True:
            try:
                data, others, _, _ = self._socket.recvmsg(READ_SIZE, _SPACE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            for _, _, packed in others:
                self.descriptors += memoryview(packed).cast("i")
            if not data:
                raise EOFError
            self._in += data
            if len(data) < READ_SIZE:
                break
        return self._messages()

    def wait(self) -> bytes:
        """Wait for the next message. Raises EOFError, OSError."""
        while not (messages := self._messages(most=1)):
            data = self._socket.recv(READ_SIZE)
            if not data:
                raise EOFError
            self._in += data
        return messages[0]

    def close(self) -> None:
        """Close this end, and the descriptors that nobody took."""
        self._socket.close()
        while self.descriptors:
            os.close(self.descriptors.popleft())

    def _messages(self, most: int | None = None) -> list[bytes]:
        found: list[bytes] = []
        data, at = self._in, 0
        while len(data) - at >= _LENGTH.size and len(found) != most:
            (size,) = _LENGTH.unpack_from(data, at)
            end = at + _LENGTH.size + size
            if end > len(data):
                break
            if size:
                found.append(bytes(data[at + _LENGTH.size : end]))
            at = end
        if at:
            del data[:at]
        return found
