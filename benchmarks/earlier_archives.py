"""What does --warc-dedup cost? Earlier responses in an index, read, then looked up: memory, disk, CPU.

Nothing is fetched. Half of the look-ups find a body, half are of new ones.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import harness

READ = """
import json, os, random, sys, time
from scrapepool.record.warc.earlier import EarlierBodies
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1.024 / 1000
def disk():
    files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.stat(name).st_size for name in files if "deleted" in os.path.realpath(name)) / 1e6
path, digests = sys.argv[1], json.loads(sys.stdin.read())
before, began = peak(), time.process_time()
bodies = EarlierBodies()
bodies.add(path, lambda: False, print)
count = bodies.settle()
read, size = time.process_time() - began, disk()
began = time.process_time()
found = sum(bodies.find(digest) is not None for digest in digests)
assert found * 2 == len(digests)
print(json.dumps([count, read, (time.process_time() - began) / len(digests), peak() - before, size]))
"""

LOOK_UPS = 20_000


def digest(text: str) -> str:
    """A digest as archives spell it."""
    return base64.b32encode(hashlib.sha1(text.encode()).digest()).decode()


def write(path: Path, count: int) -> None:
    """An index of so many responses, all different."""
    with path.open("w") as file:
        for n in range(count):
            url = f"https://www.example.org/articles/2026/10/page-{n}.html"
            said = {"url": url, "mime": "text/html", "status": "200", "digest": digest(f"{n}"), "length": "12345"}
            line = json.dumps(said | {"offset": str(n * 12345), "filename": "pages-00001.warc.gz"})
            file.write(f"org,example)/articles/2026/10/page-{n}.html 20261002030405 {line}\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[0.1, 1, 3])
    options = parser.parse_args()
    rows = []
    with harness.folder() as folder:
        for millions in options.millions:
            count = int(millions * 1_000_000)
            harness.progress(f"{count:,}")
            index = folder / "old.cdxj"
            write(index, count)
            known = [digest(f"{n * count // LOOK_UPS}") for n in range(0, LOOK_UPS, 2)]
            asked = [f"sha1:{text}" for old in known for text in (old, digest(f"new {old}"))]
            command = [sys.executable, "-c", READ, str(index)]
            ended = subprocess.run(
                command, cwd=harness.ROOT, input=json.dumps(asked), capture_output=True, text=True, check=True
            )
            found, read, look_up, memory, disk = json.loads(ended.stdout)
            assert found == count
            rows.append([f"{count:,}", f"{memory:.0f}", f"{disk:.0f}", f"{read:.1f}", f"{look_up * 1e6:.0f}"])
    harness.table(
        "Earlier archives: what --warc-dedup costs",
        ["earlier responses", "memory, MB", "temporary file, MB", "read, s of CPU", "a look-up, µs of CPU"],
        rows,
        ["an index in CDXJ; memory is what is added to that of the process, at most"],
    )


if __name__ == "__main__":
    main()
