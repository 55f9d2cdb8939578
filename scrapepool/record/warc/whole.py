"""Where the last whole record of a WARC file ends.

Decides what of a file that a killed run left behind can be gone on with: all up to the record that its end tears.
What is damaged elsewhere is nobody's to cut off. Writes nothing.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable

from ...fallbacks import pread

STEP = 16 * 1024
"""Bytes of a compressed file that are read at once: a thousand times as many at most when they are decompressed."""

MAX_HEADER = 256 * 1024
"""Bytes of a record's header: it holds three URLs at most."""

USUAL_HEADER = 2048
"""Bytes that are read of a header at first."""

_BEGIN = b"WARC/1."
_LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"


class DamagedError(Exception):
    """A file that no killed run leaves behind. offset: up to where it is whole."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def whole_end(fd: int, *, compressed: bool, should_stop: Callable[[], bool]) -> int:
    """The offset behind the last whole record of an open file; 0 where there is none.

    compressed: records are gzip members. should_stop: True gives up with KeyboardInterrupt.
    Raises DamagedError, OSError.
    """
    return (_end_of_members if compressed else _end_of_records)(fd, should_stop)


def _end_of_members(fd: int, should_stop: Callable[[], bool]) -> int:
    """Decompress all members: where one ends is known in no other way, and their checksums are seen as well."""
    at = end = 0  # behind what was read, behind the last whole member
    data = b""
    while True:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        begin = b""
        while not member.eof:
            if not data:
                if should_stop():
                    raise KeyboardInterrupt
                data = pread(fd, STEP, at)
                at += len(data)
            if not data:
                return end
            try:
                piece = member.decompress(data)
            except zlib.error:
                raise DamagedError(end) from None
            begin = (begin + piece[: len(_BEGIN)])[: len(_BEGIN)]
            if not _BEGIN.startswith(begin):
                raise DamagedError(end)
            data = member.unused_data
        end = at - len(data)


def _end_of_records(fd: int, should_stop: Callable[[], bool]) -> int:
    at, size = 0, os.fstat(fd).st_size
    while True:
        if should_stop():
            raise KeyboardInterrupt
        header = pread(fd, USUAL_HEADER, at)
        if _END not in header:
            header = pread(fd, MAX_HEADER, at)
        if not _BEGIN.startswith(header[: len(_BEGIN)]):
            raise DamagedError(at)
        fields, found, _ = header.partition(_END)
        if not found and len(header) < MAX_HEADER:
            return at
        length = _LENGTH.search(fields + b"\r\n")
        if length is None:
            raise DamagedError(at)
        behind = at + len(fields) + len(_END) + int(length[1]) + len(_END)
        if behind > size:
            return at
        if pread(fd, len(_END), behind - len(_END)) != _END:
            raise DamagedError(at)
        at = behind
