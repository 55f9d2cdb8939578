"""A reader of standard output that stops reading: what that costs in memory and requests, and whether anything is lost.

    python -m tests.torture.reader [SECONDS]

Once with plain records, once with bodies of 64 KiB in them. The suite has a short form in ``tests/cli/test_resume.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.polite import PoliteServer

from .memory import memory

HOSTS = 8
SETTLED = 10.0  # seconds after which a run whose reader takes nothing has come to rest
GROWTH = 1.0
"""MB that it may take more from then on."""


@dataclass
class Report:
    """What came of it. asked, held: requests and MB, when the run had come to rest and at the end of the wait."""

    urls: int
    asked: tuple[int, int] = (0, 0)
    held: tuple[float, float] = (0.0, 0.0)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.urls} URLs: {self.asked[0]} and {self.asked[1]} requests, "
            f"{self.held[0]:.1f} and {self.held[1]:.1f} MB; {len(self.wrong)} findings"
        )


def run(urls: int, seconds: float, *options: str, size: int = 0) -> Report:
    """Fetch that many URLs, with pages of ``size`` bytes, and read nothing for so many seconds; then everything."""
    report = Report(urls)
    with PoliteServer(HOSTS, size=size) as server, tempfile.TemporaryDirectory() as name:
        path = Path(name, "urls.txt")
        path.write_text("".join(f"{server.url(f'/page/{n}', n % HOSTS)}\n" for n in range(urls)))
        command = [sys.executable, "-m", "scrapepool", "fetch", str(path), "--config", os.devnull, "--no-robots"]
        with subprocess.Popen([*command, "--progress", "none", *options], stdout=subprocess.PIPE) as process:
            assert process.stdout
            time.sleep(SETTLED)
            before = server.requests, memory(process.pid)[0]
            time.sleep(seconds)
            after = server.requests, memory(process.pid)[0]
            report.asked, report.held = (before[0], after[0]), (before[1], after[1])
            seen = [json.loads(line)["url"] for line in process.stdout]
        if process.returncode != 0:
            report.wrong.append(f"exit {process.returncode}")
        if len(seen) != urls or len(set(seen)) != urls:
            report.wrong.append(f"{len(seen)} records, {len(set(seen))} URLs")
        if after[0] != before[0]:
            report.wrong.append(f"{after[0] - before[0]} requests while nobody read")
        if after[1] - before[1] > GROWTH:
            report.wrong.append(f"{after[1] - before[1]:.1f} MB more while nobody read")
    return report


def main() -> None:
    """The long form."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    reports = {
        "plain records": run(50_000, seconds),
        "bodies of 64 KiB": run(5_000, seconds, "--body", size=64 * 1024),
    }
    for what, report in reports.items():
        print(f"{what}: {report}")  # noqa: T201 - what the script is for
        print(*report.wrong, sep="\n")  # noqa: T201
    sys.exit(any(report.wrong for report in reports.values()))


if __name__ == "__main__":
    main()
