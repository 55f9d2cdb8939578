"""``scrapepool fetch --proxy`` when the proxy is down, refuses, allows few connections, or wants credentials.

A proxy is the network of a run: what it does is no host's fault, and costs no page. Counts are asserted, never seconds.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time
from collections import Counter
from typing import Any, Self

import pytest
import trustme
from outage import Outage
from running import here

from scrapepool.transport.net import happy_eyeballs as dial
from tests.servers.polite import PoliteServer, Request, Response

FETCH = ("fetch", "--no-robots", "--progress", "none", "--insecure")
PAGES = 12
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\npage"
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


class Proxy:
    """A proxy that is all origins itself: it responds to what it is to forward, and at the other end of its tunnels.

    most: connections that it allows; a further one gets ``refusal``, is closed where that is empty, and waits in the
    backlog where it is None. answers: raw responses to the first requests, instead of pages or tunnels.
    refused: connections beyond the limit. lines: the request lines, those within tunnels too. close: after each page.
    """

    def __init__(
        self, *, most: int = 1000, refusal: bytes | None = b"", answers: list[bytes] | None = None, close: bool = False
    ) -> None:
        self.refused = 0
        self.lines: list[str] = []
        self.open = 0
        self._most, self._refusal, self._answers, self._close = most, refusal, answers or [], close
        self._lock = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._socks: list[socket.socket] = []
        self._within: dict[int, list[socket.socket]] = {}
        self._over = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        with self._lock:
            self._lock.notify_all()
        for sock in (self._listener, *self._socks):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over:
                if self._refusal is None:
                    with self._lock:
                        self._lock.wait_for(lambda: self._over or self.open < self._most)
                sock, _ = self._listener.accept()
                self._socks.append(sock)
                with self._lock:
                    refuses = self.open >= self._most
                    self.refused += refuses
                    self.open += not refuses
                target = self._refuse if refuses else self._serve
                threading.Thread(target=target, args=(sock,), daemon=True).start()

    def _refuse(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._refusal:
                sock.recv(65536)
                sock.sendall(self._refusal)
            sock.close()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._converse(sock)
        for one in (sock, *self._within.pop(id(sock), ())):
            with contextlib.suppress(OSError):
                one.close()
        with self._lock:
            self.open -= 1
            self._lock.notify_all()

    def _converse(self, sock: socket.socket) -> None:
        raw = sock
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                data = sock.recv(65536)
                if not data:
                    return
                head += data
            line = head.split(b"\r\n")[0].decode()
            with self._lock:
                self.lines.append(line)
                answer = self._answers.pop(0) if self._answers and not isinstance(sock, ssl.SSLSocket) else b""
            if answer:
                sock.sendall(answer)
                return
            if line.startswith("CONNECT"):
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                sock = CONTEXT.wrap_socket(sock, server_side=True)
                self._within[id(raw)] = [sock]
                self._socks.append(sock)
                continue
            time.sleep(0.005)  # so that several are at work at once
            sock.sendall(PAGE)
            if self._close:
                return


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trustme.CA().issue_cert("proxy.test").configure_cert(CONTEXT)


def urls(scheme: str, hosts: int, pages: int) -> list[str]:
    """Pages of hosts that have nothing in common, in turn."""
    return [f"{scheme}://h{host}.{host}.test/{page}" for page in range(pages) for host in range(hosts)]


def status(code: int, *fields: str) -> bytes:
    """A response of the proxy itself."""
    return "\r\n".join([f"HTTP/1.1 {code} No", "Content-Length: 5", *fields, "", "proxy"]).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
    ],
)
@SCHEMES
def test_a_proxy_that_restarts_is_waited_for(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, scheme: str, failure: OSError
) -> None:
    """It takes no connections for a while: that is no host's fault, costs no attempt, and nothing is lost."""
    outage = Outage(mended_by=2)
    connect: Any = dial._begin

    def refuse_if(*address: Any) -> Any:
        if len(proxy.lines) >= 30:
            outage.begin()
        if outage.is_failing():
            raise failure
        return connect(*address)

    monkeypatch.setattr(dial, "_begin", refuse_if)
    with Proxy(close=True) as proxy:
        pages = urls(scheme, 10, PAGES)
        ran = here(capfd, *FETCH, "--proxy", proxy.url, "--retries", 0, "-w", 8, *pages)
    assert (outage.was, outage.now) == (True, False)
    assert Counter((record["error"], record["attempts"]) for record in ran.records) == {(None, 1): len(pages)}
    assert outage.failed <= 40


def test_a_proxy_that_goes_away_for_good_leaves_the_rest_to_another_run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ``--max-outage`` the exit code says to try again, and no page is taken for failed."""
    outage = Outage(mended_by=1000)
    connect: Any = dial._begin

    def refuse_if(*address: Any) -> Any:
        if len(proxy.lines) >= 30:
            outage.begin()
        if outage.is_failing():
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return connect(*address)

    monkeypatch.setattr(dial, "_begin", refuse_if)
    with Proxy(close=True) as proxy:
        pages = urls("http", 10, PAGES)
        ran = here(capfd, *FETCH, "--proxy", proxy.url, "--max-outage", "1s", *pages)
    assert ran.code == 75
    assert (
        f"proxy {proxy.url[7:]}: connection refused; the run does not wait any longer; the remaining URLs are left"
        in ran.err
    )
    assert {record["error"] for record in ran.records} == {None}
    assert 30 <= len(ran.records) < len(pages)


@SCHEMES
@pytest.mark.parametrize("robots", ["--no-robots", "--robots"])
def test_a_proxy_that_was_never_there_ends_the_run_with_a_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, scheme: str, robots: str
) -> None:
    """Nothing was answered in this run, so that it is not waited for as long; no page is taken for failed."""
    monkeypatch.setattr("scrapepool.schedule.health.proxy_guard.UNPROVEN_PROXY_WAIT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    ran = here(
        capfd, "fetch", robots, "--progress", "none", "--proxy", f"http://127.0.0.1:{port}", *urls(scheme, 40, 2)
    )
    assert (ran.code, ran.records) == (75, [])
    assert f"proxy 127.0.0.1:{port}: connection refused; it relayed no response in this run" in ran.err


@pytest.mark.parametrize("refusal", [status(429, "Retry-After: 1"), status(503, "Retry-After: 1")])
def test_a_refusal_with_a_wait_parks_the_proxy(capfd: pytest.CaptureFixture[str], refusal: bytes) -> None:
    """All hosts wait, since it is the proxy that asks for that, and no attempt is counted."""
    with Proxy(answers=[refusal] * 2) as proxy:
        pages = urls("https", 5, 4)
        ran = here(capfd, *FETCH, "--proxy", proxy.url, "--retries", 0, "-w", 1, *pages)
    assert Counter((record["error"], record["attempts"]) for record in ran.records) == {(None, 1): len(pages)}
    connects = [line for line in proxy.lines if line.startswith("CONNECT")]
    assert connects[0] == connects[1] or len(connects) >= 7


@pytest.mark.parametrize("code", [502, 503, 504])
def test_a_gateway_that_reaches_nobody_is_an_outage(capfd: pytest.CaptureFixture[str], code: int) -> None:
    """All hosts at once cannot be connected to: that is the proxy's network, and is waited for."""
    with Proxy(close=True, answers=[]) as proxy:
        pages = urls("https", 10, 6)
        # ten hosts are answered first, and then none for a while
        answers = [b""] * 20 + [status(code)] * 6
        serve = proxy._converse

        def converse(sock: socket.socket) -> None:
            with proxy._lock:
                answer = answers.pop(0) if answers else b""
            if answer:
                proxy.lines.append("refused")
                sock.recv(65536)
                sock.sendall(answer)
            else:
                serve(sock)

        proxy._converse = converse  # type: ignore[method-assign]
        ran = here(capfd, *FETCH, "--proxy", proxy.url, "--retries", 2, "--backoff", "500ms", "-w", 4, *pages)
    assert Counter(record["error"] for record in ran.records) == {None: len(pages)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "refusal"), [("http", b""), ("https", b""), ("https", status(503)), ("https", status(429))]
)
def test_a_limit_on_the_connections_of_a_proxy_is_found_and_kept(
    capfd: pytest.CaptureFixture[str], scheme: str, refusal: bytes | None
) -> None:
    """All pages are fetched over the connections that it allows, at the first attempt."""
    with Proxy(most=4, refusal=refusal) as proxy:
        pages = urls(scheme, 20, 20)
        ran = here(capfd, *FETCH, "--proxy", proxy.url, "-w", 16, "--per-host", 2, *pages)
        refused = proxy.refused
    assert Counter(record["error"] for record in ran.records) == {None: len(pages)}
    assert refused <= 150


@SCHEMES
@pytest.mark.parametrize("robots", ["--no-robots", "--robots"])
def test_a_proxy_that_wants_credentials_ends_the_run_after_a_few(
    capfd: pytest.CaptureFixture[str], scheme: str, robots: str
) -> None:
    """A 407 is the proxy's: no page of a site, and no reason to go on; the sentence says what to do."""
    with Proxy(answers=[status(407)] * 1000) as proxy:
        pages = urls(scheme, 20, 20)
        ran = here(capfd, "fetch", robots, "--progress", "none", "--proxy", proxy.url, *pages)
    assert ran.code == 75
    assert "407 No; give its credentials in its URL: http://USER:PASSWORD@HOST:PORT" in ran.err
    assert (0 if robots == "--robots" else 3) <= len(ran.records) <= 3
    for record in ran.records:
        assert (record["error"], record["status"], record["outcome"]) == ("proxy", None, "failed")
        assert record["detail"].startswith(f"proxy {proxy.url[7:]}: 407 No")
    assert len(proxy.lines) <= 64


def test_a_407_of_a_site_is_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a proxy, and within a tunnel, the status is not the proxy's."""

    def handler(_: Request) -> Response:
        return Response(407, body=b"page")

    with PoliteServer(1, handler) as server:
        ran = here(capfd, *FETCH, server.url("/1"), server.url("/2"))
    assert [(record["error"], record["status"]) for record in ran.records] == [("http_4xx", 407)] * 2


@SCHEMES
def test_a_host_that_a_proxy_does_not_reach_is_lost_alone(capfd: pytest.CaptureFixture[str], scheme: str) -> None:
    """What the proxy says of one host is about that host: the others go on, and the run ends as usual."""
    with Proxy(close=True) as proxy:
        serve = proxy._converse

        def converse(sock: socket.socket) -> None:
            if b"dead.test" not in sock.recv(65536, socket.MSG_PEEK):
                serve(sock)
            elif scheme == "https":
                sock.sendall(status(503))

        proxy._converse = converse  # type: ignore[method-assign]
        pages = urls(scheme, 5, 4)
        dead = f"{scheme}://dead.test/"
        ran = here(
            capfd, *FETCH, "--proxy", proxy.url, "--retries", 1, "--backoff", "50ms", *pages[:10], dead, *pages[10:]
        )
    assert ran.code == 1
    assert Counter(record["error"] for record in ran.records) == {None: len(pages), "proxy": 1}
    assert [record["url"] for record in ran.records if record["error"]] == [dead]
