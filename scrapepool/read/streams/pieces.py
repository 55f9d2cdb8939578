"""Reads bytes piece by piece from files, pipes and iterables.

Decides how to wait for input. Knows nothing about rows. Every iterator here yields pieces that are not empty, and
yields what has arrived instead of waiting for more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from io import UnsupportedOperation
from itertools import islice
from typing import Any, BinaryIO

from ...fallbacks import IN, poll, pread

PIECE = 128 * 1024
"""Bytes per read: two to eight thousand rows, some milliseconds of work."""

COLLECTION_PIECE = 1000
"""Items per piece for collections in memory; other iterables yield one item per piece."""


def file_pieces(fd: int, start: int = 0) -> Iterator[bytes]:
    """Read a regular file from ``start`` to its end, without moving its position."""
    while piece := pread(fd, PIECE, start):
        start += len(piece)
        yield piece


class PolledPieces:
    """Reads a pipe, a terminal or a socket. ``interrupt`` ends the wait from another thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._wake_reader, self._wake_writer = os.pipe()

    def __iter__(self) -> Iterator[bytes]:
        poller = poll()
        poller.register(self._fd, IN)
        poller.register(self._wake_reader, IN)
        while True:
            if any(fd == self._wake_reader for fd, _ in poller.poll()):
                return
            try:
                piece = os.read(self._fd, PIECE)
            except BlockingIOError:  # another process has read the bytes
                continue
            if not piece:
                return
            yield piece

    def interrupt(self) -> None:
        """Make the reading thread stop."""
        os.write(self._wake_writer, b".")

    def close(self) -> None:
        """Close the wakeup pipe of ``interrupt``; the input stays open."""
        os.close(self._wake_reader)
        os.close(self._wake_writer)


def object_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Read a file object without a descriptor."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while piece := read(PIECE):
        yield piece


def descriptor(stream: BinaryIO) -> int | None:
    """Return the stream's file descriptor, None for a stream in memory."""
    try:
        return stream.fileno()
    except (AttributeError, UnsupportedOperation, ValueError):
        return None


def item_pieces(items: Iterable[Any], line: Callable[[Any], bytes]) -> Iterator[bytes]:
    """Yield ``line(item)`` for each item, many at a time if they are in memory. Raises what ``line`` raises."""
    if isinstance(items, Collection):
        waiting = iter(items)
        while some := list(islice(waiting, COLLECTION_PIECE)):
            yield b"".join(map(line, some))
    else:
        yield from map(line, items)


_SEPARATORS = str.maketrans("\r\n", "\u2028\u2028")


def line_of(item: str) -> bytes:
    """Encode a string as a line of UTF-8. Raises TypeError.

    A line break inside the string becomes a line separator, U+2028: the string stays one row, which is rejected.
    """
    if not isinstance(item, str):
        raise TypeError(f"a URL is a str or a scrapepool.Request, not {type(item).__name__}")
    if "\n" in item or "\r" in item:
        item = item.strip().translate(_SEPARATORS)
    try:
        return item.encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate
        return item.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode() + b"\n"
