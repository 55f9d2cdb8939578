"""JSON Lines: an object or a string per line.

Decides which field of an object is the URL; the other fields are passed on to the record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ListError
from ...model import RowRequest
from ..entries import place
from .row_request import ASKING, KEYS, NAMES, REQUEST, is_record, take_request
from .rows import MAX_RECORD, NOT_UTF8, Entry, RowError, check_utf8, cut_lines, escaped, named, replaced, start_of
from .url_template import URLTemplate

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class JsonlRows:
    """The row format of JSON Lines. Raises ListError if the first object lacks the URL's field.

    requests: whether columns called ``method``, ``data`` and so on define the row's own request. None: only an object
    under the key ``request`` does, and ``on_note`` says once if there are such columns. False: that does not either.
    """

    first_line = 1
    max_row = MAX_RECORD

    def __init__(
        self,
        name: str,
        head: bytes,
        *,
        url_field: str | None,
        template: URLTemplate | None,
        requests: bool | None,
        on_note: Callable[[str], None],
    ) -> None:
        self._name = name
        self._on_note = on_note if requests is None else None
        self.start = start_of(head)
        self._field = url_field or "url"
        self._template = template
        self._requests = requests
        first, _, _ = head[self.start :].lstrip().partition(b"\n")
        try:
            value = json.loads(first)
        except (ValueError, RecursionError):
            return  # the first row is rejected in its turn
        if template is None and isinstance(value, dict) and self._field not in value:
            raise ListError(name, f"no field {self._field!r}; there is {named(value)}")

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """As ``RowFormat``: rows end at line feeds."""
        return cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """As ``RowFormat``."""
        return block.find(b"\n", at)

    def parse(self, row: bytes) -> Entry | None:
        """Return the URL and the other fields of the object; all fields if a template makes the URL."""
        text, whole = escaped(row)
        text = text.strip()
        text = text.lstrip("\ufeff").lstrip() if text.startswith("\ufeff") else text
        if not text:
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise RowError("not JSON" if whole else NOT_UTF8) from None
        if isinstance(value, str) and self._template is None:
            if not whole:
                check_utf8(value)
            return Entry(value.strip())
        if not isinstance(value, dict):
            raise RowError("no JSON object" if self._template else "neither a JSON object nor a string")
        if whole and self._template is None and ASKING.isdisjoint(value) and isinstance(value.get(self._field), str):
            return Entry(value.pop(self._field).strip(), value)  # a fast path for most rows; the same as below
        try:
            entry = self._entry(value, whole=whole)
        except RowError as error:
            raise RowError(str(error), error.shown, value if whole else replaced(value)) from None
        return entry if whole else entry._replace(input=replaced(entry.input))

    def _entry(self, row: dict[str, Any], *, whole: bool) -> Entry:
        """Make the entry of an object. whole: whether its row is valid UTF-8; if not, URL and request have to be."""
        takes_request = self._requests is not False and not ASKING.isdisjoint(row) and not is_record(row)
        if self._template is not None:
            request = self._request(row, whole=whole) if takes_request else None
            if not whole:
                check_utf8([row.get(column) for column in self._template.columns])
            return Entry(self._template.expand(row), row, request)
        if self._field not in row:
            raise RowError(f"no field {self._field!r}")
        url = row.pop(self._field)
        if not isinstance(url, str):
            raise RowError(f"field {self._field!r} is null" if url is None else f"field {self._field!r} holds no text")
        try:
            if not whole:
                check_utf8(url)
            request = self._request(row, whole=whole) if takes_request else None
        except RowError as error:
            raise RowError(str(error), replaced(url)) from None
        return Entry(url.strip(), row, request)

    def _request(self, row: dict[str, Any], *, whole: bool) -> RowRequest | None:
        if not whole:
            check_utf8([row.get(key) for key in (REQUEST, *(KEYS if self._requests else ()))])
        request = take_request(row, columns=bool(self._requests))
        if self._on_note is not None and not NAMES.isdisjoint(row):
            on_note, self._on_note = self._on_note, None
            names = named(key for key in KEYS if key in row)
            on_note(
                f"{place(self._name, None)}: rows have {names}, which do not change their requests; --row-requests "
                "applies them, as those in an object under the key 'request' are"
            )
        return request
