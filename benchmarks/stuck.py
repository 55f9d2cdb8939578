"""What do URLs that are stuck, or dear to read, cost the others?

For each kind, when the last record of the others comes; *alone* is the same list without them. ``--before FOLDER``
measures another checkout of the project as well.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import harness

Talk = Callable[[socket.socket], None]

from tests.fetch.loopback import Server, authority, read_head, server_context, silent  # noqa: E402 - a path of harness

WAITS = ("--timeout", "20", "--read-timeout", "10", "--retries", "0")
LIMIT = 120.0
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
    """others, bad: URLs of a list, in this order but for ``where``: how many of the others come first.

    here: the address of names under .test.
    """

    others: Sequence[str]
    bad: Sequence[str]
    options: Sequence[str] = ()
    where: int = 0
    here: str = "127.0.0.1"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--before", type=Path, help="another checkout")
    arguments.add_argument("--only", help="kinds that contain this")
    chosen = arguments.parse_args()
    folders = [harness.ROOT] if chosen.before is None else [chosen.before, harness.ROOT]
    rows = []
    for name, case in CASES.items():
        if chosen.only and chosen.only not in name:
            continue
        with harness.folder() as folder, case(folder) as made:
            row: list[object] = [name, len(made.others)]
            row.append(last_of_others(folders[-1], folder, made, with_bad=False))
            row += [last_of_others(one, folder, made, with_bad=True) for one in folders]
            harness.progress(f"{name}: {row[2:]}")
            rows.append(row)
    headings = ["stuck or dear", "others", "alone s", *(["before s"] if chosen.before else []), "now s"]
    harness.table(
        "What is stuck costs its own place only",
        headings,
        rows,
        [
            "seconds from the start of the command to the last record of the others, the start of Python included",
            f"{' '.join(WAITS)}, all else by default but for robots.txt; cut at {LIMIT:.0f} s",
        ],
    )


def last_of_others(project: Path, folder: Path, case: Case, *, with_bad: bool) -> str:
    """Seconds until the last record of the others, and how many of these failed."""
    lines = [*case.others[: case.where], *(case.bad if with_bad else ()), *case.others[case.where :]]
    urls = folder / "urls.txt"
    urls.write_text("\n".join(lines) + "\n")
    program = PROGRAM.format(here=case.here)
    command = [sys.executable, "-c", program, "fetch", str(urls), "-q", "--no-robots", *WAITS, *case.options]
    others = set(case.others)
    environment = harness.ENVIRONMENT | {"PYTHONPATH": str(project)}
    last, failed, began = 0.0, 0, time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=folder)
    with harness.stopped_at_end(process):
        assert process.stdout
        os.set_blocking(process.stdout.fileno(), True)
        for line in process.stdout:
            record = json.loads(line)
            if record["url"] in others:
                last = time.monotonic() - began
                others.discard(record["url"])
                failed += record["outcome"] != "ok"
            if not others or time.monotonic() - began > LIMIT:
                break
    return f"{last if not others else LIMIT:.1f}" + (f", {failed} failed" if failed else "")


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
    script: Talk, *, scheme: str = "http", others: int = 2000, bad: int = 6, options: Sequence[str] = ()
) -> Iterator[Case]:
    """Bad URLs on a nearby host that has answered 200 times, and as many others on another."""
    with Server(script) as server, harness.server("tests.servers.polite", "--hosts", 1) as good:
        origin, (elsewhere,) = f"{scheme}://127.0.0.1:{server.port}", good.started["hosts"]
        warm = [f"{origin}/good/{n}" for n in range(200)]
        rest = [f"{elsewhere}/page/{n}" for n in range(others)]
        yield Case([*warm, *rest], [f"{origin}/bad/{n}" for n in range(bad)], options, len(warm))


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
def silence(_: Path) -> Iterator[Case]:
    with Server(talk(silent)) as server:
        urls = [f"http://127.0.0.1:{server.port}/good/{n}" for n in range(397)]
        yield Case(urls, [f"http://127.0.0.1:{server.port}/bad/{n}" for n in range(3)], (), 200)


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
    with beside(talk(saying(head + nested)), others=1000, options=options) as case:
        yield case


CASES = {
    "6 halves of a TLS record": tls,
    "6 x 1.5 million chunks of one byte": chunks,
    "20 gzip bombs of 90 MiB": bombs,
    "3 silent URLs among 400 of one host": silence,
    "60 names whose look-up hangs": names,
    "12 silent hosts x 20 URLs": silent_hosts,
    "6 pages that take 10 s to read, --select": pages,
}

if __name__ == "__main__":
    main()
