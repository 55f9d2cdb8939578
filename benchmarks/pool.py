"""Does the pool pool? 2,000 URLs in turn over 40 hosts, 16 workers, at most 4 requests on a host.

The server counts what it saw: connections, and the most requests that were in flight at once on any host.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import harness

GOAL = "goal: at most hosts x per-host = {most} connections, never more than {limit} in flight on a host"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("-w", "--workers", type=int, default=16)
    parser.add_argument("--per-host", type=int, default=4)
    options = parser.parse_args()
    rows = []
    with harness.folder() as folder:
        urls, records = folder / "urls.txt", folder / "records.jsonl"
        workers = ("--workers", str(options.workers))
        contenders = {
            "scrapepool": harness.scrapepool(urls, records, *workers, "--per-host", str(options.per_host)),
            f"the article's pattern, adapter {options.workers}/{options.workers}": harness.peer(
                "article.py", urls, records, *workers
            ),
        }
        for latency in ("none", "fixed:0.02"):
            for name, command in contenders.items():
                harness.progress(f"{name}, latency {latency}")
                rows.append([name, latency, *row(command, urls, records, options.hosts, options.urls, latency)])
    harness.table(
        f"The pool pools: {options.urls:,} URLs over {options.hosts} hosts, {options.workers} workers",
        ["", "latency", "connections", "most in flight on a host", "most in flight", "seconds", "CPU s", "ok"],
        rows,
        [GOAL.format(most=options.hosts * options.per_host, limit=options.per_host)],
    )


def row(command: list[str], urls: Path, records: Path, hosts: int, count: int, latency: str) -> list[object]:
    with harness.server("tests.servers.polite", "--hosts", hosts, "--latency", latency, "--size", 1024) as server:
        names = server.started["hosts"]
        urls.write_text("".join(f"{names[n % len(names)]}/page/{n}\n" for n in range(count)))
        records.unlink(missing_ok=True)
        cost = harness.run(command)
        counts = server.stats()
    peak = max(host["peak"] for host in counts["hosts"].values())
    done = harness.count_lines(records, b'"ok"')
    return [f"{counts['opened']:,}", peak, counts["peak"], f"{cost.seconds:.2f}", f"{cost.cpu:.2f}", f"{done:,}"]


if __name__ == "__main__":
    main()
