"""The targets that a program passes to ``fetch``: URLs, and requests with their own method, headers, body or context.

In the list of rows, a URL is a line of text, and a request is a line with its number. Knows no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..errors import UsageError
from ..model import BodyWriter, RowRequest
from .formats.rows import Entry, RowError, TextRows
from .streams.pieces import line_of

MARK = b"\xff"
"""Precedes the number of a request. This byte does not occur in UTF-8."""


@dataclass(frozen=True, slots=True)
class Request:
    """A target of ``fetch`` with a request of its own; what is None is as the settings have it.

    url: its URL.
    method: HTTP method. None: that of the settings, or POST with ``data``.
    headers: fields that replace those of the settings with their names.
    data: body: bytes and text (UTF-8) as they are, a dict or a list as JSON with its Content-Type.
    timeout: seconds that an attempt may take, redirects included.
    save_as: name of the body's file below ``files.save_dir``.
    body_to: returns an object with ``write(bytes)`` and ``close()``, such as a binary file; the decoded body is written
        to it as it arrives. Called for each attempt with a status below 300, so that a retry begins anew; after a
        failure the object is closed too. It is used on threads of the run, which wait for it.
    context: any object; the outcome has it as ``outcome.context``. It is neither sent nor looked at.

    Raises UsageError for what cannot be sent.
    """

    url: str
    method: str | None = None
    headers: Mapping[str, str] | None = None
    data: bytes | str | dict[str, Any] | list[Any] | None = None
    timeout: float | None = None
    save_as: str | None = None
    context: Any = None
    body_to: Callable[[], BodyWriter] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.url, str):
            raise UsageError(f"Request: a URL is a str, not {type(self.url).__name__}")
        self._entry()

    def _entry(self) -> Entry:
        """Return the row that an item stands for. Raises UsageError."""
        from .formats.row_request import REQUEST, take_request  # noqa: PLC0415 - URLs alone need none

        binary = isinstance(self.data, bytes | bytearray)
        said = {
            "method": self.method,
            "headers": None if self.headers is None else dict(self.headers),
            "data": "" if binary else self.data,
            "timeout": self.timeout,
            "save_as": self.save_as,
        }
        try:
            own = take_request({REQUEST: said}, columns=False) or RowRequest()
        except RowError as error:
            raise UsageError(f"Request: {error}") from None
        own = own._replace(context=self.context, body_to=self.body_to, **({"data": bytes(self.data)} if binary else {}))  # type: ignore[arg-type]
        return Entry(line_of(self.url)[:-1].decode(), None, own)


class ItemRows(TextRows):
    """The row format of a program's items. requests: by their rows, those that are still to be parsed."""

    def __init__(self) -> None:
        super().__init__(plain=True)
        self.requests: dict[bytes, Entry] = {}
        self._numbers = count()

    def line(self, item: str | Request) -> bytes:
        """Return the row of an item, with its line feed. Raises TypeError."""
        if not isinstance(item, Request):
            return line_of(item)
        row = MARK + str(next(self._numbers)).encode()
        self.requests[row] = item._entry()
        return row + b"\n"

    def keep(self, row: bytes, entry: Entry) -> None:
        """Store a request again, to be parsed once more."""
        self.requests[row] = entry

    def parse(self, row: bytes) -> Entry | None:
        """As ``TextRows``; a request is removed from ``requests``."""
        return self.requests.pop(row) if row.startswith(MARK) else super().parse(row)
