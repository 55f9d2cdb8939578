"""A body that goes into a file as well.

Decides that short bodies stay in memory and long ones are written as they come, and that an earlier part of the same
version is taken up. Which bodies that are, and where the file ends up, is for others to decide.
"""

from __future__ import annotations

from collections.abc import Callable

from ...model import Saved
from ...settings import SizeLimits
from ..errors import TooLargeError
from ..http1.body import Body
from .partial_files import Left, Part

IN_MEMORY = 64 * 1024
"""Bytes that a body may have and still travel in memory to the one who names its file."""

READ_SIZE = 1024 * 1024


class SavedBody(Body):
    """Takes the pieces of one body, as ``Body`` does.

    begin: opens its file, once it is long. left: what is there already, which ``begin``'s file holds.
    """

    __slots__ = ("_begin", "_left", "_part", "_short", "saved")

    saved: Saved | None

    def __init__(
        self,
        limits: SizeLimits,
        content_encoding: bytes | None,
        *,
        keep: bool,
        digest: bool,
        begin: Callable[[], Part],
        left: Left | None = None,
    ) -> None:
        super().__init__(limits, content_encoding, keep=keep, digest=digest)
        self._begin = begin
        self._left = left
        self._short: list[bytes] | None = []
        self._part: Part | None = None
        self.saved: Saved | None = None
        if left is not None:
            self._part, self._short = begin(), None
            self._take_up(self._part, left)

    @property
    def passing(self) -> bool:
        """Whether pieces are only looked at: not while they are gathered in memory."""
        return super().passing and self._short is None

    def may_block(self, size: int) -> bool:
        """Whether the body is in a file, or may be once a piece of so many bytes is taken: it may decode to more."""
        return self._short is None or self.coded or self.size + size > IN_MEMORY

    @property
    def notes(self) -> list[str]:
        """What decoding let pass, and where the body was gone on with, one human line each."""
        went_on = [] if self._left is None else [f"went on at byte {self._left.size} of an earlier attempt"]
        return super().notes + went_on

    def declare(self, length: int | None) -> None:
        """Take note of the length of what comes, on top of what is there. Raises TooLargeError."""
        super().declare(length if length is None or self._left is None else length + self._left.size)

    def finish(self) -> None:
        """Say that the body is over; ``saved`` is set then. Raises DecodeError (truncated), FetchError (``disk``)."""
        super().finish()
        if self._part is not None:
            self.saved = Saved(file=self._part.finish())
            self._part = None
        else:
            self.saved = Saved(data=b"".join(self._short or ()))

    def abandon(self) -> None:
        """The body broke off, or is not wanted."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _add(self, part: bytes | memoryview) -> None:
        super()._add(part)
        if self._short is None:
            assert self._part is not None  # noqa: S101 - one of the two takes the pieces
            self._part.write(part)
            return
        self._short.append(bytes(part))
        if self.size > IN_MEMORY:
            self._part = self._begin()
            self._part.write(b"".join(self._short))
            self._short = None

    def _take_up(self, part: Part, left: Left) -> None:
        at = 0
        while at < left.size and (data := part.read(min(READ_SIZE, left.size - at))):
            super()._add(data)
            at += len(data)
        if self.size > self._max_size:
            raise TooLargeError(f"over {self._max_size} bytes")
