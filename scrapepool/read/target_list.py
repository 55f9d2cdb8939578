"""The targets of all lists of a run, without holding them in memory: implements ``ports.Feed``.

Decides when reading begins and ends. One thread reads the lists and puts tickets, grouped by host, into a queue. The
engine takes them and looks each ticket up when its target is due. Until the last list is read, a few bytes per URL stay
in memory to find duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock, Thread
from typing import Any, BinaryIO, Self

from ..errors import InvalidURLError, SettingsError
from ..model import Skipped, Target
from ..plural import counted
from ..ports import Batch
from ..settings import InputSettings
from ..text import brief, without_passwords
from ..url import parse
from ..validators import Known
from .batch_queue import BatchQueue, PendingBatch, QueueClosed
from .documents.document_rows import OpenDocument, no_documents
from .entries import check_characters, place
from .formats.detect import DOCUMENTS
from .formats.rows import TextRows
from .host_cache import HostCache
from .lookup import Lookup
from .open_lists import iterable_source, open_sources
from .scan import Scan
from .seen.finished import Finished
from .sources import ListSource
from .tickets import ListSpan, TicketIndex

CLOSE_TIMEOUT = 1.0
"""Seconds that ``close`` waits for the reading thread, which may be blocked in a program's own iterator."""

MANY_EMPTY = 1_000_000
"""A list with at least so many empty lines and comments is mentioned in a note, since reading them took time."""


def _nothing() -> None:
    pass


def _ignore(*_: str) -> None:
    pass


class TargetList:
    """All lists of a run.

    sources: URLs, file names and ``-`` for standard input, in order. wake: called when there is something to poll, and
    at the end; by the reading thread, and by ``poll`` if more is waiting. It may be replaced until the first ``poll``.
    on_note: receives lines for the user, also from the reading thread. finished: targets to pass over; must be filled
    before the first ``poll``. whole: read lists that may be endless, such as standard input, to their end before any
    target is looked up. lazy: True if some list is read only as far ahead as its targets are looked up; such a list
    cannot be read to its end first. method: the run's; a row with another method is not a duplicate. open_document:
    downloads lists by their URLs. on_format: receives the name and the format of each list that was read, from the
    reading thread. fresh: as in ``Scan``. opened: lists that precede the others, and are closed with them.

    Raises ListError for a list that cannot be read, UsageError for an invalid base URL.
    """

    def __init__(
        self,
        sources: Sequence[str],
        settings: InputSettings,
        *,
        stdin: BinaryIO | None = None,
        wake: Callable[[], None] = _nothing,
        on_note: Callable[[str], None] = _ignore,
        finished: Finished | None = None,
        method: str = "GET",
        open_document: OpenDocument = no_documents,
        on_format: Callable[[str, str], None] = _ignore,
        whole: bool = False,
        fresh: Callable[[int], Known | None] | None = None,
        opened: Sequence[ListSource] = (),
    ) -> None:
        if settings.base_url is not None:
            try:
                check_characters(settings.base_url.strip())
                parse(settings.base_url)
            except InvalidURLError as error:
                shown = brief(without_passwords(settings.base_url))
                raise SettingsError("input.base_url: {} is not an absolute URL: {}", shown, error) from None
        self.wake = wake
        self._settings = settings
        self._finished = finished
        self._fresh = fresh
        self._method = method
        self._on_note = on_note
        self._on_format = on_format
        self._sources: list[ListSource] = [
            *opened,
            *open_sources(sources, settings, stdin, on_note, open_document, lazy=not whole),
        ]
        self.lazy = any(source.lazy for source in self._sources)
        self._index = TicketIndex()
        self._hosts = HostCache(settings.shard)
        self._lookup = Lookup(self._index, settings, self._hosts)
        self._queue = BatchQueue(self._on_something)
        self._thread: Thread | None = None
        self._found = 0  # written by the reading thread, as is ``_rejected``
        self._rejected = 0
        self._of_other_shards = 0
        self._closing = Lock()  # guards ``_released``
        self._released = False

    @classmethod
    def of_urls(
        cls,
        urls: Iterable[Any],
        settings: InputSettings,
        *,
        wake: Callable[[], None] = _nothing,
        open_document: OpenDocument = no_documents,
    ) -> Self:
        """Make a list of a program's iterable of URLs and requests, behind the lists of the settings.

        The iterable may be endless: it is read at most ``batch_queue.MAX_AHEAD`` targets ahead.
        """
        targets = cls((), settings, wake=wake, open_document=open_document)
        targets._sources.append(iterable_source(urls, settings))
        targets.lazy = True
        return targets

    @property
    def columns(self) -> frozenset[str] | None:
        """Names of the columns of all lists; None if that is not known before they are read."""
        names: set[str] = set()
        for source in self._sources:
            rows = source.rows
            if isinstance(rows, TextRows):
                continue
            found = getattr(rows, "columns", None)
            if found is None:
                return None
            names.update(found)
        return frozenset(names)

    def __repr__(self) -> str:
        return f"<TargetList {self._found} found, {self._rejected} rejected, {len(self._sources)} lists>"

    def poll(self) -> Batch | None:
        """Return the next batch, None if none is ready. The first call starts the reading thread.

        Raises ListError if a list cannot be read any further, and whatever a program's own iterator raised.
        """
        if self._thread is None:
            self._thread = Thread(target=self._read, name="scrapepool-read", daemon=True)
            self._thread.start()
        return self._queue.take()

    def target(self, ticket: int) -> Target | Skipped:
        """Return the target of a ticket, once per ticket; Skipped if its row has changed. For one thread only."""
        target = self._lookup.target(ticket)
        if self.lazy:
            span, offset, _ = self._index.locate(ticket)
            if span.source.lazy:
                self._queue.on_lookup(made_room=span.source.release_row(offset))
        return target

    def rows(self, tickets: Iterable[int]) -> Iterator[tuple[ListSource, int, bytes | None]]:
        """Yield the list of each ticket, its line, and its row as bytes; None if the list has changed.

        tickets: in ascending order, of lists that are read as a whole. The places of rejected rows are tickets, too.
        """
        return self._lookup.rows(tickets)

    def place_of(self, ticket: int) -> str:
        """Describe where the row of a ticket is, for messages."""
        span, _, line = self._index.locate(ticket)
        return place(span.source.name, line, span.source.unit)

    @property
    def exhausted(self) -> bool:
        """Whether every list has been read to its end and every batch was polled."""
        return self._queue.exhausted

    @property
    def found(self) -> int:
        """Targets found so far."""
        return self._found

    @property
    def rejected(self) -> int:
        """Rows so far that are not targets: malformed rows and duplicates."""
        return self._rejected

    @property
    def of_other_shards(self) -> int:
        """Lines that were passed over because their hosts are in other shards; known when the lists are exhausted."""
        return self._of_other_shards

    def close(self) -> None:
        """Stop reading, close all files and remove temporary ones. May be called more than once."""
        self._queue.close()
        if self._thread is None or not self._thread.is_alive():
            self._release()
            return
        with self._closing:
            if not self._released:
                for source in self._sources:
                    source.interrupt()
        self._thread.join(CLOSE_TIMEOUT)
        if not self._thread.is_alive():
            self._release()

    def _on_something(self) -> None:
        self.wake()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            scan = Scan(
                self._settings,
                self._publish,
                self._hosts,
                self._finished,
                self._method,
                self._index.occurrences,
                self._fresh,
            )
            base = 0
            for source in self._sources:
                base += scan.run(self._index.begin(source, base))
                if scan.empty >= MANY_EMPTY:
                    self._on_note(f"{place(source.name, None)}: {scan.empty:,} lines are empty or comments")
                if source.format is not None:
                    self._on_format(source.name, source.format)
                if source.format in DOCUMENTS and not source.size and len(self._sources) > 1:
                    self._on_note(f"{place(source.name, None)}: read as {source.format}, and there is no URL in it")
            self._note_shards(scan.of_other_shards)
            if self._finished is not None and self._finished.passed_over:
                done = counted(self._finished.passed_over, "URL of the lists is", "URLs of the lists are")
                self._on_note(f"{done} done already")
        except QueueClosed:
            pass
        except BaseException as raised:  # noqa: BLE001  # ``poll`` raises it again
            error = raised
        self._queue.end(error)
        if self._queue.closed:
            self._release()

    def _note_shards(self, lines: int) -> None:
        """Report lines that were passed over because their hosts are in other shards."""
        self._of_other_shards = lines
        if self._finished is not None:
            self._finished.of_other_shards = lines
        if lines:
            self._on_note(f"shard {self._settings.shard}: lines in other shards: {lines:,}")

    def _publish(self, batch: PendingBatch, span: ListSpan) -> None:
        self._found += batch.found
        self._rejected += len(batch.rejected)
        source = span.source
        self._queue.put(batch, has_room=source.has_room if source.lazy else None)

    def _release(self) -> None:
        with self._closing:
            if not self._released:
                self._released = True
                for source in self._sources:
                    source.close()
