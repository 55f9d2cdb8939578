"""What an output costs: requests per second with each, next to plain JSON Lines.

One host, small pages, keep-alive. Outputs take turns, so that whatever else the machine does hits all of them; ratios
are taken within a round. nginx counts the requests, and each output is read back: a wrong count ends the benchmark.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sqlite3
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import harness

KEPT = 0.7
"""Of the rate with plain JSON Lines, which JSONL, CSV and WARC are to keep."""


@dataclass(frozen=True, slots=True)
class Output:
    """name: in the table. options: of the command, run in a folder of its own. count: records that are there after."""

    name: str
    options: tuple[str, ...]
    count: Callable[[Path], int]


def lines(name: str, *, head: int = 0) -> Callable[[Path], int]:
    return lambda folder: harness.count_lines(folder / name) - head


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "out.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM records WHERE outcome = 'ok'").fetchone()
    return int(count)


def parquet(folder: Path) -> int:
    from pyarrow.parquet import ParquetFile

    return int(ParquetFile(folder / "out.parquet").metadata.num_rows)


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "pages").rglob("*"))


def exchanges(folder: Path) -> int:
    """Every page is the same: one response, and for each other a record that revisits it."""
    with gzip.open(folder / "out.warc.gz", "rb") as archive:
        return sum(line in (b"WARC-Type: response\r\n", b"WARC-Type: revisit\r\n") for line in archive)


OUTPUTS = [
    Output("`-o out.jsonl`", ("-o", "out.jsonl"), lines("out.jsonl")),
    Output("`-o out.jsonl --headers`", ("-o", "out.jsonl", "--headers"), lines("out.jsonl")),
    Output("`-o out.jsonl --body`", ("-o", "out.jsonl", "--body"), lines("out.jsonl")),
    Output("`-o out.csv`", ("-o", "out.csv"), lines("out.csv", head=1)),
    Output("`-o out.csv --safe-csv`", ("-o", "out.csv", "--safe-csv"), lines("out.csv", head=1)),
    Output(
        "`--template '{status} {elapsed:.2f} {url}\\n'`",
        ("--template", r"{status} {elapsed:.2f} {url}\n"),
        lines("stdout"),
    ),
    Output("`--warc out.warc.gz -o out.jsonl`", ("--warc", "out.warc.gz", "-o", "out.jsonl"), exchanges),
    Output("`--save-dir pages -o out.jsonl`", ("--save-dir", "pages", "-o", "out.jsonl"), files),
    Output("`--sqlite out.db`", ("--sqlite", "out.db"), rows),
    Output("`--sqlite out.db -o out.jsonl`", ("--sqlite", "out.db", "-o", "out.jsonl"), rows),
    Output("`--sqlite out.db --body`", ("--sqlite", "out.db", "--body"), rows),
    Output("`--parquet out.parquet`", ("--parquet", "out.parquet"), parquet),
    Output("`-o out.jsonl --ordered`", ("-o", "out.jsonl", "--ordered"), lines("out.jsonl")),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--distinct", action="store_true", help="no page is like another, so that none is a revisit")
    parser.add_argument("--only", default="", help="words, one of which an output's options must contain")
    options = parser.parse_args()
    words = options.only.split(",")
    entrants = [one for one in OUTPUTS[1:] if any(word in one.name for word in words)]
    entrants.insert(0, OUTPUTS[0])
    rates: dict[str, list[float]] = {one.name: [] for one in entrants}
    cpus: dict[str, list[float]] = {one.name: [] for one in entrants}
    with harness.folder() as folder, harness.nginx() as server:
        urls = folder / "urls.txt"
        place = "each" if options.distinct else "page"
        urls.write_text("".join(f"{server.url(f'/{place}/{n}')}\n" for n in range(options.urls)))
        for number in range(options.rounds):
            for output in entrants:
                harness.progress(f"{number + 1}/{options.rounds} {output.name}")
                cost = cost_of(output, urls, folder / "run", options.urls, server)
                rates[output.name].append(options.urls / cost.seconds)
                cpus[output.name].append(cost.cpu / options.urls * 1e6)
    plain = rates[OUTPUTS[0].name]
    harness.table(
        "Requests a second with each output",
        ["", "requests/s: median (least to most)", "of plain JSON Lines in the same round", "CPU µs a request"],
        [
            [
                output.name,
                harness.spread(rates[output.name], 0),
                harness.spread([rate / base for rate, base in zip(rates[output.name], plain, strict=True)]),
                f"{statistics.median(cpus[output.name]):.0f}",
            ]
            for output in entrants
        ],
        [
            f"{options.rounds} rounds of {options.urls:,} URLs; nginx, one worker process, {harness.PAGE:,}-byte pages",
            "start-up is included, and so is making the Parquet file at the end; "
            f"{'no page is like another' if options.distinct else 'all pages are alike'}",
            f"goal: JSONL, CSV and WARC keep {KEPT}",
        ],
    )


def cost_of(output: Output, urls: Path, folder: Path, count: int, server: harness.Nginx) -> harness.Run:
    """One run in a folder of its own, and a look at what it left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = server.counts()[1]
    # In the folder by way of names: the harness runs every command at the root of the project.
    named = [str(folder / word) if word.startswith(("out.", "pages")) else word for word in output.options]
    cost = harness.run(harness.scrapepool_fetch(urls, *named), stdout=folder / "stdout")
    asked = server.counts()[1] - before - 1
    found = output.count(folder)
    if cost.code or asked != count or found != count:
        sys.exit(f"{output.name}: asked for {asked} of {count} URLs, {found} are there, exit code {cost.code}")
    return cost


if __name__ == "__main__":
    main()
