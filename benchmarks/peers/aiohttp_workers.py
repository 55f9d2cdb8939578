"""aiohttp at its best: uvloop, a fixed crew of tasks over one iterator, no task and no future for a URL.

python aiohttp_workers.py LIST OUTPUT [--workers N] [--per-host N] [--ca FILE | --insecure] [--timeout S]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import aiohttp
import uvloop


async def work(session: aiohttp.ClientSession, urls: Iterator[tuple[int, str]], out: TextIO) -> None:
    for line, url in urls:
        started = time.time()
        began = time.perf_counter()
        try:
            async with session.get(url) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            out.write(json.dumps({"url": url, "line": line, "outcome": "failed", "error": repr(error)}) + "\n")
            continue
        record = {
            "url": url,
            "line": line,
            "outcome": "ok" if response.status < 400 else "http_error",
            "status": response.status,
            "error": None,
            "detail": None,
            "final_url": str(response.url),
            "redirects": [str(hop.url) for hop in response.history],
            "attempts": 1,
            "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
            "elapsed": round(time.perf_counter() - began, 6),
            "waited": 0.0,
            "content_type": response.headers.get("Content-Type"),
            "charset": response.charset,
            "bytes": len(body),
            "wire_bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "reused": None,
            "path": None,
            "complete": True,
            "remote": None,
            "timings": None,
        }
        out.write(json.dumps(record) + "\n")


async def crawl(options: argparse.Namespace) -> None:
    tls: ssl.SSLContext | bool = not options.insecure
    if options.ca:
        tls = ssl.create_default_context(cafile=options.ca)
    connector = aiohttp.TCPConnector(limit=options.workers, limit_per_host=options.per_host, ssl=tls)
    timeout = aiohttp.ClientTimeout(total=options.timeout)
    with options.list.open() as lines, options.output.open("w") as out:
        urls = ((number, line.strip()) for number, line in enumerate(lines, start=1))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, raise_for_status=False) as session:
            await asyncio.gather(*(work(session, urls, out) for _ in range(options.workers)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("list", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--per-host", type=int, default=0)
    parser.add_argument("--ca")
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--timeout", type=float, default=None)
    uvloop.run(crawl(parser.parse_args()))


if __name__ == "__main__":
    main()
