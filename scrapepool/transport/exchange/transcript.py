"""The bytes of one exchange, captured as they are sent and received, for an archive.

Decides which bytes are kept in memory and which in a temporary file, and which of them are the response: interim
responses before it and unsolicited data after it are left out. Does not know the format of an archive.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, BinaryIO

from ...errors import system_reason
from ...model import Attempt, ErrorKind, Span, Transcript, TruncationReason
from ...running_clock import monotonic
from ..errors import FetchError

if TYPE_CHECKING:
    from ..net.connection import Connection
    from .exchange import Exchange

IN_MEMORY = 1024 * 1024
"""Maximum number of received bytes that are kept in memory; a longer response is kept in a temporary file."""

_TIMEOUT_KINDS = frozenset({ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT})
_DISCONNECT_KINDS = frozenset({ErrorKind.TRUNCATED, ErrorKind.RESET})


class Capture:
    """Captures the bytes of one exchange.

    folder: the folder of the temporary file, which has no name. broken: the file could not be written.
    """

    __slots__ = ("_file", "_folder", "_pieces", "_received", "_sent", "broken", "started")

    def __init__(self, folder: str) -> None:
        self.started = time.time()
        self.broken = False
        self._folder = folder
        self._sent = self._received = 0
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None

    def sent(self, data: bytes | memoryview) -> None:
        """Count the next bytes of the request."""
        self._sent += len(data)

    def received(self, data: bytes | memoryview) -> None:
        """Keep the next bytes that were received. Raises FetchError (``disk``)."""
        self._received += len(data)
        if self._file is None and self._received <= IN_MEMORY:
            self._pieces.append(bytes(data))
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # the receiver of the transcript closes it
                self._file.writelines(self._pieces)
                self._pieces.clear()
            self._file.write(data)
        except OSError as error:
            self.broken = True
            detail = f"the response could not be kept for the archive: {system_reason(error)}"
            raise FetchError(ErrorKind.DISK, detail) from error

    def transcript(
        self,
        attempt: Attempt,
        redirects: tuple[str, ...],
        request: bytes,
        exchange: Exchange,
        conn: Connection,
        fault: FetchError | OSError | None,
    ) -> Transcript:
        """Return the transcript of an exchange whose response head has arrived.

        redirects: the attempt's earlier URLs. request: the whole request, even if not all of it was sent. fault: the
        error that ended the exchange early.
        """
        parser = exchange.parser
        known = attempt.target.known if parser.status == 304 else None
        target = request[: request.index(b" HTTP/")].partition(b" ")[2].decode("ascii")
        return Transcript(
            url=attempt.host.origin + target if target.startswith("/") else target,
            seed=attempt.target.url,
            via=redirects[-1] if redirects else None,
            hops=len(redirects),
            attempt=attempt.number,
            started=self.started,
            elapsed=(exchange.ended or monotonic()) - exchange.sent,
            remote=conn.remote,
            request=request if self._sent == len(request) else request[: self._sent],
            unsent=self._sent != len(request),
            response=self._response(parser.before, self._received - parser.after),
            head=parser.head,
            cut=None if parser.done else _reason(exchange, fault),
            interim=parser.informational,
            not_modified=known is not None and known.was_sent(request),
        )

    def _response(self, begin: int, end: int) -> bytes | Span:
        if self._file is not None:
            return Span(self._file, begin, end - begin)
        pieces = self._pieces
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces))[begin:end]


def folder_of(path: str) -> str:
    """Return the folder of a file, whether the file exists or not. Temporary data for the file fits on its disk."""
    return os.path.dirname(os.path.realpath(path))  # noqa: PTH120  # the argument and the result are strings


def _reason(exchange: Exchange, fault: FetchError | OSError | None) -> TruncationReason:
    """Return why an incomplete response was not received to its end."""
    body = exchange.body
    if fault is None:
        return "length" if body is not None and body.full else "unspecified"
    if not isinstance(fault, FetchError):
        return "disconnect"
    if fault.kind is ErrorKind.TOO_LARGE:
        return "length"
    return (
        "time" if fault.kind in _TIMEOUT_KINDS else "disconnect" if fault.kind in _DISCONNECT_KINDS else "unspecified"
    )
