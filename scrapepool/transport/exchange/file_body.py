"""A response body that is also saved to a file.

Decides that short bodies stay in memory, that long bodies are written to a file as they arrive, and that a partial
download of the same version is continued. Does not decide which bodies are saved, or what their files are called.
"""

from __future__ import annotations

from collections.abc import Callable

from ...model import Saved
from ...settings import SizeLimits
from ..errors import TooLargeError
from ..http1.body import Body
from .partial_files import PartialDownload, PartialFile

IN_MEMORY = 64 * 1024
"""Maximum size in bytes of a body that is passed on in memory, and not in a file."""

READ_SIZE = 1024 * 1024


class SavedBody(Body):
    """A ``Body`` that is saved.

    begin: opens the file when the body becomes long. left: the partial download that the body continues; the file of
    ``begin`` contains it.
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
        begin: Callable[[], PartialFile],
        left: PartialDownload | None = None,
    ) -> None:
        super().__init__(limits, content_encoding, keep=keep, digest=digest)
        self._begin = begin
        self._left = left
        self._short: list[bytes] | None = []
        self._part: PartialFile | None = None
        self.saved: Saved | None = None
        if left is not None:
            self._part, self._short = begin(), None
            self._read_partial(self._part, left)

    @property
    def keeps_nothing(self) -> bool:
        """Whether pieces are not kept: they are while the body is gathered in memory."""
        return super().keeps_nothing and self._short is None

    def may_block(self, size: int) -> bool:
        """Return whether the body is in a file, or may need one after the next ``size`` bytes, which may expand."""
        return self._short is None or self.coded or self.size + size > IN_MEMORY

    @property
    def notes(self) -> list[str]:
        """The notes of decoding, and one that says where an earlier download was continued."""
        continued = [] if self._left is None else [f"went on at byte {self._left.size} of an earlier attempt"]
        return super().notes + continued

    def declare(self, length: int | None) -> None:
        """Set the length of the bytes that will follow those in the partial file. Raises TooLargeError."""
        super().declare(length if length is None or self._left is None else length + self._left.size)

    def finish(self) -> None:
        """End the body and set ``saved``. Raises DecodeError (truncated), FetchError (``disk``)."""
        super().finish()
        if self._part is not None:
            self.saved = Saved(file=self._part.finish())
            self._part = None
        else:
            self.saved = Saved(data=b"".join(self._short or ()))

    def abandon(self) -> None:
        """Close the file of a body that is incomplete or not needed."""
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

    def _read_partial(self, part: PartialFile, left: PartialDownload) -> None:
        at = 0
        while at < left.size and (data := part.read(min(READ_SIZE, left.size - at))):
            super()._add(data)
            at += len(data)
        if self.size > self._max_size:
            raise TooLargeError(f"over {self._max_size} bytes")
