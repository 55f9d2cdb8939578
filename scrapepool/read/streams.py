"""Bytes in, piece by piece: from files, pipes and iterables, compressed or not.

Decides how input is waited for and decompressed. Knows nothing of rows. Every function here is an iterator of
pieces that are never empty; it gives what has come rather than wait for more.
"""

from __future__ import annotations

import os
import select
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from io import UnsupportedOperation
from itertools import islice
from typing import Any, BinaryIO, Protocol, cast

from ..errors import ListError
from ..text import brief, without_password

PIECE = 128 * 1024
"""Bytes asked for at once: two to eight thousand rows, some milliseconds of work."""

COLLECTION_PIECE = 1000
"""Items taken at once from what is in memory anyway; other iterables give one at a time."""

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
MAGIC = 4
"""Bytes that tell how a list is compressed, if it is."""


class Decompressor(Protocol):
    """What zlib, compression.zstd and backports.zstd have in common."""

    @property
    def eof(self) -> bool:
        """Whether a member or frame has ended."""

    @property
    def unused_data(self) -> bytes:
        """Input after that end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Give up to ``max_length`` bytes; input that was not needed yet is kept."""


def file_pieces(fd: int, start: int = 0) -> Iterator[bytes]:
    """Read a regular file from ``start`` on to its end, without moving its position."""
    while piece := os.pread(fd, PIECE, start):
        start += len(piece)
        yield piece


class PolledPieces:
    """A pipe, a terminal or a socket, read as it comes. ``interrupt`` ends the wait from another thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._wake_reader, self._wake_writer = os.pipe()

    def __iter__(self) -> Iterator[bytes]:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        while True:
            if any(fd == self._wake_reader for fd, _ in poll.poll()):
                return
            try:
                piece = os.read(self._fd, PIECE)
            except BlockingIOError:  # someone else was quicker
                continue
            if not piece:
                return
            yield piece

    def interrupt(self) -> None:
        """Make the reading thread stop."""
        os.write(self._wake_writer, b".")

    def close(self) -> None:
        """Close what ``interrupt`` needs, not the input."""
        os.close(self._wake_reader)
        os.close(self._wake_writer)


def object_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Read a file object that has no descriptor."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while piece := read(PIECE):
        yield piece


def descriptor(stream: BinaryIO) -> int | None:
    """Tell the stream's file descriptor, None for one that lives in memory."""
    try:
        return stream.fileno()
    except (AttributeError, UnsupportedOperation, ValueError):
        return None


def item_pieces(items: Iterable[str]) -> Iterator[bytes]:
    """Give each string as a line of UTF-8. Raises TypeError.

    A line break inside of one becomes a line separator, U+2028: the string stays one row, which is no URL.
    """
    if isinstance(items, Collection):
        waiting = iter(items)
        while some := list(islice(waiting, COLLECTION_PIECE)):
            yield b"".join(map(_line, some))
    else:
        yield from map(_line, items)


_SEPARATORS = str.maketrans("\r\n", "\u2028\u2028")


def _line(item: str) -> bytes:
    if not isinstance(item, str):
        raise TypeError(f"a URL is a str, not {type(item).__name__}")
    if "\n" in item or "\r" in item:
        item = item.strip().translate(_SEPARATORS)
    try:
        return item.encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate
        return item.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode() + b"\n"


def decompressed(name: str, pieces: Iterable[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """Undo gzip or Zstandard where the first bytes say so. Raises ListError for damaged data."""
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= MAGIC or b"\n" in head:
            break
    if is_compressed(head):
        yield from _inflated(name, head, source, on_note)
    else:
        if head:
            yield head
        yield from source


def is_compressed(head: bytes) -> bool:
    """Whether a list that begins so is compressed."""
    return head.startswith((GZIP, ZSTD))


def _inflated(name: str, head: bytes, source: Iterator[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """All members or frames, one after another (RFC 1952 section 2.2); padding and rubbish after them end it."""
    new, errors = _zstd(name) if head.startswith(ZSTD) else (_Gunzip, zlib.error)
    decoder = new()
    data = head
    while True:
        try:
            out = decoder.decompress(data, PIECE)
        except errors as error:
            raise ListError(name, f"damaged compressed data ({error})") from error
        if out:
            yield out
        if decoder.eof:
            data = decoder.unused_data or next(source, b"")
            while data and len(data) < MAGIC and (more := next(source, b"")):
                data += more
            if not is_compressed(data):
                if data.strip(b"\0"):
                    on_note(f"{brief(without_password(name), 500)}: what follows the compressed data is passed over")
                return
            decoder = new()
        elif len(out) < PIECE:
            data = next(source, b"")
            if not data:
                raise ListError(name, "the compressed data ends too early")
        else:
            data = b""


class _Gunzip:
    """zlib's gzip decoder, which holds back no input: what it has not taken is given to it again."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


def _zstd(name: str) -> tuple[Callable[[], Decompressor], type[Exception]]:
    for module_name in ("compression.zstd", "backports.zstd"):
        try:
            module: Any = import_module(module_name)
        except ImportError:
            continue
        return cast("Callable[[], Decompressor]", module.ZstdDecompressor), module.ZstdError
    raise ListError(name, "Zstandard needs the extra scrapepool[zstd]")
