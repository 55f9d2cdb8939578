"""What does a request to a distant host cost, next to others? Hosts are loopback addresses whose responses are late.

rate: 250 hosts x 160 URLs, 1,000 requests in flight. in-flight: 500 hosts x 80 URLs that take a second each, 5,000 in
flight. reuse: 3,000 hosts x 4 URLs, 300 in flight, sorted by host and with the hosts in turn; how often a connection is
used again. In each, no client can be quicker than the *ideal*: URLs x latency / requests in flight.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import contenders
import harness
from contenders import Contender, Job


@dataclass(frozen=True, slots=True)
class Part:
    """One table.

    each: URLs per host. per_host: scrapepool's limit. by_host: the list is sorted by host; else the hosts take turns.
    """

    hosts: int
    each: int
    latency: float
    in_flight: int
    per_host: int
    by_host: bool
    goal: str

    @property
    def urls(self) -> int:
        return self.hosts * self.each

    @property
    def ideal(self) -> float:
        """The seconds that latency alone takes."""
        return self.urls * self.latency / self.in_flight

    @property
    def title(self) -> str:
        order = "sorted by host" if self.by_host else "hosts in turn"
        size = f"{self.hosts:,} hosts x {self.each} URLs, {order}"
        return f"Distant hosts: {size}, {self.latency * 1000:.0f} ms, {self.in_flight:,} in flight"


PARTS = {
    "rate": Part(
        250, 160, 0.1, 1000, 4, False, "at most 0.5 of aiohttp's CPU and 1.5 of pyreqwest's; pyreqwest's rate"
    ),
    "in-flight": Part(500, 80, 1.0, 5000, 10, False, "0.8 of the ideal rate, at most 40 threads and 300 MB"),
    "reuse-sorted": Part(3000, 4, 0.1, 300, 4, True, "at most 1.05 connections per host, 1.3 of the ideal time"),
    "reuse": Part(3000, 4, 0.1, 300, 4, False, "at most 1.05 connections per host, 1.3 of the ideal time"),
}

HEADINGS = [
    "",
    "URLs/s: median (least to most)",
    "of the ideal rate",
    "time / ideal",
    "CPU µs per URL: median (least to most)",
    "connections per host",
    "most threads",
    "peak MB",
]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. records: of success; fewer than URLs where the run was ended after ``--cut`` seconds."""

    cost: harness.Run
    records: int
    connections: int

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.cost.seconds

    @property
    def cpu(self) -> float:
        """Microseconds of CPU per record."""
        return self.cost.cpu / max(self.records, 1) * 1e6


def measure(contender: Contender, job: Job, server: harness.Process, cut: float) -> Measured:
    """Run a contender once. A wrong count of requests or records ends the benchmark."""
    count = job.write()
    server.stats()  # begins new counts
    job.records.unlink(missing_ok=True)
    command = contender.command(job)
    cost = harness.run(command, stdout=job.records if contender.stdout else None, timeout=cut, watch=True)
    hosts: Sequence[dict[str, int]] = server.stats()  # type: ignore[assignment]
    records = harness.count_lines(job.records, contender.ok or b"")
    requests, opened = (sum(host[field] for host in hosts) for field in ("requests", "opened"))
    if cost.seconds < cut and (cost.code or records != count or requests != count):
        sys.exit(f"{contender.name}: {requests} requests, {records} records, {count} URLs, exit code {cost.code}")
    return Measured(cost, records, opened)


def entrants_of(part: Part, curl: bool) -> Iterator[Contender]:
    """Who takes part. aiohttp comes first. Peers have no limit per host, but undici, which is quicker with one."""
    many = part.in_flight
    yield contenders.aiohttp(many)
    yield contenders.pyreqwest(many)
    yield contenders.undici(many, part.per_host)
    yield contenders.pycurl(many)
    if curl:
        yield contenders.curl(many)
    yield contenders.scrapepool(many, part.per_host)


def row(name: str, part: Part, runs: Sequence[Measured]) -> list[str]:
    rates = [run.rate for run in runs]
    times = [run.cost.seconds / part.ideal for run in runs]
    whole = all(run.records == part.urls for run in runs)
    return [
        name,
        harness.spread(rates, 0),
        f"{median(rates) * part.latency / part.in_flight:.2f}",
        f"{median(times):.2f}" if whole else f"no end in {runs[0].cost.seconds:.0f} s",
        harness.spread([run.cpu for run in runs], 0),
        f"{median(run.connections for run in runs) / part.hosts:.2f}",
        f"{max(run.cost.threads for run in runs):,}",
        f"{max(run.cost.peak_mb for run in runs):.0f}",
    ]


def by_peers(results: dict[str, list[Measured]]) -> Iterator[str]:
    """Compare scrapepool with the peers of the goals, within each round."""
    for name, runs in results.items():
        for peer, theirs in results.items():
            if name.startswith("scrapepool") and peer.split()[0] in ("aiohttp", "pyreqwest"):
                cpu = contenders.ratio([run.cpu for run in runs], [run.cpu for run in theirs])
                rate = contenders.ratio([run.rate for run in runs], [run.rate for run in theirs])
                yield f"{name}, of {peer.split()[0]} in the same round: CPU {cpu:.2f}, rate {rate:.2f}"


def compare(part: Part, options: argparse.Namespace) -> None:
    """Measure one part and print its table."""
    entrants, missing = contenders.installed(list(entrants_of(part, options.curl)), options.only)
    latency = ("--hosts", part.hosts, "--latency", f"fixed:{part.latency}")
    with harness.folder() as folder, harness.server("benchmarks.latency_server", *latency) as server:
        hosts = server.started["hosts"]
        pages = [(host, n) for n in range(part.each) for host in hosts]
        job = Job(folder, [f"{host}/page/{n}" for host, n in (sorted(pages) if part.by_host else pages)])
        unfinished: dict[str, Measured] = {}

        def once(contender: Contender) -> Measured:
            """Measure a contender, unless a run of it came to no end in an earlier round."""
            if run := unfinished.get(contender.name):
                return run
            run = measure(contender, job, server, options.cut)
            if run.cost.seconds >= options.cut:
                unfinished[contender.name] = run
            return run

        results = contenders.take_turns(entrants, options.rounds, once)
    harness.table(
        part.title,
        HEADINGS,
        [row(one.name, part, results[one.name]) for one in entrants],
        [
            f"{options.rounds} rounds; the ideal is {part.ideal:.1f} s; start-up is included",
            *(f"{name} is run once, as it does not end" for name in unfinished),
            *by_peers(results),
            f"goal: {part.goal}",
            *missing,
        ],
        contenders.versions(entrants),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}. [default: all]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, help="seconds, in place of those of the parts")
    parser.add_argument("--only", default="", help="words, one of which a contender's name must contain")
    parser.add_argument("--curl", action="store_true", help="curl -Z, too; it has 300 requests in flight at most")
    parser.add_argument("--cut", type=float, default=100, help="seconds after which a run is ended [default: 100]")
    options = parser.parse_args()
    for name in options.parts or PARTS:
        part = PARTS[name]
        compare(replace(part, latency=options.latency or part.latency), options)


if __name__ == "__main__":
    main()
