"""What one outcome says by itself, without its host's history."""

from __future__ import annotations

from typing import TypeGuard

from ...model import Failed, Fetched, Outcome, Result, Unchanged
from ..health import retry
from ..health.circuit_breaker import Cause, cause_of
from ..health.outage import looks_down
from ..health.proxy_guard import MAY_BE_HOST
from ..lease import Lease


def is_success(result: Result) -> TypeGuard[Fetched | Unchanged]:
    """Whether a result is final and speaks well of its host; the host may still ask for a pause with it."""
    if isinstance(result, Unchanged):
        return True
    return isinstance(result, Fetched) and not retry.is_retryable(result) and cause_of(result) is None


def may_be_network(outcome: Outcome) -> bool:
    """Whether many such failures at once show an outage of the network or of a gateway."""
    return looks_down(outcome) or (isinstance(outcome, Failed) and outcome.proxy in MAY_BE_HOST)


def is_explicit_limit(outcome: Outcome) -> bool:
    """Whether the host itself asks for fewer requests, or for a wait."""
    return outcome.status == 429 or retry.retry_after(outcome) is not None


def attempts_made(lease: Lease, outcome: Outcome) -> int:
    """Return the number of attempts made: the scheduler's own count, or the outcome's if that is higher."""
    return max(outcome.attempts, 1 if lease.attempt is None else lease.attempt.number)


def failure_code(outcome: Outcome) -> str:
    """Return the status of a failure, or its error."""
    return str(outcome.error) if isinstance(outcome, Failed) else str(outcome.status)


def describe(outcome: Outcome, cause: Cause) -> str:
    """Return a failure in a few words, for the records of targets that fail because of it."""
    if isinstance(outcome, Failed):
        return f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error
    return f"status {outcome.status}" if outcome.status else cause


def received_at(response: Fetched | Unchanged, lease: Lease, now: float, wall: float) -> float:
    """Return when a response had arrived, in monotonic seconds; ``now`` if that is unknown.

    wall: Unix time now. A request that opened a connection was sent later than it ``started``.
    """
    if not response.reused or response.started is None:
        return now
    began = now - (wall - response.started)
    return min(now, began + response.elapsed) if began >= lease.since else now
