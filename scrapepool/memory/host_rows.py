"""How what is known of a host stands in the file: a row of plain values, and a robots.txt as JSON.

Decides the columns. Times in a row are Unix seconds; how a run's own clock is turned into those is its business.
Pickles nothing, as a file may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from ..schedule.memory import Known
from ..schedule.robots import RobotsVerdict, Rules

MakeRules = Callable[[Iterable[tuple[str, bool]], float | None], Rules]
"""Rules out of their patterns and the Crawl-delay."""

COLUMNS = "latency, in_flight, interval, free_at, parked_until, dead_since, robots_at, robots"


def row_of(known: Known) -> tuple[Any, ...]:
    """The columns, but for those of robots.txt; what time has no meaning is 0."""
    return (
        known.latency,
        known.in_flight,
        known.interval,
        max(known.free_at, 0.0),
        max(known.parked_until, 0.0),
        known.dead_since,
    )


def known_in(row: tuple[Any, ...], make_rules: MakeRules, agent: Callable[[], str]) -> Known:
    """What a row of ``COLUMNS`` says. agent: whose robots.txt is wanted; one for another is passed over."""
    latency, in_flight, interval, free_at, parked_until, dead_since, robots_at, robots = row
    verdict = None if robots is None else _verdict(robots, make_rules, agent)
    return Known(
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
    """A robots.txt that was had, as far as it concerns its agent."""
    rules = None if verdict.rules is None else list(verdict.rules.patterns())
    return json.dumps({"agent": verdict.agent, "delay": verdict.crawl_delay, "rules": rules}, separators=(",", ":"))


def _verdict(text: str, make_rules: MakeRules, agent: Callable[[], str]) -> RobotsVerdict | None:
    said = json.loads(text)
    if said["agent"] and said["agent"] != agent().lower():
        return None
    rules = None if said["rules"] is None else make_rules(map(tuple, said["rules"]), said["delay"])
    return RobotsVerdict(rules, said["delay"], agent=said["agent"])


def moved(known: Known, offset: float) -> Known:
    """The same by another clock."""
    dead_since = None if known.dead_since is None else known.dead_since + offset
    return Known(
        latency=known.latency,
        in_flight=known.in_flight,
        interval=known.interval,
        free_at=known.free_at + offset,
        parked_until=known.parked_until + offset,
        dead_since=dead_since,
        robots=known.robots,
        robots_at=known.robots_at + offset,
    )
