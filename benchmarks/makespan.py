"""Does a worker ever wait for nothing? A list sorted by host, against the shortest time that it can take.

20,000 URLs over 300 hosts, sizes falling with rank ** -0.7, latencies log-normal around 100 ms; 128 workers, at most
8 requests on a host. No schedule is quicker than the larger of two bounds: all service time / 128, and the service
time of the longest host / 8. The exponent makes the two nearly equal, which is the hardest case: the crew has to be
busy from the first second to the last *and* the longest host has to have its eight requests out all the time.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import harness

from tests.servers.polite import latency_of  # isort: skip - harness has put it on the path

SEED = 20_000


def write_list(path: Path, hosts: list[str], sizes: tuple[int, ...]) -> None:
    """A list sorted by host; which host is large is drawn, so that the longest stands anywhere."""
    drawn = list(sizes)
    random.Random(SEED).shuffle(drawn)
    path.write_text("".join(f"{host}/{n}\n" for host, size in zip(hosts, drawn, strict=True) for n in range(size)))


def bounds(service: list[float], workers: int, per_host: int) -> tuple[float, float]:
    return sum(service) / workers, max(service) / per_host


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=20_000)
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--exponent", type=float, default=0.7)
    parser.add_argument("--latency", default="lognormal:0.1:0.5")
    parser.add_argument("-w", "--workers", type=int, default=128)
    parser.add_argument("--per-host", type=int, default=8)
    parser.add_argument("--only", default="", help="comma-separated: scrapepool,article,aiohttp")
    options = parser.parse_args()
    sizes = harness.zipf(options.hosts, options.urls, options.exponent)
    rows: list[list[object]] = []
    notes: list[str] = []
    with (
        harness.folder() as folder,
        harness.server("benchmarks.latency_server", "--hosts", options.hosts, "--latency", options.latency) as server,
    ):
        urls, records = folder / "urls.txt", folder / "records.jsonl"
        write_list(urls, list(server.started["hosts"]), sizes)
        nominal: dict[str, float] = {}
        for url in urls.read_text().split():
            host, _, path = url.removeprefix("http://").partition("/")
            nominal[host] = nominal.get(host, 0.0) + latency_of("/" + path, options.latency)
        planned = max(bounds(list(nominal.values()), options.workers, options.per_host))
        everything, longest = bounds(list(nominal.values()), options.workers, options.per_host)
        pace = ("--workers", str(options.workers))
        contenders: dict[str, tuple[str, list[str]]] = {
            "scrapepool": (
                "scrapepool",
                harness.scrapepool(urls, records, *pace, "--per-host", str(options.per_host)),
            ),
            "article": (
                "the article's pattern: a future a URL, no limit a host",
                harness.peer("article.py", urls, records, *pace),
            ),
            "aiohttp": (
                f"aiohttp, limit_per_host={options.per_host}",
                harness.peer("aiohttp_workers.py", urls, records, *pace, "--per-host", options.per_host),
            ),
        }
        for key, (name, command) in contenders.items():
            if options.only and key not in options.only.split(","):
                continue
            if key == "aiohttp" and not (harness.has_module("aiohttp") and harness.has_module("uvloop")):
                notes.append("aiohttp or uvloop is not installed: left out")
                continue
            harness.progress(name)
            server.stats()  # begins a new count
            records.unlink(missing_ok=True)
            cost = harness.run(command)
            counts: list[dict[str, Any]] = server.stats()  # type: ignore[assignment]
            served = [host["served"] for host in counts]
            real = max(bounds(served, options.workers, options.per_host))
            on_wire = max(host["last"] for host in counts) - min(host["first"] for host in counts)
            done = harness.count_lines(records, b'"ok"')
            late = sum(served) / sum(nominal.values()) - 1
            rows.append(
                [
                    name,
                    f"{cost.seconds:.2f}",
                    f"{on_wire:.2f}",
                    f"{real:.2f}",
                    f"**{cost.seconds / real:.3f}**",
                    f"{cost.seconds / planned:.3f}",
                    f"{cost.cpu:.1f}",
                    max(host["peak"] for host in counts),
                    sum(host["opened"] for host in counts),
                    f"{done:,}",
                ]
            )
            notes.append(f"{name}: the server took {late:.2%} longer than nominal")
    harness.table(
        "No worker waits for nothing",
        [
            "",
            "whole run s",
            "first request to last reply s",
            "ideal s",
            "run / ideal",
            "run / nominal ideal",
            "CPU s",
            "most on a host",
            "connections",
            "ok",
        ],
        rows,
        [
            f"nominal bounds: all service time / workers {everything:.2f} s, longest host / per-host {longest:.2f} s;"
            " *ideal* is the larger of the two from the seconds that the server really took in that run",
            "goal: run / ideal at most 1.03",
            *notes,
        ],
    )


if __name__ == "__main__":
    main()
