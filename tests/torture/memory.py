"""How much memory a process takes, as Linux tells it. Decides nothing of how much it should."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

MB = 1_000_000
LOOK = 0.02  # seconds


def memory(pid: int) -> tuple[float, float]:
    """What a process takes now and took at most, in MB of resident memory. Raises OSError once it has gone."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in fields:
        raise ProcessLookupError(pid)
    now, most = (int(fields[name].split()[0]) * 1024 / MB for name in ("VmRSS", "VmHWM"))
    return now, most


def watched(process: subprocess.Popen[str], timeout: float) -> Iterator[tuple[float, float]]:
    """Yield ``memory`` every LOOK seconds until the process ends; it is killed after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while process.poll() is None:
        try:
            yield memory(process.pid)
        except OSError:
            continue
        time.sleep(LOOK)
        if time.monotonic() > end:
            process.kill()
