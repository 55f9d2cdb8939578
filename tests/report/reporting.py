"""Records to report on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scrapepool.report.aggregate import RecordAggregate
from scrapepool.report.figures import figures

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b]0;owned\x07\u202e|`[red]\r\n'\""


def record(number: int = 0, **changes: Any) -> dict[str, Any]:
    """One record of a run, as JSON Lines have it."""
    url = changes.get("url", f"https://host-{number % 3}.example/{number}")
    values = {
        "url": url, "line": number + 1, "outcome": "ok", "status": 200, "error": None, "detail": None,
        "final_url": url, "redirects": [], "hops": [], "attempts": 1,
        "started": f"2026-11-30T10:{number // 60 % 60:02}:{number % 60:02}.500Z", "elapsed": 0.1 + number / 1000,
        "waited": 0.0, "content_type": "text/html; charset=utf-8", "charset": "utf-8", "bytes": 3000 + number,
        "wire_bytes": 1000, "reused": number > 0, "complete": True, "remote": "127.0.0.1",
        "timings": {"dns": None, "connect": None, "tls": None, "ttfb": 0.09, "download": 0.01},
    }  # fmt: skip
    return {**values, **changes}


def failure(number: int = 0, **changes: Any) -> dict[str, Any]:
    """One record of a URL that failed."""
    values = {"outcome": "failed", "status": None, "error": "read_timeout", "detail": "no byte", "bytes": 0,
              "wire_bytes": 0, "attempts": 4, "waited": 6.5, "content_type": None}  # fmt: skip
    return record(number, **{**values, **changes})


def hostile(number: int = 0) -> dict[str, Any]:
    """One record with text that attacks whoever shows it."""
    url = f"https://host-0.example/{HOSTILE}"
    return failure(number, url=url, detail=HOSTILE, error=HOSTILE, content_type=HOSTILE, redirects=[url],
                   final_url=url, change=HOSTILE)  # fmt: skip


def reported(records: Iterable[dict[str, Any]], name: str = "records.jsonl") -> dict[str, Any]:
    """The figures of records."""
    found = RecordAggregate()
    for one in records:
        found.add(one)
    return figures(found, name)
