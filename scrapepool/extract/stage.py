"""The step between the engine and the outputs, which adds the values found on pages to outcomes.

Decides where pages are processed and how many may wait. When that limit is reached, iteration waits, and with it the
engine. Outcomes are yielded in the order in which they are ready.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from ..model import Fetched, Outcome
from ..settings import MIB, OutputSettings
from ..text import without_userinfo
from .extraction import Extracted, Page
from .extractor import Extractor

if TYPE_CHECKING:
    from .workers import Workers

MOST_BYTES = 32 * MIB
"""Bytes of pages that wait or are processed: what the fastest networks deliver in a third of a second."""

MOST_PAGES = 64
"""Pages per process that wait or are processed: what a stop, or the end of a run, has to wait for."""

MOST_WORKERS = 8
"""Processes by default: one run cannot keep more of them busy."""

STOP_POLL = 0.1
"""Seconds between two checks whether the run is to stop."""


def extracted(
    batches: Iterable[Sequence[Outcome]],
    settings: OutputSettings,
    *,
    keep_body: bool = False,
    wake: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
    on_note: Callable[[str], None] = lambda _: None,
    on_left: Callable[[Collection[Outcome]], None] = lambda _: None,
) -> Iterator[Sequence[Outcome]]:
    """Yield the outcomes of ``batches`` with their ``data``, and without bodies that no output wants.

    keep_body: whether something else than these settings wants bodies.
    wake: called from other threads when a result is ready; it must make ``batches`` yield, even if only an empty batch.
    should_stop: called while only pages are waited for; True abandons them. on_note: gets a message about them;
    on_left: gets their outcomes.
    Raises UsageError for an expression or an extra that cannot be used, ExtractionError if no process can be started.
    """
    extractor = Extractor(settings)
    keep_body = keep_body or replace(settings, select=(), links=False, text=False, expect=()).needs.body
    most = processes() if settings.extract_workers is None else settings.extract_workers
    if most == 0:
        for outcomes in batches:
            for outcome in outcomes:
                if _has_page(outcome):
                    _tell(outcome, extractor.extract(_page(outcome)), keep_body)
            yield outcomes
        return
    from .workers import Workers  # noqa: PLC0415 - only with processes

    stage = _Stage(extractor, keep_body, Workers(settings, most, lost=extractor.nothing, wake=wake), most * MOST_PAGES)
    try:
        for outcomes in batches:
            yield from stage.take(outcomes, should_stop)
        while stage.out and not should_stop():
            if ready := stage.ready(STOP_POLL):
                yield ready
        if stage.out:
            on_note(f"pages left without fields and without a record: {len(stage.out)}; --resume fetches them again")
            on_left(stage.out.values())
    finally:
        stage.workers.close()


def processes() -> int:
    """Return the default number of processes: one per core, as extraction costs several times as much as fetching."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_WORKERS, cores)


class _Stage:
    """Keeps outcomes whose pages are with the workers. out: the outcomes by identity. bytes: of their bodies in all."""

    def __init__(self, extractor: Extractor, keep_body: bool, workers: Workers, most: int) -> None:
        self.workers = workers
        self.out: dict[int, Fetched] = {}
        self.bytes = 0
        self._extractor = extractor
        self._keep_body = keep_body
        self._most = most

    def take(self, outcomes: Sequence[Outcome], should_stop: Callable[[], bool]) -> Iterator[Sequence[Outcome]]:
        """Submit pages to the workers, and yield outcomes that are ready. Waits while too many pages are out.

        Also yields empty batches, so that outputs can write what they hold.
        """
        ready: list[Outcome] = []
        jobs: list[tuple[Fetched, Page]] = []
        for outcome in outcomes:
            if not _has_page(outcome):
                ready.append(outcome)
            elif not outcome.body:
                ready.append(_tell(outcome, self._extractor.extract(_page(outcome)), self._keep_body))
            else:
                self.out[id(outcome)] = outcome
                self.bytes += len(outcome.body)
                jobs.append((outcome, _page(outcome)))
        if self.out:
            self.workers.submit(jobs)
        yield ready + self.ready(0)
        while self._is_full() and not should_stop():
            yield self.ready(STOP_POLL)

    def _is_full(self) -> bool:
        """Return whether too many pages are out.

        Pages that wait behind a slow page of their own host do not count, up to the same limit again, so that the pages
        of one host do not block those of others.
        """
        pages, size = len(self.out), self.bytes
        if pages <= self._most and size <= MOST_BYTES:
            return False
        if pages <= 2 * self._most and size <= 2 * MOST_BYTES:
            held = self.workers.blocked()
            pages -= len(held)
            size -= sum(len(outcome.body or b"") for outcome in held)
        return pages > self._most or size > MOST_BYTES

    def ready(self, timeout: float) -> list[Outcome]:
        """Return outcomes whose results are ready. Waits up to ``timeout`` seconds for the first one."""
        ready: list[Outcome] = []
        while self.out:
            try:
                outcome, found = self.workers.result(0 if ready else timeout)
            except queue.Empty:
                break
            del self.out[id(outcome)]
            self.bytes -= len(outcome.body or b"")
            ready.append(_tell(outcome, found, self._keep_body))
        return ready


def _has_page(outcome: Outcome) -> TypeGuard[Fetched]:
    return isinstance(outcome, Fetched) and outcome.body is not None


def _page(outcome: Fetched) -> Page:
    url = without_userinfo(outcome.final_url or outcome.target.url)  # links are recorded without it
    return Page(outcome.body or b"", outcome.content_type, outcome.charset, url)


def _tell(outcome: Fetched, found: Extracted, keep_body: bool) -> Fetched:
    outcome.data = found.data
    if found.detail is not None:
        outcome.detail = found.detail if outcome.detail is None else f"{outcome.detail}; {found.detail}"
    if not keep_body:
        outcome.body = None
    return outcome
