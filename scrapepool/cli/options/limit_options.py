"""When a run or a body becomes too large: the options on limits."""

from __future__ import annotations

from typing import Any

from ...settings import MIB, RunLimits, SizeLimits
from ..parameters.declare import DEFAULTS, Decorator, option, option_group
from ..parameters.quantity_types import Duration, Size, TimeOfDay, Whole, next_time

OPTIONS: list[Decorator] = [
    *option_group(
        "Limits",
        option("--limit", type=Whole(1), metavar="N", help="Start at most N URLs.  [default: all]"),
        option("--max-time", type=Duration(above_zero=True),
            help="Start no more URLs after this time.  [default: no limit]"),
        option("--max-bytes", type=Size(),
            help="Start no more URLs once bodies of this total size were received.  [default: no limit]"),
        option("--until", type=TimeOfDay(), help="Start no more URLs from this time of day on.  [default: never]"),
        option("--max-size", type=Size(), default=f"{DEFAULTS.size.max_size // MIB}MiB",
            help="Fail a URL whose body is larger than this, compressed or decompressed."),
    ),
]  # fmt: skip


def run_limits(o: dict[str, Any]) -> RunLimits:
    """Return the limits on how much the run may fetch, for how long and how fast."""
    return RunLimits(
        max_time=o["max_time"],
        max_bytes=o["max_bytes"],
        targets=o["limit"],
        until=None if o["until"] is None else next_time(o["until"]),
        bandwidth=o["bandwidth"],
    )


def size_limits(o: dict[str, Any]) -> SizeLimits:
    """Return the limits on the size of a body."""
    return SizeLimits(max_size=o["max_size"])
