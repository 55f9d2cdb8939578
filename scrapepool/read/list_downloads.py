"""Lists that are given by URL: downloaded whole, and kept in a spool until they are read.

The thread that reads lists waits here for a download. The engine takes it as one of the requests of the run. Decides
what the outcome of a download means for the reader. Knows no sockets, and not when a list is requested.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from queue import SimpleQueue

from ..errors import InvalidURLError, ListError
from ..model import Deferred, Failed, Fetched, ListTarget, Outcome, Skipped
from ..text import without_password
from ..url import parse
from .batch_queue import QueueClosed
from .documents.document import Document
from .streams.pieces import PIECE
from .streams.spool import Spool


class ListDownloads:
    """Implements ``ports.ListRequests`` for the engine, and ``OpenDocument`` for the reader.

    wake: called when the reader wants a list.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._wanted: deque[ListTarget] = deque()
        self._ended: SimpleQueue[Outcome | None] = SimpleQueue()
        self._closed = False

    def __call__(self, url: str) -> tuple[Document, Iterable[bytes]]:
        """Download a document by its URL. Raises ListError, and QueueClosed if the run ends."""
        spool = Spool(url)

        def begin() -> Callable[[bytes | memoryview], object]:
            nonlocal spool
            spool.close()
            spool = Spool(url)
            return spool.append

        try:
            outcome = self._wait_for(url, begin)
            if not isinstance(outcome, Fetched) or (outcome.status or 0) >= 300:
                raise ListError(url, _reason(outcome))  # noqa: TRY301 - the spool is closed below
        except BaseException:
            spool.close()
            raise
        found_at = outcome.final_url if outcome.redirects else None
        return Document(url, found_at or url, outcome.content_type), _pieces(spool)

    def _wait_for(self, url: str, begin: Callable[[], Callable[[bytes | memoryview], object]]) -> Outcome:
        try:
            host, path, userinfo = parse(url)
        except InvalidURLError as error:
            raise ListError(url, error.reason) from None
        self._wanted.append(ListTarget(without_password(url), host, path, userinfo=userinfo, begin=begin))
        self._wake()
        outcome = None if self._closed else self._ended.get()
        if outcome is None:
            raise QueueClosed
        return outcome

    def take(self) -> ListTarget | None:
        """As ``ports.ListRequests``."""
        return self._wanted.popleft() if self._wanted else None

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """As ``ports.ListRequests``."""
        for outcome in outcomes:
            self._ended.put(outcome)

    def close(self) -> None:
        """As ``ports.ListRequests``. May be called more than once."""
        self._closed = True
        self._ended.put(None)


def _reason(outcome: Outcome) -> str:
    """Return why there is no list, for people."""
    if isinstance(outcome, Failed | Skipped):
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else str(outcome.error)
    if isinstance(outcome, Deferred) and outcome.detail:
        return outcome.detail
    status = outcome.status or 0
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def _pieces(spool: Spool) -> Iterator[bytes]:
    at = 0
    try:
        while piece := spool.read_at(at, PIECE):
            yield piece
            at += len(piece)
    finally:
        spool.close()
