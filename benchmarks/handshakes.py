"""What does a new connection cost? 1,000 hosts, one URL each, so every request is a handshake, or a connect.

nginx has one certificate that names all 1,000 addresses; what is trusted is a file with the public authorities and our
own, as on a real machine. CPU of the client's process only, its start-up (a run over one URL) taken off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from statistics import median

import contenders
import harness
from contenders import Contender, Job


def cost_of(contender: Contender, job: Job, server: harness.Nginx, share: int) -> harness.Run:
    count = job.write(share)
    job.records.unlink(missing_ok=True)
    before = server.counts()[0]
    cost = harness.run(contender.command(job), stdout=job.records if contender.stdout else None)
    opened = server.counts()[0] - before - 1
    whole = count if contender.ok is None else harness.count_lines(job.records, contender.ok)
    if whole != count or cost.code:
        sys.exit(f"{contender.name}: {whole} of {count} URLs, exit code {cost.code}")
    if opened < count:
        sys.exit(f"{contender.name}: {opened} connections for {count} hosts")
    return cost


def compare(
    entrants: Sequence[Contender], job: Job, server: harness.Nginx, rounds: int, kind: str
) -> list[list[object]]:
    """A row for each; they take turns. kind: of TLS."""
    costs: dict[str, list[float]] = {one.name: [] for one in entrants}
    walls: dict[str, list[float]] = {one.name: [] for one in entrants}
    for number in range(rounds):
        for one in entrants:
            harness.progress(f"{number + 1}/{rounds} {one.name}, TLS: {kind}")
            whole, single = cost_of(one, job, server, 1), cost_of(one, job, server, len(job.urls))
            costs[one.name].append((whole.cpu - single.cpu) / (len(job.urls) - 1) * 1000)
            walls[one.name].append(whole.seconds)
    return [[one.name, kind, harness.spread(costs[one.name]), f"{median(walls[one.name]):.2f}"] for one in entrants]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="words, one of which a contender's name must contain")
    options = parser.parse_args()
    addresses = [f"127.0.{2 + n // 250}.{1 + n % 250}" for n in range(options.hosts)]
    words = options.only.split(",")
    entrants = [contenders.curl(), contenders.article(), contenders.scrapepool()]
    if harness.has_module("aiohttp") and harness.has_module("uvloop"):
        entrants.insert(1, contenders.aiohttp())
    entrants = [one for one in entrants if any(word in one.name for word in words)]
    rows: list[list[object]] = []
    with harness.folder() as folder:
        with harness.nginx(identities=["127.0.0.1", *addresses]) as server:
            urls = [server.url("/page", address) for address in addresses]
            rows += compare(entrants, Job(folder, urls, server.ca, False), server, options.rounds, "verified")
            rows += compare(entrants, Job(folder, urls, None, True), server, options.rounds, "not verified")
        with harness.nginx() as server:
            urls = [server.url("/page", address) for address in addresses]
            rows += compare(entrants, Job(folder, urls), server, options.rounds, "none")
    harness.table(
        f"A new connection: {options.hosts:,} hosts, one request each",
        ["", "TLS", "CPU ms a connection: median (least to most)", "seconds for all"],
        rows,
        [f"{options.rounds} rounds; TLS 1.3; the one certificate names all the addresses"],
    )


if __name__ == "__main__":
    main()
