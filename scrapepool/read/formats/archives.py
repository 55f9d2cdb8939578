"""Rejects archives, office documents and unsupported compressions, and says how to extract the list.

They are detected from their first bytes.
"""

from __future__ import annotations

from ...errors import ListError

ARCHIVE_HEAD = 512
"""Bytes that are needed to detect an archive: the first block of a tar file."""

OFFICE = (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis.")
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")
OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; give the list itself, as 7z e -so prints it",
    b"Rar!\x1a\x07": "is a RAR archive; give the list itself, as unrar p -inul prints it",
    b"\x1f\x9d": "is compressed by compress; give the list itself, as gzip -dc prints it",
    b"\x04\x22\x4d\x18": "is compressed by lz4; give the list itself, as lz4 -dc prints it",
    b"LZIP\x01": "is compressed by lzip; give the list itself, as lzip -dc prints it",
    b"\x5d\0\0": "is compressed by lzma; give the list itself, as xz -dc prints it",
    b"%PDF-": "is a PDF; give its text, as pdftotext - prints it, with the input format prose",
}


def check_no_archive(name: str, head: bytes) -> None:
    """Raise ListError, which says how to extract the list, if ``head`` is the beginning of an archive."""
    if head.startswith(ZIP):
        if any(mark in head for mark in OFFICE):
            raise ListError(name, "is an office document; save the list as CSV")
        raise ListError(name, "is a zip archive; give the list itself, as unzip -p prints it")
    if _is_tar(head[:ARCHIVE_HEAD]):
        raise ListError(name, "is a tar archive; give the list itself, as tar -xOf prints it")
    for magic, reason in OTHERS.items():
        if head.startswith(magic):
            raise ListError(name, reason)


def _is_tar(block: bytes) -> bool:
    """Whether the checksum of a tar header is correct. That also finds archives without the magic of POSIX."""
    if b"\0" not in block or not block.strip(b"\0"):
        return False
    import tarfile  # noqa: PLC0415 - takes 30 ms, and few lists contain NULs

    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
