"""Servers that say more than they were asked for, and a count of the URLs that got another URL's body.

    python -m tests.torture.desync [URLS] [WORKERS]

Every body names its URL. Each host does one thing wrong with some of its replies, at random and with random delays, so
that what it says unasked falls before, into and after the next request. The suite runs a short form.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scrapepool import Settings, fetch
from scrapepool.model import Fetched, Outcome, error_of
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.wire import OK, HangupError, Wire, page

DELAY = 0.020
"""Seconds after which something unasked-for comes, at most."""

OFTEN, SOMETIMES, RARELY = 0.3, 0.05, 0.01
"""Shares of the replies that something is wrong with."""

SLOW, SLOW_FOR = 0.003, 0.6
"""Share of the replies whose last byte comes so many seconds late: what came before them is not held back for them."""

START = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


_LOCK = threading.Lock()  # guards the next
_LOCKS: weakref.WeakKeyDictionary[Wire, threading.Lock] = weakref.WeakKeyDictionary()


def _say(wire: Wire, data: bytes, *, slowly: bool = False) -> None:
    """Send ``data`` in one piece: several threads speak on a connection. slowly: its last byte comes late."""
    with _LOCK:
        lock = _LOCKS.setdefault(wire, threading.Lock())
    with lock:
        if slowly:
            wire.send(data[:-1])
            wire.pause(SLOW_FOR)
        wire.send(data[-1:] if slowly else data)


def reply(path: str) -> bytes:
    """A correct reply that names its path."""
    body = page(path)
    return START + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _some_time() -> float:
    return random.uniform(0, DELAY)


def _later(wire: Wire, data: bytes) -> None:
    """Send ``data`` after a while, whatever else the connection is doing."""

    def speak() -> None:
        try:
            wire.pause(_some_time())
            _say(wire, data)
        except (HangupError, OSError):
            pass

    threading.Thread(target=speak, daemon=True).start()


def _interim(wire: Wire, answer: bytes) -> None:
    """103s and 100s before the reply, in one piece or apart"""
    for _ in range(random.randint(1, 3)):
        _say(wire, random.choice((HINTS, CONTINUE)))
        if random.random() < 0.5:
            wire.pause(random.uniform(0, 0.002))
    _say(wire, answer)


def _trailing(wire: Wire, answer: bytes) -> None:
    """rubbish in one piece with the reply"""
    _say(wire, answer + b"rubbish\r\n")


def _second(wire: Wire, answer: bytes) -> None:
    """the reply twice in one piece"""
    _say(wire, answer + answer)


def _paused(wire: Wire, answer: bytes) -> None:
    """the reply again after a while, in which nothing else is read"""
    _say(wire, answer)
    wire.pause(_some_time())
    _say(wire, answer)


def _meanwhile(wire: Wire, answer: bytes) -> None:
    """the reply again after a while, in which the next request may be read and answered"""
    _say(wire, answer)
    _later(wire, answer)


def _late_rubbish(wire: Wire, answer: bytes) -> None:
    """rubbish after a while"""
    _say(wire, answer)
    _later(wire, b"rubbish\r\n")


def _late_interim(wire: Wire, answer: bytes) -> None:
    """a 103 after a while: harmless, and it comes when nobody waits for anything"""
    _say(wire, answer)
    _later(wire, HINTS)


def _timeout_notice(wire: Wire, answer: bytes) -> None:
    """a 408 after a while, as servers say goodbye to idle connections"""
    _say(wire, answer)
    _later(wire, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")


WRONGS: tuple[Callable[[Wire, bytes], None], ...] = (
    _interim,
    _trailing,
    _second,
    _paused,
    _meanwhile,
    _late_rubbish,
    _late_interim,
    _timeout_notice,
)


def behaviours(
    shares: tuple[float, ...] = (OFTEN, SOMETIMES, RARELY), latencies: tuple[float, ...] = (0.0, DELAY)
) -> Iterator[Behaviour]:
    """Every wrong, at every share of the replies, from hosts that answer at once and from slower ones."""
    for wrong, share, latency in itertools.product(WRONGS, shares, latencies):

        def script(
            wire: Wire, wrong: Callable[[Wire, bytes], None] = wrong, share: float = share, latency: float = latency
        ) -> None:
            if latency:
                wire.pause(random.uniform(0, latency))
            answer = reply(wire.path)
            if random.random() < share:
                wrong(wire, answer)
            else:
                _say(wire, answer, slowly=random.random() < SLOW)

        name = f"{wrong.__name__[1:]}-{share:g}-{latency * 1000:g}ms"
        yield Behaviour(name, wrong.__doc__ or "", OK, script)


@dataclass
class Tally:
    """wrong: URLs that got a body which is not theirs. failed: by error. again: fetched a second time."""

    ok: int = 0
    wrong: list[Outcome] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    again: int = 0
    reused: int = 0


def run(urls: int, workers: int, hosts: list[Behaviour]) -> Tally:
    """Fetch that many URLs, spread over the hosts, and look at every body."""
    settings = Settings().with_(
        pool={"workers": workers, "per_host": 4},
        politeness={"robots": False},
        retry={"retries": 0},
        output={"body": True},
        timeouts={"connect": 5.0, "read": 5.0, "total": 10.0},
    )
    tally = Tally()
    with HostileServer((), extra=hosts) as server:
        names = itertools.cycle(server.behaviours)
        origins = {server.origin(name): name for name in server.behaviours}
        for outcome in fetch([server.url(next(names), n) for n in range(urls)], settings):
            path = outcome.target.path
            if not isinstance(outcome, Fetched):
                name = origins[outcome.target.host.origin]
                tally.failed[f"{name}: {error_of(outcome)}"] += 1
            elif outcome.body != page(path):
                tally.wrong.append(outcome)
            else:
                tally.ok += 1
            tally.reused += outcome.reused
            tally.again += "again" in (outcome.detail or "")
    return tally


def main(urls: int = 10_000, workers: int = 16) -> int:
    """Print the figures; 1 where a body was wrong."""
    hosts = list(behaviours())
    began = time.monotonic()
    tally = run(urls, workers, hosts)
    print(  # noqa: T201 - its output
        f"{urls} URLs, {len(hosts)} hosts, {workers} workers, {time.monotonic() - began:.1f} s: "
        f"{tally.ok} right, {len(tally.wrong)} wrong, {sum(tally.failed.values())} failed, "
        f"{tally.again} fetched again, {tally.reused} over used connections"
    )
    for outcome in tally.wrong[:20]:
        print("wrong:", outcome.target.url, outcome.status, (outcome.body or b"")[:40])  # noqa: T201
    for what, count in tally.failed.most_common(10):
        print(f"failed: {count} {what}")  # noqa: T201
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
