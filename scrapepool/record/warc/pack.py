"""Records as bytes of a file: one gzip member each (RFC 1952), or as they are.

zlib's usual state of 268 kB costs more to set up than a small record takes to be compressed, so the state is made as
large as the record needs: 8 µs instead of 54 for 600 bytes, 15 instead of 80 for 1.7 kB, and the same bytes.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator

from ...model import Span
from .serialize import END, Record, read

LEVEL, QUICK_LEVEL = 6, 1
"""zlib's, in general and in a hurry. HTML of 29 kB takes 0.36 ms and becomes 8.3 kB, or 0.08 ms and 9.2 kB; level 9
takes 1.1 ms for the same as level 6."""

SMALL = 512
"""Bytes of a block under which a record in a hurry is stored, in a gzip member that is not compressed: most of it are
digests and ids, a third is to be gained, and it takes half the time that an exchange takes."""

LONGEST_STORED = 0xFFFF
"""Bytes that one block can hold which is not compressed (RFC 1951 section 3.2.4)."""

_STORED_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01"  # of gzip, with no time and no name; then the last block's
_GZIP = 16  # what zlib adds to a window's bits for a header and trailer of gzip
_LEAST, _MOST = 9, 15
_LOOKAHEAD = 262  # bytes of a window that zlib keeps for itself


def packed(record: Record, folder: str, *, compress: bool, hurry: bool = False) -> bytes | Span:
    """Return the bytes of a record, in a temporary file in ``folder`` if part of its block is in one. Raises OSError.

    hurry: there is more to be written than there is time for.
    """
    rest = record.rest
    if rest is None:
        return packed_bytes(record, compress=compress, hurry=hurry)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by who gets it
    size = 0
    for piece in _compressed(record, rest) if compress else _plain(record, rest):
        size += file.write(piece)
    return Span(file, 0, size)


def packed_bytes(record: Record, *, compress: bool, hurry: bool = False) -> bytes:
    """Return the bytes of a record that is not in a file. hurry: see ``packed``."""
    data = record.header + record.block + END
    if not compress:
        return data
    if hurry and len(record.block) < SMALL and len(data) <= LONGEST_STORED:
        return _stored(data)
    compressor = _compressor(len(data), QUICK_LEVEL if hurry else LEVEL)
    return compressor.compress(data) + compressor.flush()


def _stored(data: bytes) -> bytes:
    # As zlib does it at level 0, in less time.
    size = len(data)
    length, end = struct.pack("<HH", size, size ^ 0xFFFF), struct.pack("<II", zlib.crc32(data), size)
    return b"".join((_STORED_HEAD, length, data, end))


def _compressor(size: int, level: int = LEVEL) -> zlib._Compress:
    bits = min(_MOST, max(_LEAST, (size + _LOOKAHEAD).bit_length()))
    return zlib.compressobj(level, zlib.DEFLATED, _GZIP + bits, bits - 7)


def _compressed(record: Record, rest: Span) -> Iterator[bytes]:
    compressor = _compressor(rest.size)
    for piece in _plain(record, rest):
        yield compressor.compress(piece)
    yield compressor.flush()


def _plain(record: Record, rest: Span) -> Iterator[bytes]:
    yield record.header + record.block
    yield from read(rest)
    yield END
