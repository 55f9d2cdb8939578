"""How many at once, and how fast: the options on the pool and on politeness."""

from __future__ import annotations

from typing import Any

import click

from ...settings import PolitenessSettings, PoolSettings
from ..parameters.declare import D, Decorator, opt, spelt, subject
from ..parameters.option_types import MOST_WORKERS, Duration, FileName, Rate, Size, Whole

OPTIONS: list[Decorator] = [
    *subject(
        "Pool and pace",
        opt("-w", "--workers", type=Whole(1, MOST_WORKERS), default=D.pool.workers,
           help="Most requests in flight at once, over all hosts; thousands cost little memory and no threads."),
        opt("--per-host", type=Whole(1, MOST_WORKERS), default=D.pool.per_host,
           help="Requests in flight on one host, and connections kept for it."),
        opt("--delay", type=Duration(), default=spelt(D.pool.delay), help="Time between two starts on one host."),
        opt("--rate", type=Rate(), default=D.pool.rate,
           help="Requests a second over all hosts.  [default: no limit]"),
        opt("--pace", type=click.Choice(["auto", "fixed"]), default=D.pool.pace,
           help="auto sends a host fewer requests while it refuses, fails or slows down, not because pages fail."),
        opt("--bandwidth", type=Size(),
           help="Bytes a second that are received, over all hosts.  [default: no limit]"),
        opt("--robots/--no-robots", default=D.politeness.robots,
           help="Ask each host for its robots.txt first, and obey it."),
        opt("--max-crawl-delay", type=Duration(), default=spelt(D.politeness.max_crawl_delay),
           help="Longest Crawl-delay of a robots.txt that is kept; a longer one is taken for this."),
        opt("--host-memory", type=FileName(),
           help="Keep what is found out of hosts (pace, robots.txt, parking) for other runs, and share each host with "
           "those that name the same file now."),
    ),
]  # fmt: skip


def pool_settings(o: dict[str, Any]) -> PoolSettings:
    """How many at once."""
    return PoolSettings(
        workers=o["workers"],
        per_host=min(o["per_host"], o["workers"]),
        delay=o["delay"],
        rate=o["rate"],
        pace=o["pace"],
    )


def politeness_settings(o: dict[str, Any]) -> PolitenessSettings:
    """What hosts are asked before they are asked."""
    return PolitenessSettings(robots=o["robots"], max_crawl_delay=o["max_crawl_delay"], host_memory=o["host_memory"])
