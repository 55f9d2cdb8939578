"""How a robots.txt is requested from real servers, and what their responses mean."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scrapepool.model import ErrorKind, HostKey
from scrapepool.ports import Done, Work
from scrapepool.schedule.lease import Lease
from scrapepool.schedule.robots import RobotsVerdict
from scrapepool.transport.robots.fetcher import MAX_REDIRECTS, RobotsFetcher
from scrapepool.transport.robots.rules import MAX_READ
from scrapepool.transport.work.context import LeaseContext
from tests.servers.polite import PoliteServer, Request, Response
from tests.transport.fetching import lease_context, run_alone, settings, work
from tests.transport.loopback import SOON, Server, read_head

REFUSING = b"User-agent: *\nDisallow: /private\nCrawl-delay: 3\n"


class Worker:
    """Works leases one after another, on a loop of their own each."""

    def __init__(self, targets: LeaseContext, robots: RobotsFetcher) -> None:
        self.targets, self._robots = targets, robots

    def run(self, work: Work) -> Done:
        """Work one."""
        return run_alone(self.targets, work, self._robots.chain(work))


@contextmanager
def robots_fetcher(**groups: Any) -> Iterator[Worker]:
    """What works leases on a robots.txt, and others, for the block."""
    with lease_context(**groups) as targets:
        yield Worker(targets, RobotsFetcher(targets, settings(**groups)))


def lease(host: HostKey) -> Work:
    """Work on a host's robots.txt."""
    return Work(Lease(host, robots=True), ())


def ask(host: HostKey, **groups: Any) -> Done:
    """What asking a host comes to."""
    with robots_fetcher(**groups) as made:
        return made.run(lease(host))


def verdict(host: HostKey, **groups: Any) -> RobotsVerdict:
    """The verdict about a host."""
    found = ask(host, **groups).robots
    assert found is not None
    return found


def host_of(server: PoliteServer, index: int = 0) -> HostKey:
    """One of a server's hosts."""
    return work(server.url("/", index)).lease.host


def responding(response: Response | Callable[[Request], Response | None]) -> PoliteServer:
    """A server whose robots.txt is this; its other pages are the usual ones."""

    def handler(request: Request) -> Response | None:
        if request.target != "/robots.txt":
            return None
        return response(request) if callable(response) else response

    return PoliteServer(3, handler)


def test_rules_are_fetched_and_read() -> None:
    """A 200 with rules gives rules and their delay, for one request over one connection that stays."""
    with responding(Response(body=REFUSING)) as server, robots_fetcher() as made:
        done = made.run(lease(host_of(server)))

        assert done.robots is not None
        assert done.robots.rules is not None
        assert not done.robots.rules.allows("/private/x")
        assert done.robots.rules.allows("/")
        assert done.robots.crawl_delay == 3
        assert (done.use.opened, done.use.requests, done.use.idle, list(done.results)) == (1, 1, 1, [])
        assert made.run(work(server.url("/ok"))).use.opened == 0


@pytest.mark.parametrize("how", [{"gzip": True}, {"chunked": True}, {"close": True}])
def test_rules_come_in_any_wrapping(how: dict[str, bool]) -> None:
    """Content coding, chunks and a body that ends with the connection are a robots.txt's as any page's."""
    with responding(Response(body=REFUSING, **how)) as server:
        rules = verdict(host_of(server)).rules

    assert rules is not None
    assert not rules.allows("/private")


@pytest.mark.parametrize("response", [Response(body=b""), Response(body=b"User-agent: *\nAllow: /\n"), Response(204)])
def test_a_file_that_refuses_nothing_is_no_rules(response: Response) -> None:
    """No path is checked if every path is allowed."""
    with responding(response) as server:
        found = verdict(host_of(server))

    assert (found.rules, found.crawl_delay, found.unreachable) == (None, None, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 300, 304])
def test_no_file_is_no_rules(status: int) -> None:
    """Any 4xx but 429, and a 3xx that leads nowhere, mean that there is no robots.txt (section 2.3.1.3)."""
    with responding(Response(status, body=b"" if status == 304 else REFUSING)) as server:
        assert verdict(host_of(server)) == RobotsVerdict()


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [(429, [("Retry-After", "7")], 7), (503, [("Retry-After", "9")], 9), (500, [], None), (599, [], None)],
)
def test_a_server_in_trouble_is_not_reachable(status: int, headers: list[tuple[str, str]], after: float | None) -> None:
    """After a 429 or 5xx nothing may be requested, and the verdict says how long to wait (section 2.3.1.4)."""
    with responding(Response(status, headers, body=REFUSING)) as server:
        found = verdict(host_of(server))

    assert found == RobotsVerdict(unreachable=f"status {status}", after=after)


def test_no_connection_is_not_reachable() -> None:
    """A host that refuses connections is unreachable, and the failure is reported."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = verdict(HostKey("http", "127.0.0.1", port))

    assert found.rules is None
    assert found.unreachable is not None
    assert found.unreachable.startswith("connect_refused")
    assert found.failure is not None
    assert found.failure.error is ErrorKind.CONNECT_REFUSED


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"", ErrorKind.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nUser-agent: *\n", ErrorKind.TRUNCATED),
        (b"220 mail.example.org ESMTP\r\n", ErrorKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", ErrorKind.DECODE),
    ],
)
def test_half_a_response_is_none(response: bytes, error: ErrorKind) -> None:
    """A response that is incomplete, or cannot be parsed, allows nothing."""

    def script(sock: socket.socket) -> None:
        if read_head(sock):
            sock.sendall(response)

    with Server(script) as server:
        found = verdict(HostKey("http", "127.0.0.1", server.port))

    assert found.failure is not None
    assert found.failure.error is error
    assert found.unreachable is not None


def test_a_slow_response_is_none() -> None:
    """A host that does not respond in time is unreachable."""
    with responding(Response(body=REFUSING, delay=30)) as server:
        found = verdict(host_of(server), timeouts={"read": 0.1})

    assert found.failure is not None
    assert found.failure.error is ErrorKind.READ_TIMEOUT


def test_a_page_that_is_missing_at_length_is_missing() -> None:
    """Of a 404 the status tells, also where its page never ends or breaks off."""

    def script(sock: socket.socket) -> None:
        if read_head(sock):
            sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\nOops")

    with Server(script) as server:
        assert verdict(HostKey("http", "127.0.0.1", server.port)) == RobotsVerdict()


# -- redirects --------------------------------------------------------------------------------------


def chain(length: int) -> Callable[[Request], Response]:
    """A site that redirects so many times, from page to page, until the rules come."""

    def handler(request: Request) -> Response:
        at = 0 if request.target == "/robots.txt" else int(request.target.removeprefix("/hop"))
        return Response(302, [("Location", f"/hop{at + 1}")]) if at < length else Response(body=REFUSING)

    return handler


def test_five_redirects_are_followed() -> None:
    """Rules behind five redirects hold, those behind six are none (section 2.3.1.2)."""
    with PoliteServer(1, chain(MAX_REDIRECTS)) as server:
        assert verdict(host_of(server)).crawl_delay == 3
        assert server.requests == 6
    with PoliteServer(1, chain(MAX_REDIRECTS + 1)) as server:
        assert verdict(host_of(server), request={"max_redirects": 0}) == RobotsVerdict()


def test_redirects_lead_to_other_hosts() -> None:
    """Rules of another host hold for the one that redirects there, and its requests are counted."""
    places: list[str] = []

    def handler(request: Request) -> Response | None:
        return Response(301, [("Location", places.pop())]) if places else Response(body=REFUSING)

    with PoliteServer(3, handler) as server:
        places[:] = [server.url("/b", 2), server.url("/a", 1)]
        done = ask(host_of(server))

        assert [site.requests for site in server.sites] == [1, 1, 1]
    assert done.robots is not None
    assert done.robots.crawl_delay == 3
    assert (done.use.opened, done.use.requests, done.use.idle) == (3, 3, 1)


@pytest.mark.parametrize("location", ["mailto:x@example.org", "http://[::1", "/robots.txt"])
def test_redirects_that_lead_nowhere_are_no_rules(location: str) -> None:
    """A redirect to what cannot be fetched, or in a circle, is no robots.txt."""
    with responding(Response(302, [("Location", location)])) as server:
        assert verdict(host_of(server)) == RobotsVerdict()


def test_a_redirect_to_a_dead_host_is_not_reachable() -> None:
    """If the target of the redirect does not respond, nothing is allowed, and no failure counts against the host."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}/robots.txt"
    with responding(Response(302, [("Location", dead)])) as server:
        found = verdict(host_of(server))

    assert (found.unreachable or "").startswith(ErrorKind.CONNECT_REFUSED)
    assert found.failure is None


# -- size -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"chunked": True}, {"close": True}, {"gzip": True}])
def test_of_a_large_file_the_beginning_counts(how: dict[str, bool]) -> None:
    """Of 4 MiB the first 500 KiB are read, whatever announces them, and a connection with more to come goes."""
    body = REFUSING + b"Disallow: /x\n" * (MAX_READ // 13) + b"Disallow: /last\n" * (4 * MAX_READ // 8)
    with responding(Response(body=body, **how)) as server:
        done = ask(host_of(server), size={"max_size": 1000})

    assert done.robots is not None
    assert done.robots.rules is not None
    assert not done.robots.rules.allows("/private")
    assert done.robots.rules.allows("/last")
    assert done.use.idle == (1 if "gzip" in how else 0)  # a few kilobytes of gzip have come whole


def test_a_file_without_an_end_ends() -> None:
    """A robots.txt that never ends is cut where it is long enough, long before its time is up."""
    gone = threading.Event()

    def script(sock: socket.socket) -> None:
        if not read_head(sock):
            return
        try:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + REFUSING)
            while True:
                sock.sendall(b"Disallow: /y\n" * 1000)
        except OSError:
            gone.set()

    with Server(script) as server:
        found = verdict(HostKey("http", "127.0.0.1", server.port), timeouts={"total": 600.0})

        assert gone.wait(SOON)
    assert found.rules is not None
    assert not found.rules.allows("/y")


# -- who asks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_settings", "is_refused"),
    [
        ({}, False),
        ({"user_agent": "FooBot/1.0 (+https://example.org/bot)"}, True),
        ({"headers": (("User-Agent", "Mozilla/5.0 (compatible; FooBot/2.0)"),)}, True),
        ({"method": "POST", "data": b"x", "user_agent": "foobot"}, True),
    ],
)
def test_the_name_that_is_sent_is_the_name_that_counts(request_settings: dict[str, Any], is_refused: bool) -> None:
    """Groups are chosen by the User-Agent of the request, and robots.txt is fetched by GET whatever the method is."""
    methods: list[str] = []

    def handler(request: Request) -> Response:
        methods.append(request.method)
        return Response(body=b"User-agent: foobot\nDisallow: /\n")

    with PoliteServer(1, handler) as server:
        rules = verdict(host_of(server), request=request_settings).rules

    assert (rules is not None and not rules.allows("/")) is is_refused
    assert methods == ["GET"]


# -- the end of a run -------------------------------------------------------------------------------


def test_a_run_that_stops_finds_nothing_out() -> None:
    """After a drain nothing is requested; an abort ends the request in flight without a verdict."""
    with responding(Response(body=REFUSING, delay=30)) as server, robots_fetcher() as made:
        back: list[Done] = []
        worker = threading.Thread(target=lambda: back.append(made.run(lease(host_of(server)))))
        worker.start()
        while not server.in_flight:
            worker.join(0.01)
        made.targets.drain()
        made.targets.abort()
        worker.join(SOON)

        assert back[0].robots is None
        assert made.run(lease(host_of(server))).robots is None
        assert server.requests == 1


def test_a_file_that_breaks_its_reader_costs_its_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in reading a robots.txt keeps its host back and kills no worker."""

    def broken(body: bytes, agent: str) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(sys.modules[RobotsFetcher.__module__], "rules_of", broken)
    with responding(Response(body=REFUSING)) as server:
        found = verdict(host_of(server))

    assert found.rules is None
    assert found.unreachable == "RecursionError: too deep"


def test_targets_are_fetched_as_ever() -> None:
    """A lease that is not about a robots.txt goes to the fetcher of targets, with its own settings."""
    with responding(Response(404)) as server, robots_fetcher(size={"max_size": 10}) as made:
        done = made.run(work(server.url("/ok")))

    assert done.robots is None
    assert len(done.results) == 1
