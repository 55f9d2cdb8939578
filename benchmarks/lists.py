"""How fast are lists read? The same URLs in each format: found, deduplicated, then each looked up again.

Nothing is fetched. Looking up goes host by host, as a run does; the URLs stand in the list in random order of hosts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import harness

READ = """
import json, sys, time
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings
options, sources = json.loads(sys.argv[1]), sys.argv[2:]
began, found = time.process_time(), {}
targets = TargetList(sources, InputSettings(**options))
while not targets.exhausted:
    batch = targets.poll()
    if batch is None:
        time.sleep(0.001)
        continue
    for host, tickets in batch.added.items():
        found.setdefault(host, []).extend(tickets)
read = time.process_time() - began
began, count = time.process_time(), 0
for tickets in found.values():
    for ticket in tickets:
        targets.target(ticket)
        count += 1
looked_up = time.process_time() - began
assert not targets.rejected, targets.rejected
targets.close()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([count, read, looked_up, int(peak.split()[1]) * 1.024 / 1000]))
"""


def write(folder: Path, urls: Sequence[str]) -> dict[str, tuple[str, dict[str, object]]]:
    """A list of each format; what names it, and the settings that it needs."""
    import pyarrow
    from pyarrow import parquet

    contents = {
        "text": ("urls.txt", "".join(f"{url}\n" for url in urls)),
        "CSV": ("urls.csv", "id,url\n" + "".join(f"{n},{url}\n" for n, url in enumerate(urls))),
        "TSV": ("urls.tsv", "id\turl\n" + "".join(f"{n}\t{url}\n" for n, url in enumerate(urls))),
        "JSON Lines": ("urls.jsonl", "".join(json.dumps({"id": n, "url": url}) + "\n" for n, url in enumerate(urls))),
        "sitemap": (
            "sitemap.xml",
            "<urlset>"
            + "".join(f"<url><loc>{url}</loc><lastmod>2026-01-01</lastmod></url>\n" for url in urls)
            + "</urlset>",
        ),
        "RSS": (
            "feed.rss",
            "<rss><channel>"
            + "".join(f"<item><title>Number {n}</title><link>{url}</link></item>\n" for n, url in enumerate(urls))
            + "</channel></rss>",
        ),
        "Atom": (
            "feed.atom",
            "<feed>"
            + "".join(f'<entry><title>{n}</title><link href="{url}"/></entry>\n' for n, url in enumerate(urls))
            + "</feed>",
        ),
        "HTML": ("page.html", "".join(f'<p><a href="{url}">Number {n}</a>\n' for n, url in enumerate(urls))),
    }
    lists: dict[str, tuple[str, dict[str, object]]] = {}
    for name, (file, content) in contents.items():
        (folder / file).write_text(content)
        lists[name] = str(folder / file), {}
    (folder / "urls.txt.gz").write_bytes(gzip.compress((folder / "urls.txt").read_bytes(), 1))
    lists["text, gzip"] = str(folder / "urls.txt.gz"), {}
    table = pyarrow.table({"id": list(range(len(urls))), "url": urls})
    parquet.write_table(table, folder / "urls.parquet", row_group_size=100_000)
    lists["Parquet"] = str(folder / "urls.parquet"), {}
    lists["CSV, `--url-template`"] = str(folder / "urls.csv"), {"url_template": "https://example.org/item/{id}"}
    lists["`--glob`"] = f"https://example.org/[1-{len(urls)}]", {"glob": True}
    return lists


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=300_000)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    dice = random.Random(options.urls)
    urls = [
        f"https://host{dice.randrange(options.hosts)}.example.org/articles/{n}/index.html" for n in range(options.urls)
    ]
    rows = []
    with harness.folder() as folder:
        lists = write(folder, urls)
        taken: dict[str, list[list[float]]] = {name: [] for name in lists}
        for _ in range(options.rounds):
            for name, (source, settings) in lists.items():
                harness.progress(name)
                printed = subprocess.run(
                    [sys.executable, "-c", READ, json.dumps(settings), source],
                    cwd=harness.ROOT,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                count, *costs = json.loads(printed)
                if count != options.urls:
                    sys.exit(f"{name}: {count} of {options.urls} URLs")
                taken[name].append(costs)
        for name, (source, _) in lists.items():
            read, looked_up, peak = zip(*taken[name], strict=True)
            size = Path(source).stat().st_size / 1e6 if Path(source).exists() else 0.0
            rows.append(
                [
                    name,
                    f"{size:.0f}",
                    harness.spread([options.urls / seconds / 1000 for seconds in read], 0),
                    harness.spread([options.urls / seconds / 1000 for seconds in looked_up], 0),
                    f"{max(peak):.0f}",
                ]
            )
    harness.table(
        f"Reading lists: {options.urls:,} URLs on {options.hosts:,} hosts",
        ["", "MB", "found, thousands a second", "looked up, thousands a second", "peak MB"],
        rows,
        [f"{options.rounds} rounds; by CPU time, the reading thread and the one that asks together"],
    )


if __name__ == "__main__":
    main()
