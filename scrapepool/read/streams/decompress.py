"""Compressed lists: gzip, bzip2, xz and Zstandard.

Decides by the first bytes whether and how a list is compressed. Knows nothing of rows and files.
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
"""A letter is a host's too, so that the first block's mark counts, or the end's where there is none."""

MAGIC = 10
"""Bytes that tell how a list is compressed, if it is."""


class Decompressor(Protocol):
    """What zlib, bz2, lzma, compression.zstd and backports.zstd have in common."""

    @property
    def eof(self) -> bool:
        """Whether a member or frame has ended."""

    @property
    def unused_data(self) -> bytes:
        """Input after that end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Give up to ``max_length`` bytes; input that was not needed yet is kept."""


def decompressed(name: str, pieces: Iterable[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """Undo a compression where the first bytes say so. Raises ListError for damaged data."""
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
    return head.startswith((GZIP, ZSTD, XZ, *BZIP2))


def _inflated(name: str, head: bytes, source: Iterator[bytes], on_note: Callable[[str], None]) -> Iterator[bytes]:
    """All members or frames, one after another (RFC 1952 section 2.2); zeros between them, and rubbish ends them."""
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
                    on_note(f"{brief(without_password(name), 500)}: what follows the compressed data is passed over")
                return
            decoder, errors = _decoder(name, data)
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


def _decoder(name: str, head: bytes) -> tuple[Decompressor, type[Exception]]:
    """Make what decompresses data that begins so, and tell what it raises. Raises ListError where it is not there."""
    if head.startswith(GZIP):
        return _Gunzip(), zlib.error
    if head.startswith(ZSTD):
        return _zstd(name)
    module: Any = import_module("lzma" if head.startswith(XZ) else "bz2")  # few lists are, and few Pythons lack them
    return (module.LZMADecompressor(), module.LZMAError) if head.startswith(XZ) else (module.BZ2Decompressor(), OSError)


def _zstd(name: str) -> tuple[Decompressor, type[Exception]]:
    for module_name in ("compression.zstd", "backports.zstd"):
        try:
            module: Any = import_module(module_name)
        except ImportError:
            continue
        return cast("Decompressor", module.ZstdDecompressor()), module.ZstdError
    raise ListError(name, f"Zstandard needs a library: {how_to_install('zstd')}")
