"""What does it cost to merge records? Four files of a list and one of failures that were fetched again, by format.

The CPU time is that of the whole command, its start included. Records are those of ``report.py``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from contextlib import ExitStack
from pathlib import Path

import harness
from report import made_up

FILES = 4
AGAIN = 20
"""One record in so many is in the fifth file once more."""


def write(folder: Path, records: int) -> list[Path]:
    paths = [folder / f"part-{number}.jsonl" for number in range(FILES + 1)]
    dice = random.Random(7)
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("w")) for path in paths]
        for number in range(records):
            line = json.dumps(made_up(number, dice), separators=(",", ":")) + "\n"
            files[number % FILES].write(line)
            if number % AGAIN == 0:
                files[FILES].write(line)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args()
    rows = []
    with harness.folder() as folder:
        parts = write(folder, options.records)
        size = sum(path.stat().st_size for path in parts)
        read = options.records + -(-options.records // AGAIN)
        for suffix in ("jsonl", "csv", "parquet", "db"):
            harness.progress(suffix)
            output = folder / f"out.{suffix}"
            cost = harness.run(
                [sys.executable, "-m", "scrapepool", "merge", *map(str, parts), "-o", str(output)],
                watch=True,
                timeout=3600,
            )
            if cost.code:
                raise SystemExit(f"merge ended with {cost.code}")
            rows.append([suffix, f"{cost.seconds:.1f}", f"{cost.cpu:.1f}", f"{cost.cpu / read * 1e6:.1f}",
                         f"{cost.peak_mb * 1.048576:.0f}", f"{output.stat().st_size / 1e6:.0f}"])  # fmt: skip
            output.unlink()
    harness.table(
        f"Merging records: {read:,} of {FILES + 1} files of JSON Lines, {size / 1e6:,.0f} MB",
        ["into", "seconds", "CPU s", "CPU µs per record", "peak MB", "MB written"],
        rows,
        [f"{read - options.records:,} records replace earlier ones"],
    )


if __name__ == "__main__":
    main()
