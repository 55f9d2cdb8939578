"""Turns documents (Parquet, sitemaps, feeds, HTML pages, prose) into rows of bytes.

Picks the reader of each format. A link cannot be found again by its offset in a document, so the links are written as
rows (``link_rows``), which can. Only these rows are kept, in a temporary file if there are many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ...charset import as_utf8, decoded_pieces, labelled_pieces
from ...errors import InvalidURLError, ListError
from ...settings import InputSettings
from ...text import without_password
from ...url import parse
from ..formats.archives import check_no_archive
from ..formats.detect import AUTO, format_of_bytes, format_of_url, is_enough, row_format, template_for
from ..formats.rows import RowError
from ..streams.decompress import decompressed
from ..streams.line_endings import line_endings
from .document import ChildSitemap, Document, Link

LINKS_AT_ONCE = 256
"""Links that are yielded together."""

MAX_SITEMAPS = 50_000
"""Sitemaps that are read for one list: the number that the protocol allows in an index."""

MAX_NESTED = 8
"""Nesting depth of sitemap indexes. The protocol allows no nesting."""

EMPTY = "is empty: there is no list in it"

OpenDocument = Callable[[str], tuple[Document, Iterable[bytes]]]
"""Downloads a document by its URL; its bytes can be read once. Raises ListError."""


def no_documents(url: str) -> tuple[Document, Iterable[bytes]]:
    """Return an ``OpenDocument`` for callers that cannot download: raises ListError."""
    raise ListError(url, "a list by its URL cannot be fetched here")


def not_empty(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a document. Raises ListError if it is empty, as after an error of its server."""
    waiting = iter(pieces)
    for piece in waiting:
        yield piece
        if piece and not piece.isspace():
            yield from waiting
            return
    raise ListError(name, EMPTY)


def check_document(kind: str, document: Document, settings: InputSettings) -> None:
    """Check what can be checked without reading the whole document. Raises ListError, UsageError."""
    template_for(document.name, kind, settings)
    if kind == "parquet":
        from .parquet_rows import check_parquet  # noqa: PLC0415 - an extra

        check_parquet(document, settings)


def document_rows(
    kind: str, document: Document, pieces: Iterable[bytes], settings: InputSettings, open_document: OpenDocument
) -> Iterator[bytes]:
    """Yield a document's links as rows for ``LinkRows``, several at a time. Raises ListError, UsageError."""
    from .link_rows import link_row  # noqa: PLC0415 - most runs read no documents

    rows: list[bytes] = []
    at_once = 1 if kind == "prose" else LINKS_AT_ONCE  # links in a log that is still written are used at once
    for link in _Reader(settings, open_document).links(kind, document, pieces):
        if link is not None:
            rows.append(link_row(link))
        if rows and (link is None or len(rows) >= at_once):
            yield b"".join(rows)
            rows.clear()
    if rows:
        yield b"".join(rows)


class _Reader:
    """Reads one list and the sitemaps of its indexes. It remembers the URLs of sitemaps, so that cycles end."""

    def __init__(self, settings: InputSettings, open_document: OpenDocument) -> None:
        self._settings = settings
        self._open = open_document
        self._seen: set[str] = set()

    def links(self, kind: str, document: Document, pieces: Iterable[bytes], depth: int = 0) -> Iterator[Link | None]:
        """Read one document, and the sitemaps that it names. Raises ListError, UsageError.

        Yields None before a download, so that what was read before is used meanwhile.
        """
        check_document(kind, document, self._settings)
        if kind == "parquet":
            from .parquet_rows import parquet_links  # noqa: PLC0415 - an extra

            yield from parquet_links(document, pieces, self._settings)
            return
        if kind == "prose":
            from .prose import prose_links  # noqa: PLC0415 - most runs read none

            yield from prose_links(decoded_pieces(pieces, document.content_type))
            return
        from .markup import tokens  # noqa: PLC0415 - most runs read no documents

        whole = not_empty(document.name, pieces)
        charset, text = labelled_pieces(whole, document.content_type)
        cut = tokens(text, html=kind == "html")
        match kind:
            case "feed":
                from .feed import feed_links  # noqa: PLC0415

                yield from feed_links(document, cut)
            case "html":
                from .html_links import page_links  # noqa: PLC0415

                yield from page_links(document, cut, charset)
            case _:
                from .sitemap import sitemap_links  # noqa: PLC0415

                for link in sitemap_links(document, cut):
                    if isinstance(link, Link):
                        yield link
                    else:
                        yield from self._child(link, depth + 1)

    def _child(self, child: ChildSitemap, depth: int) -> Iterator[Link | None]:
        """Read a sitemap of an index. One that cannot be read becomes a rejected row; the reading goes on."""
        try:
            if self._is_new(child.url, depth):
                yield None
                document, pieces = self._open(child.url)
                of_child = {"sitemap": without_password(child.url)}
                for link in self._any(document, decompressed(child.url, pieces, _ignore), depth):
                    yield link and link._replace(input=of_child | (link.input or {}))
        except InvalidURLError as error:
            yield Link(child.url, None, f"this sitemap cannot be read: {error.reason}")
        except ListError as error:
            why = error.reason if error.source == child.url else str(error)
            yield Link(child.url, None, f"this sitemap cannot be read: {why}")

    def _is_new(self, url: str, depth: int) -> bool:
        """Whether a sitemap was not read before. Raises ListError if there are too many, InvalidURLError."""
        host, path, _ = parse(url)
        address = f"{host.origin}{path}"
        if address in self._seen:
            return False
        self._seen.add(address)
        if depth > MAX_NESTED:
            raise ListError(url, f"more than {MAX_NESTED} indexes within each other")
        if len(self._seen) > MAX_SITEMAPS:
            raise ListError(url, f"more than {MAX_SITEMAPS:,} sitemaps in one list")
        return True

    def _any(self, document: Document, pieces: Iterator[bytes], depth: int) -> Iterator[Link | None]:
        """Read an entry of an index: a sitemap, a feed, or a text file (sitemaps.org, "Other Sitemap formats")."""
        head = b""
        while not is_enough(AUTO, head) and (piece := next(pieces, b"")):
            head += piece
        check_no_archive(document.name, head)
        if not head.strip():
            raise ListError(document.name, EMPTY)
        kind = format_of_url(document.base or document.name)
        kind = "text" if kind == "text" else format_of_bytes(head)
        whole = chain([head], pieces)
        match kind:
            case "sitemap" | "feed":
                yield from self.links(kind, document, whole, depth)
            case "text":
                text = as_utf8(whole, document.content_type or "")
                yield from _lines(document, line_endings(kind, head).pieces(text))
            case _:
                raise ListError(document.name, f"is not a sitemap, but {kind}")


def _lines(document: Document, pieces: Iterator[bytes]) -> Iterator[Link]:
    head = next(pieces, b"")
    rows = row_format(document.name, "text", head, InputSettings())
    carry = b""
    for piece in chain([head], pieces, [b"\n"]):
        found, end = rows.cut(carry + piece)
        carry = (carry + piece)[end:]
        for row in found:
            try:
                entry = rows.parse(row)
            except RowError as error:
                yield Link(row[:1000].decode(errors="replace"), None, str(error))
                continue
            if entry is not None:
                yield Link(entry.url)
        if len(carry) > rows.max_row:
            raise ListError(document.name, f"a line of more than {rows.max_row // 1024} KiB")


def _ignore(_: str) -> None:
    pass
