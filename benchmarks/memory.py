"""Does memory stay flat? A list of five million URLs over 5,000 hosts, fetched as far as the first 100,000.

Reads /proc/PID/status of the running command when its record file has that many lines, and interrupts it then. A list
sorted by host and one in random order differ in how the index grows, so both can be asked for.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

import harness

MARKS = (20_000, 100_000)
GROWTH = 10
CEILING = 250
LOOK = 0.01
INDEX = """
import sys, time, resource
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings
began, targets = time.perf_counter(), TargetList([sys.argv[1]], InputSettings(dedupe=sys.argv[2] == "dedupe"))
while not targets.exhausted:
    if targets.poll() is None:
        time.sleep(0.001)
print(time.perf_counter() - began, time.process_time(), targets.found)
"""


def addresses(count: int) -> list[str]:
    return [f"127.{1 + n // 62_500}.{n // 250 % 250}.{1 + n % 250}" for n in range(count)]


def write_list(path: Path, server: harness.Nginx, hosts: list[str], count: int, order: str) -> None:
    dice = random.Random(count)
    with path.open("w") as out:
        for n in range(count):
            host = hosts[n * len(hosts) // count] if order == "sorted" else dice.choice(hosts)
            out.write(server.url(f"/page/{n}\n", host))


def memory(pid: int) -> dict[str, float]:
    """VmRSS and VmHWM, in MB of 1,000,000 bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1.024 / 1000 for name in ("VmRSS", "VmHWM")}


Seen = tuple[float, dict[str, float]]


class Lines:
    """Counts the lines of a growing file."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._file = path.open("rb")

    def look(self) -> int:
        while piece := self._file.read(1 << 20):
            self.count += piece.count(b"\n")
        return self.count


def watch(urls: Path, records: Path, *options: str) -> list[Seen]:
    """What the process takes at each mark: seconds since its start, and memory."""
    records.write_bytes(b"")
    process = subprocess.Popen(harness.scrapepool(urls, records, *options), cwd=harness.ROOT, env=harness.ENVIRONMENT)
    began, lines, seen = time.perf_counter(), Lines(records), []
    try:
        for mark in MARKS:
            while lines.look() < mark:
                if process.poll() is not None:
                    sys.exit(f"scrapepool ended with {process.returncode} after {lines.count} records")
                time.sleep(LOOK)
            seen.append((time.perf_counter() - began, memory(process.pid)))
    finally:
        harness.interrupt(process)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--hosts", type=int, default=5000)
    parser.add_argument("--orders", default="random,sorted")
    options = parser.parse_args()
    rows = []
    with harness.folder() as folder, harness.nginx() as server:
        urls, records = folder / "urls.txt", folder / "records.jsonl"
        for order in options.orders.split(","):
            harness.progress(f"a list of {options.lines:,} lines, {order}")
            write_list(urls, server, addresses(options.hosts), options.lines, order)
            for dedupe in ("dedupe", "no-dedupe"):
                index = subprocess.run(
                    [sys.executable, "-c", INDEX, str(urls), dedupe],
                    cwd=harness.ROOT,
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds, _, found = map(float, index.stdout.split())
                harness.progress(f"{order}, --{dedupe}: {found:,.0f} targets indexed in {seconds:.1f} s")
                early, late = watch(urls, records, f"--{dedupe}")
                growth = late[1]["VmHWM"] - early[1]["VmHWM"]
                rows.append(
                    [
                        f"{order}, `--{dedupe}`",
                        f"{seconds:.1f}",
                        *cells(early),
                        *cells(late),
                        f"**{growth:.1f}**",
                    ]
                )
    headings = [part for mark in MARKS for part in (f"s at {mark:,}", "RSS MB", "peak MB")]
    harness.table(
        f"Memory stays flat: {options.lines:,} lines, {options.hosts:,} hosts",
        ["list", "index alone s", *headings, "growth of the peak MB"],
        rows,
        [
            f"goals: growth under {GROWTH} MB, peak under {CEILING} MB",
            "seconds since the start of the process, which reads the list and fetches from it at the same time",
        ],
    )


def cells(seen: Seen) -> list[str]:
    seconds, taken = seen
    return [f"{seconds:.1f}", f"{taken['VmRSS']:.0f}", f"{taken['VmHWM']:.0f}"]


if __name__ == "__main__":
    main()
