"""Decoders for one compressed stream each, over zlib, brotli and zstd, with bounded output per step.

This module decides how each library is limited to STEP bytes of output per step, and which libraries are installed.
``content_coding`` handles the bytes that follow the end of a stream.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from ...model import ErrorKind
from ..errors import DecodeError
from .allocator import return_large_buffers

STEP = 64 * 1024
"""The maximum bytes of one decoded piece."""
ZSTD_WINDOW_LOG = 23
"""8 MiB: the largest window that a zstd response may require (RFC 9659 section 3)."""

ZSTD_MODULE = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


class Stream(Protocol):
    """A decoder for one compressed stream."""

    @property
    def ended(self) -> bool:
        """Whether the stream has ended."""

    @property
    def rest(self) -> bytes:
        """The bytes that were fed after the end of the stream."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode ``data`` step by step, and yield pieces of at most STEP bytes."""


class _Zlib:
    """Decodes gzip, zlib or raw deflate, as ``wbits`` says."""

    __slots__ = ("_inflate",)

    def __init__(self, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)

    @property
    def ended(self) -> bool:
        return self._inflate.eof

    @property
    def rest(self) -> bytes:
        return self._inflate.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        inflate = self._inflate
        piece = b""
        while not inflate.eof and (data or len(piece) == STEP):
            piece = inflate.decompress(data, STEP)
            data = inflate.unconsumed_tail
            if piece:
                yield piece


class _Brotli:
    """Decodes brotli. The library may exceed its output limit, so its output is split again."""

    __slots__ = ("_brotli", "rest")

    def __init__(self) -> None:
        self._brotli = brotli_module().Decompressor()
        self.rest = b""

    @property
    def ended(self) -> bool:
        return bool(self._brotli.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        brotli = self._brotli
        while True:
            piece: bytes = brotli.process(data, output_buffer_limit=STEP)
            yield from cut(piece)
            # The library can accept more data while it still has output, so only an empty piece ends the loop.
            if brotli.is_finished() or not piece:
                return
            data = b""


class _Zstd:
    """Decodes one zstd frame."""

    __slots__ = ("_zstd",)

    def __init__(self) -> None:
        zstd = zstd_module()
        self._zstd = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})

    @property
    def ended(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def rest(self) -> bytes:
        return bytes(self._zstd.unused_data)

    def feed(self, data: bytes) -> Iterator[bytes]:
        zstd = self._zstd
        while True:
            piece: bytes = zstd.decompress(data, STEP)
            if piece:
                yield piece
            if zstd.eof or zstd.needs_input:
                return
            data = b""


def cut(data: bytes) -> Iterator[bytes]:
    """Split ``data`` into pieces of at most STEP bytes."""
    for at in range(0, len(data), STEP):
        yield data[at : at + STEP]


def gzip(start: bytes) -> Stream:  # noqa: ARG001 - all these functions have the same signature
    """Return a decoder for a gzip member."""
    return _Zlib(zlib.MAX_WBITS | 16)


def deflate(start: bytes) -> Stream:
    """Return a decoder for "deflate", which starts with the bytes ``start``.

    The standard says zlib (RFC 1950), but some servers send raw deflate. The first two bytes tell which one it is.
    """
    method, flags = start[0], start[1]
    is_zlib = method & 0x0F == 8 and method >> 4 <= 7 and (method << 8 | flags) % 31 == 0
    return _Zlib(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def brotli(start: bytes) -> Stream:  # noqa: ARG001 - as above
    """Return a decoder for a brotli stream."""
    return _Brotli()


def zstd(start: bytes) -> Stream:  # noqa: ARG001 - as above
    """Return a decoder for a zstd frame."""
    return _Zstd()


def present(module: str) -> bool:
    """Return whether a module is installed."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@cache
def brotli_module() -> Any:
    """Import brotli when the first body needs it: the import takes some milliseconds, and most runs do not need it."""
    brotli = import_module("brotli")
    if not hasattr(brotli.Decompressor, "can_accept_more_data"):
        raise DecodeError(ErrorKind.DECODE, "the installed brotli is older than 1.2; upgrade it")
    return_large_buffers()
    return brotli


@cache
def zstd_module() -> Any:
    """Import zstd when the first body needs it."""
    return_large_buffers()
    return import_module(ZSTD_MODULE)
