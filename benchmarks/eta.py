"""How near does the ETA come to how long a run really takes, and does it name the host that decides it?

Runs of a simulated day on a virtual clock: hosts with counts that fall by rank, latencies of their own, Crawl-delays,
token buckets that answer 429, hours of the night, failures and outages of single hosts. scrapepool's own scheduler
runs in it as it is, and is asked for its forecast on the way; its plan is asked before. *Off* is how far the end that
was foretold lies from the real one, as a share of the whole duration. The plan is told the mean latency of a request
(``--latency``), and what robots.txt asks for, as ``scrapepool plan`` would find out; it knows of no failure to come.
*With memory* it is the plan of a second run over the same hosts, which knows what the first one found out
(``--host-memory``): how long each host takes, and which rate it allows.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Result, Retryable, Target
from scrapepool.overrides import HostOverride, HostOverrides
from scrapepool.run.dry_run.estimate import Plan, planned
from scrapepool.run.dry_run.host_counts import HostCounts
from scrapepool.run.host_limits import limits_for
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.schedule.sharing.host_quota import Allocations
from scrapepool.schedule.sharing.host_state import HostState
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy, Settings
from scrapepool.window import Window

HOUR = 3600.0
MIDNIGHT = datetime(2026, 11, 24, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
"""When the runs begin: what a host with hours asks for in its robots.txt, or limits, shows when they begin."""

NIGHT = Window.parse("00:00-05:00 Europe/Berlin")
MARKS = (0.10, 0.25, 0.50, 0.75)
RETRIES = RetryPolicy(retry_budget=0.5)


@dataclass
class Host:
    """A server. latency: seconds at the median. rate, burst: of its bucket, requests per second; infinite for none.

    broken: share of requests that it answers with 500. down: from when to when nothing answers, in seconds of the run.
    """

    key: HostKey
    count: int
    latency: float
    dice: random.Random
    delay: float = 0.0
    window: Window | None = None
    rate: float = math.inf
    burst: float = 5.0
    retry_after: float | None = None
    broken: float = 0.0
    down: tuple[float, float] = (-1.0, -1.0)
    tokens: float = field(init=False, default=0.0)
    at: float = field(init=False, default=0.0)
    ended: float = field(init=False, default=0.0)

    def ask(self, now: float) -> tuple[float, int, float | None]:
        """Ask at ``now``; seconds, status (0 for no connection) and Retry-After."""
        if self.down[0] <= now < self.down[1]:
            return 0.02, 0, None
        latency = self.latency * self.dice.lognormvariate(0.0, 0.4)
        if self.rate < math.inf:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate) if self.at else self.burst
            self.at = now
            if self.tokens < 1:
                return latency, 429, self.retry_after
            self.tokens -= 1
        return latency, 500 if self.dice.random() < self.broken else 200, None


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return MIDNIGHT + self.now

    def cpu(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Foretold:
    """What was said at one moment. at: share of the run that was over. off: of the whole duration. host: decides."""

    at: float
    off: float
    host: HostKey | None
    reason: str


@dataclass(frozen=True)
class Report:
    """One run: what it took, what was foretold, which hosts were the last to end, and what was found out of them."""

    seconds: float
    plan: Plan
    foretold: tuple[Foretold, ...]
    last: tuple[HostKey, ...]
    requests: int
    found: dict[HostKey, HostState]

    @property
    def plan_off(self) -> float:
        return self.plan.seconds / self.seconds - 1


Make = Callable[[random.Random, int], list[Host]]


def hosts_of(dice: random.Random, count: int, targets: int, exponent: float = 0.7) -> list[Host]:
    """That many hosts, whose counts fall with their rank."""
    weights = [rank**-exponent for rank in range(1, count + 1)]
    share = targets / sum(weights)
    return [
        Host(
            HostKey("http", f"h{number}.site{number}.test", 80),
            max(1, round(share * weight)),
            dice.lognormvariate(math.log(0.15), 0.6),
            random.Random(dice.random()),
        )
        for number, weight in enumerate(weights)
    ]


def plain(dice: random.Random, count: int) -> list[Host]:
    """Hosts that only take their time: the workers decide."""
    return hosts_of(dice, count, 200 * count)


def one_long(dice: random.Random, count: int) -> list[Host]:
    """The same, with a slow host that has as much as a tenth of all."""
    hosts = hosts_of(dice, count, 50 * count)
    hosts[0].count, hosts[0].latency = 20 * count, 0.4
    return hosts


def delays(dice: random.Random, count: int) -> list[Host]:
    """A third of the hosts has a Crawl-delay of 1 to 20 s."""
    hosts = hosts_of(dice, count, 50 * count)
    for host in dice.sample(hosts, count // 3):
        host.delay = dice.choice([1.0, 2.0, 5.0, 10.0, 20.0])
    return hosts


def rates(dice: random.Random, count: int) -> list[Host]:
    """Half of the hosts allows no more than so many requests per second, and says so with 429 alone."""
    hosts = hosts_of(dice, count, 60 * count)
    for host in dice.sample(hosts, count // 2):
        host.rate, host.burst = 10 ** dice.uniform(-1.0, 1.0), dice.choice([1.0, 5.0, 10.0, 30.0])
        host.retry_after = dice.choice([None, None, 5.0])
    return hosts


def windows(dice: random.Random, count: int) -> list[Host]:
    """A fifth may be asked at night only, and the longest of these takes some nights."""
    hosts = hosts_of(dice, count, 50 * count)
    for host in [hosts[3], *dice.sample(hosts[4:], count // 5)]:
        host.window, host.delay = NIGHT, 2.0
    hosts[3].count, hosts[3].delay = int(2.2 * 5 * HOUR / 30), 30.0
    return hosts


def failing(dice: random.Random, count: int) -> list[Host]:
    """Hosts that are dead, that are down for minutes, and that answer one request in twenty with 500."""
    hosts = hosts_of(dice, count, 100 * count)
    for host in hosts:
        host.latency *= 10
    for host in dice.sample(hosts, count // 10):
        host.down = (0.0, math.inf)
    for host in dice.sample(hosts, count // 5):
        start = dice.uniform(0, count)  # in the first third or so: nobody foretells the others
        host.down = (start, start + dice.uniform(0.01, 0.25) * count)
    for host in dice.sample(hosts, count // 3):
        host.broken = 0.05
    return hosts


def day(dice: random.Random, count: int) -> list[Host]:
    """All of it together."""
    hosts = hosts_of(dice, count, 150 * count)
    for host in dice.sample(hosts, count // 3):
        host.delay = dice.choice([1.0, 2.0, 5.0, 10.0, 20.0])
    for host in dice.sample(hosts, count // 4):
        host.rate, host.burst = 10 ** dice.uniform(-1.0, 1.0), dice.choice([1.0, 5.0, 10.0, 30.0])
    for host in dice.sample(hosts, count // 10):
        host.window = NIGHT
    for host in dice.sample(hosts, count // 20):
        host.down = (0.0, math.inf)
    for host in dice.sample(hosts, count // 5):
        start = dice.uniform(0, 10 * HOUR)
        host.down = (start, start + dice.uniform(10, 250))
    for host in dice.sample(hosts, count // 3):
        host.broken = 0.03
    return hosts


SCENARIOS: dict[str, Make] = {
    "plain": plain, "one long host": one_long, "Crawl-delays": delays, "rate limits": rates, "windows": windows,
    "failures": failing, "the day": day,
}  # fmt: skip


def settings_for(hosts: list[Host], workers: int) -> Settings:
    """What a user would have written down for these hosts."""
    sections = tuple((host.key.host, HostOverride(window=host.window)) for host in hosts if host.window is not None)
    return Settings(
        pool=PoolSettings(workers=workers),
        politeness=PolitenessSettings(robots=True),
        retry=RETRIES,
        host_overrides=HostOverrides(sections),
    )


class Notes:
    """A memory for one run, which is alone."""

    def __init__(self, known: dict[HostKey, HostState]) -> None:
        self.known = known
        self.kept: dict[HostKey, HostState] = {}

    def recall(self, host: HostKey, now: float) -> HostState | None:  # noqa: ARG002
        return self.known.get(host)

    def keep(self, host: HostKey, known: HostState) -> None:
        self.kept[host] = known

    def keep_robots(self, host: HostKey, verdict: RobotsVerdict, now: float) -> None:
        """Asked for anew."""


def run(hosts: list[Host], workers: int, known: dict[HostKey, HostState] | None = None) -> Report:
    """Work all targets of the hosts, and ask for a forecast now and then. known: what a run before this one found."""
    clock = Clock()
    settings = settings_for(hosts, workers)
    mean = sum(host.count * host.latency for host in hosts) / sum(host.count for host in hosts) * 1.083
    plan = planned(
        HostCounts.of({host.key: host.count for host in hosts}), settings, latency=mean, most=1, clock=clock,
        crawl_delays={host.key: host.delay for host in hosts}, known=known,
    )  # fmt: skip
    notes = Notes(known or {})
    scheduler = Scheduler(
        settings.pool, settings.retry, rng=random.Random(5).random, politeness=settings.politeness,
        limits_for=limits_for(settings, clock), memory=notes,
    )  # fmt: skip
    scheduler.apply(Allocations(alone=True, grants={}), clock.now)
    by_key = {host.key: host for host in hosts}
    targets = {host.key: Target(f"{host.key.origin}/", host.key, "/") for host in hosts}
    first = 0
    for host in hosts:
        scheduler.add(host.key, range(first, first + host.count))
        first += host.count
    began = clock.now
    said: list[tuple[float, float, HostKey | None, str]] = []
    flying: list[tuple[float, int, Lease, list[Result]]] = []
    number = 0
    ask_at = began
    while not scheduler.idle:
        now = clock.now
        if now >= ask_at:
            forecast = scheduler.forecast(now, workers)
            if forecast.seconds is not None:
                said.append((now, now + forecast.seconds, forecast.host, forecast.reason))
            ask_at = now + max(1.0, (now - began) / 50)
        while scheduler.in_flight < workers and (decision := scheduler.next(now)) is not None:
            if isinstance(decision, Refusal):
                by_key[decision.host].ended = now
                continue
            number += 1
            elapsed, results = worked(decision, by_key[decision.host], targets[decision.host], now)
            heapq.heappush(flying, (now + elapsed, number, decision, results))
        wake = scheduler.wake_at(now) if scheduler.in_flight < workers else None
        clock.now = min([flying[0][0]] if flying else [math.inf], default=math.inf)
        clock.now = min(clock.now, math.inf if wake is None else wake)
        while flying and flying[0][0] <= clock.now:
            end, _, lease, results = heapq.heappop(flying)
            host = by_key[lease.host]
            if lease.robots:
                verdict = RobotsVerdict(crawl_delay=host.delay or None)
                if not results:
                    verdict = RobotsVerdict(unreachable="connection refused")
                scheduler.settle_robots(lease.host, verdict, end, elapsed=host.latency, use=ConnectionUse(requests=1))
            elif scheduler.settle(lease, results, end, wall=end, use=ConnectionUse(requests=len(results), idle=1)):
                host.ended = end
    seconds = max(host.ended for host in hosts) - began
    foretold = []
    for mark in MARKS:
        now, end, key, reason = max((entry for entry in said if entry[0] - began <= mark * seconds), default=said[0])
        foretold.append(Foretold(mark, (end - began) / seconds - 1, key, reason))
    last = sorted(hosts, key=lambda host: host.ended, reverse=True)
    near = tuple(host.key for host in last if host.ended - began >= 0.97 * seconds)
    return Report(seconds, plan, tuple(foretold), near, number, notes.kept | scheduler.host_states(clock.now))


def worked(lease: Lease, host: Host, target: Target, now: float) -> tuple[float, list[Result]]:
    """What a worker brings back, and after how long. Nothing for a robots.txt that could not be had."""
    if lease.robots:
        elapsed, status, _ = host.ask(now)
        return elapsed, [Fetched(target=target)] if status else []
    results: list[Result] = []
    spent = 0.0
    for attempt in [lease.attempt] if lease.attempt else [Attempt(target)] * len(lease):
        elapsed, status, after = host.ask(now + spent)
        spent += elapsed
        common = {"target": target, "attempts": attempt.number, "elapsed": elapsed}
        if not status:
            results.append(Failed(**common, error=ErrorKind.CONNECT_REFUSED, retry=Retryable()))  # type: ignore[arg-type]
            break
        retry = Retryable(after) if status in (429, 500) else None
        results.append(Fetched(**common, status=status, retry=retry))  # type: ignore[arg-type]
        if retry or spent > lease.budget:
            break
    return spent, results


def spoken(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{seconds / 60:.1f} min"


def again(hosts: list[Host], workers: int, first: Report) -> Report:
    """A second run over the same hosts: what it would take is planned with what the first one found out."""
    known = {host: replace(found, parked_until=-math.inf, free_at=-math.inf) for host, found in first.found.items()}
    return run(hosts, workers, known)


def row(name: str, report: Report, second: Report, took: float) -> str:
    marks = " | ".join(f"{one.off:+.1%}" for one in report.foretold)
    at_tenth = report.foretold[0]
    named = "the workers" if at_tenth.host is None else at_tenth.host.host
    right = at_tenth.host in report.last if at_tenth.host is not None else len(report.last) > 1
    return (
        f"| {name} | {spoken(report.seconds)} | {spoken(report.plan.seconds)} | {report.plan_off:+.1%} | {marks} | "
        f"{spoken(second.seconds)} | {spoken(second.plan.seconds)} | {second.plan_off:+.1%} | "
        f"{named}{'' if right else ' (not so)'} | {report.requests:,} | {took:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    heads = " | ".join(f"live at {mark:.0%}" for mark in MARKS) + " | second run took | plan with memory | off"
    print(f"| {options.hosts:,} hosts | took | plan | off | {heads} | decided at 10% by | requests | s to simulate |")
    print("|---|" + "---:|" * (6 + len(MARKS)) + "---|---:|---:|")
    for name in options.only.split(","):
        began = time.perf_counter()
        make = SCENARIOS[name]
        report = run(make(random.Random(options.seed), options.hosts), options.workers)
        second = again(make(random.Random(options.seed), options.hosts), options.workers, report)
        print(row(name, report, second, time.perf_counter() - began), flush=True)
        if options.v:
            for one in report.foretold:
                print("   ", f"{one.at:.0%} {one.off:+.1%}", one.host and one.host.host, one.reason)
            print("    last:", [key.host for key in report.last[:5]])


if __name__ == "__main__":
    main()
