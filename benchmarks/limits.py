"""How much of a rate limit is used that a server states in whole seconds, and how many requests are refused?

The server counts windows, says with each response what is left and when the window ends, rounded up, and refuses what
is too much by 429. It counts what it lets through; the ideal is its whole limit in each window from the first request
to the last.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import harness

from tests.servers.polite import PoliteServer
from tests.servers.windows import CountedWindows

WINDOWS = 10


class Case(NamedTuple):
    """A limit and how it is met."""

    limit: int
    latency: float
    options: tuple[str, ...] = ()
    seconds: float = 1.0
    aligned: bool = True


CASES = [
    Case(1, 0.05),
    Case(5, 0.02),
    Case(5, 0.02, ("--rate", "5")),
    Case(50, 0.002),
    Case(50, 0.02),
    Case(50, 0.02, ("--rate", "50")),
    Case(50, 0.05),
    Case(50, 0.05, ("--per-host", "16")),
    Case(5, 0.02, aligned=False),
    Case(50, 0.02, aligned=False),
    Case(30, 0.05, seconds=3.0),
]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=WINDOWS, help="windows that each list is long")
    windows = parser.parse_args().windows
    harness.table(
        "A rate limit in whole seconds",
        ["limit", "windows", "every response takes", "options", "share of the limit", "refused", "seconds"],
        [row(case, windows) for case in CASES],
        [
            f"each list is as long as {windows} windows allow; one host, 4 connections where the options say nothing",
            "windows: following each other, or each begun by the first request after the last",
            "goal: 0.9 of the limit",
        ],
    )


def row(case: Case, windows: int) -> list[object]:
    """Fetch a list for as many windows."""
    print(case, file=sys.stderr)
    counted = CountedWindows(case.limit, case.seconds, aligned=case.aligned)
    with PoliteServer(1, counted, latency=f"fixed:{case.latency}") as server, harness.folder() as folder:
        urls = folder / "urls.txt"
        urls.write_text("".join(f"{server.url(f'/{n}')}\n" for n in range(case.limit * windows)))
        cost = harness.run(harness.scrapepool(urls, folder / "records.jsonl", *case.options))
    assert counted.passed == case.limit * windows
    return [
        f"{case.limit} per {case.seconds:g} s",
        "following" if case.aligned else "begun by requests",
        f"{case.latency:g} s",
        " ".join(case.options) or "none",
        f"{counted.share:.2f}",
        f"{counted.refused} of {counted.passed:,}",
        f"{cost.seconds:.1f}",
    ]


if __name__ == "__main__":
    main()
