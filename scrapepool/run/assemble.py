"""Settings in, an engine out: the one place that knows every stage.

Decides which implementation of each port a run gets, and that all of them are closed at its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from ..engine import Engine, Stop
from ..extract import extracted
from ..extract.extractor import Extractor
from ..fetch.cookies import load_jar
from ..fetch.fetcher import Fetcher
from ..fetch.robots import RobotsFetcher
from ..fetch.route import check_request
from ..fetch.session import PooledSession
from ..model import Outcome
from ..ports import Archive, Clock, Feed, NoView, SystemClock, View
from ..read import TargetList
from ..read.finished import Finished
from ..schedule.scheduler import Scheduler
from ..settings import Settings
from .limits import limits_for, most_per_host
from .memory import memory_for
from .threads import Threads

FeedMaker = Callable[[Callable[[], None]], Feed]


@contextmanager
def assembled(
    settings: Settings, make_feed: FeedMaker, *, view: View | None = None, stop: Stop | None = None
) -> Iterator[Engine]:
    """An engine for one run; leaving the block cuts what is in flight and closes everything.

    make_feed: gets the function that wakes the engine. Raises ListError, UsageError, OutputError, OSError.
    """
    stop = stop or Stop()
    pool = settings.pool
    clock = SystemClock()
    jar = load_jar(settings.request.cookies)
    per_host = most_per_host(settings)
    check_request(settings.request)
    if settings.output.wants_data:
        Extractor(settings.output)  # a selector that does not compile fetches nothing
    with PooledSession(
        pool.workers,
        per_host,
        patience=settings.patience,
        retries=settings.retry,
        tls_resume=settings.request.tls_resume,
        deny_private=settings.request.deny_private,
    ) as session:
        fetcher = RobotsFetcher(Fetcher(session, settings, jar=jar), settings)
        crew = Threads(fetcher, pool.workers)
        stop.wake = crew.wake
        feed = make_feed(crew.wake)
        try:
            memory = memory_for(settings, clock, fetcher, crew.wake)
        except BaseException:
            feed.close()
            raise
        engine = Engine(
            scheduler=Scheduler(
                pool,
                settings.retry,
                dice=random.random,
                politeness=settings.politeness,
                limits=settings.limits,
                limits_for=limits_for(settings, clock),
                until=_until(settings, clock),
                histories=settings.output.history,
                memory=memory,
            ),
            feed=feed,
            fetch=fetcher,
            crew=crew,
            view=view or NoView(),
            clock=clock,
            workers=pool.workers,
            stop=stop,
            memory=memory,
        )
        try:
            yield engine
        finally:
            engine.close()


def final_outcomes(
    engine: Engine,
    settings: Settings,
    stop: Stop,
    on_note: Callable[[str], None] = lambda _: None,
    archive: Archive | None = None,
) -> Iterator[Sequence[Outcome]]:
    """The outcomes of a run as its outputs are to have them. stop: the engine's. on_note: see ``extract.extracted``.

    archive: see ``Engine.run``.
    """
    if not settings.output.wants_data:
        return engine.run(archive)
    return extracted(
        engine.run(archive),
        settings.output,
        wake=stop.wake,
        should_stop=lambda: engine.out_of_patience,
        on_note=on_note,
    )


def _until(settings: Settings, clock: Clock) -> float | None:
    until = settings.limits.until
    return None if until is None else clock.monotonic() + until - clock.wall()


def lists(
    sources: Sequence[str],
    settings: Settings,
    *,
    stdin: BinaryIO | None = None,
    on_note: Callable[[str], None] = lambda _: None,
    finished: Finished | None = None,
) -> FeedMaker:
    """A feed over lists and URLs as the command line names them; ``finished`` are passed over."""
    return lambda wake: TargetList(sources, settings.input, stdin=stdin, wake=wake, on_note=on_note, finished=finished)


def outcomes(urls: Iterable[str], settings: Settings | None = None) -> Iterator[Outcome]:
    """The outcomes of a run over URLs in memory; ``scrapepool.fetch``."""
    settings = (settings or Settings()).with_(warc={"path": None})  # it writes no files
    stop = Stop()
    with assembled(settings, lambda wake: TargetList.of_urls(urls, settings.input, wake=wake), stop=stop) as engine:
        for final in final_outcomes(engine, settings, stop):
            yield from final
