"""One attempt by oneself, from host to host, where no scheduler queues the hops."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Attempt, Redirected
from ..ports import Done, Work
from ..schedule.lease import Lease
from .fetcher import Fetcher


def hops(fetcher: Fetcher, attempt: Attempt, of: Work | None = None) -> Iterator[Done]:
    """Fetch an attempt; a ``Done`` for each host that it comes to. The last one's result is no ``Redirected``.

    of: the engine's work that this is a part of.
    """
    while True:
        done = fetcher.run(Work(Lease(attempt.host, attempt=attempt), [attempt]), of)
        yield done
        result = done.results[0] if done.results else None
        if not isinstance(result, Redirected):
            return
        attempt = result.attempt
