"""What do a few bad pages, silent hosts and short outages cost a whole run? Each of these lists once went wrong.

One row per list, through the command line, at full size, on loopback; every option but those named is the default.
The server runs in a process of its own and counts. A command that is not done after ``--cut`` seconds is killed.
*wanted*: seconds that the row should take at most on a calm machine. *good*, *bad*: pages that were fetched, and broken
pages that were recorded as what they are. *what else*: how the others ended. Names that are not looked up, and name
servers that refuse, are a function in the place of ``getaddrinfo``.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness

from scrapepool.demo.server import LoopbackServer, listen
from scrapepool.demo.wire import Request, WireResponse
from tests.servers.pages import Response, render

HANG = Response(delay=3600.0)
Url = tuple[int, int]
"""A host and one of its pages, by number."""


class Asked(NamedTuple):
    """A request. nth: for this page, from 1. now: seconds since the first request of all."""

    host: int
    page: int
    nth: int
    now: float


@dataclass(frozen=True)
class Case:
    """One row. urls: in the order of the list. bad: how pages are recorded that are not to be fetched.

    wanted: seconds. answer: None from it is a page. latency: of each response. options: on the command line.
    names: hosts are names, which ``look_up`` looks up in this way. proxy: the server is one. down: from when to when it
    is gone, in seconds. robots: of hosts by number. beside: what else fetches the list.
    """

    name: str
    wanted: float
    urls: Sequence[Url]
    answer: Callable[[Asked], Response | None] | None = None
    bad: Mapping[Url, str] = field(default_factory=dict)
    latency: float = 0.0
    options: tuple[str, ...] = ()
    names: str = ""
    proxy: bool = False
    down: tuple[float, float] = (0.0, 0.0)
    robots: Mapping[int, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()

    @property
    def addresses(self) -> list[str]:
        """Each host has a network of its own, so that they count as unrelated."""
        return [f"127.{1 + host}.0.1" for host in range(1 + max(host for host, _ in self.urls))]


def several(hosts: Sequence[int], count: int) -> list[Url]:
    return [(host, page) for host in hosts for page in range(count)]


ERRORS = {"hang": "read_timeout", "503": "http_5xx", "500": "http_5xx"}


def broken(name: str, wanted: float, kinds: dict[str, int], count: int, *, hosts: int = 1, **more: Any) -> Case:
    """So many pages per host, and so many of each kind of broken ones anywhere among them."""
    words = [kind for kind, many in kinds.items() for _ in range(many)]
    bad: dict[Url, str] = {}
    for host in range(hosts):
        pages = random.Random(host).sample(range(count), len(words))
        bad |= {(host, page): word for page, word in zip(pages, words, strict=True)}

    def answer(asked: Asked) -> Response | None:
        kind = bad.get((asked.host, asked.page))
        return None if kind is None else HANG if kind == "hang" else Response(int(kind))

    ends = {url: ERRORS[kind] for url, kind in bad.items()}
    return Case(name, wanted, several(range(hosts), count), answer, ends, **more)


def cases() -> list[Case]:
    many = several(range(120), 100)
    random.Random(2).shuffle(many)
    silent = several(range(12), 20)
    unheard = [(host, 0) for host in range(60)]

    def flaky(asked: Asked) -> Response | None:
        return Response(503) if asked.nth == 1 and asked.page % 10 == 0 else None

    fast: dict[str, Any] = {"latency": 0.02}
    second, five = ("--read-timeout", "1s"), ("--read-timeout", "5s")
    return [
        broken("20 good URLs, one always 503", 8, {"503": 1}, 21, **fast),
        broken("400 on one host, 1 of them 503", 12, {"503": 1}, 400, **fast),
        broken("400 on one host, 8 of them 503", 12, {"503": 8}, 400, **fast),
        broken("5,000 images on 4 hosts, 2% of them 503", 15, {"503": 25}, 1250, hosts=4, beside=("curl", "wget2")),
        broken("200 status pages, 3 of them down", 10, {"503": 3}, 200, **fast),
        broken("600 good, 12 hang, --read-timeout 1", 22, {"hang": 12}, 612, options=second, **fast),
        broken("390 good, 4 hang, 6 say 500, --read-timeout 1", 15, {"hang": 4, "500": 6}, 400, options=second, **fast),
        broken("a sitemap of 20,000, 5 of them hang, --read-timeout 5", 45, {"hang": 5}, 20_000, options=five),
        Case("12 silent hosts x 20, 40 good hosts x 100, --read-timeout 5", 70, silent + several(range(12, 52), 100),
             lambda asked: HANG if asked.host < 12 else None, dict.fromkeys(silent, "circuit_open"), 0.05, five),
        Case("200 on one host, first try of every tenth 503, --pace auto", 14, several([0], 200), flaky, latency=0.2),
        Case("the same, --pace fixed", 14, several([0], 200), flaky, latency=0.2, options=("--pace", "fixed")),
        Case("12,000 on 120 hosts, everything 500 for 30 s", 65, many,
             lambda asked: Response(500) if 5 <= asked.now < 35 else None, latency=0.05),
        Case("3,000 through a proxy that restarts for 12 s", 30, several(range(30), 100), latency=0.05, proxy=True,
             down=(2.0, 14.0)),
        Case("12,000 on 120 names, name server refuses for 20 s", 60, many, latency=0.05, names="refusing"),
        Case("60 URLs at Crawl-delay 1 on top of a list of 10,060", 63, several([0], 60) + several(range(1, 101), 100),
             latency=0.05, robots={0: "User-agent: *\nCrawl-delay: 1\n"}),
        *(Case(f"60 names whose look-up hangs, 40 good names, -w {workers}", 45, unheard + several(range(60, 100), 5),
               bad=dict.fromkeys(unheard, "dns"), options=("-w", str(workers), "--connect-timeout", "5s"),
               names="hanging", **fast) for workers in (32, 64)),
    ]  # fmt: skip


# -- the server, and names -----------------------------------------------------------------------------


def serve(case: Case) -> None:
    """Serve a case until SIGTERM: print where, and answer ``/__stats__`` on a port of its own."""
    addresses = ["127.0.0.1"] if case.proxy else case.addresses
    numbers = {address: number for number, address in enumerate(case.addresses)}
    paths: Counter[Url] = Counter()
    began: list[float] = []

    def answer(request: Request) -> WireResponse:
        host, target = request.site.address, request.target
        if case.proxy:
            host, _, target = target.removeprefix("http://").partition("/")
            host = host.partition(":")[0]
        path = target.rpartition("/")[2]
        number = numbers[host]
        if path == "robots.txt":
            body = case.robots.get(number, "")
            return render(Response(200 if body else 404, body=body.encode()))
        now = time.monotonic()
        if not began:
            began.append(now)
        page = int(path)
        paths[number, page] += 1
        asked = Asked(number, page, paths[number, page], now - began[0])
        response = case.answer(asked) if case.answer is not None else None
        reply = render(response or Response(body=b"." * 1024))
        return reply._replace(delay=reply.delay or case.latency)

    sockets = listen(addresses)
    port = sockets[0].getsockname()[1]

    def tell(_: Request) -> WireResponse:
        times = sorted(paths.values())
        return render(Response(body=json.dumps({"requests": sum(times), "most": times[-1] if times else 0}).encode()))

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = LoopbackServer(answer, sockets, detail=False)
    server.start()
    with LoopbackServer(tell, listen(["127.0.0.1"])) as admin:
        hosts = [f"http://h{n}.{n}.test:{port}" if case.names else f"http://{address}:{port}"
                 for n, address in enumerate(case.addresses)]  # fmt: skip
        print(json.dumps({"port": port, "admin": admin.sites[0].port, "hosts": hosts}), flush=True)
        while not stop.wait(0.1):
            down = bool(began) and case.down[0] <= time.monotonic() - began[0] < case.down[1]
            if down:
                server.close()
                stop.wait(case.down[1] - (time.monotonic() - began[0]))
                server = LoopbackServer(answer, listen(addresses, port), detail=False)
                server.start()
    server.close()


def look_up(words: str) -> None:
    """Put a function in the place of ``getaddrinfo``, and run the command line. refusing: for 20 s, after 4 s."""
    import socket

    from scrapepool.cli.program import run

    began = time.monotonic()

    def lookup(host: str, *_: object, **__: object) -> list[Any]:
        number = int(host.split(".")[1])
        if words == "refusing" and 4 <= time.monotonic() - began < 24:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if words == "hanging" and number < 60:
            time.sleep(30.0)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        address = f"127.{1 + number}.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    socket.getaddrinfo = lookup  # type: ignore[assignment]
    sys.exit(run(sys.argv[3:]))


# -- the rows ------------------------------------------------------------------------------------------


def measure(number: int, case: Case, cut: float) -> list[list[object]]:
    rows: list[list[object]] = []
    module = ["--serve", str(number)]
    with harness.folder() as folder:
        for tool in ("scrapepool", *case.beside):
            found = harness.find_tool(tool) if tool != "scrapepool" else tool
            if found is None:
                harness.progress(f"{tool} is not installed: left out")
                continue
            with harness.server("benchmarks.bad_pages", *module) as server:
                urls, records = folder / "urls.txt", folder / f"records.{tool}"
                hosts = list(server.started["hosts"])
                urls.write_text("".join(f"{hosts[host]}/{host}/{page}\n" for host, page in case.urls))
                command = command_of(tool, found, case, urls, records, int(server.started["port"]))
                harness.progress(f"{case.name}: {tool}")
                cost = harness.run(command, timeout=cut)
                counts = server.stats()
                cells = outcome_cells(records, case) if tool == "scrapepool" else ["", "", ""]
                late = cost.code == -signal.SIGKILL
                time_cell = f"cut at {cut:.0f}" if late else f"{cost.seconds:.1f}"
                wanted = f"{case.wanted:.0f}" if tool == "scrapepool" else ""
                rows.append([f"{case.name}{'' if tool == 'scrapepool' else f': {tool}'}", time_cell, wanted,
                             *cells, f"{counts['requests']:,}", counts["most"], f"{cost.cpu:.1f}"])  # fmt: skip
    return rows


def command_of(tool: str, found: str, case: Case, urls: Path, records: Path, port: int) -> list[str]:
    if tool == "curl":
        config = urls.with_suffix(".curl")
        config.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls.read_text().split()))
        return [found, "-Z", "--parallel-max", "16", "-s", "-K", str(config)]
    if tool == "wget2":
        return [found, "-q", "--max-threads=16", "-O", "/dev/null", "-i", str(urls)]
    options = [*case.options, *(["--proxy", f"http://127.0.0.1:{port}"] if case.proxy else [])]
    command = harness.scrapepool(urls, records, *options)
    if case.robots:
        command.remove("--no-robots")
    if case.names:
        command = [sys.executable, "-m", "benchmarks.bad_pages", "--look-up", case.names, *command[3:]]
    return command


def outcome_cells(records: Path, case: Case) -> list[str]:
    """Good pages that were fetched, bad pages that ended as they should, and how all others ended."""
    ends: dict[Url, str | None] = {}
    if records.exists():
        for line in records.open():
            record = json.loads(line)
            host, page = record["url"].split("/")[-2:]
            ends[int(host), int(page)] = record["error"]
    good = len(case.urls) - len(case.bad)
    fetched = right = 0
    others: Counter[str] = Counter()
    for url in case.urls:
        end, wanted = ends.get(url, "no record"), case.bad.get(url)
        if end == wanted or (wanted == "circuit_open" and end == "read_timeout"):
            right += wanted is not None
            fetched += wanted is None
        else:
            others[str(end)] += 1
    return [
        f"{fetched:,} of {good:,}",
        f"{right} of {len(case.bad)}" if case.bad else "",
        ", ".join(f"{count:,} {word}" for word, count in others.most_common()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name contains this, or their numbers, comma-separated")
    parser.add_argument("--cut", type=float, default=120.0, help="seconds after which a command is killed")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    found = cases()
    if options.serve is not None:
        serve(found[options.serve])
        return
    if options.list:
        print("\n".join(f"{number} {case.name}" for number, case in enumerate(found)))
        return
    numbers = {int(word) for word in options.only.split(",") if word.strip().isdigit()}
    rows = [
        row
        for number, case in enumerate(found)
        if (number in numbers if numbers else options.only in case.name)
        for row in measure(number, case, options.cut)
    ]
    harness.table(
        "Bad pages, silent hosts, short outages",
        ["", "seconds", "wanted", "good", "bad", "what else", "requests", "most for one URL", "CPU s"],
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--look-up"]:
        look_up(sys.argv[2])
    else:
        main()
