"""Runs over several worker processes: one of them, or the run itself, is killed at random moments and resumed.

    python -m tests.torture.processes [KILLS] [SEED]

With every pair of outputs (see ``pairs``), by turns in two and in three processes, and resumed in any number of them.
After a kill of the run a record implies its row and its body; at the end each URL has one success in every output. A
URL whose process was killed twice while it was requested alone is recorded as ``internal``, which is counted, and is
fetched by the next resumption. No worker process outlives its run. The suite runs a short form.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scrapepool.run.processes.worker import NAME
from tests.servers.polite import PoliteServer

from . import pairs
from .journals import TIMEOUT

HOSTS = 12
LATENCY = "lognormal:0.02:0.5"
OF_THE_RUN = 0.2
"""Share of the kills that hit the run itself."""

GONE_WITHIN = 30.0
"""Seconds within which the worker processes of a killed run end; on a busy machine, one may still be starting."""


@dataclass
class Report:
    """What came of it. workers, runs: killed. internal: URLs that were recorded as such. wrong: findings."""

    workers: int = 0
    runs: int = 0
    lists: int = 0
    urls: int = 0
    internal: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.workers + self.runs

    def __str__(self) -> str:
        return (
            f"{self.workers} kills of worker processes and {self.runs} of runs, over {self.lists} lists of {self.urls} "
            f"URLs in all: {self.internal} recorded as internal for a time, {len(self.wrong)} findings"
        )


def workers_of(pid: int) -> list[int]:
    """The worker processes of a run that fetch."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, children.read_text().split())
    return [child for child in found if _name_of(child) == NAME]


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def random_kills(kills: int, seed: int, *, urls: int = 400, between: float = 0.4) -> Report:
    """Kill worker processes and runs at random moments, ``kills`` in all, and let each list come to its end.

    between: mean seconds between two kills.
    """
    dice = random.Random(seed)
    report = Report()
    kinds = list(pairs.pairs())
    with PoliteServer(HOSTS, pairs.changing(), latency=LATENCY) as server, tempfile.TemporaryDirectory() as name:
        while report.kills < kills:
            pair = kinds[(seed + report.lists) % len(kinds)]
            folder = Path(name, str(report.lists))
            listed = pairs.listed_in(folder, server, urls, hosts=HOSTS)
            _until_done(report, folder, pair, dice, kills, between)
            report.wrong += [f"{pair}: {fault}" for fault in pairs.at_the_end(folder, pair, listed)]
            report.lists += 1
            report.urls += urls
    return report


def _until_done(
    report: Report, folder: Path, pair: tuple[str, ...], dice: random.Random, kills: int, between: float
) -> None:
    """Run a list, and resume it until all of it has succeeded."""
    for turn in range(50):
        processes = dice.randint(2, 3) if turn % 2 == 0 else dice.randint(1, 3)
        arguments = pairs.command(folder, pair, "--resume", "--processes", str(processes))
        code, said = _killed_run(report, arguments, dice, kills, between)
        if code == -signal.SIGKILL:
            report.wrong += [f"{pair}, after a kill: {fault}" for fault in pairs.after_a_kill(folder, pair)]
            continue
        if code not in (0, 1) or "Traceback" in said:
            report.wrong.append(f"{pair}: exit {code}: {said[-300:]}")
            return
        if code == 0:
            return
        report.internal += said.count("  internal  ")
    report.wrong.append(f"{pair}: never came to its end")


def _killed_run(
    report: Report, arguments: Sequence[str], dice: random.Random, kills: int, between: float
) -> tuple[int, str]:
    """Run once, with kills; the exit code, and what was said."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for wait in _waits(dice, between):
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        while not (workers := workers_of(process.pid)) and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is not None or report.kills >= kills:
            break
        if dice.random() < OF_THE_RUN:
            process.kill()
            report.runs += 1
            if left := _left(workers):
                report.wrong.append(f"{left} worker processes outlive their run")
            break
        if workers:
            with suppress(ProcessLookupError):
                os.kill(dice.choice(workers), signal.SIGKILL)
                report.workers += 1
    _, said = process.communicate(timeout=TIMEOUT)
    return process.returncode, said


def _waits(dice: random.Random, between: float) -> Iterator[float]:
    while True:
        yield dice.uniform(0.02, 2 * between)


def _left(workers: Sequence[int]) -> int:
    end = time.monotonic() + GONE_WITHIN
    while (left := sum(_name_of(pid) == NAME for pid in workers)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def main() -> None:
    """The long form."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    report = random_kills(kills, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(report)  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
