"""What an argument of the command line names, and opening it.

Decides which lists there are, in which order. Problems that can be found without reading a list through are found here,
before anything is fetched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from ..errors import ListError, UsageError
from ..settings import InputSettings
from .documents import check_document
from .formats import AUTO, DOCUMENTS, HEAD, enough, format_of_bytes, format_of_name, rows_of
from .links import Document
from .rows import TextRows
from .sources import FileSource, GlobSource, Note, Source, SpooledSource
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

STDIN = "standard input"


def _ignore(_: str) -> None:
    pass


def open_sources(
    arguments: Sequence[str], settings: InputSettings, stdin: BinaryIO | None, on_note: Note
) -> list[Source]:
    """Open every list, in order; URLs that stand side by side become one.

    Raises ListError and UsageError, with nothing left open.
    """
    opened: list[Source] = []
    urls: list[str] = []
    try:
        for argument in arguments:
            is_pattern = settings.glob and "://" in argument
            if not is_pattern and is_url(argument):
                urls.append(argument)
                continue
            if urls:
                opened.append(url_source(urls, settings))
                urls = []
            if is_pattern:
                opened.append(GlobSource(argument))
            elif argument == "-":
                opened.append(_open_stdin(settings, stdin, on_note))
            else:
                opened.append(_open_file(argument, settings, on_note))
    except (ListError, UsageError):
        for source in opened:
            source.close()
        raise
    if urls:
        opened.append(url_source(urls, settings))
    return opened


def is_url(argument: str) -> bool:
    """Whether an argument is a URL, and no file."""
    return argument[:8].lower().startswith(("http://", "https://"))


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
    return format_of_name(name) if settings.format == AUTO else settings.format


def _open_stdin(settings: InputSettings, stdin: BinaryIO | None, on_note: Note) -> Source:
    if stdin is None:
        raise ListError(STDIN, "is not open")
    kind = settings.format
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
    return SpooledSource(name, PolledPieces(fd), settings, kind=kind, opened=fd, on_note=on_note)


def _regular(name: str, fd: int, kind: str, settings: InputSettings, on_note: Note, origin: int = 0) -> Source:
    try:
        compressed = is_compressed(os.pread(fd, MAGIC, origin))
        head = b""
        for piece in decompressed(name, file_pieces(fd, origin), _ignore):
            head += piece
            if len(head) >= HEAD and enough(kind, head):
                break
        if kind == AUTO:
            kind = format_of_bytes(head)
        if kind in DOCUMENTS:
            rows = None
            check_document(kind, Document(name, file=None if compressed or origin else fd), settings)
        else:
            rows = rows_of(name, kind, head, settings)
    except (OSError, ListError, UsageError) as error:
        os.close(fd)
        if isinstance(error, OSError):
            raise ListError(name, error.strerror or str(error)) from error
        raise
    if rows is not None and not compressed:
        return FileSource(name, fd, rows, origin)
    file = None if compressed or origin else fd
    pieces = file_pieces(fd, origin)
    return SpooledSource(name, pieces, settings, kind=kind, file=file, opened=fd, on_note=on_note)
