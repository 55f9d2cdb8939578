"""The summary of a run: latencies, all hosts, what connections saved, and a run with nothing to do."""

from __future__ import annotations

import json
from typing import Any

from place import Place

from tests.servers.polite import PoliteServer


def summary(place: Place) -> Any:
    return json.loads((place.folder / "summary.json").read_text())


def test_a_summary_says_how_long_requests_took(place: Place, web: PoliteServer) -> None:
    """It says so to people and to programs; that of a second run says that nothing is left to do."""
    urls = [web.url(f"/{number}") for number in range(30)]
    args = ("fetch", *urls, "--progress", "plain", "-o", "r.jsonl", "--summary-json", "summary.json", "--per-host", "1")
    ran = place.run(*args)
    assert ran.code == 0
    (line,) = [line for line in ran.err.splitlines() if line.startswith("latency")]
    assert line.split()[1::3][:1] == ["p50"]
    totals = summary(place)
    assert (totals["latency"]["count"], totals["passed_over"], totals["hosts"]) == (30, 0, 1)
    assert 0 < totals["latency"]["p50"] <= totals["latency"]["p99"] <= totals["latency"]["max"]
    assert sum(count for *_, count in totals["latency"]["buckets"]) == 30
    (host,) = totals["by_host"]
    assert (host["host"], host["done"], host["total"], host["state"]) == (web.url("")[7:], 30, 30, "done")
    # 30 pages and a robots.txt went over one connection, and opening it took some time.
    assert (totals["requests"], totals["opened"]) == (31, 1)
    assert totals["saved"] > 0

    ran = place.run(*args, "--resume")
    assert ran.code == 0
    assert ran.err.endswith("30 URLs of the lists are done already\ndone      nothing was left to do\n")
    assert (summary(place)["passed_over"], summary(place)["latency"]["p50"]) == (30, None)
