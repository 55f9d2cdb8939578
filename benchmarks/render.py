"""What does the live view cost? The same run under a pseudo-terminal with ``--progress live`` and with ``none``.

Two measures. Pairs in alternating order: how much more CPU the live run took, children and kernel included; on a busy
machine that drowns in noise. And the clock of the drawing thread itself, with that of the snapshots that the engine
makes for it, of the live run's CPU. Two runs: one as fast as the machine allows, and one at the pace of a real network,
where a second has less CPU to hide in.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import harness

GOAL = 0.03
SIZE = struct.pack("HHHH", 40, 120, 0, 0)


LAUNCH = """
import functools, os, sys, time
from scrapepool.engine import Engine
from scrapepool.render.live import LiveView
spent = []
def timed(owner, name):
    inner = getattr(owner, name)
    @functools.wraps(inner)
    def outer(*args, **kwargs):
        began = time.thread_time()
        try:
            return inner(*args, **kwargs)
        finally:
            spent.append(time.thread_time() - began)
    setattr(owner, name, outer)
timed(LiveView, "_draw_until_closed")
timed(Engine, "snapshot")
leave, view = os._exit, sys.argv.pop(1)
def tell(code):
    with open(view, "w") as out:
        out.write(str(sum(spent)))
    leave(code)
os._exit = tell
from scrapepool.__main__ import main
try:
    main()
except SystemExit as end:
    tell(end.code or 0)
"""


def run_on_terminal(urls: Path, records: Path, progress: str, *options: str) -> tuple[float, float, int]:
    """CPU seconds of a run, those of its view, and bytes that it wrote on its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, SIZE)
    shown = 0

    def drain() -> None:
        nonlocal shown
        try:
            while data := os.read(ours, 65536):
                shown += len(data)
        except OSError:
            return  # the last one on the other side has left

    harness.compile_once()
    view = records.with_name("view.txt")
    command = [sys.executable, "-c", LAUNCH, str(view), "fetch", str(urls), "-o", str(records)]
    environment = {**harness.ENVIRONMENT, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*command, "--no-robots", "--progress", progress, *options],
        cwd=harness.ROOT,
        stdin=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    reader = threading.Thread(target=drain)
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    os.close(ours)
    if process.returncode:
        sys.exit(f"--progress {progress} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, float(view.read_text()), shown


def pairs(urls: Path, records: Path, count: int, *options: str) -> list[object]:
    """Cells of the table for one kind of run."""
    cpu: dict[str, list[float]] = {"live": [], "none": []}
    views: list[float] = []
    shown = 0
    for number in range(count):
        for progress in ("live", "none") if number % 2 else ("none", "live"):
            seconds, view, written = run_on_terminal(urls, records, progress, *options)
            cpu[progress].append(seconds)
            if progress == "live":
                views.append(view / seconds)
                shown = max(shown, written)
    more = [live / none - 1 for live, none in zip(cpu["live"], cpu["none"], strict=True)]
    return [
        harness.spread(cpu["live"]),
        harness.spread(cpu["none"]),
        percent(more),
        f"**{percent(views)}**",
        f"{shown / 1000:.0f}",
    ]


def percent(shares: list[float]) -> str:
    return f"{statistics.median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--fast", type=int, default=100_000, help="URLs of the fast run")
    parser.add_argument("--slow", type=int, default=10_000, help="URLs of the run at 100 ms")
    options = parser.parse_args()
    rows = []
    with harness.folder() as folder:
        urls, records = folder / "urls.txt", folder / "records.jsonl"
        with harness.nginx() as server:
            addresses = [f"127.0.2.{n % 100 + 1}" for n in range(options.fast)]
            urls.write_text("".join(server.url(f"/page/{n}\n", address) for n, address in enumerate(addresses)))
            harness.progress("as fast as it goes")
            rows.append(
                [
                    "as fast as it goes, 4 workers, 100 hosts",
                    f"{options.fast:,}",
                    *pairs(urls, records, options.pairs, "-w", "4"),
                ]
            )
        if options.slow:
            latency = ("--hosts", 100, "--latency", "lognormal:0.1:0.5")
            with harness.server("benchmarks.latency_server", *latency) as slow:
                hosts = slow.started["hosts"]
                urls.write_text("".join(f"{hosts[n % len(hosts)]}/page/{n}\n" for n in range(options.slow)))
                harness.progress("at 100 ms")
                cost = pairs(urls, records, options.pairs, "-w", "128", "--per-host", "8")
                rows.append(["100 ms latency, 128 workers, 100 hosts", f"{options.slow:,}", *cost])
    harness.table(
        "What the live view costs",
        ["", "URLs", "CPU s with", "CPU s without", "more: median (all)", "the view's own share", "kB shown"],
        rows,
        [f"a terminal of 120 x 40; goal: a share under {GOAL:.0%}"],
    )


if __name__ == "__main__":
    main()
