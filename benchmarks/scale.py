"""What do 10^6, 10^8 and 10^10 URLs take on 1 to 1,000 machines, and what decides? On paper: nothing is fetched.

The host of rank r has r ** -exponent as many URLs as the largest one. A sample of the hosts, one in every so many
ranks, is fetched by the real scheduler on a virtual clock, with a share of the workers that is as small: so the sample
takes as long as the whole. That gives requests and connections per URL, and how much longer a run takes than all work
divided by all workers. The rest is arithmetic: the largest host by itself, cores, network, and what machines cost. What
a request costs is an option; the defaults are figures of README.md.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from dataclasses import dataclass, field
from math import exp
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scrapepool.model import Attempt, ErrorKind, Failed, Fetched, HostKey, Result, Retryable, Target
from scrapepool.run.dry_run.estimate import duration
from scrapepool.schedule.lease import ConnectionUse, Lease, Refusal
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.schedule.scheduler import Scheduler
from scrapepool.settings import PolitenessSettings, PoolSettings, RetryPolicy

WALL = 1_700_000_000.0
JITTER = 0.5
"""Sigma of the log-normal distributions of the latencies of hosts, and of the requests of a host."""

MEAN = exp(JITTER**2 / 2)
"""The mean of such a distribution, as a multiple of its median."""

DEAD = 0.02
"""Share of the hosts that refuse every connection,"""

FAILS = 0.01
"""and of the first requests for a page that end with 503."""

FEWEST, MOST = 4, 20_000
"""Workers that the sample is simulated with."""

BASE_MB, PER_URL, PER_HOST = 70, 25, 60
"""Memory: megabytes of each process, and bytes per URL and host of the list of a machine (``many_hosts.py``)."""

SECONDS_PER_HOUR = 3600.0


@dataclass(slots=True, eq=False)
class Site:
    """A simulated host. latency: its median, in seconds. idle: connections that are open and not in use.

    spent: seconds of all its requests.
    """

    key: HostKey
    latency: float
    dead: bool
    idle: int = 0
    spent: float = 0.0
    tickets: range = field(default_factory=lambda: range(0))


@dataclass(slots=True)
class Sample:
    """What came of the simulation. work: seconds of all requests together. longest: seconds of one host at least."""

    workers: int = 0
    urls: int = 0
    requests: int = 0
    connections: int = 0
    work: float = 0.0
    seconds: float = 0.0
    longest: float = 0.0


def size_of_first(urls: float, hosts: float, exponent: float) -> float:
    """Return the number of URLs of the largest host."""
    return urls * (1 - exponent) / hosts ** (1 - exponent)


def simulate(options: argparse.Namespace, urls: float, workers: float) -> Sample:
    """Fetch a sample of the hosts."""
    dice = random.Random(1)
    hosts = urls / options.per_site
    factor = max(1.0, hosts / options.sample)
    pool = PoolSettings(workers=round(min(MOST, max(FEWEST, workers / factor))), per_host=options.per_host)
    scheduler = Scheduler(pool, RetryPolicy(), rng=dice.random, politeness=PolitenessSettings())
    first, sample, sites = size_of_first(urls, hosts, options.exponent), Sample(pool.workers), {}
    for number in range(round(hosts / factor)):
        share = first * ((number + 0.5) * factor) ** -options.exponent
        count = max(1, int(share) + (dice.random() < share % 1))
        key = HostKey("https", f"h{number}.site-{number}.example", 443)
        latency = dice.lognormvariate(0.0, JITTER) * options.latency
        sites[key] = Site(key, latency, dice.random() < DEAD, tickets=range(sample.urls, sample.urls + count))
        sample.urls += count
    order = list(sites.values())
    dice.shuffle(order)
    for site in order:
        scheduler.add(site.key, site.tickets)
    work(scheduler, pool, sites, sample, dice)
    sample.longest = max(site.spent for site in order) / pool.per_host
    return sample


def work(
    scheduler: Scheduler, pool: PoolSettings, sites: dict[HostKey, Site], sample: Sample, dice: random.Random
) -> None:
    """Run the scheduler until nothing is left."""
    flying: list[tuple[float, int, Lease, list[Result], int, int]] = []
    now, number = 0.0, 0
    while True:
        while scheduler.in_flight < pool.workers and (lease := scheduler.next(now)) is not None:
            if isinstance(lease, Refusal):
                continue
            number += 1
            site = sites[lease.host]
            opened = 0 if site.idle else 1
            site.idle -= not opened
            results, requests, took = worked(lease, site, dice)
            sample.work += took
            site.spent += took
            sample.requests += requests
            sample.connections += opened
            heapq.heappush(flying, (now + took, number, lease, results, opened, requests))
        wake = scheduler.wake_at(now) if scheduler.in_flight < pool.workers else None
        if not flying and wake is None:
            break
        now = min([one for one in (wake, flying[0][0] if flying else None) if one is not None])
        while flying and flying[0][0] <= now:
            _, _, lease, results, opened, requests = heapq.heappop(flying)
            site = sites[lease.host]
            site.idle += not site.dead
            if lease.robots:
                verdict = RobotsVerdict(unreachable="refused", failure=_refused(site)) if site.dead else RobotsVerdict()
                elapsed = site.latency
                scheduler.settle_robots(
                    lease.host, verdict, now, elapsed=elapsed, use=ConnectionUse(opened, 0.0, requests)
                )
            else:
                scheduler.settle(
                    lease, results, now, wall=WALL, use=ConnectionUse(opened, 0.0, requests, 0.0, max(0, site.idle))
                )
    if not scheduler.idle:
        sys.exit(f"stuck: {scheduler!r}")
    sample.seconds = now


def worked(lease: Lease, site: Site, dice: random.Random) -> tuple[list[Result], int, float]:
    """Return the results of a lease, its requests, and its seconds."""

    def latency() -> float:
        return site.latency * dice.lognormvariate(0.0, JITTER)

    if lease.robots:
        return [], 1, latency()
    attempts = [lease.attempt] if lease.attempt is not None else [Attempt(_target(site, one)) for one in lease.tickets]
    results: list[Result] = []
    spent = 0.0
    for attempt in attempts:
        if spent > lease.budget:
            break
        elapsed = latency()
        spent += elapsed
        ends = {"attempts": attempt.number, "started": WALL, "elapsed": elapsed, "waited": attempt.waited}
        retry = Retryable() if attempt.number == 1 and dice.random() < FAILS else None
        results.append(Fetched(target=attempt.target, status=503 if retry else 200, retry=retry, **ends))
    return results, len(results), spent


def _target(site: Site, ticket: int) -> Target:
    return Target(f"{site.key.origin}/{ticket}", site.key, f"/{ticket}", ticket)


def _refused(site: Site) -> Failed:
    return Failed(
        target=_target(site, 0), attempts=1, started=WALL, elapsed=0.1, waited=0.0, retry=None,
        error=ErrorKind.CONNECT_REFUSED,
    )  # fmt: skip


def row(options: argparse.Namespace, urls: float, machines: int) -> list[str]:
    """Return one row of the table."""
    processes = machines * options.cores
    hosts = urls / options.per_site
    sample = simulate(options, urls, processes * options.workers)
    requests, connections = (each * urls / sample.urls for each in (sample.requests, sample.connections))
    over = sample.seconds / max(sample.work / sample.workers, sample.longest)
    first = size_of_first(urls, hosts, options.exponent)
    cpu = (requests * options.request_us + connections * options.connection_us) / 1e6
    moved = urls * options.page_kb * 1000
    bounds = {
        "the largest host": duration(round(first), options.delay, options.per_host, options.latency * MEAN),
        "workers": over * sample.work * urls / sample.urls / (processes * options.workers),
        "cores": cpu / processes,
        "the run's own process": urls * options.own_us / 1e6 / machines,
        "network": moved * 8 / (machines * options.gbit * 1e9),
    }
    decides = max(bounds, key=bounds.__getitem__)
    seconds = bounds[decides]
    beside = max((seconds_of for what, seconds_of in bounds.items() if what != "the largest host"))
    memory = BASE_MB / 1000 * (options.cores + 1) + (urls * PER_URL + hosts * PER_HOST) / machines / 1e9
    cost, most = (machines * spent / SECONDS_PER_HOUR * options.price / (urls / 1e6) for spent in (beside, seconds))
    return [
        f"{urls:.0e}".replace("e+", "e"), f"{machines:,}", _spoken(seconds), decides, _spoken(beside), f"{over:.2f}",
        f"{memory:,.1f}", f"{cpu / SECONDS_PER_HOUR:,.1f}", f"{hosts / urls:.2f}", f"{connections / urls:.2f}",
        f"{requests / urls:.2f}", f"{moved / 1e12:,.2f}", f"{cost:.2f}", f"{most:.2f}",
    ]  # fmt: skip


def _spoken(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--urls", default="1e6,1e8,1e10", help="sizes of lists")
    parser.add_argument("--machines", default="1,10,100,1000")
    parser.add_argument("--per-site", type=float, default=20, help="URLs per host, the mean")
    parser.add_argument("--exponent", type=float, default=0.8, help="of the sizes of hosts by rank, below 1")
    parser.add_argument("--sample", type=int, default=1000, help="hosts that are simulated")
    parser.add_argument("--latency", type=float, default=0.3, help="median seconds per request")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between two requests to the largest host")
    parser.add_argument("--per-host", type=int, default=4)
    parser.add_argument("--workers", type=int, default=500, help="of each process; one process per core")
    parser.add_argument("--cores", type=int, default=8, help="of each machine")
    parser.add_argument("--gbit", type=float, default=1.0, help="network of each machine")
    parser.add_argument("--page-kb", type=float, default=40.0, help="bytes of a page on the wire, in kB")
    parser.add_argument("--request-us", type=float, default=165.0, help="CPU of a request, in microseconds")
    parser.add_argument("--connection-us", type=float, default=1900.0, help="CPU of a new TLS connection")
    parser.add_argument("--own-us", type=float, default=50.0, help="CPU per URL that --processes does not divide")
    parser.add_argument("--price", type=float, default=0.3, help="of a machine for an hour")
    options = parser.parse_args()
    heads = [
        "URLs", "machines", "time", "decided by", "without that host", "of the bound", "GB per machine", "core hours",
        "DNS per URL", "connections per URL", "requests per URL", "TB", "cost per million, without", "with that host",
    ]  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---:|" * len(heads))
    for urls in map(float, options.urls.split(",")):
        for machines in map(int, options.machines.split(",")):
            print("| " + " | ".join(row(options, urls, machines)) + " |", flush=True)


if __name__ == "__main__":
    main()
