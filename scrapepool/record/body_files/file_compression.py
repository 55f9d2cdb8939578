"""Files that are compressed on their way to the disk, and what they hold.

Decides the level, which is for speed, and the suffix. Knows no names and no outputs.
"""

from __future__ import annotations

import gzip
import zlib
from hashlib import sha256
from typing import Any, BinaryIO, Protocol

from ...errors import SettingsError
from ...extras import how_to_install
from ...settings import Packing

SUFFIXES: dict[Packing, str] = {"gz": ".gz", "zst": ".zst"}

GZIP_LEVEL = 6
ZSTD_LEVEL = 3
GZIP_WINDOW = 31
"""What zlib takes for "with gzip's header and checksum" (RFC 1952)."""

READ_SIZE = 1024 * 1024


class Packer(Protocol):
    """Takes one file's bytes in pieces, and gives the packed ones."""

    def compress(self, data: bytes, /) -> bytes:
        """Return the compressed bytes that are ready."""

    def flush(self) -> bytes:
        """Return the rest of the compressed bytes, with the end of the stream."""


def packer(packing: Packing) -> Packer:
    """Return a packer for one file. Raises SettingsError where its library is missing."""
    if packing == "gz":
        return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    made: Packer = _zstd().ZstdCompressor(ZSTD_LEVEL)
    return made


def unpacked_digest(file: BinaryIO, packing: Packing | None, size: int) -> str | None:
    """Return the SHA-256 of what a file holds, None where that is not of this size, or not packed like that.

    Raises OSError, SettingsError as ``packer``.
    """
    broken: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile)
    unpacked: Any = file
    if packing == "gz":
        unpacked = gzip.GzipFile(fileobj=file)
    elif packing == "zst":
        unpacked, broken = _zstd().ZstdFile(file), (EOFError, _zstd().ZstdError)
    digest, left = sha256(), size
    try:
        while data := unpacked.read(READ_SIZE):
            left -= len(data)
            if left < 0:
                return None
            digest.update(data)
    except broken:
        return None
    return None if left else digest.hexdigest()


def _zstd() -> Any:
    """Return the module that packs and unpacks. Raises SettingsError where it is missing."""
    try:
        from backports import zstd  # noqa: PLC0415 - an extra
    except ImportError:
        try:
            from compression import zstd  # type: ignore[import-not-found,no-redef]  # noqa: PLC0415 - Python 3.14
        except ImportError:
            raise SettingsError("files.compress zst needs zstd: {}", how_to_install("zstd")) from None
    return zstd
