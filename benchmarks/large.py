"""How fast do large bodies come? 200 bodies of 10 MB from nginx on loopback, next to curl.

scrapepool hashes every byte (SHA-256, for the record) unless the record leaves the digest out; curl throws them away.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import contenders
import harness
from contenders import Job

GOAL = 0.8
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
    seconds: dict[str, list[float]] = {one.name: [] for one in entrants}
    cpu: dict[str, list[float]] = {one.name: [] for one in entrants}
    with harness.folder() as folder, harness.nginx(large=size) as server:
        job = Job(folder, [server.url(f"/large/{n}") for n in range(options.bodies)])
        job.write()
        for number in range(options.rounds):
            for one in entrants:
                harness.progress(f"{number + 1}/{options.rounds} {one.name}")
                job.records.unlink(missing_ok=True)
                cost = harness.run(one.command(job), stdout=job.records if one.stdout else None)
                whole = harness.count_lines(job.records, one.ok or b"")
                if whole != options.bodies or cost.code:
                    sys.exit(f"{one.name}: {whole} of {options.bodies} bodies, exit code {cost.code}")
                seconds[one.name].append(cost.seconds)
                cpu[one.name].append(cost.cpu)
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
