"""A server of slow pages that says what it really took: asyncio, one process, on loopback.

Each path has a latency of its own (``tests.servers.polite.latency_of``). A timer never fires early and often a
little late, so the seconds from a request's arrival to its reply are summed up for each host: that, not the nominal
latency, is what a client had to wait for.

    python -m benchmarks.latency_server --hosts 300 --latency lognormal:0.1:0.5

prints one line of JSON (``port``, ``admin``, ``hosts``); ``GET http://127.0.0.1:<admin>/__stats__`` tells the counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from typing import cast

from scrapepool.demo.server import listen
from tests.servers.polite import latency_of, loopback_addresses

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + b"." * 1024


class Host:
    """One address's counts. served: seconds from arrival to reply, summed up. first, last: of arrivals and replies."""

    def __init__(self) -> None:
        self.opened = self.requests = self.in_flight = self.peak = 0
        self.served = 0.0
        self.first = float("inf")
        self.last = 0.0


class Connection(asyncio.Protocol):
    """Answers one request at a time, as clients without pipelining ask."""

    def __init__(self, host: Host, latency: str) -> None:
        self.host = host
        self.latency = latency
        self.loop = asyncio.get_running_loop()
        self.unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.host.opened += 1

    def data_received(self, data: bytes) -> None:
        self.unread += data
        if b"\r\n\r\n" not in self.unread:
            return
        host, now = self.host, time.monotonic()
        path = self.unread.split(b" ", 2)[1].decode("latin-1")
        self.unread = b""
        host.requests += 1
        host.in_flight += 1
        host.peak = max(host.peak, host.in_flight)
        host.first = min(host.first, now)
        self.loop.call_later(latency_of(path, self.latency), self.answer, now)

    def answer(self, arrived: float) -> None:
        host, now = self.host, time.monotonic()
        host.in_flight -= 1
        host.served += now - arrived
        host.last = now
        self.transport.write(REPLY)


async def serve(hosts: int, latency: str) -> None:
    loop = asyncio.get_running_loop()
    sockets = listen(loopback_addresses(hosts))
    counted = [Host() for _ in sockets]
    for host, sock in zip(counted, sockets, strict=True):
        await loop.create_server(lambda host=host: Connection(host, latency), sock=sock, backlog=1024)

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps([vars(host) for host in counted]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        for host in counted:
            host.__init__()  # type: ignore[misc]  # each look begins a new count
        writer.close()

    admin = await asyncio.start_server(tell, "127.0.0.1", 0)
    names = [sock.getsockname() for sock in sockets]
    started = {
        "port": names[0][1],
        "admin": admin.sockets[0].getsockname()[1],
        "hosts": [f"http://{address}:{port}" for address, port in names],
    }
    print(json.dumps(started), flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--latency", default="lognormal:0.1:0.5")
    options = parser.parse_args()
    asyncio.run(serve(options.hosts, options.latency))


if __name__ == "__main__":
    main()
