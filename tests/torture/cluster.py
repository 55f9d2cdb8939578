"""A run on a local cluster whose worker processes are killed: what is lost, what is there twice, what a kill costs.

    python -m tests.torture.cluster [KILLS] [WORKERS] [SEED]

SIGKILL for a random worker process of Dask, again and again, until that many were killed; then the run comes to its
end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.polite import PoliteServer

HOSTS = 40
LATENCY = 0.2
SUMMARY = ("--summary-json", "summary.json")
IN_FLIGHT = 4
"""Requests in flight of a shard: what a kill may cost at most, beside what was answered and not written yet."""

PER_KILL = 240
"""URLs per kill, so that the run outlasts the kills."""

BETWEEN = (0.5, 1.5)
"""Seconds between two kills."""


@dataclass
class Report:
    """What came of it. again: requests for URLs beyond the first. wrong: findings."""

    kills: int = 0
    urls: int = 0
    again: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in a run of {self.urls:,} URLs, {self.seconds:.0f} s: {len(self.wrong)} findings; "
            f"requested again {self.again / max(1, self.kills):.1f} per kill"
        )


def run(kills: int, workers: int, seed: int) -> Report:
    """Kill worker processes, and compare the parts with the list."""
    dice, report = random.Random(seed), Report(urls=max(400, kills * PER_KILL))
    with PoliteServer(HOSTS, latency=f"fixed:{LATENCY}") as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = [server.url(f"/page/{number}", number % HOSTS) for number in range(report.urls)]
        (folder / "urls.txt").write_text("\n".join(urls), encoding="ascii")
        began = time.monotonic()
        command = ["fetch", "urls.txt", "-o", "out/", "--cluster", f"local:{workers}", "--per-host", str(IN_FLIGHT)]
        environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(kills + 1)}
        with subprocess.Popen(
            [sys.executable, "-m", "scrapepool", *command, "--no-robots", "--pace", "fixed", "-q", *SUMMARY],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        ) as process:
            while report.kills < kills and process.poll() is None:
                time.sleep(dice.uniform(*BETWEEN))
                if busy := list(_busy(process.pid)):
                    with suppress(ProcessLookupError):
                        os.kill(dice.choice(busy), signal.SIGKILL)
                        report.kills += 1
            code = process.wait()
        report.seconds = time.monotonic() - began
        report.again = sum(site.asked.get(url, 0) for site in server.sites for url in site.asked) - len(urls)
        report.wrong += _faults(folder / "out", urls, code)
    if report.kills < kills:
        report.wrong.append(f"the run ended after {report.kills} kills")
    return report


def _faults(out: Path, urls: list[str], code: int) -> Iterator[str]:
    if code:
        yield f"exit code {code}"
    summary = json.loads((out.parent / "summary.json").read_bytes())
    if summary["done"] != len(urls):
        yield f"the summary counts {summary['done']}"
    if not (out / "_SUCCESS").exists():
        yield "no _SUCCESS"
    found: Counter[str] = Counter()
    for part in out.glob("part-*"):
        for line in part.read_bytes().splitlines():
            record = json.loads(line)
            found[record["url"]] += 1
            if record["outcome"] != "ok":
                yield f"{record['url']}: {record['outcome']}"
    yield from (f"{url}: {found[url]} records" for url in urls if found[url] != 1)
    if left := [path.name for path in out.iterdir() if path.name.startswith((".", "_shards"))]:
        yield f"left: {left}"


def _busy(pid: int) -> Iterator[int]:
    """The worker processes that Dask's nannies have started in a process, as far as they write a part."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and any("/.part-" in str(one.readlink()) for one in (path / "fd").iterdir()):
                yield int(path.name)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]] + [50, 4, 1][len(sys.argv) - 1 :]
    outcome = run(*arguments)
    print(outcome)  # noqa: T201
    print("\n".join(outcome.wrong[:20]))  # noqa: T201
    sys.exit(1 if outcome.wrong else 0)
