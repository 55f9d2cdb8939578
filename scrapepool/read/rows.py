"""Where a row ends and what it says: text, CSV and JSONL.

Decides how the bytes of a list are cut into rows and how a row is taken apart. Knows no files, offsets of other
rows or hosts: the same functions serve the pass over the whole list and the look-up of one row.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ..errors import ListError
from ..settings import InputSettings

HEAD = 64 * 1024
"""Bytes of a list that are looked at to tell that it is binary."""

MAX_LINE = 64 * 1024
MAX_RECORD = 1024 * 1024
"""Bytes of the longest row that is taken: of a text list, of CSV and JSONL. Servers stop at 8 to 64 kB of URL."""

URL_COLUMNS = ("url", "link", "href")
BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ",;\t"


def _csv_row(delimiter: str) -> re.Pattern[bytes]:
    """Match a row that ends in a line feed: a quote opens a quoted field only at a field's start."""
    d = delimiter.encode()
    field = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^%b\n]*+|[^"%b\n][^%b\n]*+)?+' % (d, d, d)
    return re.compile(rb"%b(?:%b%b)*+\n" % (field, d, field))


_CSV_ROWS = {delimiter: _csv_row(delimiter) for delimiter in DELIMITERS}


class RowError(Exception):
    """A row that says nothing that could be fetched; its text is the reason."""


class Entry(NamedTuple):
    """What a row says.

    url: as written. input: the other columns, None in a text list.
    """

    url: str
    input: dict[str, Any] | None = None


class RowFormat(Protocol):
    """One format, prepared for one list."""

    start: int
    """Offset of the first row."""
    first_line: int
    """1-based number of the line that the first row begins on."""
    max_row: int

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut a block into its whole rows, without their final line feed, and where the unfinished rest begins."""

    def end(self, block: bytes, at: int) -> int:
        """Where the line feed is that ends the row at ``at``; -1 where the block holds none."""

    def parse(self, row: bytes) -> Entry | None:
        """Tell what the row says, None for one that is to be passed over. Raises RowError."""


def _cut_lines(block: bytes) -> tuple[list[bytes], int]:
    end = block.rfind(b"\n") + 1
    return (block[: end - 1].split(b"\n") if end else []), end


def _decode(row: bytes) -> str:
    try:
        return row.decode()
    except UnicodeDecodeError:
        raise RowError("not UTF-8") from None


class TextRows:
    """One URL a line; blank lines and lines that start with ``#`` are passed over unless ``plain``."""

    first_line = 1
    max_row = MAX_LINE

    def __init__(self, start: int = 0, *, plain: bool = False) -> None:
        self.start = start
        self._plain = plain

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut at line feeds."""
        return _cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """Find the line feed."""
        return block.find(b"\n", at)

    def parse(self, row: bytes) -> Entry | None:
        """Give the line without the white space around it."""
        text = _decode(row).strip()
        if not self._plain and (not text or text.startswith("#")):
            return None
        return Entry(text)


class JsonlRows:
    """One JSON object or string a line."""

    first_line = 1
    max_row = MAX_RECORD

    def __init__(self, name: str, head: bytes, start: int, url_field: str | None) -> None:
        self.start = start
        self._field = url_field or "url"
        first, _, _ = head[start:].lstrip().partition(b"\n")
        try:
            value = json.loads(first)
        except (ValueError, RecursionError):
            return  # rows are judged one by one
        if isinstance(value, dict) and self._field not in value:
            raise ListError(name, f"no field {self._field!r}; there is {_named(value)}")

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut at line feeds."""
        return _cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """Find the line feed."""
        return block.find(b"\n", at)

    def parse(self, row: bytes) -> Entry | None:
        """Give the URL field and, apart from it, the rest of the object."""
        text = _decode(row).strip()
        if not text:
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise RowError("not JSON") from None
        if isinstance(value, str):
            return Entry(value.strip())
        if not isinstance(value, dict):
            raise RowError("neither a JSON object nor a string")
        url = value.pop(self._field, None)
        if not isinstance(url, str):
            raise RowError(f"field {self._field!r} holds no text" if url is not None else f"no field {self._field!r}")
        return Entry(url.strip(), value)


class CsvRows:
    """RFC 4180 with a header row; the delimiter is the header's."""

    max_row = MAX_RECORD

    def __init__(self, name: str, head: bytes, start: int, url_field: str | None) -> None:
        self._delimiter = _delimiter(head)
        self._row = _CSV_ROWS[self._delimiter]
        header_found = self._row.match(head, start)
        header = header_found[0] if header_found else head[start:]
        try:
            text = _decode(header).rstrip("\r\n")
            self._columns = self._fields(text)
        except RowError as error:
            raise ListError(name, f"no CSV header: {error}") from None
        if not any(self._columns):
            raise ListError(name, "no CSV header row")
        self.start = start + len(header)
        self.first_line = 1 + header.count(b"\n")
        self._url = _column(name, self._columns, url_field)

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut at line feeds outside of quotes."""
        if b'"' not in block:
            return _cut_lines(block)
        rows: list[bytes] = []
        at = 0
        while (found := self._row.match(block, at)) is not None:
            at = found.end()
            rows.append(found[0][:-1])
        return rows, at

    def end(self, block: bytes, at: int) -> int:
        """Find the first line feed outside of quotes."""
        found = self._row.match(block, at)
        return found.end() - 1 if found is not None else -1

    def parse(self, row: bytes) -> Entry | None:
        """Give the URL's column and, by name, the others."""
        text = _decode(row).rstrip("\r\n")
        if not text or text.isspace():
            return None
        fields = self._fields(text)
        if len(fields) <= self._url:
            raise RowError("no URL in this row")
        others = dict(zip(self._columns, fields, strict=False))
        others.pop(self._columns[self._url], None)
        return Entry(fields[self._url].strip(), others)

    def _fields(self, text: str) -> list[str]:
        if '"' not in text and "\r" not in text and "\n" not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter), [])
        except csv.Error as error:
            raise RowError(f"not CSV: {error}") from None


def _delimiter(head: bytes) -> str:
    first_line = head.partition(b"\n")[0]
    return max(DELIMITERS, key=lambda delimiter: first_line.count(delimiter.encode()))


def _column(name: str, columns: Sequence[str], wanted: str | None) -> int:
    if wanted is not None:
        if wanted in columns:
            return columns.index(wanted)
        raise ListError(name, f"no column {wanted!r}; there is {_named(columns)}")
    folded = [column.strip().casefold() for column in columns]
    for usual in URL_COLUMNS:
        if usual in folded:
            return folded.index(usual)
    raise ListError(name, f"no column called url; there is {_named(columns)} (choose with --url-field)")


def _named(names: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "nothing"


def enough(kind: str, head: bytes) -> bool:
    """Whether so much of a list's beginning lets ``rows_of`` judge it."""
    if kind == "csv":
        return len(head) >= MAX_RECORD or (
            b"\n" in head and _CSV_ROWS[_delimiter(head)].match(head, _start(head)) is not None
        )
    return len(head) >= HEAD or b"\n" in head


def rows_of(name: str, kind: str, head: bytes, settings: InputSettings) -> RowFormat:
    """Prepare a format by the beginning of a list. Raises ListError for a list that cannot be read."""
    if head.startswith(UTF16):
        raise ListError(name, "is UTF-16; lists are read as UTF-8")
    check_text(name, head[:HEAD])
    start = _start(head)
    match kind:
        case "csv":
            return CsvRows(name, head, start, settings.url_field)
        case "jsonl":
            return JsonlRows(name, head, start, settings.url_field)
        case _:
            return TextRows(start)


def _start(head: bytes) -> int:
    return len(BOM) if head.startswith(BOM) else 0


def check_text(name: str, head: bytes) -> None:
    """Raise ListError for bytes that are no text."""
    if b"\0" in head:
        raise ListError(name, "is a binary file")
