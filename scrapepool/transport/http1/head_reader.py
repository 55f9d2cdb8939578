"""Finds the final header block in the bytes at the start of a response.

It decides where a header block ends, and it skips empty lines and interim (1xx) responses before the final one.
``head`` parses each block. What the fields mean for the body is decided in ``response``.
"""

from __future__ import annotations

from ...model import ErrorKind
from ..errors import ResponseError
from .head import Head, not_http, parse_head

MAX_HEAD = 256 * 1024
"""The maximum bytes of a header block, as in Chrome; curl allows 300 KiB."""
MAX_INTERIM = 100
"""The maximum number of 1xx responses before the final one; real servers send one or two."""
MAX_BLANK = 4
"""The maximum bytes of line ends before a status line: two empty lines."""
LF = 0x0A


def read_whole(data: bytes) -> tuple[Head, int] | None:
    """Return the final header block at the start of ``data`` and its size; None if a ``HeadReader`` must look for it.

    Most responses begin so, and a reader for each would cost more than this. Raises the same as ``HeadReader.feed``.
    """
    if data.startswith(b"HTTP/") and 0 < (end := _head_end(data, 0)) <= MAX_HEAD:
        head = parse_head(data[:end])
        if head.status >= 200:
            return head, end
    return None


class HeadReader:
    """Collects bytes until the final header block is complete.

    before: the number of bytes before the final status line: interim responses and empty lines.
    size: the number of bytes of the final header block.
    informational: the number of 1xx responses before the final one.
    """

    __slots__ = ("_blank", "_held", "_scan", "before", "informational", "size")

    def __init__(self) -> None:
        self.before = self.size = self.informational = 0
        self._blank = self._scan = 0
        self._held: bytearray | None = None

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return the final header block and the bytes after it; None until the block is complete.

        Raises ResponseError (``protocol``) for bytes that are not an HTTP/1 response.
        """
        if self._held is not None:
            self._held += data
            return self._read(self._held)
        return self._read(data)

    def _read(self, data: bytes | bytearray) -> tuple[Head, bytes] | None:
        start, scan = 0, self._scan
        while True:
            while start < len(data) and data[start] in b"\r\n":
                size = 1 if data[start] == LF else 2
                if start + size > len(data):
                    self._hold(data, start)
                    return None
                if data[start + size - 1] != LF:
                    raise not_http(bytes(data[start : start + 100]))
                start += size
                self._blank += size
                if self._blank > MAX_BLANK:
                    raise ResponseError(ErrorKind.PROTOCOL, "the server sent empty lines instead of a status line")
            end = _head_end(data, max(start, scan))
            if (end if end >= 0 else len(data)) - start > MAX_HEAD:
                raise ResponseError(ErrorKind.PROTOCOL, f"the header block is over {MAX_HEAD // 1024} KiB")
            if end < 0:
                self._hold(data, start)
                return None
            head = parse_head(bytes(data[start:end]))
            if head.status >= 200:
                break
            self._skip_interim(head)
            start = end
        self.before += start
        self.size = end - start
        self._held = None
        return head, bytes(data[end:])

    def _hold(self, data: bytes | bytearray, start: int) -> None:
        """Keep an incomplete header block, and remember how far it was searched for its end."""
        begin = data[start : start + 5]
        if begin != b"\r" and not b"HTTP/".startswith(begin):
            raise not_http(bytes(data[start : start + 100]))
        self.before += start
        if self._held is None:
            self._held = bytearray(data[start:])
        else:
            del self._held[:start]
        self._scan = max(len(self._held) - 2, 0)

    def _skip_interim(self, head: Head) -> None:
        if head.status == 101:
            raise ResponseError(ErrorKind.PROTOCOL, "the server sent 101 Switching Protocols, which was not requested")
        self.informational += 1
        self._blank = 0
        if self.informational > MAX_INTERIM:
            raise ResponseError(ErrorKind.PROTOCOL, f"the server sent over {MAX_INTERIM} interim responses")


def _head_end(data: bytes | bytearray, scan: int) -> int:
    """Return the offset after the first blank line, whose line ends may be bare LF; -1 if there is none yet."""
    crlf = data.find(b"\n\r\n", scan)
    bare = data.find(b"\n\n", scan, len(data) if crlf < 0 else crlf + 1)
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1
