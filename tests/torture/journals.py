"""What the kill and fault scripts have in common: a list, a run over it, and what its record file must look like.

Decides what "nothing lost" means: every line of the list has one final record, every line of the file is a record.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 60.0
"""Seconds after which a run hangs: strace makes one ten times slower, nothing makes it a hundred times slower."""

PYTHON = sys.executable


@dataclass(frozen=True)
class Plan:
    """A list and what must become of it.

    good: URLs that succeed. lines: of the list. records: that the file has at the end.
    """

    path: Path
    good: frozenset[str]
    lines: tuple[str, ...]

    @classmethod
    def write(cls, path: Path, good: Sequence[str], others: Sequence[str] = ()) -> Plan:
        """Write a list: URLs that succeed, and lines that do not."""
        path.write_text("".join(f"{line}\n" for line in (*good, *others)))
        return cls(path, frozenset(good), (*good, *others))


def command(plan: Plan, output: Path, *options: str) -> list[str]:
    """The command line of a run, resumed where there is something to resume."""
    fetch = [PYTHON, "-m", "scrapepool", "fetch", str(plan.path), "-o", str(output), "--resume", "--progress", "none"]
    return [*fetch, "--config", os.devnull, "--no-robots", *options]


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run to the end. Raises TimeoutExpired for a hang."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def killed(arguments: Sequence[str], after: float) -> bool:
    """Run for so many seconds at most, then kill; whether it still ran."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def records(output: Path) -> list[dict[str, object]]:
    """The records that are whole. Raises ValueError for a line that is none."""
    if not output.exists():
        return []
    *lines, _torn = output.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines]


def succeeded(output: Path) -> Counter[str]:
    """How often each URL has a record of success."""
    return Counter(str(record["url"]) for record in records(output) if record["outcome"] == "ok")


def faults_of(plan: Plan, output: Path) -> list[str]:
    """What is wrong with the file of a run that came to its end; nothing, it is to be hoped."""
    if not output.exists():
        return ["no file"]
    wrong = []
    if not output.read_bytes().endswith(b"\n"):
        wrong.append("the last line is torn")
    found = succeeded(output)
    if lost := plan.good - found.keys():
        wrong.append(f"{len(lost)} URLs lost")
    if twice := [url for url, times in found.items() if times > 1]:
        wrong.append(f"{len(twice)} URLs with two final records")
    if len(records(output)) != len(plan.lines):
        wrong.append(f"{len(records(output))} records for {len(plan.lines)} lines")
    if left := [path.name for path in output.parent.glob(f".{output.name}*")]:
        wrong.append(f"left behind: {', '.join(left)}")
    return wrong


def can_trace() -> bool:
    """Whether strace is there and allowed to trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def traced(arguments: Sequence[str], calls: str, *options: str, log: Path) -> list[str]:
    """The command line under strace; ``log`` gets the calls."""
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", *options, *arguments]


def count(log: Path, call: str) -> int:
    """How often a call was made by the thread that made it most often, as strace counts ``when=``."""
    by_thread = Counter(
        line.split(None, 1)[0] for line in log.read_text(errors="replace").splitlines() if f" {call}(" in line
    )
    return max(by_thread.values(), default=0)
