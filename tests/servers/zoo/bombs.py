"""Small bodies that decode to large ones. Nothing of the large size is ever made here, nor stored."""

from __future__ import annotations

import functools
import zlib

try:
    import brotli
except ImportError:  # optional: there is no brotli bomb without it
    brotli = None

HAS_BROTLI = brotli is not None

BOMB_SIZE = 512 * 2**20
"""Bytes of zeros in a bomb, after decoding: enough to hurt, not enough to kill the machine that tests."""

BLOCK = 2**20
ZSTD_BLOCK = 128 * 1024  # the largest that the format allows


@functools.cache
def gzip_zeros(size: int = BOMB_SIZE) -> bytes:
    """Gzip that many zero bytes (a multiple of BLOCK): after a full flush a block's code repeats, so one is made."""
    zeros = bytes(BLOCK)
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = coder.compress(zeros) + coder.flush(zlib.Z_FULL_FLUSH)
    checksum = functools.reduce(lambda crc, _: zlib.crc32(zeros, crc), range(size // BLOCK), 0)
    trailer = checksum.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(7) + block * (size // BLOCK) + b"\x03\x00" + trailer


@functools.cache
def zstd_zeros(size: int = BOMB_SIZE) -> bytes:
    """Write a zstd frame (RFC 8878 section 3.1.1) of run-length blocks: 128 KiB of zeros in four bytes each."""
    magic, descriptor, window = b"\x28\xb5\x2f\xfd", b"\x00", bytes([7 << 3])
    blocks = size // ZSTD_BLOCK
    header = ZSTD_BLOCK << 3 | 1 << 1
    block = header.to_bytes(3, "little") + b"\0"
    last = (header | 1).to_bytes(3, "little") + b"\0"
    return magic + descriptor + window + block * (blocks - 1) + last


@functools.cache
def brotli_zeros(size: int = BOMB_SIZE) -> bytes:
    """Compress that many zero bytes with brotli, a block at a time; a better quality takes ten times as long."""
    coder = brotli.Compressor(quality=1)
    zeros = bytes(BLOCK)
    pieces = [coder.process(zeros) for _ in range(size // BLOCK)]
    return bytes(b"".join(pieces) + coder.finish())
