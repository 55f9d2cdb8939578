"""Keeps input that cannot be read twice, so that its rows can be looked up later.

Decides when bytes move from memory to disk, and when they are dropped. Knows nothing about what rows say. One thread
appends while another reads.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from threading import Lock

from ...errors import ListError, system_reason
from ...fallbacks import pread

MEMORY = 4 * 1024 * 1024
"""Bytes in memory before they move to a temporary file; most piped lists are shorter."""


class Spool:
    """An append-only store of bytes: the newest in memory, older ones in an unlinked temporary file."""

    def __init__(self, name: str, memory: int = MEMORY) -> None:
        self._name = name
        self._memory = memory
        self._lock = Lock()  # guards everything below
        self._file: int | None = None
        self._on_disk = 0
        self._tail = bytearray()

    def __len__(self) -> int:
        return self._on_disk + len(self._tail)

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes. Raises ListError if the temporary file cannot be written."""
        with self._lock:
            self._tail += data
            if len(self._tail) > self._memory:
                self._move_to_disk()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset`` on; fewer only at the end. Raises OSError."""
        with self._lock:
            start = offset - self._on_disk
            if start >= 0:
                return bytes(self._tail[start : start + size])
            assert self._file is not None  # noqa: S101  # older bytes are on disk
            found = pread(self._file, min(size, -start), offset)
            return found + bytes(self._tail[: max(0, start + size)])

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file, self._on_disk, self._tail = None, 0, bytearray()

    def _move_to_disk(self) -> None:
        if self._file is None:
            self._file = _temporary_file(self._name)
        _write(self._name, self._file, self._tail)
        self._on_disk += len(self._tail)
        self._tail = bytearray()


class _Segment:
    """A range of complete rows.

    start: offset of its first row. data: its bytes and the byte before them, until they are in ``file``. size: number
    of these bytes. rows: how many rows are still to be looked up.
    """

    __slots__ = ("data", "file", "rows", "size", "start")

    def __init__(self, start: int, data: bytearray) -> None:
        self.start = start
        self.data = data
        self.file: int | None = None
        self.size = len(data)
        self.rows = 0


class RollingSpool:
    """An append-only store of rows that are each looked up once. Segments are dropped when all their rows were.

    size: bytes of a segment. The newest segment is in memory, each other one in an unlinked temporary file.
    """

    def __init__(self, name: str, size: int = MEMORY) -> None:
        self._name = name
        self._size = size
        self._lock = Lock()  # guards everything below
        self._segments = [_Segment(0, bytearray())]
        self._kept = 0  # bytes in those before the newest

    def __len__(self) -> int:
        """Number of bytes that are kept."""
        return self._kept + len(self._segments[-1].data)

    def append(self, data: bytes) -> None:
        """Add bytes."""
        with self._lock:
            self._segments[-1].data += data

    def on_rows_found(self, end: int, rows: int) -> None:
        """Note that ``rows`` more rows before the offset ``end``, where a row begins, will be looked up.

        Raises ListError if the temporary file cannot be written.
        """
        with self._lock:
            newest = self._segments[-1]
            newest.rows += rows
            if end - newest.start < self._size:
                return
            cut = end - _first(newest)
            self._segments.append(_Segment(end, newest.data[cut - 1 :]))
            del newest.data[cut:]
            newest.size = cut
            if newest.rows:
                newest.file = _temporary_file(self._name)
                _write(self._name, newest.file, newest.data)
                newest.data = bytearray()
                self._kept += cut
            else:
                del self._segments[-2]

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``, that of a row or one less; fewer at the end of its segment."""
        with self._lock:
            segment = self._of(offset + 1)
            at = offset - _first(segment)
            if segment.file is None:
                return bytes(segment.data[at : at + size])
            return pread(segment.file, max(0, min(size, segment.size - at)), at)

    def release_row(self, offset: int) -> bool:
        """Note that the row at this offset was looked up. Return whether bytes were dropped."""
        with self._lock:
            segment = self._of(offset)
            segment.rows -= 1
            if segment.rows or segment is self._segments[-1]:
                return False
            self._segments.remove(segment)
            self._kept -= segment.size
            assert segment.file is not None  # noqa: S101  # all segments but the newest have one
            os.close(segment.file)
            return True

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            for segment in self._segments:
                if segment.file is not None:
                    os.close(segment.file)
            self._segments = [_Segment(0, bytearray())]
            self._kept = 0

    def _of(self, offset: int) -> _Segment:
        """Return the segment of the row at this offset."""
        return self._segments[bisect_right(self._segments, offset, key=_start) - 1]


def _start(segment: _Segment) -> int:
    return segment.start


def _first(segment: _Segment) -> int:
    """Return the offset of a segment's first byte: the line feed before its first row."""
    return max(0, segment.start - 1)


def _temporary_file(name: str) -> int:
    try:
        file, path = tempfile.mkstemp(prefix="scrapepool-")
        os.unlink(path)  # noqa: PTH108  # a Path of its own would say no more
    except OSError as error:
        raise _not_kept(name, error) from error
    return file


def _write(name: str, file: int, data: bytearray) -> None:
    left = memoryview(bytes(data))
    try:
        while left:
            left = left[os.write(file, left) :]
    except OSError as error:
        raise _not_kept(name, error) from error


def _not_kept(name: str, error: OSError) -> ListError:
    return ListError(name, f"cannot be kept in a temporary file: {system_reason(error)}")
