"""What the tests of the fetch stage share: fetchers over a session that is closed, targets, leases."""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from unittest import mock

from scrapepool import url as urls
from scrapepool.fetch import lease_run
from scrapepool.fetch.cookies import CookieStore
from scrapepool.fetch.fetcher import Fetcher
from scrapepool.fetch.lease_run import LeaseRun
from scrapepool.fetch.parts import Parts
from scrapepool.fetch.session import PooledSession
from scrapepool.fetch.turns import Turns
from scrapepool.model import Attempt, Result, Target
from scrapepool.ports import Begun, Done, Resting, Unbegun, Work
from scrapepool.schedule.lease import Lease
from scrapepool.settings import Settings

LONG = 30.0
"""Seconds that a lease may take where the test is not about that."""


def settings(**groups: Any) -> Settings:
    """Settings with short patience."""
    patience = {"connect": 2.0, "read": 2.0, "total": 4.0} | groups.pop("patience", {})
    output = {"body": True, "headers": True} | groups.pop("output", {})
    return Settings().with_(patience=patience, output=output, **groups)


@contextmanager
def fetcher(jar: CookieStore | None = None, parts: Parts | None = None, **groups: Any) -> Iterator[Fetcher]:
    """A fetcher for the block; the groups are ``settings``'s."""
    made = settings(**groups)
    private = made.request.deny_private
    with PooledSession(made.pool.workers, made.pool.per_host, patience=made.patience, deny_private=private) as session:
        yield Fetcher(session, made, jar=jar, parts=parts)


def target(url: str) -> Target:
    """A URL as the reader would have parsed it."""
    parsed = urls.parse(url)
    return Target(url=url, host=parsed.host, path=parsed.path, userinfo=parsed.userinfo)


def work(*of: str | Attempt, budget: float = LONG) -> Work:
    """A lease over URLs of one host, or over one attempt that goes on."""
    attempts = [Attempt(target(one)) if isinstance(one, str) else one for one in of]
    return Work(Lease(attempts[0].host, tuple(range(len(attempts))), None, budget), attempts)


def run(made: Fetcher, *of: str | Attempt, budget: float = LONG) -> Done:
    """Fetch them."""
    return made.run(work(*of, budget=budget))


def only(results: Sequence[Result]) -> Any:
    """The one result."""
    assert len(results) == 1, results
    return results[0]


def get(url: str, jar: CookieStore | None = None, **groups: Any) -> Any:
    """The result of one URL, fetched by a fetcher of its own."""
    with fetcher(jar, **groups) as made:
        return only(run(made, url).results)


class Waiting:
    """Keeps ``ports.Source``, over what there is from the beginning and what ``put`` adds."""

    def __init__(self, works: Sequence[Work | Resting]) -> None:
        self.works = deque(works)
        self.listening = threading.Semaphore(0)
        self._ear, self._bell = socket.socketpair()
        self.ear = self._ear.fileno()

    more = True

    def another(self) -> Work | Resting | None:
        return self.works.popleft() if self.works else None

    def listen(self) -> None:
        self.listening.release()

    def heard(self) -> None:
        self._ear.recv(10)

    def make_way(self) -> None: ...

    def put(self, more: Work | Resting) -> None:
        self.works.append(more)
        self._bell.send(b"!")

    def close(self) -> None:
        self._ear.close()
        self._bell.close()


def in_turns(made: Fetcher, works: Sequence[Work | Resting]) -> list[Done]:
    """What is done, in order; a lease that has to connect does that on a thread of its own, and comes back.

    No request counts as stuck, so that a busy machine leaves nothing unbegun.
    """
    back = list[Done | Resting | Unbegun]()
    count = len(works)

    def connect(begun: Begun) -> None:
        assert isinstance(begun, LeaseRun)
        try:
            while begun.connecting:
                begun.until = begun.going.send(None)
        except StopIteration as end:
            back.append(end.value)
        else:
            waiting.put(begun)

    with (
        mock.patch.object(lease_run, "STUCK_FROM", LONG),
        closing(Waiting(works)) as waiting,
        ThreadPoolExecutor(len(works)) as others,
    ):
        while sum(isinstance(one, Done) for one in back) < count:
            if (first := waiting.another()) is not None:
                Turns(made, waiting, back.extend, lambda begun: others.submit(connect, begun)).run(first)
            else:
                select.select([waiting.ear], [], [], 0.01)
    return [one for one in back if isinstance(one, Done)]
