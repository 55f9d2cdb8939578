"""Bytes of a response that are received before they can be parsed, because its body takes long to decode.

Decides whether such a response seems to be whole and to be the last one on its connection. Then the silence of the
connection verifies the responses before it, long before the body is decoded. docs/responses.md says why that is sound.
Does not know how long the silence has to last.
"""

from __future__ import annotations

from ..errors import FetchError
from ..http1.response import ResponseParser
from ..net.channel import LARGE_RECEIVE_SIZE
from ..net.connection import Connection

MOST_AHEAD = 16 * 1024 * 1024
"""Bytes that are received ahead for one response."""

MOST_OF_ALL = 64 * 1024 * 1024
"""Bytes that are received ahead for all responses of a run: hostile servers may send many such at a time."""

AT_ONCE = 4 * 1024 * 1024
"""Bytes that are received in one step, so that other leases do not wait for long."""

STATUS_LINE = b"HTTP/"
LAST_CHUNK = b"0\r\n\r\n"


class Allowance:
    """How many bytes may still be received ahead, over all responses of a run."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_OF_ALL


class ReadAhead:
    """The bytes of one response that were received and not parsed yet.

    fault: what receiving raised, which is due once the bytes are parsed. ended: the server closed the connection.
    """

    __slots__ = ("_allowance", "_bytes", "_completes", "ended", "fault")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._bytes = bytearray()
        self._completes: bool | None = None  # None: not known since bytes came
        self.ended = False
        self.fault: FetchError | OSError | None = None

    def __len__(self) -> int:
        return len(self._bytes)

    def fill(self, conn: Connection) -> bool:
        """Receive what has come, ``AT_ONCE`` bytes at most; whether there may be more."""
        end = len(self._bytes) + AT_ONCE
        while not self.ended and self.fault is None:
            room = min(LARGE_RECEIVE_SIZE, MOST_AHEAD - len(self._bytes), self._allowance.left)
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
        """The next bytes to be parsed, ``size`` at most."""
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        self._allowance.left += len(data)
        return data

    def completes(self, parser: ResponseParser) -> bool:
        """Whether the response seems to be whole with these bytes, and nothing seems to follow it.

        A body in chunks is not taken apart for that: what ends like its last chunk is its end, unless the server pauses
        within data that look so. A further response would begin with a status line; one within the body is rare.
        """
        if self._completes is None:
            self._completes = self.fault is None and self._is_rest_of(parser)
        return self._completes

    def _is_rest_of(self, parser: ResponseParser) -> bool:
        if parser.framing == "length":
            return len(self._bytes) == parser.left
        if parser.framing != "chunked" or parser.data_over:
            return False
        unparsed = parser.unparsed + self._bytes
        return (unparsed.endswith(b"\n" + LAST_CHUNK) or unparsed == LAST_CHUNK) and STATUS_LINE not in unparsed
