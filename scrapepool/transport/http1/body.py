"""A body that is being received: decoded, counted, hashed, and kept if somebody needs it.

Decides when a body is too large: at the byte that passes a limit, not at its end. Does not know the connection, nor
where the body ends.
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
"""Decoded bytes between two places where decoding may be interrupted: a quarter of a millisecond's work."""

PIECE = 4 * 1024
"""Decoded bytes that cost as much as a piece of a decoder's output does by itself."""

HEAD_KEPT = 1024
"""Bytes of the decoded body's beginning that are always kept: where a page may name its charset."""


class Body:
    """Takes the pieces of one body as received, with the transfer coding removed.

    wire, size: bytes so far, as received and decoded. head: the first HEAD_KEPT decoded bytes.
    sha256: hex digest of the decoded body, set by ``finish`` unless ``digest`` is False. content: the decoded body,
    set by ``finish`` where ``keep`` is given. full: the limit was reached and the body cut there.
    Raises DecodeError for more codings than are taken off.
    """

    saved: Saved | None = None
    """The body as a file, where it is to become one."""

    __slots__ = (
        "_decoder",
        "_hash",
        "_limits",
        "_max_size",
        "_pieces",
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
        self._hash = hashlib.sha256() if digest else None
        self._pieces: list[bytes] | None = [] if keep else None
        self.wire = self.size = 0
        self.full = False
        self.head = b""
        self.sha256: str | None = None
        self.content: bytes | None = None

    def keep_own_coding(self, name: PackedName) -> None:
        """Leave the content coding on where it is the file's own, as its name says; to be called before ``feed``."""
        if self._decoder is not None:
            self._decoder = OwnCoding(name, self._decoder)

    @property
    def passing(self) -> bool:
        """Whether pieces are only looked at, so that the next may overwrite them."""
        return self._decoder is None and self._pieces is None

    def may_block(self, size: int) -> bool:  # noqa: ARG002 - bodies that become files look at it
        """Whether to take a piece of so many bytes, or to finish, may wait for a disk or compute for long."""
        return False

    @property
    def coded(self) -> bool:
        """Whether there is a content coding to be taken off, so that a short piece may be much work."""
        return self._decoder is not None

    @property
    def ended(self) -> bool:
        """Whether the content coding has reached its own end; another stream may follow."""
        return self._decoder is not None and self._decoder.ended

    @property
    def final(self) -> bool:
        """Whether the content coding has reached an end that nothing may follow: then the body is known to be whole."""
        return self._decoder is not None and self._decoder.final

    @property
    def notes(self) -> list[str]:
        """What decoding let pass, one human line each."""
        return [] if self._decoder is None else self._decoder.notes

    def declare(self, length: int | None) -> None:
        """Take note of the body's length in bytes before it comes, None where nobody knows. Raises TooLargeError."""
        if length is not None and length > self._max_size and not self._limits.cut:
            raise TooLargeError(f"the body is announced with {length} bytes, the limit is {self._max_size}")

    def feed(self, piece: bytes | memoryview) -> None:
        """Take a piece of the body. Raises DecodeError, and TooLargeError at the byte that is one too many."""
        if self._decoder is None:
            self._add(self._weigh(piece))
            return
        for _ in self.slices(piece):
            pass

    def slices(self, piece: bytes | memoryview) -> Iterator[None]:
        """Take a piece as ``feed`` does, while this is iterated; gives something each time that a slice is decoded."""
        assert self._decoder is not None  # noqa: S101 - otherwise there is nothing to slice
        left = SLICE
        for part in self._decoder.feed(bytes(self._weigh(piece))):
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
        """Say that the body is over. Raises DecodeError (truncated) where its coding has not ended."""
        if self._decoder is not None and not self.full:
            self._decoder.finish()
        if self._hash is not None:
            self.sha256 = self._hash.hexdigest()
        if self._pieces is not None:
            self.content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces = None

    def abandon(self) -> None:
        """Say that the rest of the body does not come, or is not wanted."""

    def _weigh(self, piece: bytes | memoryview) -> bytes | memoryview:
        """Count what was received; what of it is within the limit. Raises TooLargeError."""
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
