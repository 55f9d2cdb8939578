"""Whether a target is requested again, after how long, and how long its host gets no requests.

Decides from one outcome and the ``RetryPolicy`` only. Knows no queue and no clock: the time and the random number are
arguments. Whether a failure is worth a retry at all was decided where it was seen, by ``OutcomeBase.retry``.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from ...model import Deferred, HostKey, Outcome, OutcomeBase
from ...settings import RetryPolicy

HOST_WIDE = frozenset({429, 503})
"""Statuses whose Retry-After speaks for the host and not for one URL (RFC 6585 section 4, RFC 9110 section 15.6.4)."""

MAX_REFUNDS = 10
"""Maximum number of refunded attempts per target because of its host, besides those of an outage, which has an end of
its own. A page that is refused more often than that uses up its attempts."""

CHECK_DELAY = 0.5
"""Seconds until a page that was perhaps refused is requested again, to find out whether it was."""

MAX_DOUBLINGS = 64
"""Maximum number of doublings: far beyond any ``backoff_max``, well inside a float."""

_COPIED_FIELDS = tuple(field.name for field in fields(OutcomeBase) if field.name not in {"detail", "retry"})


def may_retry(policy: RetryPolicy, made: int) -> bool:
    """Whether another attempt is allowed after ``made`` of them."""
    return made <= policy.retries


def backoff(policy: RetryPolicy, made: int, jitter: float) -> float:
    """Return the seconds to wait after attempt number ``made``: exponential, with full jitter in [0, 1)."""
    doublings = min(made - 1, MAX_DOUBLINGS)
    return min(policy.backoff_max, math.ldexp(policy.backoff, doublings)) * jitter


def is_retryable(outcome: Outcome) -> bool:
    """Whether another attempt may help."""
    return outcome.retry is not None and outcome.retry.again


def retry_after(outcome: Outcome) -> float | None:
    """Return the seconds that the server asked to wait, None if it named none."""
    if outcome.retry is None or outcome.retry.after is None:
        return None
    return max(0.0, outcome.retry.after)


def deferred(outcome: Outcome, host: HostKey, after: float, wall: float) -> Deferred:
    """Return the final outcome of a target whose host asked to wait ``after`` seconds, more than the maximum.

    wall: Unix time of the outcome.
    """
    fields: dict[str, Any] = {name: getattr(outcome, name) for name in _COPIED_FIELDS}
    return Deferred(**fields, detail=wait_detail(host, after), not_before=wall + after)


def wait_detail(host: HostKey, after: float) -> str:
    """Return the detail of a record of a host that asked to wait ``after`` seconds."""
    return f"{host.netloc} asks to wait {format_duration(after)}"


def format_duration(seconds: float) -> str:
    """Return a duration in the two units that matter: ``45 s``, ``5 min 00 s``, ``1 h 00 min``, ``2 d 03 h``."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02} h"
