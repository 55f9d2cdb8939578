"""How near to what a host allows does each way of pacing come, and how often is it refused?

A simulated web on a virtual clock (``simulated_web.py``): hosts that each limit their clients by a token bucket (rate
and burst drawn anew for each, most of them without a Retry-After, a third of those with 503 as nginx does), hosts that
fail and recover, and twenty minutes in which all are unreachable. With ``--bad`` a share of the pages is broken: for
good (503, 500, 404, a page that hangs), or now and then. scrapepool's own scheduler runs in it as it is. Next to it,
over the same hosts, stand the rules of others as their sources state them: Scrapy's AutoThrottle, lychee's, and a fixed
number in flight. All ask three times more for what was refused or failed. *of allowed*: requests that passed over what
the bucket gave in the time that the host took; *refused*: by the bucket, over requests that reached the host; *lost*:
good pages that were not fetched; *exact*: broken pages that were requested as often as ``--retries`` says.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from simulated_web import RETRIED, RULES, Host, Limit, drive, follow, placed

from scrapepool.settings import PoolSettings, RetryPolicy

SEED = 5
DAY = 86_400.0
TARGETS = 1_500
"""On a host, or what its bucket gives in a day, if that is less."""

DOWN = (40_000.0, 41_200.0)
"""When the network is down: twenty minutes, less than ``max_outage``."""

BROKEN = ("503", "500", "404", "hang", "flaky")
NAMES = {"auto": "scrapepool, `--pace auto`", "fixed": "scrapepool, `--pace fixed`", **RULES}


def web(count: int, bad: float) -> list[Host]:
    dice = random.Random(SEED)
    hosts = []
    for number in range(count):
        rate = 10 ** dice.uniform(-1.75, 1.25)
        pages = max(1, min(TARGETS, int(rate * DAY * 0.9)))
        start = dice.uniform(0.1, 0.8) * min(DAY, TARGETS / rate)
        waits = dice.random() < 0.3
        limit = Limit(rate, dice.choice([1, 2, 5, 10, 30]), 429 if waits or dice.random() < 0.7 else 503, waits)
        down = [(*DOWN, "dns")]
        if dice.random() < 0.2:
            down.append((start, start + dice.uniform(5, 200), "refused"))
        host = Host(f"h{number}.site{number}.test", pages, dice.uniform(0.02, 0.3), limit=limit, down=down)
        kind = BROKEN[number % len(BROKEN)] if bad else ""
        if kind == "flaky":
            host.flaky = bad
        elif kind:
            host.bad = dict.fromkeys(placed(bad, pages, dice.choice(["spread", "end", "beginning"]), dice), kind)
        hosts.append(host)
    return hosts


def possible(host: Host, per_host: int, seconds: float) -> float:
    """Requests that the bucket and so many connections let pass until the host was done, while it was up."""
    assert host.limit is not None
    end = max((end.at for end in host.ends.values()), default=0.0) if len(host.ends) == host.pages else seconds
    up = end - sum(max(0.0, min(until, end) - start) for start, until, _ in host.down if start < end)
    return min(up * host.limit.rate, end * per_host / host.latency)


def row(name: str, hosts: list[Host], per_host: int, seconds: float, took: float) -> str:
    share = [min(1.0, len(host.passed_at) / max(0.001, possible(host, per_host, seconds))) for host in hosts]
    reached = [max(1, len(host.passed_at) + host.refused) for host in hosts]
    refused = [host.refused / asked for host, asked in zip(hosts, reached, strict=True)]
    down = sum(host.requests for host in hosts) - sum(len(host.passed_at) + host.refused for host in hosts)
    tries = RetryPolicy().retries + 1
    broken = [
        host.hits[page] <= (tries if kind in RETRIED else 1) <= host.sent[page]
        for host in hosts for page, kind in host.bad.items()
    ]  # fmt: skip
    return (
        f"| {name} | {sum(host.requests for host in hosts):,} | {statistics.mean(share):.3f} | "
        f"{statistics.quantiles(share, n=20)[0]:.3f} | {sum(host.refused for host in hosts) / sum(reached):.2%} | "
        f"{statistics.quantiles(refused, n=20)[18]:.2%} | {sum(host.lost for host in hosts):,} | "
        f"{f'{statistics.mean(broken):.1%}' if broken else ''} | {down:,} | {took:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=DAY)
    parser.add_argument("--per-host", type=int, default=4)
    parser.add_argument("--bad", type=float, default=0.0, help="share of the pages that are broken")
    parser.add_argument("--only", default=",".join(NAMES), help="the rules, comma-separated: %(default)s")
    options = parser.parse_args()
    print(f"{options.hosts:,} hosts, {options.seconds:,.0f} s of virtual time, {options.per_host} on a host\n")
    print(
        "| | requests | of allowed | 5th percentile of hosts | refused | 95th percentile of hosts | lost | exact |"
        " requests while down | s to simulate |\n|---|" + "---:|" * 9
    )
    notes = []
    for key in options.only.split(","):
        hosts = web(options.hosts, options.bad)
        began = time.perf_counter()
        per_host = options.per_host
        if key in ("auto", "fixed"):
            pool = PoolSettings(workers=4 * options.hosts, per_host=per_host, pace=key)
            drove = drive(hosts, pool, seconds=options.seconds)
            given_up = sum(end.error == "circuit_open" for host in hosts for end in host.ends.values())
            notes.append(f"{NAMES[key]}: {given_up:,} as circuit_open, the network down for {drove.outage:,.0f} s")
        else:
            per_host = {"autothrottle": 8, "lychee": 10}.get(key, per_host)
            for host in hosts:
                follow(host, key, per_host, seconds=options.seconds)
        print(row(NAMES[key], hosts, per_host, options.seconds, time.perf_counter() - began), flush=True)
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
