"""What delays a host, in words: which of its URLs fail and how, and what happens to its other URLs.

Decides words only, from the state of the host's policies. It inspects a bounded number of URLs.
"""

from __future__ import annotations

from itertools import chain, islice

from ...model import Attempt
from ...plural import counted
from ...text import printable
from ..health.circuit_breaker import CircuitBreaker
from ..health.host_health import HostHealth
from ..health.retry import format_duration
from ..queue.host_queue import HostQueue

MAX_INSPECTED = 64
"""Maximum number of pending URLs that are inspected to find the one that failed most often."""

MAX_PATH = 60
"""Maximum number of characters of a path that are shown."""


def describe_delay(queue: HostQueue, now: float) -> str | None:
    """Return what delays a host, as one clause that begins with its name, or None if only its pace does."""
    if queue.refused_until > now or queue.is_finished():
        return None
    health = queue.health
    if health is not None and (health.breaker.opened is not None or health.test is not None):
        return _describe_doubt(queue.key.netloc, health, now)
    failed = _most_often_failed(queue)
    return (
        _describe_pause(queue, now)
        if failed is None
        else f"{_describe_failures(failed, queue.key.netloc)}; {_describe_others(queue, now)}"
    )


def _describe_doubt(name: str, health: HostHealth, now: float) -> str:
    """Return the clause for a host that is down, or that is being tested."""
    breaker = health.breaker
    doing = "is tested" if breaker.opened is None else f"has been down for {format_duration(now - breaker.opened)}"
    if not breaker.failed_in_row:
        return f"{name} {doing}"
    count = counted(breaker.failed_in_row, "page", "pages in a row")
    return f"{name} {doing}: {count} failed, the first {_first(breaker)}"


def _describe_pause(queue: HostQueue, now: float) -> str | None:
    """Return for how long a host gets no requests, and after which response; None if it gets some."""
    if queue.parked_until <= now:
        return None
    why = (
        f" after {_first(queue.health.breaker)}"
        if queue.health is not None and queue.health.breaker.failed_in_row
        else ""
    )
    return f"{queue.key.netloc} gets no requests for {format_duration(queue.parked_until - now)}{why}"


def _describe_others(queue: HostQueue, now: float) -> str:
    """Return what happens to the URLs of a host that have not failed."""
    fresh = queue.fresh + len(queue.attempts.urgent or ())
    if fresh and queue.parked_until > now:
        return f"it gets no requests for {format_duration(queue.parked_until - now)}"
    if fresh:
        return f"its {counted(fresh, 'other goes on', 'others go on')}"
    others = len(queue.attempts.retries or ()) + len(queue.attempts.delayed or ()) + queue.out - 1
    return f"only that and {others:,} more are left" if others else "only that is left, to be retried"


def _first(breaker: CircuitBreaker) -> str:
    """Return the first of the pages that failed in a row, and how it failed."""
    return f"{_path(breaker.pages[0])} ({printable(breaker.words)})"


def _most_often_failed(queue: HostQueue) -> Attempt | None:
    """Return the pending URL that failed most often, or None if none failed."""
    attempts = queue.attempts
    retries = chain(attempts.retries or (), (attempts.delayed or {}).values())
    waiting = (pending.attempt for pending in retries)
    failed = [attempt for attempt in islice(waiting, MAX_INSPECTED) if attempt.earlier is not None]
    return max(failed, key=_failures, default=None)


def _failures(attempt: Attempt) -> int:
    return attempt.number - 1 + attempt.refunds


def _describe_failures(attempt: Attempt, name: str) -> str:
    """Return how a URL failed, and how often: ``example.org said 503 to /img/1.png 4 times``."""
    times = _failures(attempt)
    often = "once" if times == 1 else f"{times:,} times"
    said = attempt.earlier.said if attempt.earlier is not None else ""
    path = _path(attempt.target.url)
    return f"{name} said {said} to {path} {often}" if said.isdigit() else f"{name} failed {path} {often} ({said})"


def _path(url: str) -> str:
    """Return the path and query of a URL, shortened if they are long."""
    path = printable("/" + url.partition("://")[2].partition("/")[2])
    return path if len(path) <= MAX_PATH else f"{path[:MAX_PATH]}…"
