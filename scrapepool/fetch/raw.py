"""A reply as urllib3 and requests want it: a file of body bytes with a list of headers.

Decides nothing; it lets ``requests`` use what ``reply.ReplyParser`` understood, and translates
faults into the exceptions that urllib3's response expects from ``http.client``.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

from urllib3._collections import HTTPHeaderDict
from urllib3.response import HTTPResponse

from ..model import ErrorKind
from .faults import FetchError
from .reply import ReplyParser

if TYPE_CHECKING:
    from .connection import Connection

RECEIVE_SIZE = 64 * 1024


class _Message:
    """The header fields as ``http.cookiejar`` asks for them."""

    def __init__(self, headers: HTTPHeaderDict) -> None:
        self._headers = headers

    def get_all(self, name: str, default: Any = None) -> Any:
        return self._headers.getlist(name) or default


class RawReply:
    """The body of one reply, read from its connection as it is asked for."""

    def __init__(self, connection: Connection, method: str) -> None:
        self._connection: Connection | None = connection
        self._parser = ReplyParser(method)
        self._pieces: list[bytes] = []
        while not self._parser.head_done:
            self._receive()
        self.headers = HTTPHeaderDict()
        for name, value in self._parser.headers:
            self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        self.msg = _Message(self.headers)
        self._settle()

    def as_response(self, options: Any) -> HTTPResponse:
        """This reply in urllib3's clothes; ``options`` are urllib3's for the request."""
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
        )

    def _receive(self) -> None:
        """Take what the connection has; closes it on a fault. Raises http.client's exceptions and OSError."""
        connection, parser = self._connection, self._parser
        if connection is None or connection.sock is None:
            raise http.client.IncompleteRead(b"")
        try:
            data = connection.sock.recv(RECEIVE_SIZE)
            if data:
                parser.feed(data)
            else:
                parser.eof()
        except FetchError as fault:
            connection.close()
            if fault.kind is ErrorKind.RESET:
                raise http.client.RemoteDisconnected("Remote end closed connection without response") from fault
            if fault.kind is ErrorKind.TRUNCATED and parser.head_done:
                raise http.client.IncompleteRead(b"", parser.length) from fault
            raise http.client.HTTPException(fault.detail) from fault
        self._pieces += parser.take()

    def _settle(self) -> None:
        """Let the connection go once the message is whole: open for the next, or closed."""
        if not self._parser.done or self._connection is None:
            return
        if self._parser.leftover or not self._parser.keep_alive:
            self._connection.close()
        else:
            self._connection.served += 1
        self._connection = None

    def read(self, amt: int | None = None) -> bytes:
        """Up to ``amt`` bytes of the body, all of it for None; nothing at its end."""
        have = sum(map(len, self._pieces))
        while not self._parser.done and (amt is None or have < amt):
            self._receive()
            have = sum(map(len, self._pieces))
            self._settle()
        body = b"".join(self._pieces)
        if amt is None:
            amt = len(body)
        self._pieces = [body[amt:]] if len(body) > amt else []
        return body[:amt]

    def read1(self, amt: int | None = None) -> bytes:
        """What is there, at most ``amt`` bytes; waits for some where there is none."""
        while not self._parser.done and not self._pieces:
            self._receive()
            self._settle()
        body = b"".join(self._pieces)
        cut = len(body) if amt is None or amt < 0 else amt
        self._pieces = [body[cut:]] if len(body) > cut else []
        return body[:cut]

    def isclosed(self) -> bool:
        """Whether the body has been read to its end, or given up."""
        return self._connection is None and not self._pieces

    @property
    def closed(self) -> bool:
        """As ``isclosed``."""
        return self.isclosed()

    def close(self) -> None:
        """Give up the rest of the body; a connection with an unread rest is closed."""
        self._pieces = []
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def flush(self) -> None:
        """There is nothing to flush."""
