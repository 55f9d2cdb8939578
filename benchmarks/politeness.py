"""How near to what a host allows does each way of pacing come, and how often is it told off?

A simulated web on a virtual clock: hosts that each limit their clients by a token bucket (rate and burst drawn anew for
each, most of them without a Retry-After), hosts that fail and recover, and twenty minutes in which all are unreachable.
scrapepool's own scheduler runs in it as it is. Next to it, over the same hosts, stand the rules of others as their
sources state them: Scrapy's AutoThrottle (target concurrency 1, start 5 s, 0 to 60 s); lychee's (10 at a time, 50 ms
apart, after a 429 a wait of 500 ms doubling to 30 s or a Retry-After up to 60 s, reset by a success); and a fixed
number in flight. All ask three times more for what was refused or failed. *of allowed*: answers over what the bucket
gave in the time that the host took; *refused*: 429s over requests that reached the host; *lost*: targets without an
answer in the end.
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Result, Retryable, Target
from scrapepool.schedule.lease import Refusal
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PoolSettings, RetryPolicy

SEED = 5
DAY = 86_400.0
TARGETS = 1_500
"""On a host, or what its bucket gives in a day, if that is less."""

RETRIES = 3
DOWN = (40_000.0, 41_200.0)
"""When the network is down: twenty minutes, less than ``max_outage``."""


@dataclass
class Host:
    """A server. rate, burst: of its bucket, requests a second and requests. flaky: when it is down, by itself."""

    name: str
    rate: float
    burst: float
    latency: float
    retry_after: bool
    flaky: tuple[float, float] | None
    dice: random.Random
    tokens: float = 0.0
    at: float = 0.0
    asked: int = 0
    refused: int = 0
    served: int = 0
    failed: int = 0
    ended: float = 0.0
    targets: int = 0
    lost: int = 0
    key: HostKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = HostKey("http", self.name, 80)
        self.tokens = self.burst
        self.targets = max(1, min(TARGETS, int(self.rate * DAY * 0.9)))

    def ask(self, now: float) -> tuple[float, int, float | None]:
        """Ask at ``now``; seconds, status (0 for no connection) and Retry-After."""
        self.asked += 1
        if DOWN[0] <= now < DOWN[1] or (self.flaky and self.flaky[0] <= now < self.flaky[1]):
            self.failed += 1
            return 0.02, 0, None
        latency = self.latency * self.dice.lognormvariate(0.0, 0.25)
        arrives = max(self.at, now + latency / 2)
        self.tokens = min(self.burst, self.tokens + (arrives - self.at) * self.rate)
        self.at = arrives
        if self.tokens < 1:
            self.refused += 1
            return latency, 429, max(1.0, round(1 / self.rate)) if self.retry_after else None
        self.tokens -= 1
        self.served += 1
        return latency, 200, None

    def allowed(self, until: float) -> float:
        """Answers that the bucket would have given until then, while the host was up."""
        gaps = [DOWN] + ([self.flaky] if self.flaky else [])
        down = sum(max(0.0, min(end, until) - start) for start, end in gaps)
        return (until - down) * self.rate

    def possible(self, until: float, per_host: int) -> float:
        """As much as ``per_host`` connections can carry of that."""
        return min(self.allowed(until), until * per_host / self.latency)


def web(count: int, seed: int = SEED) -> list[Host]:
    dice = random.Random(seed)
    hosts = []
    for number in range(count):
        rate = 10 ** dice.uniform(-1.75, 1.25)
        start = dice.uniform(0.1, 0.8) * min(DAY, TARGETS / rate)
        hosts.append(
            Host(
                f"h{number}.site{number}.test",
                rate=rate,
                burst=dice.choice([1, 2, 5, 10, 30]),
                latency=dice.uniform(0.02, 0.3),
                retry_after=dice.random() < 0.3,
                flaky=(start, start + dice.uniform(5, 200)) if dice.random() < 0.2 else None,
                dice=random.Random(dice.random()),
            )
        )
    return hosts


def scrapepool(hosts: list[Host], pool: PoolSettings, seconds: float) -> dict[str, float]:
    """Our own scheduler, with as many targets as the day's buckets hold."""
    scheduler = Scheduler(pool, RetryPolicy(), dice=random.Random(SEED).random)
    by_key = {host.key: host for host in hosts}
    targets: dict[HostKey, Target] = {}
    first = 0
    for host in hosts:
        scheduler.add(host.key, range(first, first + host.targets))
        first += host.targets
        targets[host.key] = Target(f"{host.key.origin}/", host.key, "/")
    ends = {"ok": 0, "429": 0, "failed": 0, "circuit_open": 0}
    flying: list[tuple[float, int, object, Result]] = []
    now, number, outage_seen = 0.0, 0, 0.0
    while now < seconds:
        while scheduler.in_flight < pool.workers:
            decision = scheduler.next(now)
            if decision is None:
                break
            if isinstance(decision, Refusal):
                refused = len(decision.tickets) + len(decision.attempts)
                ends["circuit_open"] += refused
                by_key[decision.host].lost += refused
                continue
            host = by_key[decision.host]
            attempt = decision.attempt or Attempt(targets[decision.host])
            elapsed, status, after = host.ask(now)
            result: Result
            if status:
                retry = Retryable(after) if status == 429 else None
                result = Fetched(
                    target=attempt.target, attempts=attempt.number, elapsed=elapsed, status=status, retry=retry
                )
            else:
                error = ErrorKind.DNS if DOWN[0] <= now < DOWN[1] else ErrorKind.CONNECT_REFUSED
                result = Failed(
                    target=attempt.target, attempts=attempt.number, elapsed=elapsed, error=error, retry=Retryable()
                )
            number += 1
            heapq.heappush(flying, (now + elapsed, number, decision, result))
        if scheduler.outage is not None:
            outage_seen = max(outage_seen, scheduler.outage.probes)
        wake = scheduler.wake_at(now) if scheduler.in_flight < pool.workers else None
        times = [flying[0][0]] if flying else []
        times += [wake] if wake is not None else []
        if not times:
            break
        now = min(times)
        while flying and flying[0][0] <= now:
            _, _, lease, result = heapq.heappop(flying)
            done = scheduler.settle(lease, [result], now, wall=now, requests=1, idle=1)  # type: ignore[arg-type]
            for outcome in done:
                host = by_key[outcome.target.host]
                host.ended = now
                host.lost += outcome.status != 200
                ends["ok" if outcome.status == 200 else "429" if outcome.status == 429 else "failed"] += 1
    for host in hosts:
        if scheduler._hosts.begun.get(host.key) is not None:
            host.ended = seconds
    return {**ends, "probes": outage_seen}


Rule = Callable[[Host, float], tuple[int, float]]


def other(hosts: list[Host], rule: str, per_host: int, seconds: float) -> None:
    """Another's rule on each host by itself, with a worker for whatever it wants to start."""
    for host in hosts:
        fresh, again = host.targets, []  # again: attempts made of those to be repeated
        delay = {"autothrottle": 5.0, "lychee": 0.05, "fixed": 0.0}[rule]
        wait, not_before, now = 0.0, 0.0, 0.0
        flying: list[tuple[float, int, float, int, float]] = []
        while (fresh or again or flying) and now < seconds:
            while (fresh or again) and len(flying) < per_host and not_before <= now:
                made = again.pop(0) if again and not (fresh and rule == "autothrottle") else 0
                fresh -= not made
                elapsed, status, after = host.ask(now)
                heapq.heappush(flying, (now + elapsed, status, elapsed, made + 1, after or 0.0))
                not_before = max(not_before, now + delay)
            times = [flying[0][0]] if flying else []
            if (fresh or again) and len(flying) < per_host:
                times.append(not_before)
            now = min(times)
            while flying and flying[0][0] <= now:
                _, status, elapsed, made, after = heapq.heappop(flying)
                if status != 200 and made <= RETRIES:
                    again.append(made)
                elif status != 200:
                    host.lost += 1
                if rule == "autothrottle":  # scrapy/extensions/throttle.py: a bad answer may not lower the delay
                    new = min(max(elapsed, (delay + elapsed) / 2), 60.0)
                    delay = new if status == 200 or new > delay else delay
                elif rule == "lychee":
                    if status == 200:
                        wait = 0.0
                    elif status == 429:
                        wait = min(30.0, 2 * wait or 0.5)
                        not_before = max(not_before, now + max(wait, min(after, 60.0)))
                    else:
                        wait = min(10.0, wait + 0.2)
                        not_before = max(not_before, now + wait)
        host.ended = min(now, seconds)


def row(name: str, hosts: list[Host], per_host: int, took: float) -> str:
    possible = [host.possible(host.ended, per_host) for host in hosts]
    share = [min(1.0, host.served / most) if most else 0.0 for host, most in zip(hosts, possible, strict=True)]
    reached = [max(1, host.asked - host.failed) for host in hosts]
    refused = [host.refused / asked for host, asked in zip(hosts, reached, strict=True)]
    return (
        f"| {name} | {sum(host.asked for host in hosts):,} | {statistics.mean(share):.3f} | "
        f"{statistics.quantiles(share, n=20)[0]:.3f} | {sum(host.refused for host in hosts) / sum(reached):.2%} | "
        f"{statistics.quantiles(refused, n=20)[18]:.2%} | {sum(host.lost for host in hosts):,} | "
        f"{sum(host.failed for host in hosts):,} | {took:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=DAY)
    parser.add_argument("--per-host", type=int, default=4)
    parser.add_argument("--only", default="auto,fixed,autothrottle,lychee,unpaced")
    options = parser.parse_args()
    print(f"{options.hosts:,} hosts, {options.seconds:,.0f} s of virtual time, {options.per_host} on a host\n")
    print(
        "| | requests | of allowed | 5th percentile of hosts | refused | 95th percentile of hosts | lost |"
        " requests while down | s to simulate |\n|---|" + "---:|" * 8
    )
    names = {
        "auto": "scrapepool, `--pace auto`",
        "fixed": "scrapepool, `--pace fixed`",
        "autothrottle": "Scrapy's AutoThrottle",
        "lychee": "lychee's rule",
        "unpaced": "a fixed number in flight",
    }
    notes = []
    for key in options.only.split(","):
        hosts = web(options.hosts)
        began = time.perf_counter()
        per_host = options.per_host
        if key in ("auto", "fixed"):
            pool = PoolSettings(workers=4 * options.hosts, per_host=per_host, pace=key)  # type: ignore[arg-type]
            ends = scrapepool(hosts, pool, options.seconds)
            notes.append(f"{names[key]}: {ends}")
        else:
            per_host = 8 if key == "autothrottle" else 10 if key == "lychee" else per_host
            other(hosts, "fixed" if key == "unpaced" else key, per_host, options.seconds)
        print(row(names[key], hosts, per_host, time.perf_counter() - began), flush=True)
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
