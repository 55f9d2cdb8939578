"""Does the deadline hold? Servers that drip for ever, with 2 seconds for a URL.

A body of a byte every 0.25 s, a header of a byte every 0.25 s, and a TLS handshake that is never answered. Every
client is given 2 seconds in the way that its manual says, and cut off after 12.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import harness

LIMIT = 2
ALLOWED = 2.3
GIVE_UP = 12.0
EVERY = 0.25

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"


def drip_body(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(HEAD)
    while True:
        sock.sendall(b".")
        time.sleep(EVERY)


def drip_headers(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        sock.sendall(b".")
        time.sleep(EVERY)


def stay_silent(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


CASES = {
    "body, 1 byte every 0.25 s": ("http", drip_body),
    "headers, 1 byte every 0.25 s": ("http", drip_headers),
    "TLS handshake without an answer": ("https", stay_silent),
}

REQUESTS = f"import requests, sys; requests.get(sys.argv[1], timeout={LIMIT})"
AIOHTTP = f"""
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total={LIMIT})) as session:
        async with session.get(sys.argv[1]) as response:
            await response.read()
asyncio.run(main())
"""


@contextlib.contextmanager
def serving(script: object) -> Iterator[int]:
    """A port where every connection runs the script in a thread of its own."""

    def converse(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError, ssl.SSLError):
            script(sock)  # type: ignore[operator]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def main() -> None:
    rows: list[list[object]] = []
    missing = [] if harness.has_module("aiohttp") else ["aiohttp is not installed: left out"]
    start: dict[str, float] = {}
    with harness.folder() as folder:
        for case, (scheme, script) in CASES.items():
            with serving(script) as port:
                url = f"{scheme}://127.0.0.1:{port}/"
                for name, command in contenders(url, folder / "records.jsonl").items():
                    harness.progress(f"{case}: {name}")
                    if name not in start:
                        start[name] = start_up(name)
                    cost = harness.run(command, timeout=GIVE_UP)
                    net = cost.seconds - start[name]
                    said = what_it_said(name, cost.code, folder / "records.jsonl", net >= GIVE_UP - 1)
                    verdict = "holds" if net <= ALLOWED else "does not hold"
                    rows.append([case, name, said, f"{net:.2f}", verdict])
    harness.table(
        f"The deadline holds: {LIMIT} seconds for a URL",
        ["", "client", "what it says", "seconds", f"at most {ALLOWED} s"],
        rows,
        [
            "seconds without the client's own start-up, which is measured on a port where nobody listens",
            f"killed after {GIVE_UP:.0f} s",
            *missing,
        ],
    )


def contenders(url: str, records: Path) -> dict[str, list[str]]:
    python = sys.executable
    known = {
        f"scrapepool --timeout {LIMIT}": harness.scrapepool(url, records, "--timeout", str(LIMIT), "--retries", "0"),
        f"curl --max-time {LIMIT}": ["curl", "-s", "-o", "/dev/null", "--max-time", str(LIMIT), url],
        f"requests timeout={LIMIT}": [python, "-c", REQUESTS, url],
    }
    if harness.has_module("aiohttp"):
        known[f"aiohttp total={LIMIT}"] = [python, "-c", AIOHTTP, url]
    return known


def start_up(name: str) -> float:
    """Seconds that a client needs for a connection that is refused at once."""
    refused = contenders(f"http://127.0.0.1:{harness.free_port()}/", Path("/dev/null"))[name]
    return min(harness.run(refused).seconds for _ in range(3))


def what_it_said(name: str, code: int, records: Path, killed: bool) -> str:
    if name.startswith("scrapepool"):
        record = json.loads(records.read_text().splitlines()[-1])
        return f"{record['outcome']}/{record['error']} in {record['elapsed']:.2f} s"
    return "nothing: killed" if killed else f"exit code {code}"


if __name__ == "__main__":
    main()
