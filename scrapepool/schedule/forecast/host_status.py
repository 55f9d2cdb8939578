"""The word for the state of a host, as views show it. The words are ``tally.STATES``."""

from __future__ import annotations

from ..queue.host_queue import HostQueue


def status_of(queue: HostQueue, now: float) -> tuple[str, float | None]:
    """Return the word, and the seconds until it changes if that is known."""
    if queue.refused_until > now:
        return ("deferred", queue.refused_until - now) if queue.refusal is None else ("given up", None)
    if queue.is_finished():
        return "done", None
    return _restriction(queue, now) or _wait(queue, now) or ("ok", None)


def _restriction(queue: HostQueue, now: float) -> tuple[str, float | None] | None:
    """Return what robots.txt or failures make of a host that is not finished."""
    gate, health = queue.gate, queue.health
    if gate is not None and (gate.asked or gate.failures or queue.may_start(now)):
        return "robots", queue.not_before - now if queue.not_before > now else None
    if health is not None and health.breaker.opened is not None:
        return ("half-open", None) if queue.out else ("circuit open", max(0.0, queue.not_before - now))
    if queue.parked_until > now:
        return "parked", queue.parked_until - now
    if health is not None and (health.interval or queue.limit < queue.max_limit):
        return "slowed", None
    return None


def _wait(queue: HostQueue, now: float) -> tuple[str, float | None] | None:
    """Return what a host waits for that is neither finished nor restricted."""
    if not queue.out and queue.has_work() and queue.not_before > now:
        return "waiting", queue.not_before - now
    if not queue.limit:
        return "shared", None
    if not queue.out and not queue.has_work() and queue.attempts.delayed:
        return "backoff", max(0.0, queue.attempts.next_due() - now)
    return None
