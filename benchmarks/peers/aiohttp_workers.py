"""aiohttp at its best: uvloop, a fixed crew of tasks over one iterator, no task and no future for a URL.

python aiohttp_workers.py LIST OUTPUT [--workers N] [--per-host N] [--ca FILE | --insecure] [--timeout S]
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import aiohttp
import uvloop
from record import failure, success


async def work(session: aiohttp.ClientSession, urls: Iterator[tuple[int, str]], out: TextIO) -> None:
    for line, url in urls:
        began = time.perf_counter()
        try:
            async with session.get(url) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            out.write(failure(url, line, repr(error)) + "\n")
            continue
        elapsed = time.perf_counter() - began
        final_url, redirects = str(response.url), [str(hop.url) for hop in response.history]
        content_type = response.headers.get("Content-Type")
        out.write(success(url, line, response.status, final_url, redirects, elapsed, content_type, body) + "\n")


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
