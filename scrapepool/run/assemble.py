"""Builds an engine from settings: the only module that knows every stage.

Decides which implementation of each port a run gets, and closes all of them at its end. ``lease_resources`` opens what
its requests share, and ``run_transport`` chooses between one process and several.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..engine import Engine, Stop
from ..frozen import frozen
from ..model import HostKey, Outcome
from ..ports import LEASES_OUT, Archive, Controls, HostMemory, NoView, Snapshot, SystemClock, View
from ..read.list_downloads import ListDownloads
from ..read.streams.spool import Spool
from ..running_clock import RUNNING_CLOCK
from ..schedule.http_fallback import HttpFallback
from ..schedule.limits import LimitsFor
from ..schedule.queue.ticket_chains import TICKET_FILE
from ..schedule.scheduler import Scheduler
from ..settings import MOST_WORKERS, Settings
from ..transport.exchange.check_request import check_request
from ..transport.net.descriptors import workers_within
from .address_space import share_one_arena_if_limited
from .host_limits import limits_for
from .host_memory import memory_for
from .lease_resources import Share, lease_resources
from .list_feed import FeedMaker
from .process_count import process_count
from .run_transport import RunTransport, robots_fetcher, run_transport
from .shard import Shard

if TYPE_CHECKING:
    from ..transport.work.activity import Activity
    from ..validators import Known
    from .processes.process_starter import ProcessStarter

HOSTS_MEASURED = 50
"""Hosts that have metrics of their own, where that is wanted."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods (RFC 9110 section 9.2.1), whose requests may be sent to check whether a host is up."""

GATHER = 0.02
"""Seconds for which outcomes are collected into a batch: waking the writer costs as much as a request."""


@frozen
class Run:
    """The parts of a run.

    executor: its first thread runs the engine, the others run calls that block.
    doing: returns what the requests in flight wait for; for the engine's thread.
    """

    engine: Engine
    shard: Shard
    executor: Executor
    doing: Callable[[], Sequence[Activity]]

    def outcomes(self, archive: Archive | None = None) -> Generator[Sequence[Outcome]]:
        """As ``Engine.run``, which runs on a thread of the executor. archive: used on the caller's thread."""
        return self.shard.outcomes(self.engine, self.executor, archive)

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the run. May be called from any thread, as ``activity`` may."""
        return self.shard.on_engine(self.engine, self.engine.snapshot)

    def activity(self) -> Sequence[Activity]:
        """Return what the requests in flight wait for."""
        return self.shard.on_engine(self.engine, self.doing)


@contextmanager
def assembled(
    settings: Settings,
    make_feed: FeedMaker,
    *,
    view: View | None = None,
    stop: Stop | None = None,
    on_note: Callable[[str], None] | None = None,
    not_before: Mapping[HostKey, float] | None = None,
    has_file: Callable[[Known], bool] | None = None,
    share: Share | None = None,
    controls: Controls | None = None,
    makes_records: bool = False,
    starter: ProcessStarter | None = None,
) -> Iterator[Run]:
    """Build an engine for one run, and its thread. Leaving the block aborts what is in flight and closes everything.

    make_feed: see its type. on_note: receives lines for the user; the default is ``view.note``.
    not_before: see ``limits_for``. has_file: see ``LeaseContext``. share: see its type; None for resources of this run
    only. controls: what a person changes while the run goes on. makes_records: whether the outcomes become records as
    the settings say. starter: starts worker processes; None if none were forked.
    The number of workers is limited by the file descriptors that the process may open.
    Raises ListError, UsageError, OutputError, OSError.
    """
    share_one_arena_if_limited()
    stop, view, controls = stop or Stop(), view or NoView(), controls or Controls()
    on_note = on_note or view.note
    processes = process_count(settings.pool)
    most_workers = partial(workers_within, save=settings.files.save_dir is not None, processes=processes)
    settings = replace(settings, pool=replace(settings.pool, workers=most_workers(settings.pool.workers)))
    _check(settings)
    with (
        RUNNING_CLOCK,
        lease_resources(settings, SystemClock().monotonic(), on_note, has_file=has_file, share=share) as resources,
        closing(Spool(TICKET_FILE)) as spool,
    ):
        robots = cache(partial(robots_fetcher, resources.context, settings))
        with run_transport(
            settings, processes, resources.context, robots, on_note, makes_records=makes_records, starter=starter
        ) as chosen:
            transport, clock = chosen.transport, chosen.clock
            shard = Shard()

            def wake() -> None:
                transport.wake()
                shard.wake()

            stop.wake = wake
            controls.wake, controls.most_workers = transport.wake, most_workers(MOST_WORKERS)
            downloads = ListDownloads(transport.wake)
            feed = make_feed(transport.wake, downloads)
            try:
                memory = memory_for(settings, clock, lambda host: robots().agent(host), transport.wake)
            except BaseException:
                feed.close()
                raise
            engine = Engine(
                scheduler=_scheduler(settings, limits_for(settings, clock, not_before), memory, spool, chosen),
                feed=feed,
                lists=downloads,
                transport=transport,
                view=_watched(view, settings, chosen, on_note),
                clock=clock,
                workers=settings.pool.workers,
                most_out=most_workers(LEASES_OUT * settings.pool.workers),
                stop=stop,
                memory=memory,
                full=shard.full,
                gather=GATHER,
                largest=HOSTS_MEASURED if settings.display.metrics_hosts else 0,
                controls=controls,
                all_hosts=settings.display.summary_json is not None,
            )
            try:
                yield Run(engine, shard, resources.executor, chosen.activity)
            finally:
                engine.close()


def _scheduler(
    settings: Settings, limits: LimitsFor, memory: HostMemory | None, spool: Spool, chosen: RunTransport
) -> Scheduler:
    clock, method, until = chosen.clock, settings.request.method.upper(), settings.limits.until
    return Scheduler(
        settings.pool,
        settings.retry,
        rng=random.random,
        politeness=settings.politeness,
        limits=settings.limits,
        limits_for=limits,
        until=None if until is None else clock.monotonic() + until - clock.wall(),
        histories=settings.output.history,
        memory=memory,
        verifies=settings.request.data is None and method in SAFE,
        fallback=HttpFallback(method) if settings.request.http_fallback else None,
        spool=spool,
        prefers=chosen.prefers,
    )


def _watched(view: View, settings: Settings, chosen: RunTransport, on_note: Callable[[str], None]) -> View:
    """Return the view; with ``--watch-stalls`` it also reports what a run that does not go on waits for."""
    if settings.display.watch_stalls is None:
        return view
    from .monitoring.stall_report import StallWatch  # noqa: PLC0415 - rarely needed

    return StallWatch(view, settings.display.watch_stalls, chosen.activity, on_note)


def _check(settings: Settings) -> None:
    """Raise UsageError for a request or a selector that is invalid, before anything is fetched."""
    check_request(settings.request)
    if settings.output.wants_data:
        from ..extract.extractor import Extractor  # noqa: PLC0415 - for runs that take something out of pages

        Extractor(settings.output)


def final_outcomes(
    run: Run,
    settings: Settings,
    stop: Stop,
    on_note: Callable[[str], None] = lambda _: None,
    archive: Archive | None = None,
    on_left: Callable[[Collection[Outcome]], None] = lambda _: None,
) -> Generator[Sequence[Outcome]]:
    """Yield the outcomes of a run with the values extracted from pages. Closing the generator ends the run.

    stop: the engine's. on_note, on_left: see ``extract.extracted``. archive: see ``Run.outcomes``.
    """
    with closing(run.outcomes(archive)) as batches:
        if not settings.output.wants_data:
            yield from batches
            return
        from ..extract import extracted  # noqa: PLC0415 - as above

        yield from extracted(
            batches,
            settings.output,
            keep_body=settings.files.needs_body,
            wake=stop.wake,
            should_stop=lambda: run.engine.must_end_now,
            on_note=on_note,
            on_left=on_left,
        )
