"""What does a list with millions of hosts cost? 10 million URLs on 2 million hosts, in random order.

plan: --offline, to its end. fetch, not fetched yet: with --rate 1, until the whole list is read, so that nothing but
the list is in memory. fetch, at full rate: the first records of that list, fetched while it is read, and of a list that
has twice as many lines. nginx answers for every host, as the proxy of the run. The list is the same each time.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import harness
from memory import Lines, memory

LOOK = 0.1
LINES_AT_ONCE = 100_000
READING = "reading the list"
"""What a progress line says until the whole list is read."""


def write_list(path: Path, urls: int, hosts: int) -> None:
    dice = random.Random(urls)
    with path.open("w") as out:
        for first in range(0, urls, LINES_AT_ONCE):
            numbers = range(first, min(first + LINES_AT_ONCE, urls))
            lines = [f"http://www.site-{dice.randrange(hosts)}.example/articles/{n}/index.html\n" for n in numbers]
            out.write("".join(lines))


def head(path: Path, lines: int, to: Path) -> None:
    with path.open("rb") as whole, to.open("wb") as out:
        for _ in range(lines):
            out.write(whole.readline())


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def fetch(
    urls: Path, folder: Path, server: harness.Nginx, until: Callable[[Path, Path], bool], *options: str
) -> list[str]:
    """Fetch until something is so, and return what that took: seconds, CPU seconds, MB now, peak MB.

    until: a function of the files of records and of standard error.
    """
    records, said = folder / "records.jsonl", folder / "stderr.txt"
    records.write_bytes(b"")
    harness.compile_once()
    command = [sys.executable, "-m", "scrapepool", "fetch", str(urls), "-o", str(records), "--no-robots"]
    command += ["--progress", "plain", "--proxy", server.url(), *options]
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=harness.ROOT, env=harness.ENVIRONMENT, stderr=log)
    began = time.perf_counter()
    try:
        while not until(records, said):
            if process.poll() is not None:
                sys.exit(f"scrapepool ended with {process.returncode}: {said.read_text()[-500:]}")
            time.sleep(LOOK)
        taken = memory(process.pid)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(process.pid)
    finally:
        harness.interrupt(process)
    return [f"{seconds:.1f}", f"{cpu:.1f}", f"{taken['VmRSS']:.0f}", f"{taken['VmHWM']:.0f}"]


def is_read(_: Path, said: Path) -> bool:
    """Whether the last progress line says that the whole list is read."""
    lines = said.read_text().splitlines()
    return bool(lines) and READING not in lines[-1] and any(READING in line for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=10_000_000)
    parser.add_argument("--hosts", type=int, default=2_000_000)
    parser.add_argument("--records", type=int, default=30_000)
    options = parser.parse_args()
    if 2 * options.records > options.urls:
        parser.error("--records: there are not so many URLs")
    rows = []
    with harness.folder() as folder, harness.nginx() as server:
        urls, few = folder / "urls.txt", folder / "few.txt"
        harness.progress("the list is written")
        write_list(urls, options.urls, options.hosts)
        head(urls, 2 * options.records, few)
        harness.progress("plan")
        cost = harness.run(
            [sys.executable, "-m", "scrapepool", "plan", "--offline", str(urls)], watch=True, timeout=3600
        )
        if cost.code:
            sys.exit(f"plan ended with {cost.code}")
        rows.append(["plan", f"{cost.seconds:.1f}", f"{cost.cpu:.1f}", "", f"{cost.peak_mb * 1.048576:.0f}"])
        harness.progress("the list is read, and next to nothing fetched")
        rows.append(["fetch, until the list is read", *fetch(urls, folder, server, is_read, "--rate", "1")])
        for name, path in (("long", urls), ("short", few)):
            harness.progress(f"{options.records:,} records of the {name} list")
            lines = Lines(folder / "records.jsonl")

            def has_records(_: Path, __: Path, lines: Lines = lines) -> bool:
                return lines.look() >= options.records

            took = fetch(path, folder, server, has_records)
            rows.append([f"fetch, {options.records:,} records of the {name} list", *took])
    harness.table(
        f"Many hosts: {options.urls:,} URLs on {options.hosts:,} hosts",
        ["", "seconds", "CPU s", "MB then", "peak MB"],
        rows,
        ["goal: plan within 60 s and 350 MB, fetch within the same memory"],
    )


if __name__ == "__main__":
    main()
