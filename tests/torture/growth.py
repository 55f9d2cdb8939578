"""A million records, and what a run's memory is at a tenth of them and at the end.

    python -m tests.torture.growth [URLS]

The first run gets a page for every URL. In the second every other URL fails: a 404, or, one in eight of them, a
connection that is closed without a word, and again when it is retried; the retries wait until the hosts' other URLs
were requested, and take memory for as long. In the third, 2,000 requests are in flight on 3,000 hosts. The suite runs a
short form.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .memory import watched

HOSTS = 50
LIMIT = 10.0
"""MB that a run may grow by between a tenth of its records and the last."""

RETRY = 1000
"""Bytes that a retry takes which waits; at most 100,000 of them do."""

TIMEOUT = 3600.0  # seconds

FAILS = ["page", "gone"] * 7 + ["page", "closed"]
FAILING = ("--retries", "1", "--backoff", "1ms", "--pace", "fixed", "--break-after", "1000000", "--max-outage", "1h")
"""Nothing learns from failures, so that they come as quickly as pages."""


@contextmanager
def stub() -> Iterator[int]:
    """The port of the cheapest server that there is."""
    command = [sys.executable, "-m", "tests.servers.stub"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@dataclass
class Report:
    """What came of it. early: MB at a tenth of the records. most: from there to the end. wrong: findings."""

    urls: int
    early: float = 0.0
    most: float = 0.0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """MB between a tenth of the run and its end."""
        return self.most - self.early

    def __str__(self) -> str:
        return (
            f"{self.urls:,} URLs in {self.seconds:.0f} s: {self.early:.1f} MB at a tenth, {self.most:.1f} MB at most "
            f"from there on, {self.growth:+.1f} MB; {len(self.wrong)} findings"
        )


class _Lines:
    """Counts the lines of a growing file."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._file = path.open("rb")

    def look(self) -> int:
        while piece := self._file.read(1 << 20):
            self.count += piece.count(b"\n")
        return self.count


def run(urls: int, paths: Sequence[str], *options: str, hosts: int = HOSTS) -> Report:
    """Fetch that many URLs with these paths in turns, and weigh the run meanwhile."""
    report = Report(urls)
    with stub() as port, tempfile.TemporaryDirectory() as name:
        path, output = Path(name, "urls.txt"), Path(name, "out.jsonl")
        with path.open("w") as lines:
            for n in range(urls):
                host, path_of = f"127.0.{4 + n % hosts // 250}.{1 + n % hosts % 250}", paths[n // hosts % len(paths)]
                lines.write(f"http://{host}:{port}/{path_of}/{n}\n")
        output.touch()
        command = [
            sys.executable,
            "-m",
            "scrapepool",
            "fetch",
            str(path),
            "-o",
            str(output),
            "--config",
            os.devnull,
            "--no-robots",
        ]
        began = time.monotonic()
        process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
        seen = _Lines(output)
        for now, _ in watched(process, TIMEOUT):
            if seen.look() * 10 < urls:
                report.early = now
            report.most = max(report.early, report.most, now) if seen.count * 10 >= urls else 0.0
        report.seconds = time.monotonic() - began
        assert process.stderr
        said = process.stderr.read()
        process.stderr.close()
        if process.returncode not in (0, 1) or "Traceback" in said:
            report.wrong.append(f"exit {process.returncode}: {said[-300:]}")
        if seen.look() != urls:
            report.wrong.append(f"{seen.count} records for {urls} URLs")
        if (process.returncode == 0) != (set(paths) == {"page"}):
            report.wrong.append(f"exit {process.returncode}: {said[-300:]}")
    return report


def main() -> None:
    """The long form."""
    urls = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    reports = {
        "pages": run(urls, ["page"]),
        "half of them failing": run(urls, FAILS, *FAILING),
        "3,000 hosts, 2,000 requests in flight": run(urls, ["page"], "--workers", "2000", hosts=3000),
    }
    for what, report in reports.items():
        print(f"{what}: {report}")  # noqa: T201 - what the script is for
        print(*report.wrong, sep="\n")  # noqa: T201
    retries = urls * FAILS.count("closed") / len(FAILS) * RETRY / 1e6
    limits = (LIMIT, LIMIT + retries, LIMIT)
    sys.exit(any(one.wrong or one.growth > limit for one, limit in zip(reports.values(), limits, strict=True)))


if __name__ == "__main__":
    main()
