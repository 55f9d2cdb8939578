"""Bodies that are compressed on their way to the disk."""

from __future__ import annotations

import gzip
import sys

import pytest

from scrapepool.errors import UsageError
from scrapepool.record.body_files.file_compression import packer


def test_gzip_in_pieces_is_one_file() -> None:
    """Any reader has the bytes back."""
    made = packer("gz")
    packed = made.compress(b"a" * 1000) + made.compress(b"b") + made.flush()
    assert gzip.decompress(packed) == b"a" * 1000 + b"b"


def test_zstandard_in_pieces_is_one_frame() -> None:
    """As above."""
    zstd = pytest.importorskip("backports.zstd", reason="the extra zstd is not installed, or Python has its own")
    made = packer("zst")
    packed = made.compress(b"a" * 1000) + made.compress(b"b") + made.flush()
    assert zstd.decompress(packed) == b"a" * 1000 + b"b"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what can be typed to have it."""
    for name in ("backports", "backports.zstd", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="zstd"):
        packer("zst")
