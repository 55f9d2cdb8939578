"""The links of a document as rows of bytes, so that each of them can be found again by its offset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..formats.rows import MAX_RECORD, Entry, RowError, cut_lines
from .document import Link

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class LinkRows:
    """A JSON array per line: a ``Link`` without its trailing None values."""

    start = 0
    first_line = 1
    max_row = MAX_RECORD

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """As ``RowFormat``: rows end at line feeds."""
        return cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """As ``RowFormat``."""
        return block.find(b"\n", at)

    def parse(self, row: bytes) -> Entry | None:
        """Return the link. Raises RowError for one that cannot be fetched."""
        try:
            link = Link(*json.loads(row))
        except (ValueError, TypeError):
            raise RowError("the temporary file was damaged") from None
        if link.reason is not None:
            raise RowError(link.reason, link.url, link.input)
        return Entry(link.url, link.input)


def link_row(link: Link) -> bytes:
    """Write a link as a row for ``LinkRows``, with its line feed."""
    value: tuple[Any, ...] = link if link.reason is not None else link[:2] if link.input else link[:1]
    row = _dumps(value).encode()
    if len(row) > MAX_RECORD:
        row = _dumps((link.url[:1000], None, f"longer than {MAX_RECORD // 1024} KiB")).encode()
    return row + b"\n"
