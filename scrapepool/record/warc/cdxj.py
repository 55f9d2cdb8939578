"""The index of an archive's file as CDXJ, a line per response, sorted as pywb looks it up.

Decides what a line says: byte for byte what ``cdx-indexer --sort --cdxj`` of pywb makes of the same file. Lines wait in
a temporary database, so that memory does not grow with them.
"""

from __future__ import annotations

import json
import re

from ...errors import ListError, OutputError
from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple
from ...temporary_tables import TemporaryTables
from ..safe_io.atomic_replace import replaced
from ..safe_io.durability import fsync
from .reader import StoredRecord
from .surt import surt

LINES_AT_ONCE = 1000
"""Lines that are inserted together."""

_STATUS = lazy_pattern(rb"HTTP/[\d.]+ +(\d{3})")
_CONTENT_TYPE = lazy_pattern(rb"\r?\nContent-Type[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_MIME_END = lazy_pattern("[; ]")
_NO_DIGIT = lazy_pattern(r"\D+")


class Capture(NamedTuple):
    """What a line of the index says of a record.

    url, date, digest: as the record's header has them. head: the HTTP header block. revisit: whether its body is in
    another record.
    """

    url: str
    date: str
    digest: str
    head: bytes
    revisit: bool


def capture_of(record: StoredRecord) -> Capture | None:
    """Return what the index says of a record that was read; None for one that is not in it."""
    if not record.head:
        return None
    return Capture(
        record.url, record.fields.get("warc-date", ""), record.digest or "", record.head, record.kind == "revisit"
    )


def line_of(capture: Capture, offset: int, size: int, name: str) -> bytes:
    """Return the line of a record that lies in a file of that name."""
    values = {"url": capture.url, **_http(capture), "digest": capture.digest.removeprefix("sha1:")}
    values |= {"length": str(size), "offset": str(offset), "filename": name}
    text = json.dumps({field: value for field, value in values.items() if value})
    return f"{surt(capture.url)} {timestamp(capture.date)} {text}\n".encode()


def timestamp(date: str) -> str:
    """Return a WARC-Date as 14 digits."""
    return _NO_DIGIT.sub("", date)[:14].ljust(14, "0")


def _http(capture: Capture) -> dict[str, str]:
    if capture.revisit:
        return {"mime": "warc/revisit"}
    content_type = _CONTENT_TYPE.search(capture.head)
    mime = "unk"
    if content_type is not None and (value := content_type[1].strip()):
        mime = _MIME_END.split(_text(value), maxsplit=1)[0]
    status = _STATUS.match(capture.head)
    return {"mime": mime, "status": "" if status is None else status[1].decode()}


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class Index:
    """The index of one file after another. Every method raises OutputError."""

    def __init__(self) -> None:
        self._lines: list[tuple[bytes, int]] = []
        self._tables = TemporaryTables(
            "the temporary file of the index", "CREATE TABLE lines (line BLOB, offset INTEGER)"
        )

    def add(self, capture: Capture, offset: int, size: int, name: str) -> None:
        """Take a record that lies, or is going to lie, in the file of that name."""
        self._lines.append((line_of(capture, offset, size, name), offset))
        if len(self._lines) >= LINES_AT_ONCE:
            self._insert()

    def write(self, path: str, end: int, mode: int) -> None:
        """Make the index of a file whose records end at ``end``, and begin the next one's. mode: of the index."""
        self._insert()
        try:
            with replaced(path, mode, follow=False) as file:
                for (line,) in self._tables.rows(f"SELECT line FROM lines WHERE offset < {end} ORDER BY line"):  # noqa: S608 - a number
                    file.write(line)
                file.flush()
                fsync(file.fileno())
            self._tables.execute("DELETE FROM lines")
        except ListError as error:
            raise OutputError(path, str(error)) from None

    def close(self) -> None:
        """Give the temporary file up."""
        self._tables.close()

    def _insert(self) -> None:
        lines, self._lines = self._lines, []
        try:
            self._tables.insert("INSERT INTO lines VALUES (?, ?)", lines)
        except ListError as error:
            raise OutputError(error.source, error.reason) from None
