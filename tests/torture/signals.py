"""Signals to a run whose workers are held by servers that say nothing, or a byte a second: how soon it ends.

    python -m tests.torture.signals [RUNS] [SEED]

Each run has 64 workers and as many URLs that never end, stuck at every point where one can be: in the name look-up,
the connect, the TLS handshake, before the head, in it, in the body. Half of the runs get one signal, the others a
second one while they wait for what is in flight. A few runs overlap, since they mostly sleep; a run that is late
because the machine is busy counts as late, and beside it is told how long a program that does nothing but wait for a
signal takes to end on the same machine at the same time. The suite runs a short form.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from scrapepool.engine import GRACE
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.wire import OK, Wire

WORKERS = 64
AT_ONCE = 4  # runs
EVERY = 1.0  # seconds between two drips
QUICK = 8  # pages that come at once, so that there are records

BEGINNING = (0.0, 3.0)
"""Seconds between which a run gets its first signal, from when its record file is there: some get it before all workers
are held."""

AGAIN = (0.0, GRACE - 1)
"""Seconds between the first signal and the second."""

LATE = 0.3
LATE_SECOND = 0.2
"""Seconds that a run may take to end, beyond the grace and after a second signal, in 99 of 100 runs."""

LOOK = 0.01
TIMEOUT = 30.0  # seconds after which a run is killed, and a finding

OWN_THREADS = 5
"""Threads of a run that are not there for a request, at most."""

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

WAITING = "import signal; print(flush=True); signal.pause()"
"""A program that only waits for a signal."""

HANGING_NAMES = (
    "import ctypes, socket\n"
    "libc = ctypes.CDLL(None)\n"
    "socket.getaddrinfo = lambda *args, **options: libc.pause()\n"
    "from scrapepool.__main__ import main\n"
    "main()\n"
)
"""The command with a resolver that never answers, and hangs in C as the system's does."""

START = b"HTTP/1.1 200 OK\r\n"
SERVER_HELLO = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03" + bytes(1000)
"""The beginning of a TLS handshake record of 16 KiB, which a client reads to its end before it looks at it."""

STAGES: dict[str, tuple[bytes, bytes]] = {
    "head": (b"", START + b"X: " + b"x" * 1000),
    "in_head": (START + b"X: ", b"x" * 1000),
    "length": (START + b"Content-Length: 1000000\r\n\r\nbegun", b"x" * 1000),
    "close": (START + b"\r\nbegun", b"x" * 1000),
    "chunked": (START + b"Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n", b"1\r\nx\r\n" * 200),
}
"""Where a reply stops: what was sent before, and what is dripped by the servers that drip."""


def _stuck(before: bytes, drips: bytes) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.send(before)
        if drips:
            wire.drip((drips[at : at + 1] for at in range(len(drips))), EVERY)
        wire.stay_silent()

    return script


def behaviours() -> Iterator[Behaviour]:
    """Silent and dripping, at every stage, over HTTP and TLS."""
    for drips in (False, True):
        manner = "drips" if drips else "silent"
        hello = _stuck(b"", SERVER_HELLO if drips else b"")
        yield Behaviour(f"handshake-{manner}", "", OK, hello, at="connect", scheme="https")
        for stage, (before, after) in STAGES.items():
            for scheme in ("http", "https"):
                script = _stuck(before, after if drips else b"")
                yield Behaviour(f"{stage}-{manner}-{scheme}", "", OK, script, scheme=scheme)


@contextmanager
def deaf() -> Iterator[str]:
    """The origin of a server that does not even accept: what waits in its backlog leaves no room for others."""
    with socket.socket() as listener:
        listener.bind(("127.0.8.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield "http://{}:{}".format(*listener.getsockname())
        for sock in waiting:
            sock.close()


@dataclass
class Report:
    """What came of it.

    first: seconds from a single signal to the end. second: from a second one. idle: from a signal to a program that
    only waits for it. held: requests that a run had in flight when it got its first signal. codes: exit codes.
    records: whole ones. wrong: findings.
    """

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    records: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        full = sum(held >= WORKERS for held in self.held)
        codes = ", ".join(f"{code} {times} times" for code, times in sorted(self.codes.items()))
        return (
            f"{len(self.held)} runs, {full} of them with {WORKERS} workers held: {len(self.wrong)} findings\n"
            f"one signal: {_spread(self.first)}\ntwo signals: {_spread(self.second)}\n"
            f"a program that only waits: {_spread(self.idle)}\n"
            f"exit codes {codes}; {self.records} records"
        )


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "no run"
    return f"{len(seconds)} runs, median {statistics.median(seconds):.3f} s, " + ", ".join(
        f"{name} {value:.3f} s" for name, value in (("99th percentile", late(seconds)), ("most", max(seconds)))
    )


def late(seconds: Sequence[float]) -> float:
    """The 99th percentile: what one in a hundred may pass."""
    return sorted(seconds)[-1 - len(seconds) // 100]


@dataclass(frozen=True)
class Run:
    """One run to be made.

    after: seconds from its beginning to the first signal. again: from there to the second, None for none.
    """

    name: str
    number: signal.Signals
    after: float
    again: float | None
    names_hang: bool


def run(
    report: Report, lock: threading.Lock, servers: Sequence[str], quick: Sequence[str], folder: Path, it: Run
) -> None:
    """Make one run, and look at what it left."""
    urls, output = folder / f"{it.name}.txt", folder / f"{it.name}.jsonl"
    stuck = [f"{servers[n % len(servers)]}{it.name}-{n}" for n in range(WORKERS)]
    if it.names_hang:
        stuck[::4] = [f"http://{it.name}-{n}.example/" for n in range(0, WORKERS, 4)]
    urls.write_text("\n".join([*quick, *stuck]))
    program = ["-c", HANGING_NAMES] if it.names_hang else ["-m", "scrapepool"]
    options = ["--workers", str(WORKERS), "--per-host", str(WORKERS), "--retries", "0", "--insecure", "--no-robots"]
    process = subprocess.Popen(
        [sys.executable, *program, "fetch", str(urls), "-o", str(output), "--config", os.devnull, *options],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(TIMEOUT, process.kill)
    killer.start()
    while not output.exists() and process.poll() is None:
        time.sleep(LOOK)
    time.sleep(it.after)
    held = 0 if process.poll() is not None else _held(process.pid, it)
    process.send_signal(it.number)
    sent = time.monotonic()
    if it.again is not None:
        time.sleep(it.again)
        process.send_signal(it.number)
        sent = time.monotonic()
    process.wait()  # without a timeout: with one it looks 20 times per second
    took = time.monotonic() - sent
    idle = _idle(it.number)
    killer.cancel()
    assert process.stderr
    said = process.stderr.read()
    process.stderr.close()
    with lock:
        report.held.append(held)
        report.idle.append(idle)
        report.codes[process.returncode] += 1
        (report.first if it.again is None else report.second).append(took)
        report.wrong += [f"{it}: {finding}" for finding in _findings(report, it, process.returncode, said, output)]


def _held(pid: int, it: Run) -> int:
    """The requests that a run has in flight: a socket each, or a thread where the name look-up hangs."""
    held = max(0, len(os.listdir(f"/proc/{pid}/task")) - OWN_THREADS) if it.names_hang else 0  # noqa: PTH208
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held += str(path.readlink()).startswith("socket:")
    return held


def _idle(number: signal.Signals) -> float:
    """Seconds that a program which only waits for a signal takes to end."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as waiting:
        assert waiting.stdout
        waiting.stdout.readline()
        waiting.send_signal(number)
        sent = time.monotonic()
        waiting.wait()
        return time.monotonic() - sent


def _findings(report: Report, it: Run, code: int, said: str, output: Path) -> Iterator[str]:
    ended = [CODES[it.number], *([] if it.again is None else [-it.number])]  # the run had ended before the second came
    if code not in ended:
        yield f"exit {code}: {said[-300:]}"
    if "Traceback" in said:
        yield said[-300:]
    data = output.read_bytes() if output.exists() else b""
    if data[-1:] not in (b"", b"\n"):
        yield "the file does not end in a whole record"
    seen = [json.loads(line)["url"] for line in data.splitlines()]
    report.records += len(seen)
    if len(set(seen)) != len(seen):
        yield "a URL has two records"
    output.unlink(missing_ok=True)


def in_a_folder(
    runs: int,
    seed: int,
    *,
    beginning: tuple[float, float] = BEGINNING,
    again: tuple[float, float] = AGAIN,
    once: int = 2,
) -> Report:
    """Make the runs, one in ``once`` with a single signal."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.9.1").configure_cert(tls)
    dice = random.Random(seed)
    report, lock = Report(), threading.Lock()
    plan = [
        Run(
            f"run{n}",
            dice.choice(list(CODES)),
            dice.uniform(*beginning),
            dice.uniform(*again) if (n + 1) % once else None,
            n % 4 >= 2,
        )
        for n in range(runs)
    ]
    with (
        HostileServer((), tls=tls, extra=list(behaviours())) as server,
        deaf() as nobody,
        tempfile.TemporaryDirectory() as name,
        ThreadPoolExecutor(AT_ONCE) as crew,
    ):
        stuck = [server.url(name, "") for name in server.behaviours] + [f"{nobody}/"]
        quick = [server.plain_url("head-silent-http", n) for n in range(QUICK)]
        for done in [crew.submit(run, report, lock, stuck, quick, Path(name), it) for it in plan]:
            done.result()
    return report


def main() -> None:
    """The long form."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    report = in_a_folder(runs, seed)
    print(f"{report}\nload {os.getloadavg()[0]:.1f} at the end, {os.cpu_count()} cores")  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    late_ones = late(report.first) > GRACE + LATE or late(report.second) > LATE_SECOND
    sys.exit(bool(report.wrong or late_ones))


if __name__ == "__main__":
    main()
