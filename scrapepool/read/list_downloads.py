"""Lists that are given by URL: downloaded whole, and kept in a spool until they are read.

Knows no sockets: ``ports.Download`` fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..ports import Download
from .documents.document import Document
from .documents.document_rows import OpenDocument
from .streams.pieces import PIECE
from .streams.spool import Spool


def documents_by(download: Download) -> OpenDocument:
    """Return a function that downloads a document by its URL."""

    def open_document(url: str) -> tuple[Document, Iterable[bytes]]:
        spool = Spool(url)

        def begin() -> Callable[[bytes | memoryview], object]:
            nonlocal spool
            spool.close()
            spool = Spool(url)
            return spool.append

        try:
            downloaded = download(url, begin)
        except BaseException:
            spool.close()
            raise
        return Document(url, downloaded.url, downloaded.content_type), _pieces(spool)

    return open_document


def _pieces(spool: Spool) -> Iterator[bytes]:
    at = 0
    try:
        while piece := spool.read_at(at, PIECE):
            yield piece
            at += len(piece)
    finally:
        spool.close()
