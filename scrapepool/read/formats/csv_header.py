"""Finds the header row of CSV and TSV, and the delimiter.

Blank lines, rows of empty cells, comments (lines that start with ``#``) and ``sep=;``, which spreadsheets write, may
precede the header row. The last comment may itself be the header row, as in dumps of databases: then it names the URL's
column, and the first row has as many cells but does not name that column.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from ...lazy_pattern import lazy_pattern
from ...named_tuple import NamedTuple
from .rows import MAX_RECORD, RowError, escaped, replaced, start_of

URL_COLUMNS = ("url", "link", "href")
DELIMITERS = ",;\t"

csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))  # csv rejects cells above 128 KiB by default

_SEPARATOR = lazy_pattern(rb'(?:\xef\xbb\xbf)?("?)sep=([!-~\t ])\1[ \t]*\r?\n', re.IGNORECASE)
_BLANK = lazy_pattern(rb'(?:\xef\xbb\xbf)?[ \t,;|"\r]*\n')
_COMMENT = lazy_pattern(rb"(?:\xef\xbb\xbf)?[ \t]*#([^\n]*)\n")
_LINKS = lazy_pattern(r"\s*\"?(?:https?://|[^\s/?#@]+\.[^\s/?#@]+)", re.IGNORECASE)


@lru_cache(maxsize=16)
def row_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Return a pattern for a row with its line feed. A quote opens a quoted cell only at the start of the cell."""
    d = re.escape(delimiter.encode())
    cell = rb'(?>(?:"[^"]*+(?>(?:""[^"]*+)*)"[^%b\n]*+|[^"%b\n][^%b\n]*+)?)' % (d, d, d)
    return re.compile(rb"%b(?>(?:%b%b)*)\n" % (cell, d, cell))


def cells_of(text: str, delimiter: str) -> list[str]:
    """Split a row into its cells. Raises RowError."""
    if '"' not in text and "\r" not in text and "\n" not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        reason = "a carriage return outside of quotes" if "\r" in text else error
        raise RowError(f"not CSV: {reason}") from None


class CsvHeader(NamedTuple):
    """A header row.

    start: offset of the first row behind it. lines: number of line feeds before that. columns: the names.
    separated: whether ``sep=`` names the delimiter. commented: whether the header row is a comment.
    """

    start: int
    lines: int
    columns: list[str]
    delimiter: str
    separated: bool = False
    commented: bool = False


def csv_header(head: bytes, *, tabs: bool, names: Callable[[Sequence[str]], bool]) -> CsvHeader | None:
    """Find the header row in the beginning of a list; None if the row is not complete.

    tabs: the delimiter is a tab. names: decides whether columns are those of a header. Raises RowError.
    """
    before = _before(head)
    at = before.end
    separator = "\t" if tabs else before.separator
    delimiter = separator or _delimiter(head[at:].partition(b"\n")[0])
    row = row_pattern(delimiter).match(head, at)
    if row is None:
        return None
    columns = _cells(row[0], delimiter)
    if before.comment and not names(columns):
        between = separator or _delimiter(before.comment)
        commented = [name.strip() for name in _cells(before.comment, between)]
        commented[0] = commented[0] or "#"  # a column of row numbers, which is no comment
        if names(commented) and len(commented) == len(_cells(row[0], between)):
            return CsvHeader(at, head.count(b"\n", 0, at), commented, between, commented=True)
    end = row.end()
    separated = before.separator is not None
    return CsvHeader(end, head.count(b"\n", 0, end), columns, delimiter, separated=separated)


def holds_header(head: bytes, *, tabs: bool) -> bool:
    """Whether the beginning of a list contains its complete header row."""
    try:
        return csv_header(head, tabs=tabs, names=lambda _: True) is not None
    except RowError:
        return True


def holds_first_row(head: bytes) -> bool:
    """Whether the beginning of a list contains a complete line that is neither blank nor a comment."""
    return head.find(b"\n", _before(head).end) >= 0


def url_place(columns: Sequence[str], wanted: str | None) -> int | None:
    """Return the index of the column with the URL, None if there is none.

    wanted: its name. None: the first of ``URL_COLUMNS`` that is there, in upper or lower case.
    """
    if wanted is not None:
        return columns.index(wanted) if wanted in columns else None
    folded = [column.strip().casefold() for column in columns]
    return next((folded.index(usual) for usual in URL_COLUMNS if usual in folded), None)


def begins_as_csv(head: bytes, wanted: str | None) -> bool:
    """Whether a list begins with a header row: with ``sep=``, or with a row that names the URL's column and others.

    wanted: as in ``url_place``. A row of a single name may be a host, and a row with a slash may be a URL.
    """
    try:
        header = csv_header(
            head if head.endswith(b"\n") else head + b"\n",
            tabs=False,
            names=lambda columns: url_place(columns, wanted) is not None,
        )
    except RowError:
        return False
    if header is None or header.separated:
        return header is not None
    columns = [column.strip(' \r"') for column in header.columns]
    url = url_place(columns, wanted)
    if len(columns) == 1 or url is None:
        return False
    if not header.commented:
        return "/" not in "".join(columns)
    first = head[header.start :].partition(b"\n")[0].decode(errors="replace")
    try:
        return _LINKS.match(cells_of(first, header.delimiter)[url]) is not None
    except (RowError, IndexError):
        return False


class _Before(NamedTuple):
    """The lines before a header row. end: where they end. separator: of ``sep=``. comment: the last comment."""

    end: int
    separator: str | None
    comment: bytes


def _before(head: bytes) -> _Before:
    at = start_of(head)
    separator: str | None = None
    comment = b""
    if (found := _SEPARATOR.match(head, at)) is not None:
        at, separator = found.end(), found[2].decode()
    while (found := _COMMENT.match(head, at) or _BLANK.match(head, at)) is not None:
        at, comment = found.end(), (found[1].strip() if found.lastindex else comment)
    return _Before(at, separator, comment)


def _cells(row: bytes, delimiter: str) -> list[str]:
    return [replaced(cell) for cell in cells_of(escaped(row)[0].lstrip("\ufeff").rstrip("\r\n"), delimiter)]


def _delimiter(line: bytes) -> str:
    return max(DELIMITERS, key=lambda delimiter: line.count(delimiter.encode()))
