"""Writes records into numbered parts: a ``ports.Sink`` that begins the next part when one is large or old enough.

Decides when a part is complete. Parts are packed and published on a thread of their own, so that an upload holds up
neither the records nor the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ...model import Outcome
from ..formats.serializer import RecordSink
from .part_folder import PartFolder

MAX_AGE = 300.0
"""Seconds after which a part in object storage is completed at any size, so that a kill loses no more than these."""


class PartSink:
    """Writes parts. A run without records writes none.

    folder: closed with the sink. first: the number of the first part. open_part: opens the working file of the part of
    a number, and returns its path and what writes to it. publish: makes a complete working file that part. size: bytes
    after which a part is complete. age: seconds after which it is.
    """

    def __init__(
        self,
        folder: PartFolder,
        first: int,
        open_part: Callable[[int], tuple[str, RecordSink]],
        publish: Callable[[str, int], None],
        *,
        size: float,
        age: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._number = first
        self._open_part = open_part
        self._publish = publish
        self._size = size
        self._age = age
        self._clock = clock
        self._part: RecordSink | None = None
        self._path = ""
        self._due = 0.0
        self._publisher = ThreadPoolExecutor(1, thread_name_prefix="scrapepool-parts")
        self._publishing: Future[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<PartSink {self._folder.name!r} part {self._number}>"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """As ``ports.Sink``. Errors of the last part that was published are raised here too."""
        if outcomes:
            if self._part is None:
                self._path, self._part = self._open_part(self._number)
                self._due = self._clock() + self._age
            self._part.write(outcomes)
        if self._part is not None and (self._part.size >= self._size or self._clock() >= self._due):
            self._complete()
        if self._publishing is not None and self._publishing.done():
            self._await_published()

    def close(self) -> None:
        """As ``ports.Sink``: complete the last part."""
        if self._closed:
            return
        self._closed = True
        try:
            self._complete()
            self._await_published()
        finally:
            self._publisher.shutdown()
            self._folder.close()

    def _complete(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        part.close()
        self._await_published()
        self._publishing = self._publisher.submit(self._publish, self._path, self._number)
        self._number += 1

    def _await_published(self) -> None:
        publishing, self._publishing = self._publishing, None
        if publishing is not None:
            publishing.result()
