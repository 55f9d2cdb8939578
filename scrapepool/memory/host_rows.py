"""What is known about a host as a row of the file: plain values, and a robots.txt as JSON.

Decides the columns. Times in a row are Unix seconds; the caller converts them to a run's own clock. Pickles nothing, as
a file may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from ..schedule.robots import RobotsVerdict, Rules
from ..schedule.sharing.host_state import HostState

MakeRules = Callable[[Iterable[tuple[str, bool]], float | None], Rules]
"""Makes rules from their patterns and the Crawl-delay."""

HOST_COLUMNS = "latency, in_flight, interval, free_at, parked_until, dead_since, robots_at, robots"


def row_of(known: HostState) -> tuple[Any, ...]:
    """Return the columns, except those of robots.txt. A time without a meaning is 0."""
    return (
        known.latency,
        known.in_flight,
        known.interval,
        max(known.free_at, 0.0),
        max(known.parked_until, 0.0),
        known.dead_since,
    )


def known_in(row: tuple[Any, ...], make_rules: MakeRules, agent: Callable[[], str]) -> HostState:
    """Convert a row of ``HOST_COLUMNS``. agent: the user agent of the run; a robots.txt for another one is ignored."""
    latency, in_flight, interval, free_at, parked_until, dead_since, robots_at, robots = row
    verdict = None if robots is None else _verdict(robots, make_rules, agent)
    return HostState(
        latency=float(latency),
        in_flight=in_flight,
        interval=float(interval),
        free_at=free_at,
        parked_until=parked_until,
        dead_since=dead_since,
        robots=verdict,
        robots_at=-inf if verdict is None else robots_at,
    )


def robots_text(verdict: RobotsVerdict) -> str:
    """Return as JSON what a robots.txt says to its user agent."""
    rules = None if verdict.rules is None else list(verdict.rules.patterns())
    return json.dumps({"agent": verdict.agent, "delay": verdict.crawl_delay, "rules": rules}, separators=(",", ":"))


def _verdict(text: str, make_rules: MakeRules, agent: Callable[[], str]) -> RobotsVerdict | None:
    said = json.loads(text)
    if said["agent"] and said["agent"] != agent().lower():
        return None
    rules = None if said["rules"] is None else make_rules(map(tuple, said["rules"]), said["delay"])
    return RobotsVerdict(rules, said["delay"], agent=said["agent"])


def moved(known: HostState, offset: float) -> HostState:
    """Convert the times to another clock."""
    dead_since = None if known.dead_since is None else known.dead_since + offset
    return HostState(
        latency=known.latency,
        in_flight=known.in_flight,
        interval=known.interval,
        free_at=known.free_at + offset,
        parked_until=known.parked_until + offset,
        dead_since=dead_since,
        robots=known.robots,
        robots_at=known.robots_at + offset,
    )
