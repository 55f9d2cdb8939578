"""What does a report cost? CPU time, peak memory and size of the page, and how long Chromium takes to show it.

    python benchmarks/report.py 1000000 5000000
    python benchmarks/report.py 60000 --screenshots docs

Records are made up: 500 hosts of log-normal latency, 3 % failures, 3 % redirects.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import harness  # noqa: F401 - makes the servers of the tests importable

from tests.servers.browser import CHROMIUM, Browser

HOSTS = 500
PER_SECOND = 1000
BEGIN = 1_790_000_000


def made_up(number: int, dice: random.Random) -> dict[str, object]:
    host = int(dice.random() ** 2 * HOSTS)
    slow = dice.lognormvariate(-2.3 + host % 7 * 0.2, 0.8)
    size = int(dice.lognormvariate(9, 1.5))
    url = f"https://host-{host}.example.org/page/{number}.html"
    new = dice.random() < 0.1
    record: dict[str, object] = {
        "url": url, "line": number + 1, "outcome": "ok", "status": 200, "error": None, "detail": None,
        "final_url": url, "redirects": [], "hops": [], "attempts": 1,
        "started": datetime.fromtimestamp(BEGIN + number // PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "elapsed": round(slow, 6), "waited": 0.0, "content_type": "text/html; charset=utf-8", "charset": "utf-8",
        "bytes": size, "wire_bytes": size // 3, "sha256": f"{number:064x}", "reused": not new, "path": None,
        "complete": True, "remote": "192.0.2.1",
        "timings": {"dns": None, "connect": 0.02 if new else None, "tls": 0.03 if new else None,
                    "ttfb": round(slow * 0.9, 6), "download": round(slow * 0.1, 6)},
        "etag": None, "last_modified": None, "fresh_until": None, "vary": None,
    }  # fmt: skip
    what = dice.random()
    if what < 0.02:
        record |= {"outcome": "http_error", "status": 404, "error": "http_4xx"}
    elif what < 0.03:
        error = dice.choice(["read_timeout", "dns", "reset", "tls"])
        record |= {"outcome": "failed", "status": None, "error": error, "detail": "made up", "attempts": 4, "bytes": 0}
    elif what < 0.06:
        record |= {"redirects": [url], "final_url": f"https://www.host-{host}.example.org/login"}
    return record


def write(path: Path, records: int) -> None:
    dice = random.Random(7)
    with path.open("w") as file:
        for number in range(records):
            file.write(json.dumps(made_up(number, dice), separators=(",", ":")) + "\n")


def report(records: Path, page: Path) -> tuple[float, float, float]:
    """Return the seconds of the clock, the seconds of CPU, and the peak memory in MB."""
    began = time.monotonic()
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-m", "scrapepool", "report", str(records), "-o", str(page)], os.environ
    )
    _, status, used = os.wait4(pid, 0)
    assert status == 0, status
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def shown(page: Path) -> str:
    """Return the milliseconds from the navigation to the last chart, of a warm browser; the best of three."""
    if CHROMIUM is None:
        return "-"
    with Browser() as browser:
        times = []
        for _ in range(3):
            browser.open(page)
            times.append(browser.run("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    return f"{min(times):.0f}"


def screenshots(page: Path, folder: Path) -> None:
    with Browser() as browser:
        browser.call("Emulation.setDeviceMetricsOverride", width=1200, height=820, deviceScaleFactor=0.75, mobile=False)
        for name, fragment, scheme in (
            ("report.png", "#latency", "light"),
            ("report-host.png", "#host=https%3A%2F%2Fhost-8.example.org", "dark"),
        ):
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.call("Page.navigate", url="about:blank")
            browser.open(page, fragment)
            data = browser.call("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"]
            (folder / name).write_bytes(base64.b64decode(data))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int, nargs="*", default=[1_000_000, 5_000_000])
    parser.add_argument("--screenshots", type=Path, help="write the pictures of docs/report.md to this folder")
    options = parser.parse_args()
    print("| records | file | time | CPU | CPU per record | peak memory | page | shown in |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with TemporaryDirectory() as folder:
        pictures = options.screenshots and options.screenshots.resolve()
        os.chdir(folder)
        records, page = Path("records.jsonl"), Path("report.html")
        for number in options.records:
            write(records, number)
            took, used, memory = report(records, page)
            print(
                f"| {number:,} | {records.stat().st_size / 1e6:,.0f} MB | {took:.1f} s | {used:.1f} s "
                f"| {used / number * 1e6:.1f} µs | {memory:.0f} MB | {page.stat().st_size / 1000:.0f} kB "
                f"| {shown(page)} ms |",
                flush=True,
            )
        if pictures:
            screenshots(page, pictures)


if __name__ == "__main__":
    main()
