"""CSV and TSV: rows of named columns (RFC 4180).

Decides where a row ends, which column holds the URL, and what the others are called.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from ..errors import ListError
from .rows import MAX_RECORD, Entry, RowError, cut_lines, decode, named, start_of
from .template import URLTemplate

URL_COLUMNS = ("url", "link", "href")
DELIMITERS = ",;\t"


def _csv_row(delimiter: str) -> re.Pattern[bytes]:
    """Match a row that ends in a line feed: a quote opens a quoted field only at a field's start."""
    d = delimiter.encode()
    field = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^%b\n]*+|[^"%b\n][^%b\n]*+)?+' % (d, d, d)
    return re.compile(rb"%b(?:%b%b)*+\n" % (field, d, field))


_CSV_ROWS = {delimiter: _csv_row(delimiter) for delimiter in DELIMITERS}


class DelimitedRows:
    """Rows below a header row. tabs: between tabs; else the delimiter is the header's.

    Raises ListError for a header in which the URL's column is not named, or one that the template needs.
    """

    max_row = MAX_RECORD

    def __init__(
        self, name: str, head: bytes, *, tabs: bool, url_field: str | None, template: URLTemplate | None
    ) -> None:
        start = start_of(head)
        self._delimiter = "\t" if tabs else _delimiter(head)
        self._row = _CSV_ROWS[self._delimiter]
        header_found = self._row.match(head, start)
        header = header_found[0] if header_found else head[start:]
        try:
            text = decode(header).rstrip("\r\n")
            self._columns = self._fields(text)
        except RowError as error:
            raise ListError(name, f"no CSV header: {error}") from None
        if not any(self._columns):
            raise ListError(name, "no CSV header row")
        self.start = start + len(header)
        self.first_line = 1 + header.count(b"\n")
        self._template = template
        self._url = -1 if template else url_column(name, self._columns, url_field)
        if template is not None:
            check_columns(name, self._columns, template)

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut at line feeds outside of quotes."""
        if b'"' not in block:
            return cut_lines(block)
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
        """Give the URL and, by name, the other columns; all of them where the URL is made of a template."""
        text = decode(row).lstrip("\ufeff").rstrip("\r\n")
        if not text or text.isspace():
            return None
        fields = self._fields(text)
        others = dict(zip(self._columns, fields, strict=False))
        if self._template is not None:
            return Entry(self._template.expand(others), others)
        if len(fields) <= self._url:
            raise RowError("no URL in this row")
        others.pop(self._columns[self._url], None)
        return Entry(fields[self._url].strip(), others)

    def _fields(self, text: str) -> list[str]:
        if '"' not in text and "\r" not in text and "\n" not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter), [])
        except csv.Error as error:
            reason = "a carriage return outside of quotes" if "\r" in text else error
            raise RowError(f"not CSV: {reason}") from None


def has_header(head: bytes, *, tabs: bool) -> bool:
    """Whether a list's beginning holds its whole header row."""
    return b"\n" in head and _CSV_ROWS["\t" if tabs else _delimiter(head)].match(head, start_of(head)) is not None


def names_url(head: bytes, wanted: str | None) -> bool:
    """Whether a list begins with a header row, that is, the column of the URL is named in it beside others.

    wanted: its name, None for the usual ones. A single name may as well be a host's.
    """
    line = head.partition(b"\n")[0].decode(errors="replace")
    if "/" in line or line.startswith("#"):
        return False  # a URL, a comment
    columns = [column.strip(' \r"') for column in re.split(f"[{DELIMITERS}]", line)]
    if len(columns) == 1:
        return False
    return wanted in columns if wanted is not None else any(column.casefold() in URL_COLUMNS for column in columns)


def _delimiter(head: bytes) -> str:
    first_line = head.partition(b"\n")[0]
    return max(DELIMITERS, key=lambda delimiter: first_line.count(delimiter.encode()))


def url_column(name: str, columns: Sequence[str], wanted: str | None) -> int:
    """Find the column that holds the URL. Raises ListError."""
    if wanted is not None:
        if wanted in columns:
            return columns.index(wanted)
        raise ListError(name, f"no column {wanted!r}; there is {named(columns)}")
    folded = [column.strip().casefold() for column in columns]
    for usual in URL_COLUMNS:
        if usual in folded:
            return folded.index(usual)
    raise ListError(name, f"no column called url; there is {named(columns)} (choose with --url-field)")


def check_columns(name: str, columns: Sequence[str], template: URLTemplate) -> None:
    """Raise ListError for a list that lacks a column of the template."""
    for column in template.columns:
        if column not in columns:
            raise ListError(name, f"no column {column!r} for the template; there is {named(columns)}")
