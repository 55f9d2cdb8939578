"""What do URLs that are stuck, or dear to read, cost the others, which are quick?

For each kind, when the record of the latest quick URL comes; *alone* is the same list without the stuck ones.
``--before FOLDER`` measures another checkout of the project as well.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import harness

Talk = Callable[[socket.socket], None]

from tests.transport.loopback import Server, authority, read_head, server_context, silent  # noqa: E402 - a path of harness

WAITS = ("--timeout", "20", "--read-timeout", "10", "--retries", "0")
LIMIT = 120.0
GOAL = 0.5
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<title>t</title>"

PROGRAM = """
import runpy, socket, sys, time
HERE = {here!r}
real = socket.getaddrinfo
def look_up(host, *rest, **more):
    if str(host).startswith("hang"):
        time.sleep(30)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return real(HERE if str(host).endswith(".test") else host, *rest, **more)
socket.getaddrinfo = look_up
sys.argv[0] = "scrapepool"
runpy.run_module("scrapepool", run_name="__main__")
"""
"""scrapepool, where look-ups of names that begin with "hang" hang, and all other names under .test are this machine."""


class Case(NamedTuple):
    """others, bad: URLs of a list. where: how many of the others come first. step: how many between two bad ones.

    here: the address of names under .test.
    """

    others: Sequence[str]
    bad: Sequence[str]
    options: Sequence[str] = ()
    where: int = 0
    step: int = 0
    here: str = "127.0.0.1"

    def lines(self) -> list[str]:
        """The whole list."""
        lines = list(self.others)
        for number, url in enumerate(self.bad):
            lines.insert(self.where + number * (self.step + 1), url)
        return lines


class Measured(NamedTuple):
    """One run. latest: seconds from the start of the command to the record of the latest quick URL.

    failed: quick URLs that failed. cpu: seconds of the process until it was ended, right after that record.
    """

    latest: float
    failed: int
    cpu: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--before", type=Path, help="another checkout")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", default="", help="kinds that contain this")
    chosen = arguments.parse_args()
    folders = [harness.ROOT] if chosen.before is None else [chosen.before, harness.ROOT]
    rows = [measure(name, case, folders, chosen.rounds) for name, case in CASES.items() if chosen.only in name]
    headings = [
        "stuck or dear",
        "quick URLs",
        "latest quick URL, alone: s",
        *(["before: s"] if chosen.before else []),
        "with the stuck ones: s",
        "later by: s",
        "CPU s alone",
        "CPU s with them",
    ]
    harness.table(
        "What stuck URLs cost the others",
        headings,
        rows,
        [
            f"{chosen.rounds} rounds, medians (least to most); the start of Python is included",
            f"{' '.join(WAITS)}, no robots.txt; cut at {LIMIT:.0f} s",
            "halves, bodies, chunks, bombs and pages: half of the quick URLs are of the same host, which may have four"
            " more requests in flight than there are stuck URLs",
            f"goal: no quick URL later by more than {GOAL} s",
        ],
    )


def measure(
    name: str, make: Callable[[Path], AbstractContextManager[Case]], projects: Sequence[Path], rounds: int
) -> list[object]:
    """Measure one kind: alone, and with the stuck URLs in each checkout, in turn. The last checkout is ours."""
    alone: list[Measured] = []
    stuck: list[list[Measured]] = [[] for _ in projects]
    with harness.folder() as folder, make(folder) as case:
        for number in range(rounds):
            alone.append(latest_of_others(projects[-1], folder, case, with_bad=False))
            for project, results in zip(projects, stuck, strict=True):
                results.append(latest_of_others(project, folder, case, with_bad=True))
            harness.progress(f"{number + 1}/{rounds} {name}: {alone[-1]}, {[results[-1] for results in stuck]}")
    ours = stuck[-1]
    return [
        name,
        len(case.others),
        *(described(results) for results in (alone, *stuck)),
        f"**{median(run.latest - base.latest for run, base in zip(ours, alone, strict=True)):.1f}**",
        *(f"{median(run.cpu for run in results):.1f}" for results in (alone, ours)),
    ]


def described(results: Sequence[Measured]) -> str:
    failed = max(run.failed for run in results)
    return harness.spread([run.latest for run in results], 1) + (f", {failed} failed" if failed else "")


def latest_of_others(project: Path, folder: Path, case: Case, *, with_bad: bool) -> Measured:
    """Run the command until the records of all quick URLs have come, and end it."""
    lines = case.lines() if with_bad else case.others
    urls = folder / "urls.txt"
    urls.write_text("\n".join(lines) + "\n")
    program = PROGRAM.format(here=case.here)
    command = [sys.executable, "-c", program, "fetch", str(urls), "-q", "--no-robots", *WAITS, *case.options]
    others = set(case.others)
    environment = harness.ENVIRONMENT | {"PYTHONPATH": str(project)}
    latest, failed, began = LIMIT, 0, time.monotonic()
    used = cpu_of_children()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=folder)
    limit = threading.Timer(LIMIT, process.terminate)  # it may write nothing until then
    limit.start()
    with harness.stopped_at_end(process):
        assert process.stdout
        for line in process.stdout:
            record = json.loads(line)
            if record["url"] in others:
                others.discard(record["url"])
                failed += record["outcome"] != "ok"
            if not others:
                latest = time.monotonic() - began
                break
        limit.cancel()
        process.terminate()  # twice, as it waits for what is in flight after the first
        time.sleep(0.1)
    return Measured(latest, failed, cpu_of_children() - used)


def cpu_of_children() -> float:
    """Seconds of CPU of all commands that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# -- servers ---------------------------------------------------------------------------------------


def talk(bad: Talk, *, good: bytes = OK) -> Talk:
    """Answer every request; those under /bad are ``bad``'s to end."""

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            if b" /bad" in head:
                bad(sock)
            else:
                sock.sendall(good)

    return script


def saying(answer: bytes) -> Talk:
    """A ``bad`` that gives an answer."""
    return lambda sock: sock.sendall(answer)


def half_a_record(context: ssl.SSLContext) -> Talk:
    """Speak TLS over a plain socket; under /bad, the end of a record is missing."""

    def script(sock: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        channel = context.wrap_bio(incoming, outgoing, server_side=True)

        def done(step: Callable[[], object]) -> object:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    if not (data := sock.recv(65536)):
                        raise ConnectionResetError from None
                    incoming.write(data)

        done(channel.do_handshake)
        while True:
            head = done(lambda: channel.read(65536))
            channel.write(OK)
            if b" /bad" in head:  # type: ignore[operator]
                sock.sendall(outgoing.read()[:-5])
                silent(sock)
                return
            sock.sendall(outgoing.read())

    return script


# -- cases -----------------------------------------------------------------------------------------


@contextmanager
def beside(
    script: Talk, *, scheme: str = "http", others: int = 1000, bad: int = 6, options: Sequence[str] = ()
) -> Iterator[Case]:
    """Bad URLs among others of a nearby host, from the 201st URL on, and as many others of another host."""
    with Server(script) as server, harness.server("tests.servers.polite", "--hosts", 1) as good:
        origin, (elsewhere,) = f"{scheme}://127.0.0.1:{server.port}", good.started["hosts"]
        same = [f"{origin}/good/{n}" for n in range(others)]
        rest = [f"{elsewhere}/page/{n}" for n in range(others)]
        stuck = [f"{origin}/bad/{n}" for n in range(bad)]
        yield Case([*same, *rest], stuck, (*options, "--per-host", str(bad + 4)), 200, 30)


@contextmanager
def tls(folder: Path) -> Iterator[Case]:
    bundle = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(bundle))
    with beside(half_a_record(server_context()), scheme="https", options=("--cacert", str(bundle))) as case:
        yield case


@contextmanager
def chunks(_: Path) -> Iterator[Case]:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1_500_000 + b"0\r\n\r\n"
    with beside(talk(saying(answer))) as case:
        yield case


@contextmanager
def bombs(_: Path) -> Iterator[Case]:
    body = gzip.compress(bytes(90 * 1024 * 1024), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with beside(talk(saying(head + body)), bad=20) as case:
        yield case


@contextmanager
def bodies(_: Path) -> Iterator[Case]:
    def half_a_body(sock: socket.socket) -> None:
        sock.sendall(OK[:-8])
        silent(sock)

    with beside(talk(half_a_body)) as case:
        yield case


@contextmanager
def silence(_: Path, options: Sequence[str] = ()) -> Iterator[Case]:
    with Server(talk(silent)) as server:
        urls = [f"http://127.0.0.1:{server.port}/good/{n}" for n in range(396)]
        yield Case(urls, [f"http://127.0.0.1:{server.port}/bad/{n}" for n in range(4)], options, 80, 80)


@contextmanager
def names(_: Path) -> Iterator[Case]:
    with harness.server("tests.servers.polite", "--hosts", 1) as good:
        address, _, port = good.started["hosts"][0].removeprefix("http://").partition(":")
        others = [f"http://good{n}.test:{port}/page/{n}" for n in range(40)]
        yield Case(others, [f"http://hang{n}.test/" for n in range(60)], here=address)


@contextmanager
def silent_hosts(_: Path) -> Iterator[Case]:
    with ExitStack() as stack:
        bad = [stack.enter_context(Server(silent)).port for _ in range(12)]
        good = stack.enter_context(harness.server("tests.servers.polite", "--hosts", 40))
        others = [f"{host}/page/{n}" for host in good.started["hosts"] for n in range(20)]
        yield Case(others, [f"http://127.0.0.1:{port}/bad/{n}" for port in bad for n in range(20)])


@contextmanager
def pages(_: Path) -> Iterator[Case]:
    nested = b"<div>" * 100_000
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(nested)}\r\n\r\n".encode()
    options = ("--select", "title=css:title")
    with beside(talk(saying(head + nested)), options=options) as case:
        yield case


CASES: Mapping[str, Callable[[Path], AbstractContextManager[Case]]] = {
    "6 halves of a TLS record": tls,
    "6 bodies of which the end does not come": bodies,
    "6 x 1.5 million chunks of one byte": chunks,
    "20 gzip bombs of 90 MiB": bombs,
    "4 silent URLs among 400 of a nearby host, --per-host 8": partial(silence, options=("--per-host", "8")),
    "the same, defaults: as many silent URLs as connections": silence,
    "60 names whose look-up hangs": names,
    "12 silent hosts x 20 URLs": silent_hosts,
    "6 pages that take 10 s to read, --select": pages,
}

if __name__ == "__main__":
    main()
