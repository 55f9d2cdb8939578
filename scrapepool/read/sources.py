"""Where a list's bytes come from, the first time and again.

Decides what an argument of the command line names, and which lists must be spooled to be read twice. Problems
that can be found without reading a list through are found here, before anything is fetched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from ..errors import ListError
from ..settings import InputSettings
from .rows import HEAD, RowFormat, TextRows, check_text, enough, rows_of
from .spool import Spool
from .streams import (
    MAGIC,
    PolledPieces,
    decompressed,
    descriptor,
    file_pieces,
    is_compressed,
    item_pieces,
    object_pieces,
)

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
COMPRESSED = (".gz", ".zst")
STDIN = "standard input"


Note = Callable[[str], None]


def _ignore(_: str) -> None:
    pass


class Source:
    """One list: read through once by ``blocks``, then row by row with ``read_at``.

    name: as the user gave it. numbered: whether its lines have numbers worth telling. paced: whether no more
    is read than is soon used. rows: its format, None until the first block was read. size: bytes, None until the end.
    """

    name: str
    numbered = True
    paced = False
    rows: RowFormat | None = None
    size: int | None = None

    def blocks(self) -> Iterator[bytes]:
        """All bytes in order, decompressed, as they come. Raises ListError."""
        raise NotImplementedError

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes of what ``blocks`` gave; fewer only at the end. Raises OSError."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """End a wait in ``blocks`` from another thread, where that is possible."""

    def close(self) -> None:
        """Let go of files."""


class FileSource(Source):
    """An uncompressed regular file: kept open, never copied."""

    def __init__(self, name: str, fd: int, rows: RowFormat, origin: int = 0) -> None:
        self.name = name
        self.rows = rows
        self._fd = fd
        self._origin = origin

    def blocks(self) -> Iterator[bytes]:
        """Read to the end that the file has when it is reached."""
        try:
            yield from file_pieces(self._fd, self._origin)
        except OSError as error:
            raise ListError(self.name, error.strerror or str(error)) from error

    def read_at(self, offset: int, size: int) -> bytes:
        """Read again, not beyond what was read the first time."""
        if self.size is not None:
            size = max(0, min(size, self.size - offset))
        return os.pread(self._fd, size, self._origin + offset)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class SpooledSource(Source):
    """What can be read only once, or only from its start: kept in a spool while it is read."""

    def __init__(
        self,
        name: str,
        pieces: Iterable[bytes],
        settings: InputSettings,
        *,
        kind: str = "text",
        rows: RowFormat | None = None,
        fd: int | None = None,
        on_note: Note = _ignore,
    ) -> None:
        self.name = name
        self.rows = rows
        self._pieces = pieces
        self._settings = settings
        self._kind = kind
        self._fd = fd
        self._on_note = on_note
        self._spool = Spool(name)

    def blocks(self) -> Iterator[bytes]:
        """Read as it comes; the first block is as long as it takes to judge the list."""
        judged = self.rows is not None
        pieces = iter(self._pieces) if judged else decompressed(self.name, self._pieces, self._on_note)
        try:
            if not judged:
                head = b""
                while not enough(self._kind, head) and (piece := next(pieces, b"")):
                    head += piece
                self.rows = rows_of(self.name, self._kind, head, self._settings)
                self._spool.append(head)
                yield head
            for piece in pieces:
                if not judged and len(self._spool) < HEAD:
                    check_text(self.name, piece)
                self._spool.append(piece)
                yield piece
        except OSError as error:
            raise ListError(self.name, error.strerror or str(error)) from error

    def read_at(self, offset: int, size: int) -> bytes:
        """Read from the spool."""
        return self._spool.read_at(offset, size)

    def interrupt(self) -> None:
        """Wake a thread that waits for a pipe."""
        if isinstance(self._pieces, PolledPieces):
            self._pieces.interrupt()

    def close(self) -> None:
        """Drop the spool; close the input if it was opened here."""
        self._spool.close()
        if isinstance(self._pieces, PolledPieces):
            self._pieces.close()
        if self._fd is not None:
            os.close(self._fd)


def open_sources(
    arguments: Sequence[str], settings: InputSettings, stdin: BinaryIO | None, on_note: Note = _ignore
) -> list[Source]:
    """Open every list, in order; URLs that stand side by side become one. Raises ListError, with nothing left open."""
    opened: list[Source] = []
    urls: list[str] = []
    try:
        for argument in arguments:
            if argument[:8].lower().startswith(("http://", "https://")):
                urls.append(argument)
                continue
            if urls:
                opened.append(url_source(urls, settings))
                urls = []
            opened.append(
                _open_stdin(settings, stdin, on_note) if argument == "-" else _open_file(argument, settings, on_note)
            )
    except ListError:
        for source in opened:
            source.close()
        raise
    if urls:
        opened.append(url_source(urls, settings))
    return opened


def url_source(urls: Iterable[str], settings: InputSettings) -> SpooledSource:
    """URLs that were arguments: they have no line numbers."""
    source = SpooledSource("arguments", item_pieces(urls), settings, rows=TextRows(plain=True))
    source.numbered = False
    return source


def iterable_source(urls: Iterable[str], settings: InputSettings) -> SpooledSource:
    """URLs of a program, which may never end: no more are taken than are soon used."""
    source = SpooledSource("urls", item_pieces(urls), settings, rows=TextRows(plain=True))
    source.paced = True
    return source


def _kind(name: str, settings: InputSettings) -> str:
    if settings.format != "auto":
        return settings.format
    stem = name.lower()
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    return SUFFIXES.get(os.path.splitext(stem)[1], "text")  # noqa: PTH122  # a name, not a path to walk


def _open_stdin(settings: InputSettings, stdin: BinaryIO | None, on_note: Note) -> Source:
    if stdin is None:
        raise ListError(STDIN, "is not open")
    kind = _kind("", settings)
    fd = descriptor(stdin)
    if fd is None:
        return SpooledSource(STDIN, object_pieces(stdin), settings, kind=kind, on_note=on_note)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _regular(STDIN, os.dup(fd), kind, settings, on_note, origin=stdin.tell())
    return SpooledSource(STDIN, PolledPieces(fd), settings, kind=kind, on_note=on_note)


def _open_file(name: str, settings: InputSettings, on_note: Note) -> Source:
    kind = _kind(name, settings)
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO without a writer must not block
    except (OSError, ValueError) as error:
        raise ListError(name, getattr(error, "strerror", None) or str(error)) from error
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return _regular(name, fd, kind, settings, on_note)
    if stat.S_ISDIR(mode):
        os.close(fd)
        raise ListError(name, "Is a directory")
    return SpooledSource(name, PolledPieces(fd), settings, kind=kind, fd=fd, on_note=on_note)


def _regular(name: str, fd: int, kind: str, settings: InputSettings, on_note: Note, origin: int = 0) -> Source:
    try:
        pieces = file_pieces(fd, origin)
        compressed = is_compressed(os.pread(fd, MAGIC, origin))
        head = b""
        for piece in decompressed(name, pieces, _ignore):
            head += piece
            if len(head) >= HEAD and enough(kind, head):
                break
        rows = rows_of(name, kind, head, settings)
    except (OSError, ListError) as error:
        os.close(fd)
        if isinstance(error, ListError):
            raise
        raise ListError(name, error.strerror or str(error)) from error
    if compressed:
        return SpooledSource(name, file_pieces(fd, origin), settings, kind=kind, fd=fd, on_note=on_note)
    return FileSource(name, fd, rows, origin)
