"""How a large body of known length is received: in bursts, by a thread that also decodes, hashes and saves it.

Decides how many bytes are waited for, and how many a thread receives before other bodies get their turn.
"""

from __future__ import annotations

import threading
from functools import partial

from ..http1.body import Body
from ..http1.response import ResponseParser
from ..net.channel import LARGE_RECEIVE_SIZE
from ..net.connection import Connection
from ..net.steps import Offload, Steps

LOW_WATER = 128 * 1024
"""Bytes that must have arrived before a burst begins."""

BURST = 4 * 1024 * 1024
"""Bytes that are received in one burst."""


def receive_large(parser: ResponseParser, conn: Connection, body: Body, offload: Offload) -> Steps[None]:
    """Receive the rest of a body of known length. Raises FetchError, OSError."""
    try:
        while not parser.done and not body.full:
            if conn.bandwidth is not None:
                yield from conn.throttle()
            conn.set_low_water(min(LOW_WATER, parser.left))
            readable = yield None
            size = yield from offload.run(partial(_receive_burst, parser, conn, body))
            if readable is False and (not size or conn.deadline_passed):
                raise conn.timeout_error()
    finally:
        conn.set_low_water(1)
    if body.full:
        parser.keep_alive = False


def _receive_burst(parser: ResponseParser, conn: Connection, body: Body) -> int:
    """Receive the bytes that have arrived, up to ``BURST``, and return how many there were."""
    buffer, received = _buffer(), 0
    while not parser.done and not body.full and received < BURST:
        size = conn.receive_into(buffer[: parser.left])
        if size is None:
            break
        if not size:
            parser.eof()
        body.feed(buffer[:size])
        parser.count_received(size)
        received += size
        if conn.bandwidth is not None:
            break
    return received


_buffers = threading.local()


def _buffer() -> memoryview:
    """Return the buffer of this thread; it is reused so that it stays in the caches of the core."""
    buffer: memoryview | None = getattr(_buffers, "buffer", None)
    if buffer is None:
        buffer = _buffers.buffer = memoryview(bytearray(LARGE_RECEIVE_SIZE))
    return buffer
