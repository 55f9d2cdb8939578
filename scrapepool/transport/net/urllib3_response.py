"""A response in the form that urllib3 and requests expect: a file object for the body, and the headers.

It adapts ``response.ResponseParser``, and translates its errors into the exceptions of ``http.client`` that urllib3's
response expects.
"""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from ...model import ErrorKind
from ..errors import FetchError
from ..http1.response import MISSING_END, NO_LAST_LINE_END, ResponseParser
from .urllib3_internals import BodyFile

if TYPE_CHECKING:
    from .connection import Connection

RECEIVE_SIZE = 64 * 1024


class _Message:
    """The header fields in the form that ``http.cookiejar`` expects."""

    def __init__(self, headers: HTTPHeaderDict) -> None:
        self._headers = headers

    def get_all(self, name: str, default: Any = None) -> Any:
        return self._headers.getlist(name) or default


class _Chunks:
    """Generates the size lines of a chunked body for urllib3's own decoder of chunks.

    With these lines, ``stream`` returns the data that has arrived; otherwise it would wait for the requested size.
    """

    def __init__(self, raw: RawResponse) -> None:
        self._raw = raw
        self._ended = False

    def readline(self, limit: int = -1) -> bytes:  # noqa: ARG002 - urllib3 passes it
        """Return the size line of the next piece; after the last piece, the empty line of an empty trailer section."""
        if self._ended:
            return b""
        size = self._raw.announce()
        self._ended = size == 0
        return b"%x\r\n" % size


class RawResponse(BodyFile):
    """The body of one response, which is received from its connection when it is read.

    notes: the problems of the header block that were tolerated.
    fp: set if the body is chunked, as urllib3 expects.
    """

    def __init__(self, connection: Connection, method: str) -> None:
        super().__init__(method)
        self._connection: Connection | None = connection
        self._parser = ResponseParser(method)
        self._pieces: deque[bytes] = deque()
        self._have = self._announced = 0
        self._short = self._ended = False
        self._fault: http.client.HTTPException | None = None  # an error of the body, raised by the next read
        while not self._receive_head():
            pass
        self.notes = tuple(self._parser.notes)
        self.headers = HTTPHeaderDict()
        for name, value in self._parser.headers:
            self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        self.msg = _Message(self.headers)
        if self._parser.framing == "chunked":
            self.fp: _Chunks | None = _Chunks(self)
        self._settle()

    def as_response(self, options: Any, shutdown: Callable[[int], None] | None = None) -> HTTPResponse:
        """Return this response as urllib3's ``HTTPResponse``. options: urllib3's options of the request."""
        return HTTPResponse(
            body=self,  # type: ignore[arg-type]
            headers=self.headers,
            status=self._parser.status,
            version=self._parser.version,
            version_string=f"HTTP/{self._parser.version // 10}.{self._parser.version % 10}",
            reason=self._parser.reason,
            preload_content=options.preload_content,
            decode_content=options.decode_content,
            original_response=self,  # type: ignore[arg-type]
            enforce_content_length=options.enforce_content_length,
            request_method=options.request_method,
            request_url=options.request_url,
            sock_shutdown=shutdown,
        )

    def _receive(self) -> None:
        """Receive once, and close the connection on an error. Raises http.client's exceptions and OSError."""
        connection, parser = self._connection, self._parser
        if self._fault is not None:
            raise self._fault
        if connection is None or connection.sock is None:
            raise http.client.IncompleteRead(b"")
        try:
            sock = connection.sock
            data = self._end_of_chunks(sock) if parser.all_data_arrived else sock.recv(RECEIVE_SIZE)
            if data is None:
                parser.conclude(NO_LAST_LINE_END)
            elif data:
                parser.feed(data)
            else:
                parser.eof()
        except FetchError as fault:
            connection.close()
            if fault.kind is ErrorKind.RESET:
                raise http.client.RemoteDisconnected("Remote end closed connection without response") from fault
            if fault.kind is ErrorKind.TRUNCATED and parser.head_done:
                if parser.framing != "length":
                    raise http.client.IncompleteRead(b"") from fault
                self._short = True  # urllib3 counts the bytes itself, and may be configured to accept a short body
                self._connection = None
                return
            raise http.client.HTTPException(fault.detail) from fault
        for piece in parser.take():
            self._pieces.append(piece)
            self._have += len(piece)
        self._settle()

    def _end_of_chunks(self, sock: Any) -> bytes | None:
        """Wait briefly for the end of a chunked body whose data has arrived; return None if it does not arrive."""
        timeout = sock.gettimeout()
        sock.settimeout(MISSING_END if timeout is None else min(timeout, MISSING_END))
        try:
            return bytes(sock.recv(RECEIVE_SIZE))
        except TimeoutError:
            return None
        finally:
            sock.settimeout(timeout)

    def _receive_head(self) -> bool:
        """Receive once, and return whether the head is complete. An error of the body is raised when it is read."""
        try:
            self._receive()
        except http.client.HTTPException as fault:
            if not self._parser.head_done:
                raise
            self._fault = fault
        return self._parser.head_done

    @property
    def _more(self) -> bool:
        """Whether more of the body must be received."""
        return not self._parser.done and not self._short

    def _settle(self) -> None:
        """Release the connection once the message is complete, and close it if it cannot be reused."""
        if not self._parser.done or self._connection is None:
            return
        parser, connection = self._parser, self._connection
        may_serve = parser.keep_alive and not parser.leftover
        if not (may_serve and connection.takes_another(parser.values.get(b"keep-alive"), monotonic())):
            connection.close()
        self._connection = None

    def read(self, amt: int | None = None) -> bytes:
        """Return up to ``amt`` bytes of the body, or all of it for None. Raises the errors of http.client."""
        while self._more and (amt is None or self._have < amt):
            self._receive()
        if amt is None and self._short:
            data = self._cut(self._have)
            raise http.client.IncompleteRead(data, (self._parser.length or 0) - len(data))
        return self._cut(self._have if amt is None else amt)

    def read1(self, amt: int | None = None) -> bytes:
        """Return at most ``amt`` bytes that have arrived, and wait only if there are none."""
        self._wait()
        return self._cut(self._have if amt is None or amt < 0 else amt)

    def announce(self) -> int:
        """Wait for the next piece, and return its size, 0 at the end. ``read_chunk`` returns the piece."""
        self._wait()
        self._announced = len(self._pieces[0]) if self._pieces else 0
        return self._announced

    def read_chunk(self, amt: int) -> bytes:
        """Return the announced piece, and then the line end after it."""
        if not self._announced:
            return b"\r\n"
        data = self._cut(amt)
        self._announced -= len(data)
        return data

    def _wait(self) -> None:
        while self._more and not self._have:
            self._receive()

    def _cut(self, amt: int) -> bytes:
        """Remove and return the first ``amt`` bytes that have arrived."""
        got: list[bytes] = []
        while amt > 0 and self._pieces:
            piece = self._pieces.popleft()
            if len(piece) > amt:
                self._pieces.appendleft(piece[amt:])
                piece = piece[:amt]
            got.append(piece)
            amt -= len(piece)
            self._have -= len(piece)
        self._ended = not (self._more or self._have)
        return got[0] if len(got) == 1 else b"".join(got)

    def isclosed(self) -> bool:
        """Return whether the body was read to its end, or closed.

        Before the first read this is False, even for an empty body: the read returns the connection to its pool.
        """
        return self._ended

    @property
    def closed(self) -> bool:
        """The result of ``isclosed``."""
        return self.isclosed()

    def close(self) -> None:
        """Drop the rest of the body, and close the connection if some of it was not received."""
        self._pieces.clear()
        self._have = 0
        self._ended = True
        self.fp = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def flush(self) -> None:
        """Do nothing: there is nothing to flush."""
