"""How long, how often and how much: the options on timeouts, retries and budgets."""

from __future__ import annotations

from typing import Any

from ...settings import MIB, RetryPolicy, RunLimits, SizeLimits, Timeouts
from ..parameters.declare import D, Decorator, opt, spelt, subject
from ..parameters.option_types import Duration, Share, Size, Statuses, TimeOfDay, Whole, next_time

_STATUSES = ",".join(map(str, sorted(D.retry.statuses)))

OPTIONS: list[Decorator] = [
    *subject(
        "Patience",
        opt("--connect-timeout", type=Duration(above_zero=True), default=spelt(D.timeouts.connect),
           help="For TCP and TLS together."),
        opt("--read-timeout", type=Duration(above_zero=True), default=spelt(D.timeouts.read),
           help="Between two pieces of a reply."),
        opt("--timeout", type=Duration(above_zero=True), default=spelt(D.timeouts.total),
           help="All that one attempt may take, redirects included, whatever the server does."),
        opt("--retries", type=Whole(0), default=D.retry.retries,
           help="Further attempts per URL after the first; up to 10 more if it is the host that fails."),
        opt("--backoff", type=Duration(), default=spelt(D.retry.backoff),
           help=f"Before the first retry at most; doubles up to {spelt(D.retry.backoff_max)}, with full jitter."),
        opt("--retry-on", type=Statuses(), default=_STATUSES, help="Statuses that are retried."),
        opt("--max-park", type=Duration(), default=spelt(D.retry.max_park),
           help="Longest wait that a host may ask for, as by Retry-After; a longer one defers it."),
        opt("--retry-budget", type=Share(), default=f"{D.retry.retry_budget:.0%}",
           help="Limit the retries that failing hosts cause to this share of URLs, per host and for the whole run; "
           "10 are always allowed; none for no limit. A failing page's own retries do not count."),
        opt("--break-after", type=Whole(1), default=D.retry.break_after,
           help="After so many pages in a row failed, only probe the host; if probes fail too, fail the rest of it."),
        opt("--max-outage", type=Duration(), default=spelt(D.retry.max_outage),
           help="How long a run waits while the whole network looks down; then it ends with exit code 75."),
    ),
    *subject(
        "Budget",
        opt("--limit", type=Whole(1), metavar="N", help="Begin at most N URLs.  [default: all]"),
        opt("--max-time", type=Duration(above_zero=True),
           help="Begin nothing more after this time.  [default: no limit]"),
        opt("--max-bytes", type=Size(), help="Begin nothing more after so many bytes of bodies.  [default: no limit]"),
        opt("--until", type=TimeOfDay(), help="Begin nothing more from this time of day on.  [default: never]"),
    ),
    *subject(
        "Size",
        opt("--max-size", type=Size(), default=f"{D.size.max_size // MIB}MiB",
           help="Most that a body may weigh, as received and decoded, each."),
    ),
]  # fmt: skip


def timeouts(o: dict[str, Any]) -> Timeouts:
    """How long a server may take."""
    return Timeouts(connect=o["connect_timeout"], read=o["read_timeout"], total=o["timeout"])


def retry_policy(o: dict[str, Any]) -> RetryPolicy:
    """What is asked for again."""
    return RetryPolicy(
        retries=o["retries"],
        backoff=o["backoff"],
        statuses=o["retry_on"],
        max_park=o["max_park"],
        break_after=o["break_after"],
        max_outage=o["max_outage"],
        retry_budget=o["retry_budget"],
    )


def run_limits(o: dict[str, Any]) -> RunLimits:
    """What the run may spend."""
    return RunLimits(
        max_time=o["max_time"],
        max_bytes=o["max_bytes"],
        targets=o["limit"],
        until=None if o["until"] is None else next_time(o["until"]),
        bandwidth=o["bandwidth"],
    )


def size_limits(o: dict[str, Any]) -> SizeLimits:
    """What a response may weigh."""
    return SizeLimits(max_size=o["max_size"])
