"""The records of a WARC file, one after another: what their headers say, and where they lie.

Decides what of a file is whole: all up to the record that its end tears. What is damaged elsewhere is nobody's to cut
off. Writes nothing, and knows no archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha1

from ...named_tuple import NamedTuple
from .serialize import END, base32_digest
from .stream import DamagedError, GzipStream, PlainStream, Stream, TornError, take, until

MAX_HEADER = 256 * 1024
"""Bytes of a record's header, and of the HTTP header block in it."""

MAX_DIGITS = 18
"""Of a record's length: an exabyte."""

BEGIN = b"WARC/"
"""How every record begins."""

HTTP = "application/http"


class StoredRecord(NamedTuple):
    """A record in a file.

    offset, size: of its bytes in the file, which are a gzip member where it is compressed. fields: by their names in
    lower case. head: the HTTP header block of a response or a revisit, else empty. digest: SHA-1 of the payload as
    ``serialize`` writes it, where the record says it or it was computed.
    """

    offset: int
    size: int
    fields: Mapping[str, str]
    head: bytes
    digest: str | None

    @property
    def kind(self) -> str:
        """The WARC-Type."""
        return self.fields.get("warc-type", "")

    @property
    def url(self) -> str:
        """The target URI, without the angle brackets that wget writes around it."""
        return self.fields.get("warc-target-uri", "").removeprefix("<").removesuffix(">")


class RecordReader:
    """Reads an open file. Iterating raises DamagedError, OSError.

    compressed: the file is gzip. ours: each record is a gzip member of its own, and ends as the standard says; else
    records may lie in members as they like, and have too many line ends behind them, as those of other programs do.
    digests: compute the payload digest of whole responses that do not say it.
    should_stop: True gives up with KeyboardInterrupt.

    end: the offset behind the last whole record that was read. torn: whether the file goes on behind it, at its end.
    """

    def __init__(
        self, fd: int, *, compressed: bool, should_stop: Callable[[], bool], ours: bool = True, digests: bool = False
    ) -> None:
        self.end = 0
        self.torn = False
        self._ours = ours
        self._digests = digests
        self._stream: Stream = GzipStream(fd, should_stop, members=ours) if compressed else PlainStream(fd, should_stop)

    def __iter__(self) -> Iterator[StoredRecord]:
        stream = self._stream
        try:
            while (offset := stream.begin()) is not None:
                if not self._ours and not self._skip_line_ends():
                    break
                fields, head, digest = self._record(offset)
                self.end = stream.finish()
                yield StoredRecord(offset, self.end - offset, fields, head, digest)
        except TornError:
            self.torn = True

    def _skip_line_ends(self) -> bool:
        """Whether something is left behind them."""
        stream = self._stream
        while not (data := stream.data.lstrip(b"\r\n")):
            stream.data = b""
            if not stream.fill():
                return False
        stream.data = data
        return True

    def _record(self, offset: int) -> tuple[Mapping[str, str], bytes, str | None]:
        stream = self._stream
        while len(stream.data) < len(BEGIN) and stream.fill():
            pass
        if not BEGIN.startswith(stream.data[: len(BEGIN)]):
            raise DamagedError(offset)
        try:
            header = until(stream, END, MAX_HEADER)
            if header is None:
                raise DamagedError(offset)
            fields = _fields(header)
            length = fields.get("content-length", "")
            if not (length.isascii() and length.isdigit() and len(length) <= MAX_DIGITS):
                raise DamagedError(offset)
            head, digest = self._block(fields, int(length))
            if self._ours and b"".join(take(stream, len(END))) != END:
                raise DamagedError(offset)
        except TornError:
            if stream.goes_on():  # the member has ended, but not the file
                raise DamagedError(offset) from None
            raise
        return fields, head, digest

    def _block(self, fields: Mapping[str, str], size: int) -> tuple[bytes, str | None]:
        """Take a block; its HTTP header block, and the digest of what follows."""
        kind = fields.get("warc-type")
        pieces = take(self._stream, size)
        if kind not in ("response", "revisit") or not fields.get("content-type", "").lower().startswith(HTTP):
            for _ in pieces:
                pass
            return b"", None
        begin = b""
        for piece in pieces:
            begin += piece
            if END in begin or len(begin) > MAX_HEADER:
                break
        head, end, payload = begin.partition(END)
        digest = sha1_digest(fields.get("warc-payload-digest", ""))
        if digest is None and self._digests and kind == "response" and "warc-truncated" not in fields:
            computed = sha1(payload, usedforsecurity=False)
            for piece in pieces:
                computed.update(piece)
            return head + end, base32_digest(computed.digest())
        for _ in pieces:
            pass
        return head + end, digest


def sha1_digest(text: str) -> str | None:
    """Return a SHA-1 digest, in base 32 or hexadecimal, as ``serialize`` writes it; None for any other digest."""
    label, _, value = text.rpartition(":")
    if label.lower() not in ("", "sha1", "sha-1"):
        return None
    if len(value) == 40:
        try:
            return base32_digest(bytes.fromhex(value))
        except ValueError:
            return None
    value = value.upper()
    return f"sha1:{value}" if len(value) == 32 and not value.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") else None


def _fields(header: bytes) -> Mapping[str, str]:
    """Return the named fields of a record's header, the first one of each name."""
    found: dict[str, str] = {}
    for line in header.decode("utf-8", "replace").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        found.setdefault(name.lower(), value.strip())
    return found
