"""How fast do values come out of pages? 10,000 real pages of about 100 kB, three values each, next to parsel and
BeautifulSoup; and what --select costs a run that fetches such pages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import contenders
import corpus
import harness
from contenders import Job

SIZE = 100_000
SLOW = 10
"""BeautifulSoup gets a tenth of the pages."""

ENTRANTS = {
    "scrapepool, in the run itself": ("scrapepool-0", 1),
    "scrapepool, 1 process": ("scrapepool-1", 1),
    "scrapepool, 2 processes": ("scrapepool-2", 1),
    "parsel": ("parsel", 1),
    "BeautifulSoup, lxml": ("bs4-lxml", SLOW),
    "BeautifulSoup, html.parser": ("bs4-html.parser", SLOW),
}
SELECT = [
    word for one in ("title=css:title", "heading=css:h1", "links[]=css:a::attr(href)") for word in ("--select", one)
]
RUNS = {
    "no --select": [],
    "three values": SELECT,
    "three values, --extract-workers 1": [*SELECT, "--extract-workers", "1"],
    "three values, --extract-workers 0": [*SELECT, "--extract-workers", "0"],
    "--links": ["--links"],
}


def select(entrant: str, folder: Path, pages: int) -> dict[str, Any] | None:
    """One contender's turn; None where it is not installed."""
    ours = entrant.startswith("scrapepool")
    python = sys.executable if ours else harness.find_tool("python")
    command = [str(python), str(harness.PEERS / "fields_of.py"), entrant, str(folder), str(pages)]
    ran = subprocess.run(command, env=harness.ENVIRONMENT, capture_output=True, text=True, check=False)
    if ran.returncode:
        harness.progress(f"{entrant}: {ran.stderr.strip().splitlines()[-1]}")
        return None
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def libraries(folder: Path, pages: int, rounds: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ENTRANTS}
    cpu: dict[str, list[float]] = {name: [] for name in ENTRANTS}
    first: dict[str, list[dict[str, Any]]] = {}
    for number in range(rounds):
        for name, (entrant, share) in ENTRANTS.items():
            harness.progress(f"{number + 1}/{rounds} {name}")
            if result := select(entrant, folder, pages // share):
                rates[name].append(result["pages"] / result["seconds"])
                cpu[name].append(result["cpu"] / result["pages"] * 1000)
                first[name] = result["first"]
    yardstick = next(iter(ENTRANTS))
    rows, left_out = [], []
    for name, mine in rates.items():
        if not mine:
            left_out.append(name)
            continue
        same = (Counter(map(json.dumps, first[name])) & Counter(map(json.dumps, first[yardstick]))).total()
        rows.append([name, harness.spread(mine, 0), harness.spread(cpu[name]), f"{same} of {len(first[name])}"])
    real = len(corpus.load(folder))
    harness.table(
        f"Values out of pages: {pages:,} of {SIZE:,} bytes, title, heading and all links",
        ["", "pages/s: median (least to most)", "CPU ms a page", "pages with the same values"],
        rows,
        [
            f"{real} different pages, from {', '.join(corpus.PACKAGES)}, in turn; {rounds} rounds",
            "from bytes to values; the start of the program, and of its processes, is left out",
            "where values differ: links relative to <base>, which peers leave to their callers; lxml's reading",
            *(f"left out, as it is not installed: {name}" for name in left_out),
        ],
    )


def fetching(folder: Path, requests: int, rounds: int) -> None:
    page = corpus.load(folder)[0]
    rates: dict[str, list[float]] = {name: [] for name in RUNS}
    cpu: dict[str, list[float]] = {name: [] for name in RUNS}
    with harness.folder() as place, harness.nginx(large=page) as server:
        job = Job(place, [server.url(f"/large/{n}") for n in range(requests)])
        job.write()
        for number in range(rounds):
            for name, options in RUNS.items():
                harness.progress(f"{number + 1}/{rounds} fetch, {name}")
                one = contenders.scrapepool(options=options)
                cost = harness.run(one.command(job))
                whole = harness.count_lines(job.records, b'"data":{' if options else b'"ok"')
                if whole != requests or cost.code:
                    sys.exit(f"{name}: {whole} of {requests} records, exit code {cost.code}")
                rates[name].append(requests / cost.seconds)
                cpu[name].append(cost.cpu / requests * 1e6)
    rows = [[name, harness.spread(rates[name], 0), f"{statistics.median(cpu[name]):,.0f}"] for name in RUNS]
    harness.table(
        f"What --select costs a run: {requests:,} pages of {len(page):,} bytes",
        ["scrapepool fetch", "URLs/s: median (least to most)", "CPU µs a URL"],
        rows,
        ["whole commands, from nginx on loopback", "CPU of the run and its extraction processes"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with harness.folder() as folder:
        corpus.make(folder, SIZE)
        libraries(folder, options.pages, options.rounds)
        fetching(folder, options.requests, options.rounds)


if __name__ == "__main__":
    main()
