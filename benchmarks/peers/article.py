"""The pattern of the articles: one Session, its adapter sized to the worker count, a future for each URL.

python article.py LIST OUTPUT [--workers N] [--ca FILE | --insecure] [--timeout S]
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import requests
from record import failure, success
from requests.adapters import HTTPAdapter


def fetch(session: requests.Session, line: int, url: str, timeout: float, verify: bool | str) -> str:
    began = time.perf_counter()
    try:
        response = session.get(url, timeout=timeout, verify=verify)
        body = response.content
    except requests.RequestException as error:
        return failure(url, line, str(error))
    elapsed = time.perf_counter() - began
    redirects = [hop.url for hop in response.history]
    content_type = response.headers.get("Content-Type")
    return success(url, line, response.status_code, response.url, redirects, elapsed, content_type, body)


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
            out.write(future.result() + "\n")


if __name__ == "__main__":
    main()
