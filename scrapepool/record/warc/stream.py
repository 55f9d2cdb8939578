"""The bytes of an archive or of an index, gzip or not, with what is known of where they lie in the file.

Decides how much is read and decompressed at once. Knows no records.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from ...fallbacks import pread

STREAM_STEP = 16 * 1024
"""Bytes of a file that are read at once."""

MAX_PIECE = 64 * 1024
"""Bytes that are decompressed at once."""


class TornError(Exception):
    """A file that ends too early."""


class DamagedError(Exception):
    """A file that holds something else than it should. offset: up to where it is whole."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Stream(Protocol):
    """Bytes that are taken from the front. data: those that were read and not taken."""

    data: bytes

    def begin(self) -> int | None:
        """Offset in the file of what is taken next: of the byte, or of its gzip member; None at the end of the file."""

    def fill(self) -> bool:
        """Read on, so that ``data`` grows; False where there is no more. Raises DamagedError, TornError, OSError."""

    def finish(self) -> int:
        """See that what was begun ends here; the offset behind it. Raises as ``fill``."""

    def goes_on(self) -> bool:
        """Whether the file goes on where ``fill`` finds no more."""


class PlainStream:
    """A file as it is. should_stop: True gives up with KeyboardInterrupt."""

    def __init__(self, fd: int, should_stop: Callable[[], bool]) -> None:
        self.data = b""
        self._fd = fd
        self._should_stop = should_stop
        self._read = 0

    def begin(self) -> int | None:
        """As ``Stream``."""
        return self.finish() if self.data or self.fill() else None

    def fill(self) -> bool:
        """As ``Stream``."""
        if self._should_stop():
            raise KeyboardInterrupt
        piece = pread(self._fd, STREAM_STEP, self._read)
        self._read += len(piece)
        self.data += piece
        return bool(piece)

    def finish(self) -> int:
        """As ``Stream``."""
        return self._read - len(self.data)

    def goes_on(self) -> bool:
        """As ``Stream``."""
        return False


class GzipStream:
    """A gzip file. should_stop: as ``PlainStream``.

    members: what is begun lies in one member and fills it; else members are only a way to store the bytes.
    """

    def __init__(self, fd: int, should_stop: Callable[[], bool], *, members: bool) -> None:
        self.data = b""
        self._file = PlainStream(fd, should_stop)
        self._members = members
        self._member: zlib._Decompress | None = None
        self._offset = 0  # of the member
        self._whole = 0  # behind the last whole member

    def begin(self) -> int | None:
        """As ``Stream``."""
        found = self._begin() if self._members else bool(self.data) or self.fill()
        return self._offset if found else None

    def fill(self) -> bool:
        """As ``Stream``."""
        size = len(self.data)
        while len(self.data) == size:
            if self._member is None and (self._members or not self._begin()):
                return False
            self._decompress()
        return True

    def finish(self) -> int:
        """As ``Stream``."""
        if self._members and (self.data or self.fill()):
            raise DamagedError(self._offset)
        return self._whole

    def goes_on(self) -> bool:
        """As ``Stream``."""
        return self._member is None and self._file.begin() is not None

    def _begin(self) -> bool:
        """Begin a member; False at the end of the file."""
        offset = self._file.begin()
        if offset is None:
            return False
        self._offset, self._member = offset, zlib.decompressobj(16 + zlib.MAX_WBITS)
        return True

    def _decompress(self) -> None:
        assert self._member is not None  # noqa: S101 - the caller began it
        file, member = self._file, self._member
        if not file.data and not file.fill():
            raise TornError
        try:
            self.data += member.decompress(file.data, MAX_PIECE)
        except zlib.error:
            raise DamagedError(self._offset) from None
        file.data = member.unused_data if member.eof else member.unconsumed_tail
        if member.eof:
            self._member, self._whole = None, file.finish()


def until(stream: Stream, end: bytes, limit: int) -> bytes | None:
    """Take the bytes up to ``end`` and ``end``; None where it is not among the next ``limit``. Raises TornError."""
    while (at := stream.data.find(end)) < 0:
        if len(stream.data) > limit:
            return None
        if not stream.fill():
            raise TornError
    at += len(end)
    taken, stream.data = stream.data[:at], stream.data[at:]
    return taken


def take(stream: Stream, size: int) -> Iterator[bytes]:
    """Take so many bytes, in pieces. Raises TornError."""
    while size:
        if not stream.data and not stream.fill():
            raise TornError
        piece, stream.data = stream.data[:size], stream.data[size:]
        size -= len(piece)
        yield piece
