"""How near to the shortest possible time does a mixed run come, and does its ETA hold?

300 hosts on a virtual clock, sizes falling with rank ** -0.7, latencies 20 to 300 ms; 3 % of the pages are 404, 5 %
lead to another host, a tenth of the hosts has a Crawl-delay, a tenth a token bucket that answers 429, a few are
restarted for 20 s on the way. The real scheduler runs in it as it is, robots.txt included. No schedule is quicker than
*ideal*: all service time over the workers, or the longest host by itself: its service time over ``--per-host``, its
Crawl-delays, what its bucket allows, and the time that it was down. *off* is how far the end that was foretold lies
from the real one, as a share of the whole duration.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import eta

from scrapepool.model import Attempt, Hop, HostKey, Redirected, Result, Target
from scrapepool.schedule.lease import Lease
from scrapepool.settings import PoolSettings

GONE, MOVED = 0.03, 0.05
RESTART = 20.0
LONGEST = 0.9
"""Of the ideal that the workers set: as long as this a host with a Crawl-delay or a bucket may take by itself."""


@dataclass
class Host(eta.Host):
    """A server. moved_to: where 5 % of its pages lead. spent: seconds that its responses took, refusals left out."""

    moved_to: HostKey | None = None
    spent: float = field(init=False, default=0.0)
    served: int = field(init=False, default=0)

    def ask(self, now: float) -> tuple[float, int, float | None]:
        elapsed, status, after = super().ask(now)
        if status == 200 and self.dice.random() < GONE:
            status = 404
        if status in (200, 404):
            self.spent += elapsed
            self.served += 1
        return elapsed, status, after

    def bound(self, per_host: int) -> float:
        """Seconds that it takes by itself at least."""
        least = max(self.spent / per_host, (self.served - 1) * self.delay, (self.served - self.burst) / self.rate)
        return least + (self.down[1] - self.down[0] if 0 < self.down[0] < least else 0.0)


def hosts_of(seed: int, count: int, urls: int, workers: int) -> list[Host]:
    """That many hosts; those with a delay or a limit are no longer by themselves than the run is by its workers."""
    dice = random.Random(seed)
    weights = [rank**-0.7 for rank in range(1, count + 1)]
    share = urls / sum(weights)
    hosts = [
        Host(
            HostKey("http", f"h{number}.site{number}.test", 80), max(1, round(share * weight)),
            dice.uniform(0.02, 0.3), random.Random(dice.random()),
        )
        for number, weight in enumerate(weights)
    ]  # fmt: skip
    seconds = sum(host.count * host.latency for host in hosts) * 1.08 / workers
    for host in hosts:
        host.moved_to = dice.choice(hosts).key
    drawn = dice.sample(hosts[count // 10 :], count // 5)
    for host in drawn[::2]:
        host.delay = dice.choice(
            [delay for delay in (0.5, 1.0, 2.0, 5.0) if host.count * delay <= LONGEST * seconds] or [0.5]
        )
        host.count = min(host.count, int(LONGEST * seconds / host.delay))
    for host in drawn[1::2]:
        host.rate = max(dice.choice([1.0, 2.0, 5.0, 10.0]), host.count / (LONGEST * seconds))
        host.burst, host.retry_after = dice.choice([5.0, 10.0, 20.0]), dice.choice([None, None, 2.0])
    for host in dice.sample(hosts[5:], 5):
        start = dice.uniform(0.1, 0.7) * seconds
        host.down = (start, start + RESTART)
    dice.shuffle(hosts)
    return hosts


def worked(lease: Lease, host: Host, target: Target, now: float) -> tuple[float, list[Result]]:
    """As ``eta.worked``, but that some pages lead to another host."""
    elapsed, results = plain(lease, host, target, now)
    if lease.robots or lease.attempt is not None or host.moved_to is None or host.dice.random() >= MOVED * len(results):
        return elapsed, results
    last = results[-1]
    if isinstance(last, Redirected) or last.status != 200 or host.moved_to == host.key:
        return elapsed, results
    hop = Hop(f"{host.moved_to.origin}/moved", host.moved_to, "/moved", "GET", (target.url,), last.elapsed)
    return elapsed, [*results[:-1], Redirected(Attempt(target, last.attempts, hop=hop), last.elapsed)]


plain = eta.worked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--urls", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--seeds", default="1,2,3")
    options = parser.parse_args()
    marks = " | ".join(f"off at {mark:.0%}" for mark in eta.MARKS)
    size = f"{options.urls:,} URLs, {options.hosts} hosts, {options.workers} workers"
    print(f"| {size} | took s | ideal s | took / ideal | {marks} | decided by | requests | s to simulate |")
    print("|---|" + "---:|" * (3 + len(eta.MARKS)) + "---|---:|---:|")
    for seed in map(int, options.seeds.split(",")):
        began = time.perf_counter()
        hosts = hosts_of(seed, options.hosts, options.urls, options.workers)
        with mock.patch.object(eta, "worked", worked):
            report = eta.run(list(hosts), options.workers)
        bounds = {host.key.host: host.bound(PoolSettings().per_host) for host in hosts}
        longest = max(bounds, key=lambda name: bounds[name])
        crew = sum(host.spent for host in hosts) / options.workers
        ideal = max(crew, bounds[longest])
        off = " | ".join(f"{one.off:+.1%}" for one in report.foretold)
        decides = "the workers" if ideal == crew else longest
        figures = f"{report.seconds:.0f} | {ideal:.0f} | **{report.seconds / ideal:.3f}** | {off} | {decides}"
        print(f"| seed {seed} | {figures} | {report.requests:,} | {time.perf_counter() - began:.0f} |", flush=True)


if __name__ == "__main__":
    main()
