"""The pattern of the articles: one Session, its adapter sized to the worker count, a future for each URL.

python article.py LIST OUTPUT [--workers N] [--ca FILE | --insecure] [--timeout S]
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter


def fetch(session: requests.Session, line: int, url: str, timeout: float, verify: bool | str) -> dict[str, object]:
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    began = time.perf_counter()
    try:
        response = session.get(url, timeout=timeout, verify=verify)
        body = response.content
    except requests.RequestException as error:
        return {"url": url, "line": line, "outcome": "failed", "error": str(error), "started": started}
    return {
        "url": url,
        "line": line,
        "outcome": "ok" if response.ok else "http_error",
        "status": response.status_code,
        "error": None,
        "detail": None,
        "final_url": response.url,
        "redirects": [hop.url for hop in response.history],
        "attempts": 1,
        "started": started,
        "elapsed": round(time.perf_counter() - began, 6),
        "waited": 0.0,
        "content_type": response.headers.get("Content-Type"),
        "charset": response.encoding,
        "bytes": len(body),
        "wire_bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "reused": None,
        "path": None,
        "complete": True,
        "remote": None,
        "timings": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("list", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--ca")
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--timeout", type=float, default=30)
    options = parser.parse_args()
    if options.insecure:
        requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
    urls = options.list.read_text().split()
    with (
        requests.Session() as session,
        ThreadPoolExecutor(options.workers) as executor,
        options.output.open("w") as out,
    ):
        adapter = HTTPAdapter(pool_connections=options.workers, pool_maxsize=options.workers)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        verify = False if options.insecure else (options.ca or True)
        futures = [
            executor.submit(fetch, session, line, url, options.timeout, verify)
            for line, url in enumerate(urls, start=1)
        ]
        for future in as_completed(futures):
            out.write(json.dumps(future.result()) + "\n")


if __name__ == "__main__":
    main()
