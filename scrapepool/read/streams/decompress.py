"""Decompresses lists: gzip, bzip2, xz and Zstandard.

Detects the compression from the first bytes. Knows nothing about rows and files.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol, cast

from ...errors import ListError
from ...extras import how_to_install
from ...text import brief, without_password
from .pieces import PIECE

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
XZ = b"\xfd7zXZ\0"
BZIP2 = tuple(b"BZh%d%b" % (level, block) for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90"))
"""``BZh1`` may also begin a host, so the marker of the first block, or of the end without any, is part of it."""

MAGIC = 10
"""Bytes that are needed to detect the compression."""


class Decompressor(Protocol):
    """The interface that zlib, bz2, lzma, compression.zstd and backports.zstd have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of a member or frame was reached."""

    @property
    def unused_data(self) -> bytes:
        """Input after that end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return up to ``max_length`` bytes; input that is not needed yet is kept."""


def decompressed(name: str, pieces: Iterable[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """Decompress a list if it is compressed. Raises ListError for damaged data."""
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
    """Whether a list that begins with ``head`` is compressed."""
    return head.startswith((GZIP, ZSTD, XZ, *BZIP2))


def _inflated(name: str, head: bytes, source: Iterator[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """Decompress all members or frames (RFC 1952 section 2.2). Zeros between them are skipped; other bytes end them."""
    decoder, errors = _decoder(name, head)
    data = head
    while True:
        try:
            out = decoder.decompress(data, PIECE)
        except errors as error:
            raise ListError(name, f"damaged compressed data ({error})") from error
        if out:
            yield out
        if decoder.eof:
            data = decoder.unused_data.lstrip(b"\0")
            while len(data) < MAGIC and (more := next(source, b"")):
                data = (data + more).lstrip(b"\0")
            if not is_compressed(data):
                if data:
                    on_note(f"{brief(without_password(name), 500)}: ignored the bytes after the compressed data")
                return
            decoder, errors = _decoder(name, data)
        elif len(out) < PIECE:
            data = next(source, b"")
            if not data:
                raise ListError(name, "the compressed data ends too early")
        else:
            data = b""


class _Gunzip:
    """zlib's gzip decoder. zlib returns input that it did not consume; it is passed again with the next call."""

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


def _decoder(name: str, head: bytes) -> tuple[Decompressor, type[Exception]]:
    """Return a decompressor for data that begins with ``head``, and the exception it raises.

    Raises ListError if the library that it needs is not installed.
    """
    if head.startswith(GZIP):
        return _Gunzip(), zlib.error
    if head.startswith(ZSTD):
        return _zstd(name)
    module: Any = import_module("lzma" if head.startswith(XZ) else "bz2")  # some builds of Python lack them
    return (module.LZMADecompressor(), module.LZMAError) if head.startswith(XZ) else (module.BZ2Decompressor(), OSError)


def _zstd(name: str) -> tuple[Decompressor, type[Exception]]:
    for module_name in ("compression.zstd", "backports.zstd"):
        try:
            module: Any = import_module(module_name)
        except ImportError:
            continue
        return cast("Decompressor", module.ZstdDecompressor()), module.ZstdError
    raise ListError(name, f"Zstandard needs a library: {how_to_install('zstd')}")
