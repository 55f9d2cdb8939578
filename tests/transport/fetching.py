"""What the tests of transport share: lease contexts over a session that is closed, targets, leases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from scrapepool import url as urls
from scrapepool.model import Attempt, Redirected, Target
from scrapepool.ports import Done, Unbegun, Work
from scrapepool.schedule.lease import Lease
from scrapepool.settings import Settings
from scrapepool.transport.exchange.cookies import CookieStore
from scrapepool.transport.exchange.partial_files import PartialFiles
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.work import lease as lease_run
from scrapepool.transport.work.context import LeaseContext
from scrapepool.transport.work.loop import Loop
from scrapepool.transport.work.task import Chain

LONG = 90.0
"""Seconds that a lease may take where the test is not about that."""


def settings(**groups: Any) -> Settings:
    """Settings with short timeouts."""
    timeouts = {"connect": 2.0, "read": 2.0, "total": 4.0} | groups.pop("timeouts", {})
    output = {"body": True, "headers": True} | groups.pop("output", {})
    return Settings().with_(timeouts=timeouts, output=output, **groups)


@contextmanager
def lease_context(
    jar: CookieStore | None = None, parts: PartialFiles | None = None, **groups: Any
) -> Iterator[LeaseContext]:
    """A lease context for the block; the groups are ``settings``'s."""
    made = settings(**groups)
    private = made.request.deny_private
    with PooledSession(made.pool.workers, made.pool.per_host, timeout=made.timeouts, deny_private=private) as session:
        yield LeaseContext(session, made, jar=jar, partial_files=parts)


def target(url: str) -> Target:
    """A URL as the reader would have parsed it."""
    parsed = urls.parse(url)
    return Target(url=url, host=parsed.host, path=parsed.path, userinfo=parsed.userinfo)


def work(*of: str | Attempt, budget: float = LONG) -> Work:
    """A lease over URLs of one host, or over one attempt that goes on."""
    attempts = [Attempt(target(one)) if isinstance(one, str) else one for one in of]
    return Work(Lease(attempts[0].host, tuple(range(len(attempts))), None, budget), attempts)


def run(made: LeaseContext, *of: str | Attempt, budget: float = LONG) -> Done:
    """Fetch them."""
    return run_alone(made, work(*of, budget=budget))


def run_alone(made: LeaseContext, of: Work, chain: Chain | None = None) -> Done:
    """Run one lease, or a chain of leases, to its end."""
    return only(on_loop(made, [of], chain))


def only(results: Sequence[Any]) -> Any:
    """The one result."""
    assert len(results) == 1, results
    return results[0]


def follow(url: str, **groups: Any) -> Any:
    """Return the last response of redirects over several hosts."""
    with lease_context(**groups) as made:
        result: Any = only(run(made, url).results)
        while isinstance(result, Redirected):
            result = only(run(made, result.attempt).results)
        return result


def get(url: str, jar: CookieStore | None = None, **groups: Any) -> Any:
    """The result of one URL, fetched with a lease context of its own."""
    with lease_context(jar, **groups) as made:
        return only(run(made, url).results)


def on_loop(made: LeaseContext, works: Sequence[Work], chain: Chain | None = None) -> list[Done]:
    """What is done, in order, by one event loop.

    No request counts as stuck, so that a busy machine leaves nothing unbegun.
    """
    with mock.patch.object(lease_run, "STUCK_FROM", LONG):
        return [one for one in all_of(Loop(made, lambda _: chain), works) if isinstance(one, Done)]


def all_of(loop: Loop, works: Sequence[Work]) -> list[Done | Unbegun]:
    """All that comes back of these, in order."""
    for one in works:
        loop.submit(one)
    back = list[Done | Unbegun]()
    while sum(isinstance(one, Done) for one in back) < len(works):
        back += loop.wait(LONG)
    return back
