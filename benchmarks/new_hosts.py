"""What does a new host cost, next to others? Each URL is on a host of its own, so every request needs a new connection.

http: 6,000 hosts; scrapepool also with robots.txt, which are twice as many requests. tls: 3,000 hosts over TLS 1.3,
whose certificates are not verified, or verified by a file with the public authorities and our own. nginx has a
certificate for every ten hosts.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

import contenders
import harness
from contenders import Contender, Job

from tests.servers.polite import loopback_addresses  # isort: skip - harness has put it on the path

ROBOTS = "robots.txt"


def measure(contender: Contender, job: Job, server: harness.Nginx) -> harness.Run:
    """Run a contender once. A wrong count of records, requests or connections ends the benchmark."""
    before = server.counts()
    cost = contenders.run(contender, job, contender.share)
    opened, requested = (now - then - 1 for now, then in zip(server.counts(), before, strict=True))
    hosts = hosts_of(contender, job)
    wanted = hosts * (2 if ROBOTS in contender.name else 1)
    if requested != wanted or opened < hosts:
        sys.exit(f"{contender.name}: {requested} of {wanted} requests, {opened} connections for {hosts} hosts")
    return cost


def hosts_of(contender: Contender, job: Job) -> int:
    """How many of the hosts a contender gets."""
    return len(job.urls) // contender.share


def entrants_of(workers: int, *, robots: bool = False, verified: bool = False) -> list[Contender]:
    """Who takes part. The others are measured by the first.

    That is curl, but for pycurl where certificates are verified: curl reads the file of the authorities again for each
    connection, which takes 18 ms. It gets a tenth of the hosts there.
    """
    curls = [contenders.curl(workers, contenders.SLOW if verified else 1), contenders.pycurl(workers)]
    peers = [contenders.pyreqwest(workers), contenders.undici(workers), contenders.aiohttp(workers)]
    ours = [contenders.scrapepool(workers)]
    if robots:
        ours.append(
            contenders.scrapepool(workers, name=f"scrapepool -w {workers}, with {ROBOTS}", options=["--robots"])
        )
    return [*(reversed(curls) if verified else curls), *peers, *ours]


def compare(
    title: str, every: list[Contender], job: Job, server: harness.Nginx, options: argparse.Namespace, goal: str
) -> None:
    """Measure one kind of connection and print its table."""
    entrants, missing = contenders.installed(every, options.only)
    results = contenders.take_turns(entrants, options.rounds, partial(measure, job=job, server=server), f", {title}")
    hosts = {one.name: hosts_of(one, job) for one in entrants}
    rates = {name: [hosts[name] / run.seconds for run in runs] for name, runs in results.items()}
    cpu = {name: [run.cpu / hosts[name] * 1e6 for run in runs] for name, runs in results.items()}
    base = entrants[0].name
    first = base.split()[0].rstrip(",")
    harness.table(
        f"New hosts: {len(job.urls):,}, one URL each, {title}",
        [
            "",
            "hosts",
            "URLs/s: median (least to most)",
            f"of {first} in the same round",
            "CPU µs per URL: median (least to most)",
            f"of {first} in the same round",
        ],
        [
            [
                one.name,
                f"{hosts[one.name]:,}",
                harness.spread(rates[one.name], 0),
                f"{contenders.ratio(rates[one.name], rates[base]):.2f}",
                harness.spread(cpu[one.name], 0),
                f"{contenders.ratio(cpu[one.name], cpu[base]):.2f}",
            ]
            for one in entrants
        ],
        [f"{options.rounds} rounds; start-up is included", f"goal: {goal}", *missing],
        contenders.versions(entrants),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="http or tls [default: both]")
    parser.add_argument("--hosts", type=int, help="[default: 6000 over HTTP, 3000 over TLS]")
    parser.add_argument("-w", "--workers", type=int, default=contenders.IN_FLIGHT, help="requests in flight")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="words, one of which a contender's name must contain")
    options = parser.parse_args()
    kinds = options.kinds or ("http", "tls")
    workers = options.workers
    with harness.folder() as folder:
        if "http" in kinds:
            addresses = loopback_addresses(options.hosts or 6000)
            with harness.nginx() as server:
                job = Job(folder, [server.url("/page", address) for address in addresses])
                goal = f"at most curl's CPU, at least its rate; with {ROBOTS} at most twice that CPU"
                compare("HTTP", entrants_of(workers, robots=True), job, server, options, goal)
        if "tls" in kinds:
            addresses = loopback_addresses(options.hosts or 3000)
            with harness.nginx(identities=["127.0.0.1", *addresses]) as server:
                urls = [server.url("/page", address) for address in addresses]
                goal = "at most 1.15 of curl's CPU"
                compare("TLS not verified", entrants_of(workers), Job(folder, urls, None, True), server, options, goal)
                verified = entrants_of(workers, verified=True)
                goal = "at most 1.15 of the CPU of curl, which pycurl stands for here: it keeps the authorities"
                compare("TLS verified", verified, Job(folder, urls, server.ca), server, options, goal)


if __name__ == "__main__":
    main()
