"""CSV and TSV: rows of named columns (RFC 4180).

Decides where a row ends, and which column contains the URL.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ListError
from .csv_header import cells_of, csv_header, row_pattern, url_place
from .rows import MAX_RECORD, Entry, RowError, check_utf8, cut_lines, escaped, named, replaced
from .url_template import URLTemplate


class CsvRows:
    """Rows below a header row. tabs: the delimiter is a tab; otherwise the header row decides.

    Raises ListError if the header row lacks the URL's column, or a column that the template needs.
    """

    max_row = MAX_RECORD

    def __init__(
        self, name: str, head: bytes, *, tabs: bool, url_field: str | None, template: URLTemplate | None
    ) -> None:
        def is_header(columns: Sequence[str]) -> bool:
            if template is None:
                return url_place(columns, url_field) is not None
            return set(template.columns) <= set(columns)

        try:
            header = csv_header(head, tabs=tabs, names=is_header) or csv_header(
                head + b"\n", tabs=tabs, names=is_header
            )
        except RowError as error:
            raise ListError(name, f"no CSV header: {error}") from None
        if header is None:
            raise ListError(name, "no CSV header row")
        self.start = min(header.start, len(head))
        self.first_line = 1 + header.lines
        self.columns = self._columns = header.columns
        self._delimiter = header.delimiter
        self._row = row_pattern(header.delimiter)
        self._template = template
        self._url = -1 if template else url_column(name, self._columns, url_field)
        if template is not None:
            check_columns(name, self._columns, template)

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """As ``RowFormat``: rows end at line feeds outside quotes."""
        if b'"' not in block:
            return cut_lines(block)
        rows: list[bytes] = []
        at = 0
        while (found := self._row.match(block, at)) is not None:
            at = found.end()
            rows.append(found[0][:-1])
        return rows, at

    def end(self, block: bytes, at: int) -> int:
        """As ``RowFormat``: the first line feed outside quotes."""
        found = self._row.match(block, at)
        return found.end() - 1 if found is not None else -1

    def parse(self, row: bytes) -> Entry | None:
        """Return the URL and, by name, the other columns; all columns if a template makes the URL.

        A row that repeats the header is passed over: ``cat a.csv b.csv`` produces it. A row whose URL is not UTF-8 is
        rejected; invalid bytes in other columns are replaced.
        """
        text, whole = escaped(row)
        text = text.rstrip("\r\n")
        if text.startswith("\ufeff"):
            text = text.lstrip("\ufeff")
        if not text or text.isspace():
            return None
        fields = cells_of(text, self._delimiter)
        if fields == self._columns:
            return None
        others = dict(zip(self._columns, fields, strict=False))
        if self._template is not None:
            return Entry(self._expanded(self._template, others, whole=whole), others if whole else replaced(others))
        if len(fields) <= self._url:
            raise RowError("no URL in this row", input=replaced(others))
        name = self._columns[self._url]
        del others[name]
        url = fields[self._url].strip()
        if url == name:
            raise RowError("another header row, with other columns", input=replaced(others))
        if whole:
            return Entry(url, others)
        _check(url, others)
        return Entry(url, replaced(others))

    @staticmethod
    def _expanded(template: URLTemplate, columns: dict[str, str], *, whole: bool) -> str:
        if not whole:
            _check("".join(columns.get(column, "") for column in template.columns), columns)
        try:
            return template.expand(columns)
        except RowError as error:
            raise RowError(str(error), input=replaced(columns)) from None


def _check(text: str, columns: dict[str, str]) -> None:
    """Raise RowError for a text that is not UTF-8."""
    try:
        check_utf8(text)
    except RowError as error:
        raise RowError(str(error), input=replaced(columns)) from None


def url_column(name: str, columns: Sequence[str], wanted: str | None) -> int:
    """Return the index of the column with the URL. Raises ListError."""
    place = url_place(columns, wanted)
    if place is not None:
        return place
    if wanted is not None:
        raise ListError(name, f"no column {wanted!r}; there is {named(columns)}")
    if any("://" in column for column in columns):
        raise ListError(name, "the first row has a URL and names no column", "input.format text reads a URL per line")
    raise ListError(name, f"no column called url; there is {named(columns)}", "choose with input.url_field")


def check_columns(name: str, columns: Sequence[str], template: URLTemplate) -> None:
    """Raise ListError if a column of the template is missing."""
    for column in template.columns:
        if column not in columns:
            raise ListError(name, f"no column {column!r} for the template; there is {named(columns)}")
