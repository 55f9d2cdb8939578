"""How many requests at once, how fast, and what hosts want: the options on concurrency and politeness."""

from __future__ import annotations

from typing import Any

import click

from ...settings import MOST_PROCESSES, MOST_WORKERS, PolitenessSettings, PoolSettings
from ..parameters.declare import DEFAULTS, Decorator, duration_text, option, option_group
from ..parameters.quantity_types import Duration, Rate, Size, Whole
from ..parameters.text_types import FileName

OPTIONS: list[Decorator] = [
    *option_group(
        "Concurrency and politeness",
        option("-w", "--workers", type=Whole(1, MOST_WORKERS), default=DEFAULTS.pool.workers,
            help="Keep at most this many requests in flight over all hosts. Thousands cost little memory and no "
            "threads."),
        option("--processes", type=Whole(0, MOST_PROCESSES), default=DEFAULTS.pool.processes,
            help="Divide the requests among this many worker processes, to use more than one core; 0: one per core. "
            "All other limits are those of the whole run."),
        option("--per-host", type=Whole(1, MOST_WORKERS), default=DEFAULTS.pool.per_host,
            help="Keep at most this many requests in flight, and connections open, per host."),
        option("--delay", type=Duration(), default=duration_text(DEFAULTS.pool.delay),
            help="Wait at least this long between the starts of two requests to one host."),
        option("--rate", type=Rate(), default=DEFAULTS.pool.rate,
            help="Start at most this many requests per second over all hosts.  [default: no limit]"),
        option("--pace", type=click.Choice(["auto", "fixed"]), default=DEFAULTS.pool.pace,
            help="auto: send fewer requests to a host while it refuses them, fails or slows down, but not because "
            "single pages fail. fixed: never do."),
        option("--bandwidth", type=Size(),
            help="Receive at most this many bytes per second over all hosts.  [default: no limit]"),
        option("--robots/--no-robots", default=DEFAULTS.politeness.robots,
            help="Request each host's robots.txt first, and obey it."),
        option("--max-crawl-delay", type=Duration(), default=duration_text(DEFAULTS.politeness.max_crawl_delay),
            help="Cap a robots.txt's Crawl-delay at this."),
        option("--host-memory", type=FileName(),
            help="Keep what is learned about hosts (pace, robots.txt, pauses) in this file for later runs. Runs that "
            "use one file at the same time share each host's limits."),
    ),
]  # fmt: skip


def pool_settings(o: dict[str, Any]) -> PoolSettings:
    """Return the settings of how many requests are in flight, and how fast they start."""
    return PoolSettings(
        workers=o["workers"],
        per_host=min(o["per_host"], o["workers"]),
        delay=o["delay"],
        rate=o["rate"],
        pace=o["pace"],
        processes=o["processes"],
    )


def politeness_settings(o: dict[str, Any]) -> PolitenessSettings:
    """Return the settings of robots.txt and of the host memory."""
    return PolitenessSettings(robots=o["robots"], max_crawl_delay=o["max_crawl_delay"], host_memory=o["host_memory"])
