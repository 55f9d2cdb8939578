"""The targets of all lists, without holding them: keeps the ``Feed`` protocol.

Decides when reading begins and ends. One thread goes through the lists and hands over tickets by host; whoever
polls has each ticket looked up when its target is due. What stays in memory is a few bytes a URL, for duplicates,
until the last list is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock, Thread
from typing import Any, BinaryIO, Self

from ..errors import InvalidURLError, UsageError
from ..model import Skipped, Target
from ..ports import Batch, Download
from ..settings import InputSettings
from ..url import parse
from ..validators import Known
from .batch_queue import Closed, Finds, Handover
from .documents.document_rows import no_documents
from .entries import check_characters, place
from .formats.detect import DOCUMENTS
from .list_downloads import documents_by
from .lookup import Lookup
from .open_lists import iterable_source, open_sources
from .scan import Scan
from .seen.finished import Finished
from .sources import Source
from .tickets import Index, Span

CLOSE_PATIENCE = 1.0
"""Seconds that ``close`` waits for the reading thread, which may be stuck in a program's own iterator."""

MANY_EMPTY = 1_000_000
"""Lines of a list that hold nothing, from which on a note tells of them: they took time for nothing."""


def _nothing() -> None:
    pass


def _ignore(_: str) -> None:
    pass


class TargetList:
    """All lists of a run.

    sources: URLs, file names and ``-`` for standard input, in order. wake: called from the reading thread when
    there is something to poll, and at the end; from ``poll`` where there is more. May be set until the first ``poll``.
    on_note: called, from the reading thread too, with a line that a person should see. finished: targets that are
    passed over; filled before the first ``poll``. whole: whether a list that may be endless, as standard input, is
    read to its end before any target is looked up. paced: whether a list is read no further ahead than its targets are
    looked up, so that it must not be read to its end before. method: the run's, which tells repeats from rows that ask
    otherwise. download: fetches lists by their URLs; None where there can be none. read_as: gets the format of each
    list by its name, once it has been read. fresh: as in ``Scan``.

    Raises ListError for a list that cannot be read, UsageError for a base URL that is none.
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
        download: Download | None = None,
        read_as: dict[str, str] | None = None,
        whole: bool = False,
        fresh: Callable[[int], Known | None] | None = None,
    ) -> None:
        if settings.base_url is not None:
            try:
                check_characters(settings.base_url.strip())
                parse(settings.base_url)
            except InvalidURLError as error:
                raise UsageError(f"no base URL: {error}") from None
        self.wake = wake
        self._settings = settings
        self._finished = finished
        self._fresh = fresh
        self._method = method
        self._on_note = on_note
        self._read_as = {} if read_as is None else read_as
        self._sources: list[Source] = open_sources(
            sources,
            settings,
            stdin,
            on_note,
            no_documents if download is None else documents_by(download),
            paced=not whole,
        )
        self.paced = any(source.paced for source in self._sources)
        self._index = Index()
        self._lookup = Lookup(self._index, settings)
        self._handover = Handover(self._on_something)
        self._thread: Thread | None = None
        self._found = 0  # written by the reading thread, as is the next
        self._rejected = 0
        self._closing = Lock()  # guards the next
        self._released = False

    @classmethod
    def of_urls(
        cls,
        urls: Iterable[Any],
        settings: InputSettings,
        *,
        wake: Callable[[], None] = _nothing,
        download: Download | None = None,
    ) -> Self:
        """Take URLs and requests of a program, lazily: no further ahead than ``handover.AHEAD`` targets.

        They stand behind the lists of the settings.
        """
        targets = cls((), settings, wake=wake, download=download)
        targets._sources.append(iterable_source(urls, settings))
        targets.paced = True
        return targets

    def __repr__(self) -> str:
        return f"<TargetList {self._found} found, {self._rejected} rejected, {len(self._sources)} lists>"

    def poll(self) -> Batch | None:
        """Take the next batch, None where none is ready now. The first call begins the reading.

        Raises ListError where a list cannot be read on, and whatever a program's own iterator raised.
        """
        if self._thread is None:
            self._thread = Thread(target=self._read, name="scrapepool-read", daemon=True)
            self._thread.start()
        return self._handover.take()

    def target(self, ticket: int) -> Target | Skipped:
        """Look a ticket up again, once. Skipped where the list no longer says what it said. Called by one thread."""
        target = self._lookup.target(ticket)
        if self.paced:
            span, offset, _ = self._index.locate(ticket)
            if span.source.paced:
                self._handover.looked_up(made_room=span.source.let_go(offset))
        return target

    @property
    def exhausted(self) -> bool:
        """Whether every list has been read to its end and every batch was polled."""
        return self._handover.exhausted

    @property
    def found(self) -> int:
        """Targets found so far."""
        return self._found

    @property
    def rejected(self) -> int:
        """Rows so far that are no targets: malformed ones and duplicates."""
        return self._rejected

    @property
    def rows_read(self) -> int:
        """Rows so far, blank lines, comments and headers not counted."""
        return self._found + self._rejected

    def close(self) -> None:
        """Stop reading, close files, remove temporary ones. May be called again."""
        self._handover.close()
        if self._thread is None or not self._thread.is_alive():
            self._release()
            return
        with self._closing:
            if not self._released:
                for source in self._sources:
                    source.interrupt()
        self._thread.join(CLOSE_PATIENCE)
        if not self._thread.is_alive():
            self._release()

    def _on_something(self) -> None:
        self.wake()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            scan = Scan(
                self._settings, self._publish, self._finished, self._method, self._index.occurrences, self._fresh
            )
            base = 0
            for source in self._sources:
                base += scan.run(self._index.begin(source, base))
                if scan.empty >= MANY_EMPTY:
                    self._on_note(f"{place(source.name, None)}: {scan.empty:,} lines are empty or comments")
                if source.format is not None:
                    self._read_as[source.name] = source.format
                if source.format in DOCUMENTS and not source.size and len(self._sources) > 1:
                    self._on_note(f"{place(source.name, None)}: read as {source.format}, and there is no URL in it")
            if self._finished is not None and self._finished.passed_over:
                self._on_note(f"{self._finished.passed_over:,} of the list are done already")
        except Closed:
            pass
        except BaseException as raised:  # noqa: BLE001  # it is raised again, by poll
            error = raised
        self._handover.end(error)
        if self._handover.closed:
            self._release()

    def _publish(self, finds: Finds, span: Span) -> None:
        self._found += finds.found
        self._rejected += len(finds.rejected)
        source = span.source
        self._handover.put(finds, has_room=source.has_room if source.paced else None)

    def _release(self) -> None:
        with self._closing:
            if not self._released:
                self._released = True
                for source in self._sources:
                    source.close()
