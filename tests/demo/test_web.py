"""The demo's web on real sockets."""

from __future__ import annotations

import errno
import http.client
import socket
from urllib.parse import quote, urlsplit

import pytest

from scrapepool.demo import DEFAULT_PORT, DemoWeb, demo_urls
from scrapepool.demo.server import LoopbackServer, listen
from scrapepool.demo.wire import WireResponse

TIMEOUT = 5.0  # seconds after which a socket that says nothing is given up


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of a URL."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", quote(parts.path))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_web_has_many_hosts_and_pages() -> None:
    """There are at least twelve hosts and 600 to 1,000 URLs, no two the same, every host near the list's start."""
    with DemoWeb(port=0) as web:
        urls = web.urls
        assert len(web.hosts) >= 12
        assert 600 <= len(urls) == len(set(urls)) <= 1000
        assert {urlsplit(url).netloc for url in urls[: len(web.hosts)]} == {
            urlsplit(origin).netloc for origin in web.hosts
        }


def test_pages_are_served_and_counted() -> None:
    """A quick page names its own URL, and the same connection takes the next request."""
    with DemoWeb(port=0) as web:
        origin = next(origin for origin, role in web.hosts.items() if role.name == "quick")
        assert f"This is {origin}/page/1\n".encode() in fetch(f"{origin}/page/1")[1]
        assert fetch(f"{origin}/nowhere")[0] == 404
        assert web.requests == 2
        assert str(web.port) in repr(web)


def test_a_flaky_page_fails_once_for_each_web() -> None:
    """The response to a second visit may differ from the first."""
    with DemoWeb(port=0) as web:
        origin = next(origin for origin, role in web.hosts.items() if role.name == "flaky")
        assert [fetch(f"{origin}/page/10")[0] for _ in range(2)] == [503, 200]
        with pytest.raises(ConnectionError):
            fetch(f"{origin}/page/5")


def test_limited_host_limits() -> None:
    """The limited host serves so many requests and then sends 429."""
    with DemoWeb(port=0) as web:
        origin = next(origin for origin, role in web.hosts.items() if role.name == "limited")
        statuses = [fetch(f"{origin}/robots.txt")[0] for _ in range(16)] + [fetch(f"{origin}/page/1")[0]]
        assert statuses == [404] * 16 + [429]


def test_a_taken_port_is_replaced() -> None:
    """Where the wanted port is taken, the web is served on another."""
    with DemoWeb(port=0) as first, DemoWeb(port=first.port) as second:
        assert second.port != first.port
        assert second.urls[0] != first.urls[0]


def test_listing_needs_no_web() -> None:
    """The URLs of a port are those that a web on that port serves."""
    with DemoWeb(port=0) as web:
        assert demo_urls(web.port) == web.urls
    assert all(f":{DEFAULT_PORT + i}/" in url for i, url in zip([0], demo_urls(), strict=False))


def test_ports_stand_in_where_there_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without 127.0.1.1 (macOS) every host gets a port of 127.0.0.1."""

    class OneAddress(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if address[0] != "127.0.0.1":
                raise OSError(errno.EADDRNOTAVAIL, "Can't assign requested address")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", OneAddress)
    with DemoWeb(port=0) as web:
        netlocs = [urlsplit(origin).netloc for origin in web.hosts]
        assert len(set(netlocs)) == len(netlocs)
        assert {netloc.partition(":")[0] for netloc in netlocs} == {"127.0.0.1"}
        assert fetch(f"{next(iter(web.hosts))}/page/1")[0] == 200
    assert len({urlsplit(url).port for url in demo_urls(9000)}) == len(netlocs)


def test_listen_takes_all_or_nothing() -> None:
    """When one address of a port is taken, the others are let go again."""
    (taken,) = listen(["127.0.1.2"])
    with taken:
        port = taken.getsockname()[1]
        for _ in range(2):
            with pytest.raises(OSError, match="in use") as caught:
                listen(["127.0.1.1", "127.0.1.2"], port)
            assert caught.value.errno == errno.EADDRINUSE
        for sock in listen(["127.0.1.1"], port):
            sock.close()


def test_a_client_that_does_not_read_holds_nobody_up() -> None:
    """Pipelined large responses wait for their reader, and are whole and in order when it comes."""
    body = b"x" * 2_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"
    with LoopbackServer(lambda _: WireResponse(head, body), listen(["127.0.1.1"])) as server:
        site = server.sites[0]
        with socket.create_connection((site.address, site.port), timeout=TIMEOUT) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\n\r\n" * 8)
            assert fetch(site.origin)[1] == body
            assert site.requests < 9
            left = 8 * (len(head) + len(body))
            while left:
                left -= len(reader.recv(left))


def test_a_server_that_never_started_lets_its_sockets_go() -> None:
    """Closing before starting closes the sockets; closing twice is fine."""
    (sock,) = listen(["127.0.1.1"])
    server = LoopbackServer(lambda _: WireResponse(b""), [sock])
    server.close()
    server.close()
    assert sock.fileno() == -1
