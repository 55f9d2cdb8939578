"""The body of a response while it is being received: it is decoded, counted, hashed, and kept if requested.

This module decides when a body is too large: at the first byte beyond a limit, not at the end of the body. It does not
know the connection, nor where the body ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ...model import Saved
from ...settings import SizeLimits
from ..errors import TooLargeError
from .content_coding import decoder_for
from .packed_name import OwnCoding, PackedName

SLICE = 128 * 1024
"""The decoded bytes between two points where decoding may be interrupted; they take about 0.25 ms."""

PIECE = 4 * 1024
"""The fixed cost of one piece of a decoder's output, expressed in decoded bytes that cost as much."""

HEAD_KEPT = 1024
"""The number of bytes at the start of the decoded body that are always kept; a page may declare its charset there."""


class Body:
    """Receives the pieces of one body, after the transfer coding was removed.

    coded: whether a content coding is decoded, so that even a short piece may be much work.
    wire: the bytes received so far.
    size: the bytes decoded so far.
    head: the first HEAD_KEPT decoded bytes.
    sha256: the hex digest of the decoded body. ``finish`` sets it, unless ``digest`` is False.
    content: the decoded body. ``finish`` sets it if ``keep`` is True.
    full: whether the body reached the size limit and was cut there.

    Raises DecodeError if the body has more content codings than are supported.
    """

    saved: Saved | None = None
    """The file that the body is saved to; None if the body is not saved."""

    __slots__ = (
        "_decoder",
        "_hash",
        "_limits",
        "_max_size",
        "_pieces",
        "coded",
        "content",
        "full",
        "head",
        "sha256",
        "size",
        "wire",
    )

    def __init__(self, limits: SizeLimits, content_encoding: bytes | None, *, keep: bool, digest: bool = True) -> None:
        self._limits = limits
        self._max_size = limits.max_size
        self._decoder = None if content_encoding is None else decoder_for(content_encoding)
        self.coded = self._decoder is not None
        self._hash = hashlib.sha256() if digest else None
        self._pieces: list[bytes] | None = [] if keep else None
        self.wire = self.size = 0
        self.full = False
        self.head = b""
        self.sha256: str | None = None
        self.content: bytes | None = None

    def keep_own_coding(self, name: PackedName) -> None:
        """Keep the content coding if it belongs to the file itself, as the file's name says. Call before ``feed``."""
        if self._decoder is not None:
            self._decoder = OwnCoding(name, self._decoder)

    @property
    def keeps_nothing(self) -> bool:
        """Whether no piece is kept after ``feed``, so that the caller may reuse its buffer."""
        return self._decoder is None and self._pieces is None

    def may_block(self, size: int) -> bool:  # noqa: ARG002 - bodies that are saved to files use it
        """Return whether feeding a piece of ``size`` bytes, or finishing, may wait for a disk or compute for long."""
        return False

    @property
    def ended(self) -> bool:
        """Whether the compressed stream has ended; another stream may follow."""
        return self._decoder is not None and self._decoder.ended

    @property
    def final(self) -> bool:
        """Whether the compressed stream has ended and no other may follow, so that the body is known to be complete."""
        return self._decoder is not None and self._decoder.final

    @property
    def notes(self) -> list[str]:
        """What the decoder ignored or tolerated, one line for people per item."""
        return [] if self._decoder is None else self._decoder.notes

    def declare(self, length: int | None) -> None:
        """Check the declared length of the body in bytes before the body arrives; None if it is unknown.

        Raises TooLargeError if the length exceeds the limit.
        """
        if length is not None and length > self._max_size and not self._limits.cut:
            raise TooLargeError(f"the server announced a body of {length} bytes, the limit is {self._max_size}")

    def feed(self, piece: bytes | memoryview) -> None:
        """Process one piece of the body. Raises DecodeError, and TooLargeError at the first byte beyond a limit."""
        if self._decoder is None:
            self._add(self._count(piece))
            return
        for _ in self.slices(piece):
            pass

    def slices(self, piece: bytes | memoryview) -> Iterator[None]:
        """Process one piece as ``feed`` does, and yield after each slice of decoded bytes."""
        assert self._decoder is not None  # noqa: S101 - callers check ``coded`` first
        left = SLICE
        for part in self._decoder.feed(bytes(self._count(piece))):
            if part:
                self._add(part)
            if self.size > self._max_size:
                if self._limits.cut:
                    self.full = True
                    return
                raise TooLargeError(f"over {self._max_size} bytes decoded, from {self.wire} received")
            if self.size > self._limits.ratio_floor and self.size > self.wire * self._limits.max_ratio:
                ratio = self.size / self.wire
                raise TooLargeError(
                    f"{self.size} bytes decoded from {self.wire} received so far: "
                    f"{ratio:.0f} times as many, the limit is {self._limits.max_ratio:.0f}"
                )
            left -= len(part) + PIECE
            if left <= 0:
                left = SLICE
                yield

    def finish(self) -> None:
        """End the body. Raises DecodeError (``truncated``) if its compressed stream has not ended."""
        if self._decoder is not None and not self.full:
            self._decoder.finish()
        if self._hash is not None:
            self.sha256 = self._hash.hexdigest()
        if self._pieces is not None:
            self.content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces = None

    def abandon(self) -> None:
        """Drop the body, because the rest does not arrive or is not wanted."""

    def _count(self, piece: bytes | memoryview) -> bytes | memoryview:
        """Count the received bytes and return those that are within the limit. Raises TooLargeError."""
        self.wire = wire = self.wire + len(piece)
        if wire > self._max_size:
            if not self._limits.cut:
                raise TooLargeError(f"over {self._max_size} bytes received")
            self.full = True
            piece = piece[: self._max_size - wire]
        return piece

    def _add(self, part: bytes | memoryview) -> None:
        if not self.size:
            self.head = bytes(part[:HEAD_KEPT])
        elif self.size < HEAD_KEPT:
            self.head += part[: HEAD_KEPT - self.size]
        self.size += len(part)
        if self._hash is not None:
            self._hash.update(part)
        if self._pieces is not None:
            self._pieces.append(bytes(part))
