"""How fast do large bodies come? 200 bodies of 10 MB from nginx on loopback, next to curl.

scrapepool hashes every byte (SHA-256, for the record) unless the record leaves the digest out; curl throws them away.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial

import contenders
import harness
from contenders import Job

GOAL = 1.0
FIELDS = ("--fields", "url,outcome,status,bytes,elapsed")  # no digest is made that no record holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    entrants = [
        contenders.curl(),
        contenders.scrapepool(),
        contenders.scrapepool(name="scrapepool --fields without sha256", options=FIELDS),
        contenders.scrapepool(64, 64, name="scrapepool -w 64 --per-host 64 --fields without sha256", options=FIELDS),
    ]
    with harness.folder() as folder, harness.nginx(large=size) as server:
        job = Job(folder, [server.url(f"/large/{n}") for n in range(options.bodies)])
        results = contenders.take_turns(entrants, options.rounds, partial(contenders.run, job=job))
    seconds = {name: [run.seconds for run in runs] for name, runs in results.items()}
    cpu = {name: [run.cpu for run in runs] for name, runs in results.items()}
    total = size * options.bodies / 1e6
    yardstick = seconds[entrants[0].name]
    rows = []
    for one in entrants:
        ratios = [base / mine for base, mine in zip(yardstick, seconds[one.name], strict=True)]
        rates = [total / mine for mine in seconds[one.name]]
        mean = statistics.median(cpu[one.name]) / total * 1e6
        rows.append([one.name, harness.spread(rates, 0), harness.spread(ratios), f"{mean:.0f}"])
    harness.table(
        f"Large bodies: {options.bodies} of {options.megabytes} MB",
        ["", "MB/s: median (least to most)", "of curl in the same round", "CPU µs a MB"],
        rows,
        [f"{options.rounds} rounds; goal: at least {GOAL} of curl at the same work, which is without the digest"],
    )


if __name__ == "__main__":
    main()
