"""Read-ahead: bytes of a response that are received before they can be parsed, because its body takes long to decode.

Decides whether such a response seems whole and seems to be the last one on its connection. If so, the silence of the
connection verifies the earlier responses long before the body is decoded; docs/responses.md explains why this is sound.
Does not know how long the silence must last.
"""

from __future__ import annotations

from ..errors import FetchError
from ..http1.response import ResponseParser
from ..net.channel import LARGE_RECEIVE_SIZE
from ..net.connection import Connection

MAX_PER_RESPONSE = 16 * 1024 * 1024
"""Maximum number of bytes that are received ahead for one response."""

MAX_PER_RUN = 64 * 1024 * 1024
"""Maximum number of bytes that are received ahead for all responses of a run: hostile servers may send many at once."""

MAX_PER_STEP = 4 * 1024 * 1024
"""Maximum number of bytes that are received in one step, so that other leases do not wait for long."""

STATUS_LINE = b"HTTP/"
LAST_CHUNK = b"0\r\n\r\n"


class Allowance:
    """How many bytes may still be received ahead for all responses of a run."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_PER_RUN


class ReadAhead:
    """The bytes of one response that were received and not parsed yet.

    fault: the error of receiving, to be raised after the bytes are parsed. ended: the server closed the connection.
    """

    __slots__ = ("_allowance", "_bytes", "_completes", "ended", "fault")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._bytes = bytearray()
        self._completes: bool | None = None  # None: not computed since the last bytes arrived
        self.ended = False
        self.fault: FetchError | OSError | None = None

    def __len__(self) -> int:
        return len(self._bytes)

    def fill(self, conn: Connection) -> bool:
        """Receive the bytes that have arrived, up to ``MAX_PER_STEP``, and return whether there may be more."""
        end = len(self._bytes) + MAX_PER_STEP
        while not self.ended and self.fault is None:
            room = min(LARGE_RECEIVE_SIZE, MAX_PER_RESPONSE - len(self._bytes), self._allowance.left)
            if room <= 0 or len(self._bytes) >= end:
                return True
            try:
                data = conn.receive(room)
            except (FetchError, OSError) as error:
                self.fault = error
                break
            if data is None:
                break
            self.ended = not data
            self._bytes += data
            self._allowance.left -= len(data)
            self._completes = None
        return False

    def take(self, size: int) -> bytes:
        """Remove and return the next bytes to parse, up to ``size``."""
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        self._allowance.left += len(data)
        return data

    def completes(self, parser: ResponseParser) -> bool:
        """Return whether these bytes seem to complete the response, and nothing seems to follow it.

        A chunked body is not parsed for that. Bytes that end like the last chunk count as its end, which is wrong only
        if the server pauses after data that look the same. A further response would begin with a status line, which
        few bodies contain.
        """
        if self._completes is None:
            self._completes = self.fault is None and self._is_rest_of(parser)
        return self._completes

    def _is_rest_of(self, parser: ResponseParser) -> bool:
        if parser.framing == "length":
            return len(self._bytes) == parser.left
        if parser.framing != "chunked" or parser.all_data_arrived:
            return False
        unparsed = parser.unparsed + self._bytes
        return (unparsed.endswith(b"\n" + LAST_CHUNK) or unparsed == LAST_CHUNK) and STATUS_LINE not in unparsed
