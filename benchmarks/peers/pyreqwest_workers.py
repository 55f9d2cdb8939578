"""pyreqwest (Rust: reqwest and tokio) at its best: uvloop, and a fixed number of tasks over one iterator.

python pyreqwest_workers.py LIST OUTPUT [--workers N] [--ca FILE | --insecure]

It has no limit per host: at most N requests are in flight over all hosts.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import uvloop
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError
from record import failure, success

END = b"-----END CERTIFICATE-----"


async def work(client: Client, urls: Iterator[tuple[int, str]], out: TextIO) -> None:
    for line, url in urls:
        began = time.perf_counter()
        try:
            response = await client.get(url).build().send()
            body = bytes(await response.bytes())
        except RequestError as error:
            out.write(failure(url, line, repr(error)) + "\n")
            continue
        elapsed = time.perf_counter() - began
        content_type = response.get_header("content-type")
        out.write(success(url, line, response.status, url, [], elapsed, content_type, body) + "\n")


async def crawl(options: argparse.Namespace) -> None:
    builder = ClientBuilder().no_proxy().pool_max_idle_per_host(options.workers)
    if options.insecure:
        builder = builder.danger_accept_invalid_certs(True)
    if options.ca:
        for certificate in options.ca.read_bytes().split(END)[:-1]:
            builder = builder.add_root_certificate_pem(certificate + END)
    with options.list.open() as lines, options.output.open("w") as out:
        urls = ((number, line.strip()) for number, line in enumerate(lines, start=1))
        async with builder.build() as client:
            await asyncio.gather(*(work(client, urls, out) for _ in range(options.workers)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("list", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--ca", type=Path)
    parser.add_argument("--insecure", action="store_true")
    uvloop.run(crawl(parser.parse_args()))


if __name__ == "__main__":
    main()
