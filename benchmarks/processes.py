"""How much faster are several worker processes? Runs over 200 nearby hosts with ``--processes 1`` and with N, by turns.

The server runs on the same cores, and takes its part: the table says how much CPU the client and the server used per
URL, and so what is left. *Possible* is what the same cores allow if they were never idle: the seconds that the run with
one process took, over the CPU time of all processes and of the server, divided by the number of cores. Lists are so
long that the start is a thirtieth of the time.

A run with ``--select`` or ``--warc`` has other processes beside: those that extract values, one per core unless an
option says otherwise, and the one that writes the archive. With ``--extract-workers 0``, one process does all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import harness

HOSTS = 200


@dataclass(frozen=True, slots=True)
class Work:
    """name: in the table. options: of the command. hosts, each: of the list. tls: over HTTPS. goal: the least ratio."""

    name: str
    options: tuple[str, ...]
    hosts: int
    each: int
    tls: bool = False
    goal: float = 1.7

    @property
    def urls(self) -> int:
        return self.hosts * self.each


WORKS = [
    Work("JSON Lines", (), HOSTS, 900, goal=1.6),
    Work("JSON Lines, one host", (), 1, 180_000, goal=1.0),
    Work("new TLS connections", ("--insecure",), 10_000, 1, tls=True),
    Work("TLS, kept connections", ("--insecure",), HOSTS, 600, tls=True),
    Work("`--select` of a title", ("--select", "title=css:title"), HOSTS, 400),
    Work(
        "the same, without extraction processes", ("--select", "title=css:title", "--extract-workers", "0"), HOSTS, 500
    ),
    Work("`--warc`", ("--warc", "out.warc.gz"), HOSTS, 450),
    Work("`--save-dir`", ("--save-dir", "pages"), HOSTS, 300),
]


def addresses(count: int) -> list[str]:
    return [f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}" for number in range(count)]


def cpu_of_children(pid: int, name: bytes) -> float:
    """Seconds of CPU time that the children of a process with this name have used, and their children."""
    ticks, seconds = 0, 0.0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            command = (path / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == pid and name in command:
            ticks += int(fields[11]) + int(fields[12])
            seconds += cpu_of_children(int(path.name), name)
    return seconds + ticks / os.sysconf("SC_CLK_TCK")


def cost_of(work: Work, processes: int, urls: Path, folder: Path) -> tuple[harness.Run, float]:
    """One run, and the CPU time of the server."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    records = folder / "out.jsonl"
    options = [str(folder / word) if word in ("out.warc.gz", "pages") else word for word in work.options]
    command = harness.scrapepool_fetch(urls, "-o", str(records), "-w", "64", "--processes", str(processes), *options)
    before = cpu_of_children(os.getpid(), b"nginx")
    cost = harness.run(command)
    served = cpu_of_children(os.getpid(), b"nginx") - before
    if (found := harness.count_lines(records, b'"outcome":"ok"')) != work.urls:
        sys.exit(f"{work.name}: {found} successes for {work.urls} URLs")
    return cost, served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=int, default=1, help="fetch one in so many of the URLs")
    parser.add_argument("--only", default="", help="words, one of which a row's name must contain")
    options = parser.parse_args()
    words = options.only.split(",")
    cores = len(os.sched_getaffinity(0))
    rows = []
    for usual in (one for one in WORKS if any(word in one.name for word in words)):
        ratios, possible, seconds, costs = [], [], [], []
        with (
            harness.folder() as folder,
            harness.nginx(identities=["127.0.0.1"] if usual.tls else None) as server,
        ):
            urls = folder / "urls.txt"
            each = max(1, usual.each // options.share)
            hosts = addresses(usual.hosts if usual.each > 1 else usual.hosts // options.share)
            work = replace(usual, hosts=len(hosts), each=each)
            urls.write_text("".join(f"{server.url(f'/page/{n}', host)}\n" for n in range(each) for host in hosts))
            for number in range(options.rounds):
                harness.progress(f"{number + 1}/{options.rounds} {work.name}")
                (one, _), (many, served) = (
                    cost_of(work, processes, urls, folder / "run") for processes in (1, options.processes)
                )
                ratios.append(one.seconds / many.seconds)
                possible.append(one.seconds * cores / (many.cpu + served))
                seconds.append((one.seconds, many.seconds))
                costs.append((one.cpu, many.cpu, served))
        before, after = (statistics.median(values) for values in zip(*seconds, strict=True))
        alone, together, served = (statistics.median(values) / work.urls * 1e6 for values in zip(*costs, strict=True))
        rows.append(
            [
                work.name,
                f"{work.urls:,}",
                harness.spread(ratios),
                f"{work.goal}",
                harness.spread(possible),
                f"{before:.1f} / {after:.1f}",
                f"{work.urls / after:,.0f}",
                f"{alone:.0f} / {together:.0f} / {served:.0f}",
            ]
        )
    harness.table(
        f"{options.processes} worker processes, next to one process",
        [
            "",
            "URLs",
            "times as fast",
            "goal",
            "possible",
            "seconds: one, several",
            "URLs/s: several",
            "CPU µs per URL: one, several, server",
        ],
        rows,
        [
            f"{options.rounds} rounds; nginx, one worker process, {harness.PAGE:,}-byte pages, on these {cores} cores",
            "start-up is included, that of the worker processes too",
            "`--select` has extraction processes beside, one per core, and `--warc` one that writes the archive: there,"
            " one process uses more than one core already",
        ],
    )


if __name__ == "__main__":
    main()
