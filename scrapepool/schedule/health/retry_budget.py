"""Whether a retry may still be afforded, so that retries never become the load.

Decides from counts: of retries so far and of targets, over the run and on the host. Not asked about what the host
itself asked to be repeated (429, 503: its parking sets the pace), what was refunded (probes, an outage), or a host that
answered before and cannot be reached now: that may be the network, and where it is the host, its circuit opens.
"""

from __future__ import annotations

ALWAYS_ALLOWED = 10
"""Retries that are always allowed, on a host and over a run: a tenth of a short list would be none."""


def allows_retry(retried: int, targets: int, share: float) -> bool:
    """Whether one retry more is within the budget.

    retried: retries so far. targets: of the list that are known so far, done or not: what a long list will ask for
    anyway is the measure, not how little of it has been asked when its first failures come. share: 0.1 for a tenth.
    """
    return retried < ALWAYS_ALLOWED or retried < share * targets


def exhausted_detail(scope: str, share: float) -> str:
    """What the detail of a failure says that would have been repeated. scope: ``host`` or ``run``."""
    return f"not retried: the {scope}'s retry budget of {share:.0%} is used up"
