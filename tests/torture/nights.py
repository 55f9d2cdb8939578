"""A changing site, fetched night after night with ``--since``; each night's run is killed and resumed.

    python -m tests.torture.nights [PAGES] [NIGHTS] [KILLS] [SEED]

Each night has a run without ``--since``, one with it, and one with it that is killed (SIGKILL) at random moments, up to
KILLS times, and goes on with ``--resume``. Every ``change`` is compared with the truth. The suite runs a short form.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.changing import ChangingSite
from tests.servers.polite import PoliteServer

from .journals import PYTHON, killed, run

PLAIN, SINCE, KILLED = "without --since", "with --since", "killed and resumed"
KINDS = (PLAIN, SINCE, KILLED)

EARLIEST = 0.3
"""The share of a night's usual time after which it is killed at the earliest: the start of the program is no work."""


@dataclass
class Report:
    """What came of it. requests, bytes: sent by the server, by kind of run. cut: records at each kill."""

    nights: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    cut: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.nights} nights, {len(self.cut)} kills ({_spread(self.cut)}): {len(self.wrong)} findings"]
        lines += [
            f"{kind}: {self.requests[kind]:,} requests, {self.bytes[kind] / 1e6:.1f} MB of bodies, "
            f"{self.compared[kind]:,} changes compared"
            for kind in KINDS
        ]
        return "\n".join([*lines, ", ".join(f"{word} {times:,}" for word, times in self.changes.most_common())])


def _spread(cut: list[int]) -> str:
    return f"records at that time: {min(cut)} to {max(cut)}" if cut else "none"


def run_nights(pages: int, nights: int, kills: int, seed: int) -> Report:
    """Fetch the site on each night with each kind of run, and compare what the records say."""
    dice = random.Random(seed)
    report = Report()
    site = ChangingSite(pages, nights, seed)
    with PoliteServer(handler=site, detail=False) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = [server.url(f"/page/{number}") for number in range(pages)]
        (folder / "urls").write_text("".join(f"{url}\n" for url in urls))
        usual = 0.0
        for site.night in range(nights):
            truth = dict(zip(urls, site.truth(), strict=True))
            report.nights += 1
            report.changes.update(truth.values())
            for kind in KINDS:
                site.sent = site.bytes = 0
                command = _command(folder, kind, site.night)
                output = folder / f"{kind}-{site.night}.jsonl"
                began = time.monotonic()
                if kind == KILLED:
                    _kill(report, command, output, kills, usual, dice)
                ended = run(command)
                if kind == SINCE:
                    usual = time.monotonic() - began
                if ended.returncode or ended.stderr:
                    report.wrong.append(f"night {site.night}, {kind}: exit {ended.returncode}: {ended.stderr[-300:]}")
                report.requests[kind] += site.sent
                report.bytes[kind] += site.bytes
                if kind != PLAIN and site.night:
                    _compare(report, kind, site.night, output, truth)
                (folder / f"{kind}-{site.night - 2}.jsonl").unlink(missing_ok=True)
    return report


def _command(folder: Path, kind: str, night: int) -> list[str]:
    fetch = [PYTHON, "-m", "scrapepool", "fetch", f"{folder}/urls", "-o", f"{folder}/{kind}-{night}.jsonl", "-q"]
    fetch += ["--no-robots", "--config", "/dev/null", "--retries", "0", "--fail-if", "ok<0"]
    if kind != PLAIN:
        fetch += ["--since", f"{folder}/{kind}-{night - 1}.jsonl", "--since-if-there"]
    return [*fetch, "--resume"] if kind == KILLED else fetch


def _kill(report: Report, command: list[str], output: Path, kills: int, usual: float, dice: random.Random) -> None:
    """Kill the run at random moments, until it comes to its end by itself."""
    for _ in range(kills):
        if not killed(command, dice.uniform(EARLIEST, 1) * usual):
            return
        report.cut.append(output.read_bytes().count(b"\n") if output.exists() else 0)


def _compare(report: Report, kind: str, night: int, output: Path, truth: dict[str, str]) -> None:
    records = [json.loads(line) for line in output.read_bytes().splitlines()]
    found = {record["url"]: record["change"] for record in records}
    report.compared[kind] += len(records)
    if len(records) != len(truth):
        report.wrong.append(f"night {night}, {kind}: {len(records)} records for {len(truth)} pages")
    report.wrong += [
        f"night {night}, {kind}: {url} is {found.get(url)} and should be {change}"
        for url, change in truth.items()
        if found.get(url) != change
    ]


def main() -> None:
    """The long form."""
    pages, nights, kills, seed = (*map(int, sys.argv[1:]), *(2000, 30, 3, 1)[len(sys.argv) - 1 :])
    began = time.monotonic()
    report = run_nights(pages, nights, kills, seed)
    print(f"{report}\n{time.monotonic() - began:.0f} s")  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
