"""Records as bytes of a file: one gzip member each (RFC 1952), or as they are.

Decides how hard is compressed. zlib's usual state of 268 kB costs more to set up than a small record takes to be
compressed, so the state is made as large as the record needs: 7 µs instead of 54 for 600 bytes, 15 instead of 80 for
1.7 kB, and not a byte more on the disk.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator

from ...model import Span
from .spell import END, Record, read

LEVEL = 6
_GZIP = 16  # what zlib adds to a window's bits for a header and trailer of gzip
_LEAST, _MOST = 9, 15
_LOOKAHEAD = 262  # bytes of a window that zlib keeps for itself


def packed(record: Record, folder: str, *, compress: bool) -> bytes | Span:
    """The bytes of a record; in a temporary file in ``folder`` where part of its block is in one. Raises OSError."""
    rest = record.rest
    if rest is None:
        return packed_bytes(record, compress=compress)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by who gets it
    pieces = _streamed(record, rest) if compress else _plain(record, rest)
    size = 0
    for piece in pieces:
        size += file.write(piece)
    return Span(file, 0, size)


def packed_bytes(record: Record, *, compress: bool) -> bytes:
    """The bytes of a record that is not in a file."""
    data = record.header + record.block + END
    if not compress:
        return data
    compressor = _compressor(len(data))
    return compressor.compress(data) + compressor.flush()


def _compressor(size: int) -> zlib._Compress:
    bits = min(_MOST, max(_LEAST, (size + _LOOKAHEAD).bit_length()))
    return zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP + bits, bits - 7)


def _streamed(record: Record, rest: Span) -> Iterator[bytes]:
    compressor = _compressor(rest.size)
    for piece in _plain(record, rest):
        yield compressor.compress(piece)
    yield compressor.flush()


def _plain(record: Record, rest: Span) -> Iterator[bytes]:
    yield record.header + record.block
    yield from read(rest)
    yield END
