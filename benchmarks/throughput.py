"""Requests a second: one host, small pages, keep-alive, one process each, each writing one record a URL.

Contenders take turns, A B C A B C, so that whatever else the machine does hits all of them; ratios are taken within
a round. nginx counts the requests: a run whose count is wrong ends the benchmark.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from functools import partial

import contenders
import harness
from contenders import Contender, Job

GOALS = (
    "goals: in every round, at least curl and twice aiohttp; at most 30 µs of CPU per URL; the defaults: 0.9 of -w 64"
)


def measure(contender: Contender, job: Job, server: harness.Nginx) -> tuple[float, float]:
    """Requests a second, and CPU microseconds a request, over the whole list.

    A contender that gets a part of the list has its start-up taken off before the rest is scaled, and put on again.
    """
    cost = cost_of(contender, job, server, contender.share)
    seconds, cpu = cost.seconds, cost.cpu
    if contender.share > 1:
        idle = cost_of(contender, job, server, len(job.urls))
        seconds = idle.seconds + (cost.seconds - idle.seconds) * contender.share
        cpu = idle.cpu + (cost.cpu - idle.cpu) * contender.share
    return len(job.urls) / seconds, cpu / len(job.urls) * 1e6


def cost_of(contender: Contender, job: Job, server: harness.Nginx, share: int) -> harness.Run:
    """One run over one in so many of the URLs."""
    before = server.counts()[1]
    cost = contenders.run(contender, job, share)
    requested, wanted = server.counts()[1] - before - 1, max(1, len(job.urls) // share)
    if requested != wanted:
        sys.exit(f"{contender.name}: {requested} requests for {wanted} URLs")
    return cost


def entrants_of(workers: str | None) -> list[Contender]:
    """Who takes part: all peers and scrapepool, or curl and scrapepool with each of these numbers of workers.

    curl comes first: the others are measured by it.
    """
    if workers:
        return [contenders.curl(), *(contenders.scrapepool(number, number) for number in map(int, workers.split(",")))]
    return [
        contenders.curl(),
        contenders.pycurl(),
        contenders.pyreqwest(),
        contenders.undici(per_host=contenders.IN_FLIGHT),
        contenders.aiohttp(),
        contenders.article(),
        contenders.wget2(),
        contenders.aria2(),
        contenders.minet(),
        contenders.scrapy(),
        contenders.scrapepool(8, 8),
        contenders.scrapepool(64, 64),
        contenders.scrapepool(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tls", choices=["verified", "insecure"])
    parser.add_argument("--only", default="", help="words, one of which a contender's name must contain")
    parser.add_argument("--workers", help="scrapepool with these numbers of workers only, e.g. 1,2,4,8,16,32,64")
    options = parser.parse_args()
    entrants, missing = contenders.installed(entrants_of(options.workers), options.only)
    with (
        harness.folder() as folder,
        harness.nginx(identities=["127.0.0.1", "localhost"] if options.tls else None) as server,
    ):
        urls = [server.url(f"/page/{n}") for n in range(options.urls)]
        job = Job(folder, urls, None if options.tls == "insecure" else server.ca, options.tls == "insecure")
        measured = contenders.take_turns(entrants, options.rounds, partial(measure, job=job, server=server))
    rates = {name: [rate for rate, _ in results] for name, results in measured.items()}
    yardstick = rates[entrants[0].name]
    rows = []
    for contender in entrants:
        ratios = [rate / base for rate, base in zip(rates[contender.name], yardstick, strict=True)]
        count = max(1, options.urls // contender.share)
        figures = (
            harness.spread(rates[contender.name], 0),
            harness.spread(ratios),
            f"{statistics.median(cpu for _, cpu in measured[contender.name]):.0f}",
        )
        rows.append([contender.name, f"{count:,}", *figures])
    over = {"verified": " over HTTPS", "insecure": " over HTTPS, unverified"}.get(options.tls, "")
    harness.table(
        f"Requests a second{over}, one host",
        [
            "",
            "URLs",
            "requests/s: median (least to most)",
            f"of {entrants[0].name.split()[0]} in the same round",
            "CPU µs per URL",
        ],
        rows,
        [
            f"{options.rounds} rounds; nginx, one worker process, {harness.PAGE:,}-byte pages; start-up is included",
            GOALS,
            "a contender that gets a part of the list: scaled to the whole, its start-up counted once",
            *missing,
        ],
        contenders.versions(entrants),
    )


if __name__ == "__main__":
    main()
