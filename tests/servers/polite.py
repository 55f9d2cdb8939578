"""A well-behaved server for tests and benchmarks: programmable by path, and exact about what it was asked.

Decides who answers, how long that takes and what of the counts is shown; the default pages are in ``pages``, sockets
and counting in ``scrapepool.demo.server``. Stand-alone, for a benchmark's other process:

    python -m tests.servers.polite --hosts 300 --port 0 --latency lognormal:0.1:0.5 --stats-file F

prints one line of JSON (``port``, ``admin``, ``hosts``), answers ``GET http://127.0.0.1:<admin>/__stats__`` with
its counts, and writes them to F when it gets SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import json
import math
import signal
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any, Self
from urllib.parse import parse_qsl

from scrapepool.demo.server import LoopbackServer, listen
from scrapepool.demo.wire import Request, Site, WireResponse

from .pages import PAGES, Response, render

POLL = 0.002
"""Seconds between two looks at whether the connections have closed."""


__all__ = ["PAGES", "Handler", "PoliteServer", "Request", "Response", "latency_of", "loopback_addresses", "render"]

Handler = Callable[[Request], Response | None]
"""Runs on the server's thread, so it must not block; None falls through to the default pages."""


@functools.cache
def _latency(spec: str) -> Callable[[float], float]:
    """Seconds by quantile, for ``none``, ``fixed:SECONDS``, ``uniform:LOW:HIGH`` or ``lognormal:MEDIAN:SIGMA``."""
    match spec.split(":"):
        case ["none"]:
            return lambda _: 0.0
        case ["fixed", seconds]:
            fixed = float(seconds)
            return lambda _: fixed
        case ["uniform", low, high]:
            least, width = float(low), float(high) - float(low)
            return lambda quantile: least + quantile * width
        case ["lognormal", median, sigma]:
            quantile_of = NormalDist(math.log(float(median)), float(sigma)).inv_cdf
            return lambda quantile: math.exp(quantile_of(quantile))
    raise ValueError(f"no latency: {spec!r}")


def latency_of(path: str, spec: str) -> float:
    """Seconds that the server with this ``latency`` takes for a path, query included; the same in every process."""
    number = int.from_bytes(hashlib.blake2b(path.encode(), digest_size=6).digest(), "big")
    return _latency(spec)((number + 0.5) / 2**48)


def loopback_addresses(count: int) -> list[str]:
    """That many addresses: 127.0.2.1 to 127.0.2.250, then 127.0.3.1 and so on."""
    return [f"127.0.{2 + i // 250}.{1 + i % 250}" for i in range(count)]


class PoliteServer:
    """Serves while its ``with`` block runs.

    hosts: how many, or their addresses (``::1`` too); all on one port where the platform has the addresses.
    handler: asked before the default pages. port: 0 for any. tls: serve https.
    latency: added to every reply, see ``latency_of``. size: bytes at least of a page that has no other size.
    detail: keep start times and counts by path; pages that answer differently the second time need it.
    """

    def __init__(
        self,
        hosts: int | Sequence[str] = 1,
        handler: Handler | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        latency: str = "none",
        size: int = 0,
        detail: bool = True,
    ) -> None:
        addresses = loopback_addresses(hosts) if isinstance(hosts, int) else hosts
        self._handler = handler
        self._latency = None if latency == "none" else latency
        if self._latency:
            _latency(self._latency)
        self._size = size
        self._server = LoopbackServer(self._answer, listen(addresses, port), tls=tls, detail=detail)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.close()

    @property
    def sites(self) -> tuple[Site, ...]:
        """The hosts, each with its counts."""
        return self._server.sites

    @property
    def port(self) -> int:
        """The first host's port."""
        return self.sites[0].port

    def url(self, path: str = "/ok", host: int = 0) -> str:
        """The URL of a path on a host."""
        return self.sites[host].origin + path

    @property
    def opened(self) -> int:
        """Connections ever opened, over all hosts."""
        return sum(site.opened for site in self.sites)

    @property
    def open(self) -> int:
        """Connections open now, over all hosts."""
        return sum(site.open for site in self.sites)

    @property
    def requests(self) -> int:
        """Requests received, over all hosts."""
        return sum(site.requests for site in self.sites)

    @property
    def in_flight(self) -> int:
        """Requests received and not yet answered, over all hosts."""
        return self._server.in_flight

    @property
    def peak(self) -> int:
        """The most that were in flight at once, over all hosts."""
        return self._server.peak

    def asked(self, path: str) -> int:
        """How often a path was asked for, over all hosts."""
        return sum(site.asked.get(path, 0) for site in self.sites)

    def wait_closed(self, timeout: float = 2.0) -> bool:
        """Wait until no connection is open; False where some still is after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while self.open and time.monotonic() < end:
            time.sleep(POLL)
        return not self.open

    def stats(self) -> dict[str, Any]:
        """All counts, for JSON: totals, and by host. ``min_gap`` is in seconds; ``repeated`` maps paths to counts."""
        repeated: dict[str, int] = {}
        for site in self.sites:
            repeated |= {site.origin + path: times for path, times in tuple(site.asked.items()) if times > 1}
        totals = {"opened": self.opened, "open": self.open, "requests": self.requests, "peak": self.peak}
        return {
            **totals,
            "in_flight": self.in_flight,
            "repeated": repeated,
            "hosts": dict(map(_site_stats, self.sites)),
        }

    def _answer(self, request: Request) -> WireResponse:
        response = self._handler(request) if self._handler else None
        reply = render(response) if response is not None else self._default(request)
        if self._latency:
            reply = reply._replace(delay=reply.delay + latency_of(request.target, self._latency))
        return reply

    def _default(self, request: Request) -> WireResponse:
        """Answer by the path's first segment; a path that means nothing is a page that names itself."""
        path, _, query = request.target.partition("?")
        word, _, argument = path[1:].partition("/")
        page = PAGES.get(word)
        if page is not None:
            return render(page(request, argument, dict(parse_qsl(query))))
        body = b"This is %b\n" % request.target.encode("latin-1")
        if len(body) < self._size:
            body += b"." * (self._size - len(body))
        return WireResponse(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body), body
        )


def _site_stats(site: Site) -> tuple[str, dict[str, Any]]:
    starts = tuple(site.starts)
    gap = min((later - earlier for earlier, later in itertools.pairwise(starts)), default=None)
    counts = {name: getattr(site, name) for name in ("opened", "open", "requests", "in_flight", "peak")}
    return site.origin, {**counts, "min_gap": gap}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.polite", description=PoliteServer.__doc__)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", default="none", help="fixed:S, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA")
    parser.add_argument("--size", type=int, default=0, help="bytes at least of a plain page")
    parser.add_argument("--stats-file", type=Path)
    parser.add_argument("--detail", action="store_true", help="count by path, keep start times")
    parser.add_argument("--cert", type=Path, help="PEM file with certificate and key: serve https")
    options = parser.parse_args(arguments)
    tls = None
    if options.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.cert)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    polite = PoliteServer(
        options.hosts, port=options.port, tls=tls, latency=options.latency, size=options.size, detail=options.detail
    )

    def admin(request: Request) -> WireResponse:
        known = request.target == "/__stats__"
        return render(Response(200 if known else 404, body=json.dumps(polite.stats()).encode() if known else b""))

    with polite, LoopbackServer(admin, listen(["127.0.0.1"])) as administration:
        hosts = [site.origin for site in polite.sites]
        print(json.dumps({"port": polite.port, "admin": administration.sites[0].port, "hosts": hosts}), flush=True)  # noqa: T201 - what the starter reads
        stop.wait()
        if options.stats_file:
            options.stats_file.write_text(json.dumps(polite.stats(), indent=1) + "\n")


if __name__ == "__main__":
    main()
