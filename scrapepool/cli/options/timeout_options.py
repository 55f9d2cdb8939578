"""How long and how often: the options on timeouts, retries and failing hosts."""

from __future__ import annotations

from typing import Any

from ...settings import RetryPolicy, Timeouts
from ..parameters.declare import DEFAULTS, Decorator, duration_text, option, option_group
from ..parameters.quantity_types import LONGEST_TIMEOUT, Duration, Share, Whole
from ..parameters.text_types import RetryOn

_STATUSES = ",".join(map(str, sorted(DEFAULTS.retry.statuses)))

TIMEOUT = Duration(above_zero=True, most=LONGEST_TIMEOUT)

OPTIONS: list[Decorator] = [
    *option_group(
        "Timeouts and retries",
        option("--connect-timeout", type=TIMEOUT, default=duration_text(DEFAULTS.timeouts.connect),
            help="Stop connecting after this time, TCP and TLS together."),
        option("--read-timeout", type=TIMEOUT, default=duration_text(DEFAULTS.timeouts.read),
            help="Fail an attempt if no data arrives for this long."),
        option("--timeout", type=TIMEOUT, default=duration_text(DEFAULTS.timeouts.total),
            help="Fail an attempt after this time, redirects included, even if the server trickles bytes."),
        option("--retries", type=Whole(0), default=DEFAULTS.retry.retries,
            help="Retry a URL up to this many times, and up to 10 times more if its host is what fails."),
        option("--backoff", type=Duration(), default=duration_text(DEFAULTS.retry.backoff),
            help="Wait at most this long before the first retry; the limit doubles with each retry, up to "
            f"{duration_text(DEFAULTS.retry.backoff_max)} (full jitter)."),
        option("--retry-on", type=RetryOn(DEFAULTS.retry), default=_STATUSES,
            help="Retry after these statuses (503, 5xx, 500-504) and errors (reset, truncated, dns, network); ! takes "
            "one away, as in 5xx,429,!501. Naming no error keeps the usual ones: no connection, read_timeout, reset "
            "and truncated."),
        option("--max-park", type=Duration(), default=duration_text(DEFAULTS.retry.max_park),
            help="Wait at most this long if a host asks for a pause (Retry-After); if it asks for more, record its "
            "URLs as deferred."),
        option("--retry-budget", type=Share(), default=f"{DEFAULTS.retry.retry_budget:.0%}",
            help="Limit the retries that failing hosts cause to this share of all URLs, per host and for the whole run "
            "(at least 10 are always allowed; none disables the limit). A failing page's own retries do not count."),
        option("--break-after", type=Whole(1), default=DEFAULTS.retry.break_after,
            help="After N failed pages in a row, only probe the host; if probes fail too, fail its remaining URLs."),
        option("--max-outage", type=Duration(), default=duration_text(DEFAULTS.retry.max_outage),
            help="Wait at most this long while the whole network seems down, then end the run with exit code 75."),
    ),
]  # fmt: skip


def timeouts(o: dict[str, Any]) -> Timeouts:
    """Return the timeouts of requests."""
    return Timeouts(connect=o["connect_timeout"], read=o["read_timeout"], total=o["timeout"])


def retry_policy(o: dict[str, Any]) -> RetryPolicy:
    """Return the policy of what is requested again, when and how often."""
    from ...failure_classes import retried  # noqa: PLC0415 - a quick --help needs none of it

    statuses, errors = retried(o["retry_on"], DEFAULTS.retry.statuses, DEFAULTS.retry.errors)
    return RetryPolicy(
        retries=o["retries"],
        backoff=o["backoff"],
        statuses=statuses,
        errors=errors,
        max_park=o["max_park"],
        break_after=o["break_after"],
        max_outage=o["max_outage"],
        retry_budget=o["retry_budget"],
    )
