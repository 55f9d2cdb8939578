"""A response body whose bytes go to an object of the calling program.

Decides that the object gets the decoded bytes in order, that it is closed when the body ends or is dropped, and that
what it raises fails the attempt and nothing else.
"""

from __future__ import annotations

from contextlib import suppress

from ...model import BodyWriter, ErrorKind, OpenBody
from ...settings import SizeLimits
from ..errors import FetchError
from ..http1.body import Body


class StreamedBody(Body):
    """A ``Body`` that is written to what ``open_body`` returns. Raises FetchError if that raises anything."""

    __slots__ = ("_writer",)

    def __init__(
        self,
        limits: SizeLimits,
        content_encoding: bytes | None,
        *,
        keep: bool,
        digest: bool,
        open_body: OpenBody,
    ) -> None:
        super().__init__(limits, content_encoding, keep=keep, digest=digest)
        self._writer: BodyWriter | None = None
        try:
            self._writer = open_body()
        except Exception as error:
            raise _failure(error) from error

    def finish(self) -> None:
        """End the body and close the object. Raises DecodeError, FetchError."""
        super().finish()
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.close()
        except Exception as error:
            raise _failure(error) from error

    def abandon(self) -> None:
        """Close the object of a body that is incomplete."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(Exception):
                writer.close()

    def _add(self, part: bytes | memoryview) -> None:
        super()._add(part)
        try:
            if self._writer is not None:
                self._writer.write(bytes(part))
        except Exception as error:
            raise _failure(error) from error


def _failure(error: Exception) -> FetchError:
    return FetchError(ErrorKind.INTERNAL, f"body_to raised {type(error).__name__}: {error}")
