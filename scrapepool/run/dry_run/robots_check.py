"""Fetches the robots.txt of each host, to see what it would change about a run.

Decides nothing about robots.txt: it is fetched and judged as in a run. Each host is asked once, without a second try.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...model import HostKey, Target
from ...ports import Done, Work
from ...read import TargetList
from ...running_clock import RUNNING_CLOCK
from ...schedule.lease import Lease
from ...schedule.robots import RobotsVerdict
from ...settings import Settings
from ...transport.net.session import PooledSession
from ...transport.robots.fetcher import RobotsFetcher
from ...transport.work.context import LeaseContext
from ...transport.work.loop import Loop
from ..cookie_jar import cookies_for


@dataclass(frozen=True, slots=True)
class HostRobots:
    """The effect of a robots.txt.

    refused: URLs that may not be asked for, all of them where it is ``unreachable`` (why, one human line).
    crawl_delay: seconds between two starts, as far as it is kept; 0.0 for none.
    """

    refused: int = 0
    crawl_delay: float = 0.0
    unreachable: str | None = None


def ask_robots(
    tickets: Mapping[HostKey, Sequence[int]], targets: TargetList, settings: Settings
) -> dict[HostKey, HostRobots]:
    """Ask these hosts for their robots.txt; those for which it changes something.

    tickets: of the URLs that are judged, which ``targets`` looks up again; it must be read to its end, and open.
    """
    found: dict[HostKey, HostRobots] = {}
    workers = min(settings.pool.workers, max(len(tickets), 1))
    private = settings.request.deny_private
    with (
        RUNNING_CLOCK,
        PooledSession(workers, 1, deny_private=private) as session,
    ):
        context = LeaseContext(session, settings, jar=cookies_for(settings.request))
        loop = Loop(context, RobotsFetcher(context, settings).chain)
        waiting = iter(tickets)
        busy = 0
        try:
            while True:
                while busy < workers and (host := next(waiting, None)) is not None:
                    loop.submit(Work(Lease(host, robots=True), ()))
                    busy += 1
                if not busy:
                    return found
                for done in loop.wait(None):
                    assert isinstance(done, Done)  # noqa: S101 - a robots.txt has nothing unbegun
                    busy -= 1
                    host = done.work.lease.host
                    verdict = done.robots or RobotsVerdict(unreachable="no answer")
                    if (changed := _judged(verdict, tickets[host], targets, settings)) != HostRobots():
                        found[host] = changed
        finally:
            loop.drain()
            if busy:
                loop.abort()


def _judged(verdict: RobotsVerdict, tickets: Sequence[int], targets: TargetList, settings: Settings) -> HostRobots:
    if verdict.unreachable is not None:
        return HostRobots(len(tickets), unreachable=verdict.unreachable)
    delay = min(verdict.crawl_delay or 0.0, settings.politeness.max_crawl_delay)
    rules = verdict.rules
    if rules is None:
        return HostRobots(crawl_delay=delay)
    looked_up = map(targets.target, tickets)
    refused = sum(isinstance(target, Target) and not rules.allows(target.path) for target in looked_up)
    return HostRobots(refused, delay)
