"""Is waiting free? One worker, a host that answers 503 with Retry-After 2 once, twenty URLs elsewhere.

The twenty must finish while the one waits, and the run may take the two seconds and not more.
"""

from __future__ import annotations

import json

import harness

OTHERS = 20
RETRY_AFTER = 2


def main() -> None:
    rows = [row(latency) for latency in (0.0, 0.05)]
    harness.table(
        "Waiting is free",
        [
            "",
            "every reply takes",
            "refused URL ends as number",
            "its outcome",
            "attempts",
            "waited s",
            "ok",
            "whole run s",
        ],
        rows,
        [
            f"one URL of the list, its first, answers 503 with Retry-After {RETRY_AFTER} once; {OTHERS} are elsewhere",
            "the start of Python is in the whole run",
        ],
    )


def row(latency: float) -> list[object]:
    with (
        harness.folder() as folder,
        harness.server("tests.servers.polite", "--hosts", 3, "--latency", f"fixed:{latency}", "--detail") as server,
    ):
        urls, records = folder / "urls.txt", folder / "records.jsonl"
        first, second, third = server.started["hosts"]
        others = [f"{(second, third)[n % 2]}/page/{n}" for n in range(OTHERS)]
        urls.write_text("\n".join([f"{first}/retry-after/{RETRY_AFTER}", *others]) + "\n")
        cost = harness.run(harness.scrapepool(urls, records, "-w", "1", "--retries", "1"))
        ended = [json.loads(line) for line in records.read_text().splitlines()]
    place = next(at for at, record in enumerate(ended, start=1) if "retry-after" in record["url"])
    refused = ended[place - 1]
    return [
        "scrapepool -w 1",
        f"{latency} s",
        f"{place} of {len(ended)}",
        refused["outcome"],
        refused["attempts"],
        f"{refused['waited']:.2f}",
        sum(record["outcome"] == "ok" for record in ended),
        f"{cost.seconds:.2f}",
    ]


if __name__ == "__main__":
    main()
