"""What a host fetches next: a fresh target, a retry, or a known page that tells whether the host is up.

Decides by what failures have shown so far. Each function is a question about one ``HostQueue``. Time is an argument.
"""

from __future__ import annotations

from ..health.attribution import MIN_PAGES
from ..health.circuit_breaker import AMBIGUOUS_CAUSES, Cause
from .host_queue import HostQueue

RETRY_PRIORITY_AFTER = 900.0
"""Seconds after which a retry that is due goes before targets that were never requested."""

RETRY_SHARE = 4
"""One of so many slots, and at least one, is for retries while the host has targets that were never requested: pages
that hang must not take all slots again."""


def retry_goes_next(queue: HostQueue, now: float) -> bool:
    """Whether a retry goes before the fresh targets that there may be."""
    retries = queue.attempts.retries
    if not retries:
        return False
    first = retries[0]
    earlier = first.attempt.earlier
    if not queue.has_fresh() or (earlier is not None and earlier.tries):
        return True
    return first.due + RETRY_PRIORITY_AFTER <= now and queue.retrying < max(1, queue.limit // RETRY_SHARE)


def prefers_fresh(queue: HostQueue) -> bool:
    """Whether a fresh target goes before the attempts that are due, and there is one.

    A host that is down must not use up one target's attempts, and a broken page does not make a broken host.
    """
    return queue.health is not None and queue.health.breaker.prefers_fresh and queue.has_fresh()


def probes_known_page(queue: HostQueue) -> bool:
    """Whether to request a page that the host served before, to see whether it is up, unless it throttles requests."""
    health = queue.health
    if health is None:
        return False
    if health.test is not None:
        return not health.test.out and not (health.test.page_next and queue.attempts.retries)
    if health.breaker.cause is Cause.THROTTLED:
        return False
    return health.breaker.opened is not None or (health.blamed and health.cool_down.refused_in_row > 0)


def avoids_neighbours(queue: HostQueue) -> bool:
    """Whether to take the last fresh target, since pages that are next to each other in the list may all be broken.

    While the host counts as down, this holds for every second target only: the broken pages may be the last ones.
    """
    if queue.health is None:
        return False
    breaker = queue.health.breaker
    turn = breaker.opened is None or breaker.failed_in_row % 2 == 1
    return breaker.cause in AMBIGUOUS_CAUSES and breaker.failed_in_row >= MIN_PAGES and turn and queue.has_fresh()


def retries_suspect(queue: HostQueue) -> bool:
    """Whether a page that failed is requested again, to see whether it is broken."""
    return queue.health is not None and queue.health.test is not None and queue.health.test.page_next
