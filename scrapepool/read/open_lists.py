"""Opens the lists that the command line names.

Decides what an argument is: a URL, a pattern, a file or standard input. Problems that can be found without reading a
whole list are found here, before anything is fetched.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, BinaryIO

from ..errors import InvalidURLError, ListError, UsageError, system_reason
from ..fallbacks import CLOEXEC, NONBLOCK, pread
from ..lazy_pattern import lazy_pattern
from ..settings import InputSettings
from ..storage.urls import is_storage
from ..text import brief, without_password
from ..url import parse
from .characters import invisible_before_host
from .documents.document import Document
from .documents.document_rows import EMPTY, OpenDocument, check_document, no_documents
from .entries import SHOWN
from .formats.archives import check_no_archive
from .formats.detect import (
    AUTO,
    DOCUMENTS,
    HEAD,
    format_of_bytes,
    format_of_name,
    format_of_url,
    is_enough,
    is_xml_name,
    row_format,
)
from .formats.rows import TextRows
from .sources import FetchedSource, FileSource, GlobSource, ListSource, Note, SpooledSource
from .streams.decompress import MAGIC, decompressed, is_compressed
from .streams.line_endings import line_endings
from .streams.pieces import PolledPieces, descriptor, file_pieces, item_pieces, line_of, object_pieces

STDIN = "standard input"

_URL_PREFIX = lazy_pattern(r"\s*(?:https?:/*|//(?=\w))", re.IGNORECASE)
_FILE_LIKE = lazy_pattern(r"\.(?:json|xml|log|lst|list|zip|tar|bak|tmp)$", re.IGNORECASE)
_HOST_LIKE = lazy_pattern(r"\S*(?:[^./]\.[a-z]{2,}|localhost|\d\.\d|[^./]\.xn--\w+|\])(?::\d+)?", re.IGNORECASE)
"""A name that ends with a dot and letters, ``localhost`` or an address; with or without a port."""


def _ignore(_: str) -> None:
    pass


def open_sources(
    arguments: Sequence[str],
    settings: InputSettings,
    stdin: BinaryIO | None,
    on_note: Note,
    open_document: OpenDocument = no_documents,
    *,
    lazy: bool = True,
) -> list[ListSource]:
    """Open every list, in order, those of the settings last. URLs that are next to each other become one source.

    open_document: downloads lists that are given by URL, and the sitemaps of a sitemap index. lazy: whether standard
    input and pipes are read only as far ahead as their rows are used. Raises ListError and UsageError; nothing is left
    open then.
    """
    opener = _Opener(settings, stdin, on_note, open_document, lazy=lazy)
    opened: list[ListSource] = []
    try:
        for are_urls, some in groupby(arguments, is_url if not settings.glob else lambda argument: "://" in argument):
            if are_urls and not settings.glob:
                urls = list(some)
                opened.append(url_source(urls, settings))
                _hint_at_list(urls, on_note)
            else:
                for argument in some:
                    opened.append(GlobSource(argument) if are_urls else opener.open(argument))  # noqa: PERF401 - those before one that fails are closed
        for name in settings.lists:
            opened.append(FetchedSource(name, settings, open_document, on_note) if is_url(name) else opener.open(name))  # noqa: PERF401 - as above
    except (ListError, UsageError):
        for source in opened:
            source.close()
        raise
    return opened


def is_url(argument: str) -> bool:
    """Whether an argument is a URL and not a file."""
    return argument[:8].lower().startswith(("http://", "https://"))


def _hint_at_list(urls: Iterable[str], on_note: Note) -> None:
    """Note how to read a URL as a list, if one looks like a sitemap or a feed."""
    for url in urls:
        path = re.split(r"[?#]", url, maxsplit=1)[0]
        if is_xml_name(path) or format_of_url(path) == "feed":
            shown = brief(without_password(url), SHOWN)
            on_note(f"{shown} is fetched itself; to fetch the URLs in it, use --list {shown}")
            return


def url_source(urls: Iterable[str], settings: InputSettings) -> SpooledSource:
    """Make a source of URLs from the command line, which have no line numbers."""
    source = SpooledSource("arguments", item_pieces(urls, line_of), settings, rows=TextRows(plain=True))
    source.numbered, source.label = False, None
    return source


def iterable_source(items: Iterable[Any], settings: InputSettings) -> SpooledSource:
    """Make a source of a program's URLs and requests. They may be endless, so they are read lazily."""
    from .items import ItemRows  # noqa: PLC0415 - for programs

    rows = ItemRows()
    source = SpooledSource("urls", item_pieces(items, rows.line), settings, rows=rows, lazy=True)
    source.label = None
    return source


class _Opener:
    """Opens files, pipes and standard input. For the parameters see ``open_sources``."""

    def __init__(
        self,
        settings: InputSettings,
        stdin: BinaryIO | None,
        on_note: Note,
        open_document: OpenDocument,
        *,
        lazy: bool,
    ) -> None:
        self._settings = settings
        self._stdin = stdin
        self._on_note = on_note
        self._open_document = open_document
        self._lazy = lazy

    def open(self, name: str) -> ListSource:
        """Open a file, or ``-`` for standard input. Raises ListError, UsageError."""
        if name == "-":
            return self._open_stdin()
        return self._open_object(name) if is_storage(name) else self._open_file(name)

    def _open_object(self, name: str) -> ListSource:
        """Open an object of storage, which is read once."""
        from ..storage.objects import Objects  # noqa: PLC0415 - an extra

        stored = Objects(name)
        if not stored.is_there():
            raise ListError(name, "there is no such object")
        if stored.is_folder():
            raise ListError(name, "is a folder; name the objects in it")
        kind = format_of_name(name) if self._settings.format == AUTO else self._settings.format
        return self._spooled(name, stored.pieces(), kind)

    def _open_stdin(self) -> ListSource:
        stdin = self._stdin
        if stdin is None:
            raise ListError(STDIN, "is not open")
        kind = self._settings.format
        fd = descriptor(stdin)
        if fd is None:
            return self._spooled(STDIN, object_pieces(stdin), kind, lazy=self._lazy)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return self._regular(STDIN, os.dup(fd), kind, origin=stdin.tell())
        return self._spooled(STDIN, PolledPieces(fd), kind, lazy=self._lazy)

    def _open_file(self, name: str) -> ListSource:
        kind = format_of_name(name) if self._settings.format == AUTO else self._settings.format
        try:
            fd = os.open(name, os.O_RDONLY | NONBLOCK | CLOEXEC)  # a FIFO without a writer must not block
        except FileNotFoundError as error:
            raise ListError(name, f"{error.strerror}{_perhaps_url(name)}") from error
        except (OSError, ValueError) as error:
            raise ListError(name, system_reason(error)) from error
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode):
            return self._regular(name, fd, kind)
        if stat.S_ISDIR(mode):
            os.close(fd)
            raise ListError(name, "Is a directory")
        return self._spooled(name, PolledPieces(fd), kind, opened=fd, lazy=self._lazy)

    def _regular(self, name: str, fd: int, kind: str, origin: int = 0) -> ListSource:
        """Make the source of a regular file, by its first bytes. The file is closed if that fails."""
        try:
            compressed = is_compressed(pread(fd, MAGIC, origin))
            head = b""
            for piece in decompressed(name, file_pieces(fd, origin), _ignore):
                head += piece
                if len(head) >= HEAD and is_enough(kind, head):
                    break
            check_no_archive(name, head)
            if kind == AUTO and is_xml_name(name) and not head.strip():
                raise ListError(name, EMPTY)  # noqa: TRY301 - the file is closed below
            if kind == AUTO:
                kind = format_of_bytes(head, self._settings.url_field)
            file = None if compressed or origin else fd
            if kind in DOCUMENTS:
                check_document(kind, Document(name, file=file), self._settings)
                return self._spooled(name, file_pieces(fd, origin), kind, file=file, opened=fd)
            ends = line_endings(kind, head)
            rows = row_format(name, kind, ends.with_newlines(head), self._settings, self._on_note)
        except (OSError, ListError, UsageError) as error:
            os.close(fd)
            if isinstance(error, OSError):
                raise ListError(name, system_reason(error)) from error
            raise
        if compressed:
            return self._spooled(name, file_pieces(fd, origin), kind, opened=fd)
        source = FileSource(name, fd, rows, ends, origin)
        source.format = kind
        return source

    def _spooled(
        self,
        name: str,
        pieces: Iterable[bytes],
        kind: str,
        *,
        file: int | None = None,
        opened: int | None = None,
        lazy: bool = False,
    ) -> SpooledSource:
        return SpooledSource(
            name,
            pieces,
            self._settings,
            kind=kind,
            file=file,
            opened=opened,
            open_document=self._open_document,
            on_note=self._on_note,
            lazy=lazy,
        )


def _perhaps_url(name: str) -> str:
    """Explain a missing file whose name looks like a URL."""
    if (invisible := invisible_before_host(name)) is not None:
        return f"; its name begins with {invisible}"
    prefix = _URL_PREFIX.match(name)
    rest = name[prefix.end() if prefix is not None else 0 :].strip()
    first, slash, _ = rest.partition("/")
    if prefix is None and not (
        _HOST_LIKE.fullmatch(first) and (slash or (format_of_name(first) == AUTO and not _FILE_LIKE.search(first)))
    ):
        return ""
    url = f"https://{rest}"
    try:
        parse(url)
    except InvalidURLError:
        return ""
    return f"; a URL begins with http:// or https://, as in {without_password(url)}"
