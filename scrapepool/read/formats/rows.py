"""What all row formats have in common, and the format of text lists.

Knows nothing about files, hosts or the offsets of other rows: the same functions serve the first pass over a list and
the look-up of a single row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ...lazy_pattern import lazy_pattern
from ...model import RowRequest
from ...named_tuple import NamedTuple

MAX_LINE = 64 * 1024
MAX_RECORD = 1024 * 1024
"""Bytes of the longest row that is accepted, in a text list and in other formats. Servers accept URLs of 8 to 64 kB."""

NOT_UTF8 = "not UTF-8"

_COMMENT = lazy_pattern(r"\s+#")
_NOTHING = lazy_pattern(rb"(?>(?:[ \t\r\v\f]*+(?>(?:#[^\n]*+)?)\n)*)")
"""Empty lines and comments."""

_ESCAPED = lazy_pattern("[\udc80-\udcff]")

BOM = b"\xef\xbb\xbf"


class RowError(Exception):
    """The row has no URL that could be fetched; the message is the reason.

    shown: the text that its record shows, None for the beginning of the row. input: the row's columns, if it has any.
    """

    def __init__(self, reason: str, shown: str | None = None, input: dict[str, Any] | None = None) -> None:  # noqa: A002 - the field's name
        super().__init__(reason)
        self.shown = shown
        self.input = input


class Entry(NamedTuple):
    """The content of a row.

    url: as written. input: the other columns, None in a text list. request: the row's request overrides.
    """

    url: str
    input: dict[str, Any] | None = None
    request: RowRequest | None = None


class RowFormat(Protocol):
    """A row format, prepared for one list."""

    start: int
    """Offset of the first row."""
    first_line: int
    """1-based number of the line at which the first row begins."""
    max_row: int

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Split a block into its complete rows, without their final line feed. Also return where the rest begins."""

    def end(self, block: bytes, at: int) -> int:
        """Return the offset of the line feed that ends the row at ``at``, -1 if there is none in the block."""

    def parse(self, row: bytes) -> Entry | None:
        """Parse a row; None for a row to pass over, such as a comment. Raises RowError."""


def cut_lines(block: bytes) -> tuple[list[bytes], int]:
    """Implement ``RowFormat.cut`` for rows that end at line feeds."""
    end = block.rfind(b"\n") + 1
    return (block[: end - 1].split(b"\n") if end else []), end


def decode(row: bytes) -> str:
    """Decode a row as UTF-8. Raises RowError."""
    try:
        return row.decode()
    except UnicodeDecodeError:
        raise RowError(NOT_UTF8) from None


def text_of(row: bytes) -> str:
    """Decode a row as UTF-8; strip white space around it and byte order marks before it. Raises RowError.

    A byte order mark may precede any line: ``cat a.txt b.txt`` produces that.
    """
    text = decode(row).strip()
    return text.lstrip("\ufeff").lstrip() if text.startswith("\ufeff") else text


def escaped(row: bytes) -> tuple[str, bool]:
    """Decode a row as UTF-8. Also return whether it is valid; invalid bytes become lone surrogates (PEP 383)."""
    try:
        return row.decode(), True
    except UnicodeDecodeError:
        return row.decode(errors="surrogateescape"), False


def check_utf8(value: Any) -> None:
    """Raise RowError for a JSON value with invalid bytes, which ``escaped`` has decoded."""
    if replaced(value) != value:
        raise RowError(NOT_UTF8)


def replaced(value: Any) -> Any:
    """Replace the invalid bytes in a JSON value, which ``escaped`` has decoded, by U+FFFD."""
    match value:
        case str():
            return _ESCAPED.sub("\ufffd", value)
        case dict():
            return {replaced(key): replaced(item) for key, item in value.items()}
        case list():
            return [replaced(item) for item in value]
        case _:
            return value


def named(names: Iterable[str]) -> str:
    """List the names that exist, for a message about one that does not."""
    return ", ".join(map(repr, names)) or "nothing"


def start_of(head: bytes) -> int:
    """Return the offset of the first byte behind the byte order mark."""
    return len(BOM) if head.startswith(BOM) else 0


class TextRows:
    """One URL per line. Blank lines are passed over. ``#`` at a line's start or behind white space begins a comment.

    plain: there are neither blank lines nor comments.
    """

    first_line = 1
    max_row = MAX_LINE

    def __init__(self, start: int = 0, *, plain: bool = False) -> None:
        self.start = start
        self._plain = plain

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """As ``RowFormat``: rows end at line feeds."""
        return cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """As ``RowFormat``."""
        return block.find(b"\n", at)

    def hold_nothing(self, block: bytes) -> bool:
        """Whether ``parse`` would pass over all of these lines. For other blocks this is usually quick."""
        return not self._plain and (block.isspace() or _NOTHING.fullmatch(block) is not None)

    def keep(self, row: bytes, entry: Entry) -> None:
        """Take note that this row is parsed once more, where its request is not in the list."""

    def parse(self, row: bytes) -> Entry | None:
        """Return the line without its comment and without the white space around it."""
        if self._plain:
            return Entry(text_of(row))
        if row.lstrip().startswith(b"#"):
            return None  # a comment may be in any encoding
        text = text_of(row)
        if not text or text.startswith("#"):
            return None
        return Entry(_COMMENT.split(text, 1)[0] if "#" in text else text)
