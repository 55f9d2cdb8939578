"""Where a list's bytes come from, in the first pass and when a row is looked up again.

Decides which lists can be read again in place, and which must be kept in a spool. Opens no files. This file is
long because it has all kinds of sources, which have the same methods.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from ..charset import as_utf8
from ..errors import ListError, UsageError, system_reason
from ..fallbacks import pread
from ..settings import MIB, InputSettings
from ..text import brief, without_password
from .characters import control_in
from .documents.document import Document
from .documents.document_rows import EMPTY, OpenDocument, document_rows, no_documents
from .formats.archives import check_no_archive
from .formats.detect import (
    AUTO,
    DOCUMENTS,
    HEAD,
    MARKUP,
    XML,
    check_text,
    format_of_bytes,
    format_of_root,
    format_of_type,
    format_of_url,
    is_enough,
    row_format,
)
from .formats.rows import MAX_LINE, RowFormat, TextRows
from .streams.decompress import decompressed
from .streams.line_endings import LineEndings, line_endings
from .streams.pieces import PIECE, PolledPieces, file_pieces
from .streams.spool import RollingSpool, Spool

MAX_INDEXED = 1_000_000
"""A pattern of up to so many URLs is treated as a list of lines; a longer one is read lazily."""

UNITS = {"parquet": "row", "html": "link", "prose": "link"}
"""What the rows of a document are called in messages, if not entries."""

AHEAD_BYTES = 64 * MIB
"""Bytes of a lazy list between the first row that was not looked up and the last that was read."""

WINDOW = 8192
"""Bytes of a block of a list. A block is read to find one of its rows, and kept for others."""

Note = Callable[[str], None]


def _ignore(_: str) -> None:
    pass


class ListSource:
    """One list: ``blocks`` reads it once from beginning to end, then ``read_at`` reads single rows.

    name: as the user gave it. label: the name as records show it, None for URLs that are not in a list. numbered:
    whether messages and records name its line numbers. unit: what is numbered, None for lines. lazy: whether it is read
    only as far ahead as its rows are used. deduped: whether its duplicates are found. rows: its row format, None until
    the first block was read. format: the format's name, None for URLs that are not in a list. size: bytes, None until
    the end is reached. window: bytes of a block, which is read to find a row. rereadable: whether bytes before a row
    that is still to be looked up can be read, too.
    """

    name: str
    label: str | None = None
    numbered = True
    unit: str | None = None
    lazy = False
    deduped = True
    window = WINDOW
    rereadable = True
    rows: RowFormat | None = None
    size: int | None = None
    format: str | None = None

    def blocks(self) -> Iterator[bytes]:
        """All bytes in order, decompressed, as they come. Raises ListError."""
        raise NotImplementedError

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes of what ``blocks`` yielded; fewer only at the end. Raises OSError."""
        raise NotImplementedError

    def number(self, line: int) -> int | None:
        """Return the number that messages and records name for a line, counted from 1; None if they name none."""
        return line if self.numbered else None

    def on_rows_found(self, end: int, rows: int) -> None:
        """Note that ``rows`` more rows before the offset ``end`` will be looked up. Raises ListError."""

    def has_room(self) -> bool:
        """Whether more of a lazy list may be read."""
        return True

    def release_row(self, offset: int) -> bool:  # noqa: ARG002 - subclasses that keep rows need it
        """Note that the row at this offset of a lazy list was looked up. Return whether that freed space."""
        return False

    def interrupt(self) -> None:
        """Make a ``blocks`` that waits for input in another thread return, if it can be interrupted."""

    def close(self) -> None:
        """Close all files."""


class FileSource(ListSource):
    """An uncompressed regular file. It stays open and is not copied. ends: its line endings."""

    def __init__(self, name: str, fd: int, rows: RowFormat, ends: LineEndings, origin: int = 0) -> None:
        self.name, self.label = name, without_password(name)
        self.rows = rows
        self._fd = fd
        self._ends = ends
        self._origin = origin

    def blocks(self) -> Iterator[bytes]:
        """As ``ListSource``. A file that grows is read to the end that it has then."""
        try:
            yield from self._ends.pieces(file_pieces(self._fd, self._origin))
        except OSError as error:
            raise ListError(self.name, system_reason(error)) from error

    def read_at(self, offset: int, size: int) -> bytes:
        """As ``ListSource``; nothing beyond what the first pass read."""
        if self.size is not None:
            size = max(0, min(size, self.size - offset))
        return self._ends.with_newlines(pread(self._fd, size, self._origin + offset))

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class SpooledSource(ListSource):
    """A list that can be read only once or only from its start, or a document. Its rows are kept in a spool.

    kind: the format, ``auto`` to detect it from the first bytes. file: a descriptor that can be read at any offset, if
    there is one. rows: the row format if it is known; ``pieces`` are then used unchanged. opened: a descriptor that
    ``close`` closes. lazy: whether the list may be endless, so that only rows that are still to be looked up are kept.
    """

    def __init__(
        self,
        name: str,
        pieces: Iterable[bytes],
        settings: InputSettings,
        *,
        kind: str = AUTO,
        rows: RowFormat | None = None,
        file: int | None = None,
        opened: int | None = None,
        open_document: OpenDocument = no_documents,
        on_note: Note = _ignore,
        lazy: bool = False,
    ) -> None:
        self.name, self.label = name, without_password(name)
        self.rows = rows
        self.lazy = lazy
        self._pieces = pieces
        self._settings = settings
        self._kind = kind
        self._document = Document(name, settings.base_url, file=file)
        self._opened = opened
        self._open_document = open_document
        self._on_note = on_note
        self._may_be_empty = True
        self._rolling = RollingSpool(name) if lazy else None
        self.rereadable = not lazy  # a rolling spool drops rows that were looked up
        self._spool = Spool(name) if self._rolling is None else self._rolling

    def blocks(self) -> Iterator[bytes]:
        """As ``ListSource``. The first block is as long as it takes to detect the format."""
        try:
            for piece in self._pieces if self.rows is not None else self._detected():
                self._spool.append(piece)
                yield piece
        except OSError as error:
            raise ListError(self.name, system_reason(error)) from error

    def _detected(self) -> Iterator[bytes]:
        """Detect the format, and yield rows as bytes."""
        pieces = decompressed(self.name, self._pieces, self._on_note)
        head = b""
        while not is_enough(self._kind, head) and (piece := next(pieces, b"")):
            head += piece
        check_no_archive(self.name, head)
        if not head.strip() and not self._may_be_empty:
            raise ListError(self.name, EMPTY)
        self.format = kind = self._format_of(head)
        whole: Iterator[bytes] = chain([head], pieces)
        if kind in DOCUMENTS:
            from .documents.link_rows import LinkRows  # noqa: PLC0415 - most lists are lines

            self.rows, self.unit = LinkRows(), UNITS.get(kind, "entry")
            yield from document_rows(kind, self._document, whole, self._settings, self._open_document)
            return
        if self._document.content_type is not None:
            whole = as_utf8(whole, self._document.content_type)
            head = next(whole, b"")
            self.format = kind = self._format_of(head)
            whole = chain([head], whole)
        lines = line_endings(kind, head).pieces(whole)
        head = next(lines, b"")
        self.rows = row_format(self.name, kind, head, self._settings, self._on_note)
        yield head
        size = len(head)
        for piece in lines:
            if size < HEAD:
                check_text(self.name, piece)
                size += len(piece)
            yield piece

    def _format_of(self, head: bytes) -> str:
        """Return the format of a list that begins with ``head``."""
        return format_of_bytes(head, self._settings.url_field) if self._kind == AUTO else self._kind

    def read_at(self, offset: int, size: int) -> bytes:
        """As ``ListSource``, from the spool."""
        return self._spool.read_at(offset, size)

    def on_rows_found(self, end: int, rows: int) -> None:
        """As ``ListSource``."""
        if self._rolling is not None:
            self._rolling.on_rows_found(end, rows)

    def has_room(self) -> bool:
        """Whether fewer than ``AHEAD_BYTES`` bytes are kept."""
        return self._rolling is None or len(self._rolling) < AHEAD_BYTES

    def release_row(self, offset: int) -> bool:
        """As ``ListSource``; the spool drops rows that were looked up."""
        return self._rolling is not None and self._rolling.release_row(offset)

    def interrupt(self) -> None:
        """As ``ListSource``, for pipes."""
        if isinstance(self._pieces, PolledPieces):
            self._pieces.interrupt()

    def close(self) -> None:
        """Drop the spool, and close the descriptor ``opened``."""
        self._spool.close()
        if isinstance(self._pieces, PolledPieces):
            self._pieces.close()
        if self._opened is not None:
            os.close(self._opened)


class FetchedSource(SpooledSource):
    """A list that is given by URL. ``open_document`` downloads it when the lists before it were read.

    Without ``--input-format``, the format follows from the URL's path, else from the Content-Type, else from the first
    bytes. A sitemap or feed that is served as HTML, as many are, is still read as a sitemap or feed.
    """

    def __init__(self, url: str, settings: InputSettings, open_document: OpenDocument, on_note: Note) -> None:
        super().__init__(url, (), settings, kind=settings.format, open_document=open_document, on_note=on_note)
        self._may_be_empty = False  # an empty document is more likely an error of the server
        self._markup: str | None = None  # the format by the Content-Type; the first element may overrule it

    def _detected(self) -> Iterator[bytes]:
        document, self._pieces = self._open_document(self.name)
        self._document = replace(document, base=self._document.base or document.base)
        if self._kind == AUTO:
            self._kind = format_of_url(document.base or self.name)
        if self._kind == AUTO:
            kind = format_of_type(document.content_type)
            if kind in MARKUP:
                self._markup = kind
            else:
                self._kind = kind
        yield from super()._detected()

    def _format_of(self, head: bytes) -> str:
        if self._markup is None:
            return super()._format_of(head)
        found = format_of_root(head)
        return found if found in XML else self._markup


class GlobSource(ListSource):
    """The URLs of a pattern. They are generated whenever they are read, and not kept.

    As bytes they are lines of equal length, so a line's offset follows from its number. A pattern of more than
    MAX_INDEXED URLs is read lazily and not searched for duplicates, since that would take 28 bytes per URL.
    Raises UsageError for an invalid pattern.
    """

    numbered = False

    def __init__(self, pattern: str) -> None:
        self.name = pattern
        self.rows = TextRows(plain=True)
        from .formats.glob import Glob  # noqa: PLC0415 - most runs have no patterns

        if (control := control_in(pattern)) is not None:
            raise UsageError(f"--glob: {brief(pattern)}: {control} in the URL")
        self._glob = Glob(pattern)
        self._width = self._glob.width + 1
        self.window = 2 * self._width
        if self._width > MAX_LINE:
            raise ListError(pattern, f"stands for URLs longer than {MAX_LINE // 1024} KiB")
        self.lazy = self._glob.size > MAX_INDEXED
        self.deduped = not self.lazy

    def blocks(self) -> Iterator[bytes]:
        """As ``ListSource``."""
        at_once = max(1, PIECE // self._width)
        for first in range(0, self._glob.size, at_once):
            yield self._lines(first, first + at_once)

    def read_at(self, offset: int, size: int) -> bytes:
        """As ``ListSource``."""
        first, skipped = divmod(offset, self._width)
        return self._lines(first, -(-(offset + size) // self._width))[skipped : skipped + size]

    def _lines(self, first: int, end: int) -> bytes:
        url, width = self._glob.url, self._glob.width
        numbers = range(first, min(end, self._glob.size))
        return b"".join([url(number).encode(errors="replace").ljust(width) + b"\n" for number in numbers])
