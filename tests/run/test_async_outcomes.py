"""``afetch``: a run for programs with asyncio."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from scrapepool import Outcome, Request, Settings, UsageError, afetch, fetch, verdict
from tests.servers.polite import PoliteServer

PLAIN = Settings().with_(politeness={"robots": False}, pool={"workers": 2})


def threads_left(before: set[threading.Thread]) -> list[threading.Thread]:
    """Those that do not end by themselves."""
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    return [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]


def test_outcomes_come_to_a_coroutine() -> None:
    """One per URL, with contexts, while the event loop goes on; a callback gets each of them too."""
    seen: list[Outcome] = []

    async def main(server: PoliteServer) -> list[Outcome]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(tick())
        requests = [Request(server.url(f"/{number}"), context=number) for number in range(20)]
        outcomes = [outcome async for outcome in afetch(requests, PLAIN, on_outcome=seen.append)]
        task.cancel()
        assert ticks > 1
        return outcomes

    before = set(threading.enumerate())
    with PoliteServer() as server:
        outcomes = asyncio.run(main(server))
        assert sorted(outcome.context for outcome in outcomes) == list(range(20))
        assert seen == outcomes
        assert list(fetch([server.url()], PLAIN, on_outcome=seen.append)) == seen[-1:]
    assert threads_left(before) == []


@pytest.mark.parametrize("way", ["aclosing", "cancel", "timeout"])
def test_leaving_ends_the_run(way: str) -> None:
    """At once, although a page is on its way that takes a minute, and with no thread left."""

    def urls(server: PoliteServer) -> Iterator[str]:
        yield server.url("/ok")
        for number in itertools.count():
            yield server.url(f"/delay/60?{number}")

    async def main(server: PoliteServer) -> None:
        async def read() -> None:
            async for outcome in afetch(urls(server), PLAIN):
                assert verdict(outcome) == "ok"
                first.set()

        first = asyncio.Event()
        if way == "aclosing":
            async with aclosing(afetch(urls(server), PLAIN)) as outcomes:
                async for _ in outcomes:
                    return
        task = asyncio.create_task(read())
        await first.wait()
        if way == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task, 0.01)

    before = set(threading.enumerate())
    with PoliteServer() as server:
        asyncio.run(asyncio.wait_for(main(server), 30))
    assert threads_left(before) == []


def test_errors_come_out() -> None:
    """Wrong settings at the call, and what a program's own iterator raises in the loop."""
    with pytest.raises(UsageError, match="takes an iterable"):
        afetch("https://example.org/")

    def failing() -> Iterator[str]:
        raise ZeroDivisionError
        yield ""

    async def main() -> None:
        async for _ in afetch(failing()):
            pass

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
