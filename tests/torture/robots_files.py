"""Real robots.txt files, as many as there are: that all can be read and asked, and what that costs.

    pip download --no-binary protego --no-deps protego && tar xzf protego-*.tar.gz
    python -m tests.torture.robots_files protego-*/tests/test_data [AGENT]

Reads each file twice, as it is and as if somebody had cut it, and asks it about usual paths and about those that it
names. Prints how long reading and asking take, and the slowest files.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scrapepool.transport.robots.rules import ALLOW_ALL, Rules, rules_of

PATHS = (
    "/",
    "/wiki/Foo",
    "/foo/bar/page-123.html",
    "/search?q=abc&page=12",
    "/caf%C3%A9/%E3%83%84?x=1",
    "/products/category/shoes/item-98765?ref=home&color=red",
    "/2024/05/12/some-long-title-of-an-article",
)
ROUNDS = 5
SHOWN = 5
_NAMED = re.compile(rb"(?im)^\s*(?:dis)?allow\s*:\s*(/[^\s#]*)")


def reading(body: bytes, agent: str) -> tuple[float, Rules]:
    """Seconds that a file takes to read, the best of a few times; and its rules."""
    best, rules = float("inf"), ALLOW_ALL
    for _ in range(ROUNDS):
        start = time.perf_counter()
        rules = rules_of(body, agent)
        best = min(best, time.perf_counter() - start)
    return best, rules


def asking(rules: Rules) -> float:
    """Seconds that a usual path takes, the best of a few times."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for path in PATHS:
            rules.allows(path)
        best = min(best, time.perf_counter() - start)
    return best / len(PATHS)


def main(folder: Path, agent: str = "scrapepool") -> int:
    """Read all files of a folder."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    read: list[tuple[float, str]] = []
    asked: list[tuple[float, str]] = []
    free = delays = refused = named = 0
    for path in files:
        body = path.read_bytes()
        seconds, rules = reading(body, agent)
        read.append((seconds, f"{path.name} ({len(body):,} bytes)"))
        asked.append((asking(rules), f"{path.name} ({rules!r})"))
        free += rules.unrestricted
        delays += bool(rules.crawl_delay)
        own = [found.decode("latin-1") for found in _NAMED.findall(body)[:200]]
        named += len(own)
        refused += sum(not rules.allows(one) for one in own)
        rules_of(body[: len(body) // 2], agent)
    print(  # noqa: T201 - its output
        f"{len(files)} files read; {free} refuse nothing, {delays} ask for a delay; "
        f"{refused} of {named} named paths refused"
    )
    _table("reading", read, 1e3, "ms")
    _table("asking about a path", asked, 1e6, "µs")
    return 0


def _table(what: str, took: list[tuple[float, str]], scale: float, unit: str) -> None:
    took.sort()
    shares = {share: took[min(len(took) - 1, int(len(took) * share / 100))][0] * scale for share in (50, 90, 99)}
    print(f"{what}: " + ", ".join(f"{share} % under {value:.2f} {unit}" for share, value in shares.items()))  # noqa: T201 - its output
    for seconds, name in reversed(took[-SHOWN:]):
        print(f"  {seconds * scale:8.2f} {unit}  {name}")  # noqa: T201 - its output


def _usage(arguments: Sequence[str]) -> int:
    if not arguments or not Path(arguments[0]).is_dir():
        sys.exit(__doc__)
    return main(Path(arguments[0]), *arguments[1:2])


if __name__ == "__main__":
    sys.exit(_usage(sys.argv[1:]))
