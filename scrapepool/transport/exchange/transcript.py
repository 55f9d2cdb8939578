"""The bytes of one exchange, kept as they go over the wire, for an archive.

Decides what is held in memory and what in a temporary file, and which of the bytes are the response: interim responses
before it and unsolicited data behind it are left out. Writes no archive and knows no format of one.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, BinaryIO

from ...model import Attempt, ErrorKind, Span, Transcript, TruncationReason
from ...running_clock import monotonic
from ..errors import FetchError

if TYPE_CHECKING:
    from ..net.connection import Connection
    from .exchange import Exchange

IN_MEMORY = 1024 * 1024
"""Bytes received that are held in memory; a response that has more goes to a temporary file whole."""

_TIME = frozenset({ErrorKind.DEADLINE, ErrorKind.READ_TIMEOUT})
_DISCONNECT = frozenset({ErrorKind.TRUNCATED, ErrorKind.RESET})


class Capture:
    """Takes the bytes of one exchange.

    folder: for a temporary file, which has no name there. broken: it could not be written.
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
        """Take note of the next bytes of the request."""
        self._sent += len(data)

    def received(self, data: bytes | memoryview) -> None:
        """Keep the next bytes that came. Raises FetchError (``disk``)."""
        self._received += len(data)
        if self._file is None and self._received <= IN_MEMORY:
            self._pieces.append(bytes(data))
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed by who gets it
                self._file.writelines(self._pieces)
                self._pieces.clear()
            self._file.write(data)
        except OSError as error:
            self.broken = True
            detail = f"the response could not be kept for the archive: {error.strerror or error}"
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
        """What was kept of an exchange whose response's head has come.

        redirects: the attempt's earlier URLs. request: all that was to be sent. fault: what ended the exchange early.
        """
        parser = exchange.parser
        known = attempt.target.known if parser.status == 304 else None
        where = request[: request.index(b" HTTP/")].partition(b" ")[2].decode("ascii")
        return Transcript(
            url=attempt.host.origin + where if where.startswith("/") else where,
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
    """The folder that holds, or is to hold, a file: its disk has room for what goes into the file."""
    return os.path.dirname(os.path.realpath(path))  # noqa: PTH120  # a Path of its own would say no more


def _reason(exchange: Exchange, fault: FetchError | OSError | None) -> TruncationReason:
    """Why a response that is not whole was not received further."""
    body = exchange.body
    if fault is None:
        return "length" if body is not None and body.full else "unspecified"
    if not isinstance(fault, FetchError):
        return "disconnect"
    if fault.kind is ErrorKind.TOO_LARGE:
        return "length"
    return "time" if fault.kind in _TIME else "disconnect" if fault.kind in _DISCONNECT else "unspecified"
