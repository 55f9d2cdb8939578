"""Extraction under fire: processes are killed at random moments, and some pages mean harm.

    python -m tests.torture.extraction [PAGES] [SEED]

Every URL is to have one record, which holds the values of its own page, or nulls and a detail that says why. The suite
runs a short form.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from scrapepool.demo.wire import Request
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer

BETWEEN = 3.0
"""Seconds between two kills, on the average: a pattern that backtracks is stopped after five."""

LOOK = 0.01
"""Seconds between looks for the first process that can be killed: a short run has one for moments only."""

HOSTILE = 100
"""One page in so many has what the pattern backtracks on."""

PADDING = "<p>" + "Some words. " * 40 + "</p>\n"
SELECT = ("--select", "title=css:title", "--select", r"n=re:n=(\d+)", "--select", "slow=re:((?:x+)+)$")
KILLED = "title, n, slow: the process that read it ended (killed by SIGKILL)"
SLOW = "slow: took longer than 5 s of CPU time"


def page(request: Request) -> Response | None:
    """/page/N is about 100 kB and says its number twice; one in HOSTILE keeps the pattern busy."""
    if not request.target.startswith("/page/"):
        return None
    number = int(request.target.removeprefix("/page/"))
    trap = "x" * 40 + "y" if number % HOSTILE == 1 else ""
    body = f"<title>page {number}</title>n={number}\n{PADDING * 200}{trap}"
    return Response(headers=[("Content-Type", "text/html")], body=body.encode())


def wrong(record: dict[str, object], number: int) -> str | None:
    """What is wrong with a record; None where nothing is."""
    data, detail = record["data"], record["detail"]
    whole = {"title": f"page {number}", "n": str(number), "slow": None}
    if data == whole and detail == (SLOW if number % HOSTILE == 1 else None):
        return None
    if data == dict.fromkeys(whole) and detail == KILLED:
        return None
    return f"{record['url']}: {data}, {detail}"


def children(pid: int) -> list[int]:
    """The processes that any thread of a process has started."""
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def run(pages: int, seed: int, between: float = BETWEEN, first: int = 0) -> tuple[int, Counter[str], list[str]]:
    """One run: how many kills, what the details say, and findings.

    between: seconds between two kills, on the average. first: the number of the first page.
    """
    dice = random.Random(seed)
    kills, findings = 0, []
    with tempfile.TemporaryDirectory() as name, PoliteServer(2, page, detail=False) as server:
        folder = Path(name)
        urls = {server.url(f"/page/{number}", number % 2): number for number in range(first, first + pages)}
        (folder / "urls.txt").write_text("".join(f"{url}\n" for url in urls))
        command = [
            sys.executable,
            "-m",
            "scrapepool",
            "fetch",
            str(folder / "urls.txt"),
            "-o",
            str(folder / "out.jsonl"),
        ]
        process = subprocess.Popen([*command, *SELECT, "-q", "--no-robots"])
        written = 0
        while process.poll() is None:
            time.sleep(dice.expovariate(1 / between) if kills else LOOK)
            # On a busy machine a process takes longer to start than lies between two kills: each gets a page done.
            size = (folder / "out.jsonl").stat().st_size if (folder / "out.jsonl").exists() else 0
            if size > written and (victims := children(process.pid)):
                written = size
                with contextlib.suppress(ProcessLookupError):
                    os.kill(dice.choice(victims), signal.SIGKILL)
                    kills += 1
        records = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    if process.returncode:
        findings.append(f"exit code {process.returncode}")
    if Counter(record["url"] for record in records) != Counter(list(urls)):
        findings.append(f"{len(records)} records for {pages} URLs")
    findings += [found for record in records if (found := wrong(record, urls[record["url"]]))]
    return kills, Counter(str(record["detail"]) for record in records), findings


def main(arguments: Sequence[str]) -> None:
    """Run it and say what came of it."""
    pages, seed = (int(text) for text in (*arguments, *("5000", "1")[len(arguments) :]))
    kills, details, findings = run(pages, seed)
    sys.stdout.write(f"{pages} pages, {kills} kills, {len(findings)} findings; details: {dict(details)}\n")
    sys.exit("\n".join(findings) or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
