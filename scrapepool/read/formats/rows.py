"""What a row is, whatever its format; and the rows of text lists.

Decides what every format has in common. Knows no files, offsets of other rows or hosts: the same functions serve the
pass over the whole list and the look-up of one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from ...model import RowRequest

MAX_LINE = 64 * 1024
MAX_RECORD = 1024 * 1024
"""Bytes of the longest row that is taken: of a text list, of all others. Servers stop at 8 to 64 kB of URL."""

NOT_UTF8 = "not UTF-8"

_COMMENT = re.compile(r"\s+#")
_NOTHING = re.compile(rb"(?>(?:[ \t\r\v\f]*+(?>(?:#[^\n]*+)?)\n)*)")
"""Lines without anything, and those that are a comment."""

_ESCAPED = re.compile("[\udc80-\udcff]")

BOM = b"\xef\xbb\xbf"


class RowError(Exception):
    """A row that says nothing that could be fetched; its text is the reason.

    shown: what of it goes into its record, None for its beginning. input: its columns, as far as there are any.
    """

    def __init__(self, reason: str, shown: str | None = None, input: dict[str, Any] | None = None) -> None:  # noqa: A002 - the field's name
        super().__init__(reason)
        self.shown = shown
        self.input = input


class Entry(NamedTuple):
    """What a row says.

    url: as written. input: the other columns, None in a text list. request: what it asks for otherwise than the run.
    """

    url: str
    input: dict[str, Any] | None = None
    request: RowRequest | None = None


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


def cut_lines(block: bytes) -> tuple[list[bytes], int]:
    """Cut a block whose rows end at line feeds, as ``RowFormat.cut`` does."""
    end = block.rfind(b"\n") + 1
    return (block[: end - 1].split(b"\n") if end else []), end


def decode(row: bytes) -> str:
    """Read a row as UTF-8. Raises RowError."""
    try:
        return row.decode()
    except UnicodeDecodeError:
        raise RowError(NOT_UTF8) from None


def text_of(row: bytes) -> str:
    """Read a row as UTF-8, without white space around it and without byte order marks before it. Raises RowError.

    A mark may stand before any line: ``cat a.txt b.txt`` puts it there.
    """
    text = decode(row).strip()
    return text.lstrip("\ufeff").lstrip() if text.startswith("\ufeff") else text


def escaped(row: bytes) -> tuple[str, bool]:
    """Read a row as UTF-8, and tell whether all of it is: other bytes become lone surrogates (PEP 383)."""
    try:
        return row.decode(), True
    except UnicodeDecodeError:
        return row.decode(errors="surrogateescape"), False


def check_utf8(value: Any) -> None:
    """Raise RowError for a value of JSON with bytes that are no UTF-8, as ``escaped`` has them."""
    if replaced(value) != value:
        raise RowError(NOT_UTF8)


def replaced(value: Any) -> Any:
    """Put U+FFFD in the place of the bytes that ``escaped`` has found, in a value of JSON."""
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
    """Name what there is, for a message about what there is not."""
    return ", ".join(map(repr, names)) or "nothing"


def start_of(head: bytes) -> int:
    """Tell where a list's text begins: after its byte order mark."""
    return len(BOM) if head.startswith(BOM) else 0


class TextRows:
    """One URL per line; unless ``plain``, blank lines are passed over, and so is ``#`` with what follows it, at the
    start of a line or after white space.
    """

    first_line = 1
    max_row = MAX_LINE

    def __init__(self, start: int = 0, *, plain: bool = False) -> None:
        self.start = start
        self._plain = plain

    def cut(self, block: bytes) -> tuple[Sequence[bytes], int]:
        """Cut at line feeds."""
        return cut_lines(block)

    def end(self, block: bytes, at: int) -> int:
        """Find the line feed."""
        return block.find(b"\n", at)

    def hold_nothing(self, block: bytes) -> bool:
        """Whether all of these lines are such that ``parse`` passes them over; most that are not are told at once."""
        return not self._plain and (block.isspace() or _NOTHING.fullmatch(block) is not None)

    def keep(self, row: bytes, entry: Entry) -> None:
        """Take note that this row is parsed once more, where its request is not in the list."""

    def parse(self, row: bytes) -> Entry | None:
        """Give the line without the white space around it, and without a comment behind it."""
        if self._plain:
            return Entry(text_of(row))
        if row.lstrip().startswith(b"#"):
            return None  # in whatever encoding
        text = text_of(row)
        if not text or text.startswith("#"):
            return None
        return Entry(_COMMENT.split(text, 1)[0] if "#" in text else text)
