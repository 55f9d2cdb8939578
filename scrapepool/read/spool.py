"""Keeps what cannot be read twice, so that a row can be looked up again later.

Decides when bytes move from memory to disk. Knows nothing of rows. One thread appends while another reads.
"""

from __future__ import annotations

import os
import tempfile
from threading import Lock

from ..errors import ListError

MEMORY = 4 * 1024 * 1024
"""Bytes held before they go to the temporary file: most piped lists never touch the disk."""


class Spool:
    """An append-only store of bytes: the newest in memory, what came before in an unlinked temporary file."""

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
        """Keep these bytes too. Raises ListError where the temporary file cannot be written."""
        with self._lock:
            self._tail += data
            if len(self._tail) > self._memory:
                self._move_to_disk()

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset`` on; fewer only at the end. OSError where the disk fails."""
        with self._lock:
            start = offset - self._on_disk
            if start >= 0:
                return bytes(self._tail[start : start + size])
            assert self._file is not None  # noqa: S101  # something is on disk
            found = os.pread(self._file, min(size, -start), offset)
            return found + bytes(self._tail[: max(0, start + size)])

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file, self._on_disk, self._tail = None, 0, bytearray()

    def _move_to_disk(self) -> None:
        try:
            if self._file is None:
                self._file, path = tempfile.mkstemp(prefix="scrapepool-")
                os.unlink(path)  # noqa: PTH108  # a Path of its own would say no more
            left = memoryview(bytes(self._tail))
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            reason = f"cannot be kept in a temporary file: {error.strerror or error}"
            raise ListError(self._name, reason) from error
        self._on_disk += len(self._tail)
        self._tail = bytearray()
