"""Downloads the lists that are given by URL for a plan: a run without targets does it, once the first is wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from ...model import Skipped, Target
from ...overrides import HostOverrides
from ...ports import Batch
from ...read import OpenDocument
from ...read.documents.document import Document
from ...settings import Settings


@contextmanager
def downloads(settings: Settings) -> Iterator[OpenDocument]:
    """Return a function that downloads documents, valid inside the block."""
    with ExitStack() as opened:
        made: list[OpenDocument] = []

        def open_document(url: str) -> tuple[Document, Iterable[bytes]]:
            if not made:
                made.append(opened.enter_context(_running(_settings_of_lists(settings))))
            return made[0](url)

        yield open_document


def _settings_of_lists(settings: Settings) -> Settings:
    """Return what a plan keeps to of the settings of the run; it does not wait for the hours of a host."""
    sections = settings.host_overrides.sections
    return Settings(
        request=replace(settings.request, save_cookies=None),
        pool=settings.pool,
        timeouts=settings.timeouts,
        retry=settings.retry,
        host_overrides=HostOverrides(tuple((pattern, replace(own, window=None)) for pattern, own in sections)),
    )


@contextmanager
def _running(settings: Settings) -> Iterator[OpenDocument]:
    from ..assemble import assembled  # noqa: PLC0415 - requests is for those who need it

    feed = _NoTargets()
    with assembled(settings, feed) as run:
        engine = run.engine

        def serve() -> None:
            try:
                deque(engine.run(), maxlen=0)
            finally:
                engine.close()  # nobody waits for a list any more

        serving = run.executor.submit(serve)
        try:
            yield feed.open_document
        finally:
            engine.halt()
            serving.result()


class _NoTargets:
    """A ``ports.Feed`` that never has a target, and never ends. It is called as the ``FeedMaker`` of its run."""

    open_document: OpenDocument
    exhausted = False

    def __call__(self, wake: Callable[[], None], open_document: OpenDocument) -> _NoTargets:  # noqa: ARG002 - as above
        self.open_document = open_document
        return self

    def poll(self) -> Batch | None:
        """Return None."""
        return None

    def target(self, ticket: int) -> Target | Skipped:
        """As ``ports.Feed``; there is no ticket."""
        raise KeyError(ticket)

    def close(self) -> None:
        """Do nothing."""
