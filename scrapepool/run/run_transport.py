"""The transport of a run: one event loop, or worker processes with one each.

Decides which of the two a run gets, and what follows from that for its clock, its scheduler and its reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from ..frozen import frozen
from ..model import HostKey
from ..ports import Clock, SystemClock, Transport, Work
from ..settings import Settings
from ..transport.work.context import LeaseContext
from ..transport.work.loop import Loop
from ..transport.work.task import Chain

if TYPE_CHECKING:
    from ..transport.robots.fetcher import RobotsFetcher
    from ..transport.work.activity import Activity
    from ..transport.work.list_lease import ListFetcher
    from .processes.process_starter import ProcessStarter


@frozen
class RunTransport:
    """A transport, and what goes with it.

    clock: counts the CPU time of all processes. activity: returns what the requests in flight wait for; for the
    engine's thread. prefers: as for ``Scheduler``.
    """

    transport: Transport
    clock: Clock
    activity: Callable[[], Sequence[Activity]]
    prefers: Callable[[HostKey], bool] | None = None


@contextmanager
def run_transport(
    settings: Settings,
    processes: int,
    context: LeaseContext,
    robots: Callable[[], RobotsFetcher],
    on_note: Callable[[str], None],
    *,
    makes_records: bool,
    starter: ProcessStarter | None,
) -> Iterator[RunTransport]:
    """Make the transport. At the end of the block, worker processes are stopped.

    processes: how many there are; 1 for an event loop in this process. The others: see ``assembled``.
    """
    loop = Loop(context, _chains(robots, cache(partial(_list_fetcher, context, settings))))
    if processes == 1:
        yield RunTransport(loop, SystemClock(), lambda: _activity(context))
        return
    from .processes.process_transport import BusiestClock, ProcessTransport  # noqa: PLC0415 - an option

    with closing(
        ProcessTransport(settings, processes, loop, context.jar, on_note, makes_records=makes_records, starter=starter)
    ) as workers:
        yield RunTransport(workers, BusiestClock(workers), workers.activity, workers.prefers)


def robots_fetcher(context: LeaseContext, settings: Settings) -> RobotsFetcher:
    """Make the fetcher of robots.txt; only a run that respects one needs its modules."""
    from ..transport.robots.fetcher import RobotsFetcher  # noqa: PLC0415 - see above

    return RobotsFetcher(context, settings)


def _list_fetcher(context: LeaseContext, settings: Settings) -> ListFetcher:
    from ..transport.work.list_lease import ListFetcher  # noqa: PLC0415 - for lists by URL

    return ListFetcher(context, settings)


def _chains(robots: Callable[[], RobotsFetcher], lists: Callable[[], ListFetcher]) -> Callable[[Work], Chain | None]:
    """Return the function that makes the chain of leases for special work: on a robots.txt, or on a list by URL."""

    def chain(work: Work) -> Chain | None:
        lease = work.lease
        if lease.attempt is None:
            return robots().chain(work) if lease.robots else None
        return lists().chain(work) if lease.of_list else None

    return chain


def _activity(context: LeaseContext) -> Sequence[Activity]:
    from ..transport.work.activity import in_flight  # noqa: PLC0415 - rarely needed

    return in_flight(context)
