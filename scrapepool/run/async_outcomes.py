"""A run whose reader is a coroutine: ``scrapepool.afetch``.

Decides that one thread drives the run and hands over a batch of outcomes whenever the coroutine asks for one, so that
the run waits for its reader, and that leaving the iteration ends the run and its thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import GEN_RUNNING, GEN_SUSPENDED, getgeneratorstate

from ..engine import Stop
from ..model import Outcome


async def async_outcomes(
    batches: Generator[Sequence[Outcome]], stop: Stop, on_outcome: Callable[[Outcome], object] | None
) -> AsyncGenerator[Outcome]:
    """Yield the outcomes of batches, which are taken on a thread. stop: ends their run. Raises what they raise."""
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1, thread_name_prefix="scrapepool-afetch")
    try:
        while (batch := await loop.run_in_executor(executor, next, batches, None)) is not None:
            for outcome in batch:
                if on_outcome is not None:
                    on_outcome(outcome)
                yield outcome
    finally:
        if getgeneratorstate(batches) in (GEN_RUNNING, GEN_SUSPENDED):
            stop.request()  # so that a batch that the thread waits for comes at once
            stop.request()
        try:
            await asyncio.shield(loop.run_in_executor(executor, batches.close))
        finally:
            executor.shutdown(wait=False)
