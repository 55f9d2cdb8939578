"""How long does the shortest run take? One loopback URL, against Python importing what any such tool needs."""

from __future__ import annotations

import argparse
import statistics
import sys

import contenders
import harness

GOAL = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    with harness.nginx() as server:
        commands = {
            'python -c "import requests, click"': [sys.executable, "-c", "import requests, click"],
            "scrapepool fetch URL -o /dev/null -q": harness.scrapepool(server.url(), "/dev/null"),
            'python -c ""': [sys.executable, "-c", ""],
            'python -c "import requests, click; requests.get(URL)"': [
                sys.executable,
                "-c",
                "import sys, requests, click; requests.get(sys.argv[1])",
                server.url(),
            ],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        cpu: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(options.rounds + 1):
            for name, command in commands.items():
                cost = harness.run(command)
                if cost.code:
                    sys.exit(f"{name} ended with {cost.code}")
                if number:  # the first round fills the disk cache
                    seconds[name].append(cost.seconds)
                    cpu[name].append(cost.cpu)
    base = next(iter(commands))
    rows = [
        [
            f"`{name}`",
            harness.spread([second * 1000 for second in seconds[name]], 0),
            f"{statistics.median(cpu[name]) * 1000:.0f}",
            f"**{contenders.ratio(seconds[name], seconds[base]):.2f}**",
            f"**{contenders.ratio(cpu[name], cpu[base]):.2f}**",
        ]
        for name in commands
    ]
    harness.table(
        "Start-up",
        ["", "ms: median (least to most)", "CPU ms", "time, of the first", "CPU, of the first"],
        rows,
        [f"{options.rounds} rounds; ratios are taken within a round; goal: at most {GOAL}"],
    )


if __name__ == "__main__":
    main()
