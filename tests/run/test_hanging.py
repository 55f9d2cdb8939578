"""What hangs keeps its own place only: look-ups, connects, handshakes and silent servers leave workers to others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from scrapepool import Settings, fetch
from scrapepool.extract import waiting_pages
from scrapepool.extract.cpu_limits import Limits
from scrapepool.extract.workers import Workers
from scrapepool.model import ErrorKind, Failed, Fetched, Outcome
from scrapepool.transport.net.connection import Connection
from scrapepool.transport.net.resolver import Resolver
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.loopback import HEAD, Server, black_hole, read_head, silent

WORKERS = 8
GOOD = 20
SLOW = 5
TIMEOUT = 8.0
"""Seconds that a silent host is waited for: enough for the others to be fetched on a machine that is busy."""

HANGING = WORKERS + 4
"""More than there are workers, fewer than twice as many."""


class Names:
    """A resolver's look-ups: an ``h`` hangs until ``go``, and is not there then; others are ``at`` an address."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.go = threading.Event()

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        if host.startswith("h"):
            self.go.wait(30)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.at, 0))]


def settings(*, robots: bool, **timeouts: float) -> Settings:
    """Few workers and one try."""
    return Settings().with_(
        pool={"workers": WORKERS, "per_host": 1},
        retry={"retries": 0},
        politeness={"robots": robots},
        timeouts={"connect": 20.0, "read": 20.0, "total": 30.0} | timeouts,
    )


def in_order(urls: list[str], made: Settings, let_go: Callable[[], object]) -> list[Outcome]:
    """The outcomes as they come; once all that are well have come, ``let_go`` is called."""
    outcomes = []
    for outcome in fetch(urls, made):
        outcomes.append(outcome)
        if len(outcomes) == GOOD:
            let_go()
    return outcomes


def come_first(outcomes: list[Outcome]) -> bool:
    """Whether those that are well came before all others."""
    assert len(outcomes) == HANGING + GOOD
    return all(isinstance(outcome, Fetched) and "/good" in outcome.target.url for outcome in outcomes[:GOOD])


@pytest.mark.parametrize("robots", [False, True])
def test_names_whose_look_up_hangs_leave_the_workers_to_others(monkeypatch: pytest.MonkeyPatch, robots: bool) -> None:
    """The hosts that can be looked up are fetched, with fewer workers than look-ups that hang."""
    with PoliteServer() as server:
        at = urlsplit(server.url("/"))
        names = Names(at.hostname or "")
        monkeypatch.setattr(Connection, "resolver", Resolver(names, cap=4))
        urls = [f"http://h{n}.test/" for n in range(HANGING)]
        urls += [f"http://g{n}.test:{at.port}/good" for n in range(GOOD)]
        outcomes = in_order(urls, settings(robots=robots), names.go.set)
    assert come_first(outcomes)


def test_a_name_that_was_not_looked_up_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a place for as long as that takes, beyond every timeout, and is fetched at the first attempt."""
    with PoliteServer() as server:
        at = urlsplit(server.url("/"))
        names = Names(at.hostname or "")
        monkeypatch.setattr(Connection, "resolver", Resolver(names, cap=2, most_hanging=0))
        urls = [f"http://h{n}.test/" for n in range(2)] + [f"http://g{n}.test:{at.port}/good" for n in range(GOOD)]
        timer = threading.Timer(3.5, names.go.set)
        timer.start()
        outcomes = list(fetch(urls, settings(robots=False, connect=1.0, total=2.5)))
        timer.join()
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert {(outcome.target.host.host, outcome.error) for outcome in failed} == {
        ("h0.test", ErrorKind.DNS),
        ("h1.test", ErrorKind.DNS),
    }
    fetched = [outcome for outcome in outcomes if isinstance(outcome, Fetched)]
    assert [outcome.attempts for outcome in fetched] == [1] * GOOD


@pytest.mark.parametrize("begins", [b"", HEAD + b"o"], ids=["no response", "a response that is not completed"])
def test_what_stands_beside_a_stuck_request_does_not_wait_for_it(begins: bytes) -> None:
    """URLs of a nearby host that stand before or behind stuck ones have their records before these, once each."""

    def script(sock: socket.socket) -> None:
        while head := read_head(sock):
            if b" /silent" in head:
                sock.sendall(begins)
                silent(sock)
            sock.sendall(HEAD + b"ok")

    with Server(script) as server:
        origin = f"http://127.0.0.1:{server.port}"
        urls = [f"{origin}/{'silent' if n in (150, 151, 250) else 'ok'}?{n}" for n in range(300)]
        made = settings(robots=False, read=4.0).with_(pool={"workers": WORKERS, "per_host": 4})
        ends = [urlsplit(outcome.target.url).path for outcome in fetch(urls, made)]
    assert ends == ["/ok"] * 297 + ["/silent"] * 3


@pytest.mark.slow
def test_pages_that_are_slow_to_read_hold_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records of the pages of other hosts are given while extraction works on them."""
    monkeypatch.setattr(waiting_pages, "SLOW_AFTER", 0.1)
    monkeypatch.setitem(Workers.__init__.__kwdefaults__ or {}, "limits", Limits(value=20.0, page=0.4))

    def handler(request: Request) -> Response:
        body = b"<div>" * 100_000 if request.target.startswith("/slow") else b"<title>t</title>"
        return Response(headers=[("Content-Type", "text/html")], body=body)

    made = settings(robots=False).with_(output={"select": ("title=css:title",), "extract_workers": 2})
    with PoliteServer(GOOD + 1, handler) as server:
        urls = [server.url(f"/slow?{n}") for n in range(SLOW)]
        urls += [server.url("/good", host=host + 1) for host in range(GOOD)]
        outcomes = in_order(urls, made, lambda: None)
    assert [outcome.data for outcome in outcomes] == [{"title": "t"}] * GOOD + [{"title": None}] * SLOW


@contextmanager
def silent_hosts(kind: str) -> Iterator[list[str]]:
    """URLs of hosts that say nothing: to a request, to a handshake, to a connect."""
    with ExitStack() as stack:
        if kind == "connect":
            ports = [stack.enter_context(black_hole()) for _ in range(HANGING)]
        else:
            ports = [stack.enter_context(Server(silent)).port for _ in range(HANGING)]
        yield [f"{'https' if kind == 'handshake' else 'http'}://127.0.0.1:{port}/silent" for port in ports]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["request", "handshake", "connect"])
def test_hosts_that_say_nothing_leave_the_workers_to_others(kind: str) -> None:
    """However far their requests have come."""
    with silent_hosts(kind) as bad, PoliteServer(hosts=GOOD) as server:
        urls = bad + [server.url("/good", host=host) for host in range(GOOD)]
        outcomes = in_order(urls, settings(robots=False, connect=TIMEOUT, read=TIMEOUT), lambda: None)
    assert come_first(outcomes)
