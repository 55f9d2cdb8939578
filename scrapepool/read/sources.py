"""Where a list's bytes come from, the first time and again.

Decides which lists can be read again where they lie, and which must be spooled. Opens nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from ..charset import as_utf8
from ..errors import ListError, UsageError
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
    enough,
    format_of_bytes,
    format_of_root,
    format_of_type,
    format_of_url,
    rows_of,
)
from .formats.rows import MAX_LINE, RowFormat, TextRows
from .streams.decompress import decompressed
from .streams.line_ends import LineEnds, line_ends
from .streams.pieces import PIECE, PolledPieces, file_pieces
from .streams.spool import RollingSpool, Spool

MOST_INDEXED = 1_000_000
"""URLs of a pattern that are treated as a list's lines are."""

UNITS = {"parquet": "row", "html": "link", "prose": "link"}
"""What the numbers of a document's rows count, if not its entries."""

AHEAD_BYTES = 64 * MIB
"""Bytes of a list that may be endless, between the first row that was not looked up and the last that was read."""

WINDOW = 4096
"""Bytes that are read to find a row. Tickets of one host often lie close together: the window is kept."""

Note = Callable[[str], None]


def _ignore(_: str) -> None:
    pass


class Source:
    """One list: read through once by ``blocks``, then row by row with ``read_at``.

    name: as the user gave it. label: that as records show it, None for what is no list. numbered: whether its lines
    have numbers worth telling. unit: what they number where it is not lines. paced: whether no more is read than is
    soon used. deduped: whether its rows are looked for and kept in the memory of what was seen. rows: its format, None
    until the first block was read. format: the name of that, None for what is no list. size: bytes, None until the end.
    window: bytes that are best read at once to find a row.
    """

    name: str
    label: str | None = None
    numbered = True
    unit: str | None = None
    paced = False
    deduped = True
    window = WINDOW
    rows: RowFormat | None = None
    size: int | None = None
    format: str | None = None

    def blocks(self) -> Iterator[bytes]:
        """All bytes in order, decompressed, as they come. Raises ListError."""
        raise NotImplementedError

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes of what ``blocks`` gave; fewer only at the end. Raises OSError."""
        raise NotImplementedError

    def published(self, end: int, rows: int) -> None:
        """Take note that ``rows`` more rows before the offset ``end`` are to be looked up. Raises ListError."""

    def has_room(self) -> bool:
        """Whether more of a paced list may be read."""
        return True

    def let_go(self, offset: int) -> bool:  # noqa: ARG002 - of those that keep rows
        """Take note that the row at this offset of a paced list was looked up; whether that made room."""
        return False

    def interrupt(self) -> None:
        """End a wait in ``blocks`` from another thread, where that is possible."""

    def close(self) -> None:
        """Let go of files."""


class FileSource(Source):
    """An uncompressed regular file: kept open, never copied. ends: what ends its lines."""

    def __init__(self, name: str, fd: int, rows: RowFormat, ends: LineEnds, origin: int = 0) -> None:
        self.name, self.label = name, without_password(name)
        self.rows = rows
        self._fd = fd
        self._ends = ends
        self._origin = origin

    def blocks(self) -> Iterator[bytes]:
        """Read to the end that the file has when it is reached."""
        try:
            yield from self._ends.pieces(file_pieces(self._fd, self._origin))
        except OSError as error:
            raise ListError(self.name, error.strerror or str(error)) from error

    def read_at(self, offset: int, size: int) -> bytes:
        """Read again, not beyond what was read the first time."""
        if self.size is not None:
            size = max(0, min(size, self.size - offset))
        return self._ends.as_feeds(pread(self._fd, size, self._origin + offset))

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class SpooledSource(Source):
    """What can be read only once, or only from its start, or is no rows: its rows are kept in a spool.

    kind: the format, ``auto`` to go by the first bytes. file: a descriptor that can be read at any place, where there
    is one. rows: given where they are known, and ``pieces`` are taken as they are. opened: a descriptor to be closed.
    paced: whether it may be endless, so that no more is kept than what is still to be looked up.
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
        paced: bool = False,
    ) -> None:
        self.name, self.label = name, without_password(name)
        self.rows = rows
        self.paced = paced
        self._pieces = pieces
        self._settings = settings
        self._kind = kind
        self._document = Document(name, settings.base_url, file=file)
        self._opened = opened
        self._open_document = open_document
        self._on_note = on_note
        self._may_be_empty = True
        self._rolling = RollingSpool(name) if paced else None
        self._spool = Spool(name) if self._rolling is None else self._rolling

    def blocks(self) -> Iterator[bytes]:
        """Read as it comes; the first block is as long as it takes to judge the list."""
        try:
            for piece in self._pieces if self.rows is not None else self._judged():
                self._spool.append(piece)
                yield piece
        except OSError as error:
            raise ListError(self.name, error.strerror or str(error)) from error

    def _judged(self) -> Iterator[bytes]:
        """Find out the format, and give rows of bytes."""
        pieces = decompressed(self.name, self._pieces, self._on_note)
        head = b""
        while not enough(self._kind, head) and (piece := next(pieces, b"")):
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
        lines = line_ends(kind, head).pieces(whole)
        head = next(lines, b"")
        self.rows = rows_of(self.name, kind, head, self._settings, self._on_note)
        yield head
        size = len(head)
        for piece in lines:
            if size < HEAD:
                check_text(self.name, piece)
                size += len(piece)
            yield piece

    def _format_of(self, head: bytes) -> str:
        """Tell the format of a list that begins so."""
        return format_of_bytes(head, self._settings.url_field) if self._kind == AUTO else self._kind

    def read_at(self, offset: int, size: int) -> bytes:
        """Read from the spool."""
        return self._spool.read_at(offset, size)

    def published(self, end: int, rows: int) -> None:
        """Have the spool know what it must keep."""
        if self._rolling is not None:
            self._rolling.published(end, rows)

    def has_room(self) -> bool:
        """Whether fewer than ``AHEAD_BYTES`` are kept."""
        return self._rolling is None or len(self._rolling) < AHEAD_BYTES

    def let_go(self, offset: int) -> bool:
        """Have the spool drop what was looked up."""
        return self._rolling is not None and self._rolling.let_go(offset)

    def interrupt(self) -> None:
        """Wake a thread that waits for a pipe."""
        if isinstance(self._pieces, PolledPieces):
            self._pieces.interrupt()

    def close(self) -> None:
        """Drop the spool; close the input if it was opened here."""
        self._spool.close()
        if isinstance(self._pieces, PolledPieces):
            self._pieces.close()
        if self._opened is not None:
            os.close(self._opened)


class FetchedSource(SpooledSource):
    """A list by its URL: fetched when its turn comes, by ``open_document``.

    Its format, where none is given, is told by the URL's path, the Content-Type and the first bytes, in this order; but
    a sitemap or a feed is one whatever markup its Content-Type says, as many servers send them as HTML.
    """

    def __init__(self, url: str, settings: InputSettings, open_document: OpenDocument, on_note: Note) -> None:
        super().__init__(url, (), settings, kind=settings.format, open_document=open_document, on_note=on_note)
        self._may_be_empty = False  # a server's fault leaves a document empty
        self._markup: str | None = None  # what the Content-Type says, where the first element may know better

    def _judged(self) -> Iterator[bytes]:
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
        yield from super()._judged()

    def _format_of(self, head: bytes) -> str:
        if self._markup is None:
            return super()._format_of(head)
        found = format_of_root(head)
        return found if found in XML else self._markup


class GlobSource(Source):
    """The URLs of a pattern: written out wherever they are read, and kept nowhere.

    As bytes they are lines of one length, so that a line's offset follows from its number. Beyond MOST_INDEXED no more
    is read than is soon used, and repeats are not looked for: a list of so many would be held by 8 bytes a ticket and
    20 a URL. Raises UsageError for a pattern that is none.
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
        self.paced = self._glob.size > MOST_INDEXED
        self.deduped = not self.paced

    def blocks(self) -> Iterator[bytes]:
        """All URLs, some at once."""
        at_once = max(1, PIECE // self._width)
        for first in range(0, self._glob.size, at_once):
            yield self._lines(first, first + at_once)

    def read_at(self, offset: int, size: int) -> bytes:
        """Write out again what ``blocks`` gave."""
        first, skipped = divmod(offset, self._width)
        return self._lines(first, -(-(offset + size) // self._width))[skipped : skipped + size]

    def _lines(self, first: int, end: int) -> bytes:
        url, width = self._glob.url, self._glob.width
        numbers = range(first, min(end, self._glob.size))
        return b"".join([url(number).encode(errors="replace").ljust(width) + b"\n" for number in numbers])
