"""Requests a second: one host, small pages, keep-alive, one process each, each writing one record a URL.

Contenders take turns, A B C A B C, so that whatever else the machine does hits all of them; ratios are taken within
a round. nginx counts the requests: a run whose count is wrong ends the benchmark.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import contenders
import harness
from contenders import Contender, Job

GOALS = "goals: twice aiohttp, ten times the article's pattern, 1.0 times curl (never below 0.6)"


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
    count = job.write(share)
    command = contender.command(job)
    job.records.unlink(missing_ok=True)
    before = server.counts()[1]
    cost = harness.run(command, stdout=job.records if contender.stdout else None)
    asked = server.counts()[1] - before - 1
    if asked != count or cost.code:
        sys.exit(f"{contender.name}: asked for {asked} of {count} URLs, exit code {cost.code}")
    if contender.ok and (whole := harness.count_lines(job.records, contender.ok)) != count:
        sys.exit(f"{contender.name}: {whole} records of success for {count} URLs")
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tls", choices=["verified", "insecure"])
    parser.add_argument("--only", default="", help="words, one of which a contender's name must contain")
    parser.add_argument("--workers", help="scrapepool with these numbers of workers only, e.g. 1,2,4,8,16,32,64")
    options = parser.parse_args()
    peers, missing = contenders.installed()
    ours = [contenders.scrapepool(workers, workers) for workers in (8, 64)] + [contenders.scrapepool()]
    if options.workers:
        ours = [contenders.scrapepool(int(number), int(number)) for number in options.workers.split(",")]
        peers = peers[:1]
    words = options.only.split(",")
    entrants = [one for one in [*peers, *ours] if any(word in one.name for word in words)]
    rates: dict[str, list[float]] = {one.name: [] for one in entrants}
    cpus: dict[str, list[float]] = {one.name: [] for one in entrants}
    with (
        harness.folder() as folder,
        harness.nginx(identities=["127.0.0.1", "localhost"] if options.tls else None) as server,
    ):
        urls = [server.url(f"/page/{n}") for n in range(options.urls)]
        job = Job(folder, urls, None if options.tls == "insecure" else server.ca, options.tls == "insecure")
        for number in range(options.rounds):
            for contender in entrants:
                harness.progress(f"{number + 1}/{options.rounds} {contender.name}")
                rate, cpu = measure(contender, job, server)
                rates[contender.name].append(rate)
                cpus[contender.name].append(cpu)
    yardstick = rates[entrants[0].name]
    rows = []
    for contender in entrants:
        ratios = [rate / base for rate, base in zip(rates[contender.name], yardstick, strict=True)]
        count = max(1, options.urls // contender.share)
        figures = (
            harness.spread(rates[contender.name], 0),
            harness.spread(ratios),
            f"{statistics.median(cpus[contender.name]):.0f}",
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
            "CPU µs a request",
        ],
        rows,
        [
            f"{options.rounds} rounds; nginx, one worker process, {harness.PAGE:,}-byte pages; start-up is included",
            GOALS,
            "a contender that gets a part of the list: scaled to the whole, its start-up counted once",
            *missing,
        ],
    )


if __name__ == "__main__":
    main()
