"""Builds an engine from settings: the only module that knows every stage.

Decides which implementation of each port a run gets, and closes all of them at its end. The file exceeds 300 lines
because one function has to hold what all of them share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from ..engine import Engine, Stop
from ..frozen import frozen
from ..model import HostKey, Outcome
from ..ports import (
    LEASES_OUT,
    Archive,
    Clock,
    Controls,
    NoView,
    Snapshot,
    SystemClock,
    Transport,
    View,
    Work,
)
from ..read.list_downloads import ListDownloads
from ..read.streams.spool import Spool
from ..running_clock import RUNNING_CLOCK
from ..schedule.http_fallback import HttpFallback
from ..schedule.queue.ticket_chains import TICKET_FILE
from ..schedule.scheduler import Scheduler
from ..settings import MOST_WORKERS, FileSettings, Settings
from ..transport.exchange.check_request import check_request
from ..transport.exchange.cookies import CookieStore
from ..transport.exchange.partial_files import PartialFiles
from ..transport.net.bandwidth import Bandwidth
from ..transport.net.descriptors import workers_within
from ..transport.net.session import PooledSession
from ..transport.robots.fetcher import RobotsFetcher
from ..transport.work.context import MAX_BLOCKING, LeaseContext
from ..transport.work.list_lease import ListFetcher
from ..transport.work.loop import Loop
from ..transport.work.task import Chain
from ..validators import Known
from .address_space import share_one_arena_if_limited
from .cookie_jar import cookies_for, saved_cookies
from .host_limits import limits_for, most_per_host
from .host_memory import memory_for
from .list_feed import FeedMaker
from .process_count import process_count
from .shard import Shard

if TYPE_CHECKING:
    from ..transport.work.activity import Activity
    from .expectations import Unexpected
    from .processes.process_starter import ProcessStarter

HOSTS_MEASURED = 50
"""Hosts that have metrics of their own, where that is wanted."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods (RFC 9110 section 9.2.1), whose requests may be sent to check whether a host is up."""

Share = Callable[[PooledSession, CookieStore], AbstractContextManager[None]]
"""Has a run's session and cookies go by those of its caller, for the block."""

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
    stop = stop or Stop()
    view = view or NoView()
    saves = settings.files.save_dir is not None
    processes = process_count(settings.pool)
    settings = settings.with_(pool={"workers": workers_within(settings.pool.workers, save=saves, processes=processes)})
    pool = settings.pool
    clock: Clock = SystemClock()
    cookies = cookies_for(settings.request, on_note or view.note)
    if share is not None and cookies is None:
        cookies = CookieStore()
    per_host = most_per_host(settings)
    bandwidth = settings.limits.bandwidth
    _check(settings)
    with (
        RUNNING_CLOCK,
        saved_cookies(cookies, settings.request),
        _parts(settings.files) as parts,
        PooledSession(
            pool.workers,
            per_host,
            tls_resume=settings.request.tls_resume,
            deny_private=settings.request.deny_private,
            bandwidth=None if bandwidth is None else Bandwidth(bandwidth, clock.monotonic()),
        ) as session,
        nullcontext() if share is None or cookies is None else share(session, cookies),
        closing(_Threads(1 + MAX_BLOCKING, thread_name_prefix="scrapepool")) as executor,
        ExitStack() as opened,
    ):
        context = LeaseContext(
            session,
            settings,
            jar=cookies,
            partial_files=parts,
            has_file=has_file,
            executor=executor,
            unexpected=_unexpected(settings),
        )
        if parts is not None:
            parts.folder.on_full = context.evict_idle
        robots = RobotsFetcher(context, settings)
        own_loop = Loop(context, _chains(robots, ListFetcher(context, settings)))
        loop: Transport = own_loop
        doing: Callable[[], Sequence[Activity]] = partial(_activity, context)
        prefers: Callable[[HostKey], bool] | None = None
        if processes > 1:
            from .processes.process_transport import BusiestClock, ProcessTransport  # noqa: PLC0415 - an option

            loop = workers = opened.enter_context(
                closing(
                    ProcessTransport(
                        settings,
                        processes,
                        own_loop,
                        cookies,
                        on_note or view.note,
                        makes_records=makes_records,
                        starter=starter,
                    )
                )
            )
            clock, doing, prefers = BusiestClock(workers), workers.activity, workers.prefers
        shard = Shard()

        def wake() -> None:
            loop.wake()
            shard.wake()

        stop.wake = wake
        feed = make_feed(loop.wake, downloads := ListDownloads(loop.wake))
        if (stall := settings.display.watch_stalls) is not None:
            from .monitoring.stall_report import StallWatch  # noqa: PLC0415 - rarely needed

            view = StallWatch(view, stall, doing, on_note or view.note)
        try:
            memory = memory_for(settings, clock, robots, loop.wake)
        except BaseException:
            feed.close()
            raise
        engine = Engine(
            scheduler=Scheduler(
                pool,
                settings.retry,
                rng=random.random,
                politeness=settings.politeness,
                limits=settings.limits,
                limits_for=limits_for(settings, clock, not_before),
                until=_until(settings, clock),
                histories=settings.output.history,
                memory=memory,
                verifies=settings.request.data is None and settings.request.method.upper() in SAFE,
                fallback=HttpFallback(settings.request.method.upper()) if settings.request.http_fallback else None,
                spool=opened.enter_context(closing(Spool(TICKET_FILE))),
                prefers=prefers,
            ),
            feed=feed,
            lists=downloads,
            transport=loop,
            view=view,
            clock=clock,
            workers=pool.workers,
            most_out=workers_within(LEASES_OUT * pool.workers, save=saves, processes=processes),
            stop=stop,
            memory=memory,
            full=shard.full,
            gather=GATHER,
            largest=HOSTS_MEASURED if settings.display.metrics_hosts else 0,
            controls=_connected(
                controls or Controls(), loop, workers_within(MOST_WORKERS, save=saves, processes=processes)
            ),
            all_hosts=settings.display.summary_json is not None,
        )
        try:
            yield Run(engine, shard, executor, doing)
        finally:
            engine.close()


def _check(settings: Settings) -> None:
    """Raise UsageError for a request or a selector that is invalid, before anything is fetched."""
    check_request(settings.request)
    if settings.output.wants_data:
        from ..extract.extractor import Extractor  # noqa: PLC0415 - for runs that take something out of pages

        Extractor(settings.output)


def _connected(controls: Controls, transport: Transport, most_workers: int) -> Controls:
    """Tell controls what they control."""
    controls.wake, controls.most_workers = transport.wake, most_workers
    return controls


def _chains(robots: RobotsFetcher, lists: ListFetcher) -> Callable[[Work], Chain | None]:
    """Return the function that makes the chain of leases for special work: on a robots.txt, or on a list by URL."""

    def chain(work: Work) -> Chain | None:
        lease = work.lease
        if lease.attempt is None:
            return robots.chain(work) if lease.robots else None
        return lists.chain(work) if lease.of_list else None

    return chain


def _activity(context: LeaseContext) -> Sequence[Activity]:
    from ..transport.work.activity import in_flight  # noqa: PLC0415 - rarely needed

    return in_flight(context)


class _Threads(ThreadPoolExecutor):
    """The threads of a run."""

    def close(self) -> None:
        """Shut down without waiting for threads that are blocked."""
        self.shutdown(wait=False, cancel_futures=True)


def _parts(settings: FileSettings) -> AbstractContextManager[PartialFiles | None]:
    """Open the folder of partial files, if bodies are saved."""
    if settings.save_dir is None:
        return nullcontext()
    from .save_dir import parts_in  # noqa: PLC0415 - rarely needed

    return parts_in(settings)


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


def _unexpected(settings: Settings) -> Unexpected | None:
    if not settings.output.expect:
        return None
    from .expectations import unexpected_of  # noqa: PLC0415 - rarely needed

    return unexpected_of(settings.output.expectations)


def _until(settings: Settings, clock: Clock) -> float | None:
    until = settings.limits.until
    return None if until is None else clock.monotonic() + until - clock.wall()
