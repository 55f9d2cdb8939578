"""Whether another retry is within the budget, so that retries never become the load.

Decides from counts of retries and of targets, over the run and on the host. The budget does not apply to what the host
itself asks to repeat (429, 503: the cool-down sets the rate), to refunded attempts (probes, an outage), nor to a host
that responded before and cannot be reached now: that may be the network, and if it is the host, its circuit opens.
"""

from __future__ import annotations

ALWAYS_ALLOWED = 10
"""Number of retries that are always allowed, per host and per run: a tenth of a short list would be none."""


def allows_retry(retried: int, targets: int, share: float) -> bool:
    """Whether one more retry is within the budget.

    retried: retries so far. targets: of the list that are known so far, done or not: what a long list will ask for
    anyway is the measure, not how little of it has been asked when its first failures come. share: 0.1 for a tenth.
    """
    return retried < ALWAYS_ALLOWED or retried < share * targets


def exhausted_detail(scope: str, share: float) -> str:
    """Return what the detail of a failure says that would have been repeated. scope: ``host`` or ``run``."""
    return f"not retried: the {scope}'s retry budget of {share:.0%} is used up"
