"""What mypy says of programs that use the library; the gate runs it over this file.

An ignored error is one that has to be there: mypy complains where it is not (``warn_unused_ignores``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never, assert_type

import requests
from urllib3.util import Retry

from scrapepool import (
    Deferred,
    ErrorKind,
    Failed,
    Fetched,
    Outcome,
    PooledSession,
    PoolSettings,
    PoolStats,
    Request,
    RetryPolicy,
    Settings,
    Skipped,
    Timeouts,
    Unchanged,
    afetch,
    error_of,
    fetch,
    verdict,
)


def settings() -> Iterator[Settings]:
    """Names and values of settings, in both spellings."""
    yield Settings().with_(pool={"workers": 8, "rate": 2}, output={"body": True}, warc={"path": None})
    yield Settings(pool=PoolSettings(workers=8), timeouts=Timeouts(total=5))
    yield Settings().with_(pool={"worker": 8})  # type: ignore[typeddict-unknown-key]
    yield Settings().with_(pool={"workers": "8"})  # type: ignore[typeddict-item]
    yield Settings().with_(pol={"workers": 8})  # type: ignore[call-arg]
    yield Settings().with_(pool={"pace": "slow"})  # type: ignore[typeddict-item]
    yield Settings(pool=PoolSettings(worker=8))  # type: ignore[call-arg]
    Settings().pool.workers = 3  # type: ignore[misc]


def outcomes(session: requests.Session) -> None:
    """What goes into ``fetch``, and what comes out."""
    for outcome in fetch(["https://example.org/", Request("https://example.org/", data={"a": 1}, context=session)]):
        assert_type(outcome, Fetched | Unchanged | Failed | Skipped | Deferred)
        assert_type(outcome.text, str | None)
        assert_type(verdict(outcome), str)
        assert_type(error_of(outcome), ErrorKind | None)
        outcome.error  # type: ignore[union-attr]  # noqa: B018
    fetch(iter(["https://example.org/"]), Settings(), session=session).close()
    fetch([1])  # type: ignore[list-item]
    fetch(["https://example.org/"], workers=8)  # type: ignore[call-arg]
    Request("https://example.org/", body=b"")  # type: ignore[call-arg]


def matched(outcome: Outcome) -> int:
    """Five kinds, and no other."""
    match outcome:
        case Fetched() | Unchanged():
            return outcome.status or 0
        case Failed() | Skipped():
            return len(outcome.error)
        case Deferred():
            return int(outcome.not_before)
        case _:
            assert_never(outcome)


def sessions() -> None:
    """What a session may be made with."""
    with PooledSession(pool_maxsize=20, max_retries=Retry(total=3), timeout=10, cacert=Path("ca.pem")) as session:
        assert_type(session, PooledSession)
        assert_type(session.get("https://example.org/"), requests.Response)
        assert_type(session.pool_stats(), dict[str, PoolStats])
    PooledSession(16, 4, timeout=(3.0, None), max_retries=RetryPolicy(retries=1))
    PooledSession(timeout="10")  # type: ignore[arg-type]
    PooledSession(retries=3)  # type: ignore[call-arg]


async def first_status(urls: list[str]) -> int | None:
    """Outcomes of ``afetch`` are those of ``fetch``."""
    async for outcome in afetch(urls, on_outcome=print):
        assert_type(outcome, Outcome)
        return outcome.status
    return None


def to_a_file(path: Path) -> Request:
    """A binary file is a ``BodyWriter``."""
    return Request("https://example.org/", body_to=lambda: path.open("wb"))
