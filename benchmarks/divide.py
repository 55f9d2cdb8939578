"""What does it cost to divide a list among the shards of a cluster, and how equal are they?

    python benchmarks/divide.py [--urls 1000000] [--hosts 5000] [--shards 64]

Nothing is fetched. The URLs stand in random order of hosts, whose sizes are like the web's: a few have very many.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from contextlib import closing
from pathlib import Path

from scrapepool.read import TargetList
from scrapepool.record.parts.part_folder import part_folder
from scrapepool.run.cluster.connection import Shards
from scrapepool.run.cluster.shard_files import divide
from scrapepool.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("urls", 1_000_000), ("hosts", 5_000), ("shards", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    dice = random.Random(1)
    sizes = [dice.paretovariate(1.3) for _ in range(options.hosts)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "urls.txt"
        with path.open("w") as file:
            for number, host in enumerate(dice.choices(range(options.hosts), sizes, k=options.urls)):
                file.write(f"https://host{host}.example.org/some/path/page-{number}.html?x={number % 7}\n")
        settings = Settings()
        began = time.process_time()
        targets = TargetList([str(path)], settings.with_(input={"dedupe": False}).input, whole=True)
        with closing(targets), closing(part_folder(f"{folder}/shards/", None)) as shards:
            found = divide(targets, settings, shards, Shards(options.shards, None), should_stop=lambda: False)
        seconds = time.process_time() - began
        assert found is not None
        size = sum(file.stat().st_size for file in Path(folder, "shards").iterdir()) / path.stat().st_size
    durations = sorted(work.seconds for work in found.works)
    print(f"{options.urls:,} URLs of {options.hosts:,} hosts, {options.shards} shards")
    print(f"  CPU per URL         {seconds / options.urls * 1e6:.1f} us")
    print(f"  memory of process   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print(f"  size of the lists   {size:.2f} times that of the list")
    print(
        f"  expected seconds    {durations[0]:.0f} to {durations[-1]:.0f}, median {durations[len(durations) // 2]:.0f}"
    )


if __name__ == "__main__":
    main()
