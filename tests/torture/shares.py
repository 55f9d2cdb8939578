"""Kill one of two runs that share a host memory, again and again: do they keep to the limits, and is the file whole?

    python -m tests.torture.shares [KILLS] [SEED]

Two runs ask the same hosts; one of them is killed or stopped (SIGKILL, SIGSTOP) at a random moment and replaced or let
go on, while the other works on. Counted at the server: the most that was ever in flight on a host, and how long the
hosts' share stayed unused after a kill.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.polite import PoliteServer

PER_HOST = 4
HOSTS = 3
LATENCY = 0.05
ROOT = Path(__file__).parents[2]


def run(folder: Path, server: PoliteServer, name: str, urls: int) -> subprocess.Popen[bytes]:
    """A run over so many URLs of each host, whose records go to a file."""
    listed = folder / f"{name}.txt"
    lines = (server.url(f"/{name}/{number}", host) for number in range(urls) for host in range(HOSTS))
    listed.write_text("\n".join(lines))
    command = [sys.executable, "-m", "scrapepool", "fetch", str(listed), "-o", str(folder / f"{name}.jsonl")]
    options = ["--host-memory", str(folder / "hosts"), "--per-host", str(PER_HOST), "--progress", "none", "-q"]
    return subprocess.Popen([*command, *options], env={**os.environ, "PYTHONPATH": str(ROOT)})


def whole_share_after(server: PoliteServer, timeout: float) -> float:
    """Seconds until a host has as many in flight as one run alone may have."""
    began = time.monotonic()
    while time.monotonic() < began + timeout:
        if any(site.in_flight == PER_HOST for site in server.sites):
            return time.monotonic() - began
        time.sleep(0.01)
    return timeout


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as place, PoliteServer(HOSTS, latency=f"fixed:{LATENCY}") as server:
        folder = Path(place)
        steady = run(folder, server, "steady", 100_000)
        try:
            for number in range(kills):
                other = run(folder, server, f"other{number}", 100_000)
                time.sleep(dice.uniform(0.1, 4.0))
                if number % 3 == 2:
                    other.send_signal(signal.SIGSTOP)
                    time.sleep(dice.uniform(0.5, 14.0))
                    other.send_signal(signal.SIGCONT)
                    time.sleep(dice.uniform(0.1, 2.0))
                other.kill()
                other.wait()
                waits.append(whole_share_after(server, 20.0))
        finally:
            steady.terminate()
            steady.wait(20)
        peaks = [site.peak for site in server.sites]
        with sqlite3.connect(folder / "hosts") as db:
            checked = [row[0] for row in db.execute("PRAGMA integrity_check")]
            hosts = db.execute("SELECT count(*) FROM host").fetchone()[0]
        db.close()
        requests = server.requests
    sys.stdout.write(
        f"{kills} kills, {requests:,} requests; most in flight on a host {max(peaks)} of {PER_HOST}; file: {checked}, "
        f"{hosts} hosts; all of a host in use again {max(waits):.1f} s after a kill at the latest\n"
    )
    sys.exit(max(peaks) > PER_HOST or checked != ["ok"])


if __name__ == "__main__":
    main()
