"""Files that are compressed on their way to the disk.

Decides the level, which is for speed, and the suffix. Knows no names and no outputs.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from ..errors import UsageError
from ..extras import how_to_install
from ..settings import Packing

SUFFIXES: dict[Packing, str] = {"gz": ".gz", "zst": ".zst"}

GZIP_LEVEL = 6
ZSTD_LEVEL = 3
GZIP = 31
"""What zlib takes for "with gzip's header and checksum" (RFC 1952)."""


class Packer(Protocol):
    """Takes one file's bytes in pieces, and gives the packed ones."""

    def compress(self, data: bytes, /) -> bytes:
        """What is ready of them."""

    def flush(self) -> bytes:
        """The rest, and the end."""


def packer(packing: Packing) -> Packer:
    """A packer for one file. Raises UsageError where its library is missing."""
    if packing == "gz":
        return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP)
    try:
        from backports import zstd  # noqa: PLC0415 - an extra
    except ImportError:
        try:
            from compression import zstd  # type: ignore[import-not-found,no-redef]  # noqa: PLC0415 - Python 3.14
        except ImportError:
            raise UsageError(f"--compress zst needs zstd: {how_to_install('zstd')}") from None
    made: Packer = zstd.ZstdCompressor(ZSTD_LEVEL)
    return made
