"""The servers that everything else is tested against: what they say on the wire, and that they count right."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from tests.servers.hostile import ZOO, Behaviour, HostileServer
from tests.servers.polite import PoliteServer, Request, Response, latency_of
from tests.servers.zoo import bombs

TIMEOUT = 5.0  # seconds after which a socket that says nothing is given up: no test gets there when all is well


def dial(url: str) -> socket.socket:
    """A raw connection to a URL's host."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT)


def get(url: str, path: str, method: str = "GET") -> http.client.HTTPResponse:
    """One request over a connection of its own; the body is read."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    connection.request(method, path)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def read_to_end(sock: socket.socket) -> bytes:
    """Everything until the server closes or resets."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


@pytest.fixture(scope="module")
def polite() -> Iterator[PoliteServer]:
    with PoliteServer() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.2.1", "127.0.9.1").configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/ok", 200, b"This is /ok\n"),
        ("/any/page?q=1", 200, b"This is /any/page?q=1\n"),
        ("/status/404", 404, b"status 404\n"),
        ("/status/204", 204, b""),
        ("/delay/0.001", 200, b"This is /delay/0.001\n"),
        ("/bytes/20", 200, b"0000000 0000008 0000"),
        ("/chunked/2500", 200, b"".join(b"%07d " % at for at in range(0, 2504, 8))[:2500]),
    ],
)
def test_a_default_page_says_what_its_path_means(polite: PoliteServer, path: str, status: int, body: bytes) -> None:
    """Each default page has the status and the body that its path asks for."""
    response = get(polite.url(), path)
    assert (response.status, response.body) == (status, body)  # type: ignore[attr-defined]


def test_gzip_page_decodes_to_its_length(polite: PoliteServer) -> None:
    """/gzip/N decodes to N bytes."""
    response = get(polite.url(), "/gzip/5000")
    assert response.getheader("Content-Encoding") == "gzip"
    assert len(gzip.decompress(response.body)) == 5000  # type: ignore[attr-defined]


def test_retry_after_relents(polite: PoliteServer) -> None:
    """/retry-after/S?times=k refuses k times and then answers."""
    replies = [get(polite.url(), "/retry-after/7?times=2&status=429") for _ in range(3)]
    assert [(reply.status, reply.getheader("Retry-After")) for reply in replies] == [
        (429, "7"),
        (429, "7"),
        (200, None),
    ]


def test_echo_gives_the_request_back(polite: PoliteServer) -> None:
    """/echo tells method, headers and body."""
    request = urllib.request.Request(polite.url("/echo"), b"caf\xe9", {"X-Mine": "yes", "Cookie": "a=1; b=2"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        seen = json.load(response)
    assert (seen["method"], seen["body"]) == ("POST", "caf\xe9")
    assert ["X-Mine", "yes"] in seen["headers"]


def test_pipelined_requests_are_answered_in_order(polite: PoliteServer) -> None:
    """Requests that come in one piece, or byte by byte, are answered one after another, a slow one included."""
    paths = ["/a", "/delay/0.02", "/b"]
    requests = b"".join(b"GET %b HTTP/1.1\r\n\r\n" % path.encode() for path in paths)
    requests += b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n"
    for pieces in ([requests], [requests[at : at + 1] for at in range(len(requests))]):
        with dial(polite.url()) as sock:
            for piece in pieces:
                sock.sendall(piece)
            answer = read_to_end(sock)
        assert [line for line in answer.decode().splitlines() if line.startswith("This")] == [
            f"This is {path}" for path in (*paths, "/last")
        ]


def test_head_has_no_body(polite: PoliteServer) -> None:
    """A reply to HEAD tells the length and sends nothing more."""
    with dial(polite.url()) as sock:
        sock.sendall(b"HEAD /ok HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = read_to_end(sock)
    assert b"Content-Length: 12\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"rubbish\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET /" + b"x" * 2**17, b"431"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(polite: PoliteServer, request_bytes: bytes, status: bytes) -> None:
    """A malformed request gets an error status and the end of the connection."""
    with dial(polite.url()) as sock:
        sock.sendall(request_bytes)
        assert read_to_end(sock).split(b" ")[1] == status


def test_counts_are_exact() -> None:
    """Connections, requests and the peak are counted by host and in total, before the client has its answer."""
    with PoliteServer(2) as server:
        sockets = [dial(server.url(host=host)) for host in (0, 0, 1)]
        for sock in sockets:
            sock.sendall(b"GET /delay/0.1 HTTP/1.1\r\n\r\n")
        for sock in sockets:
            assert b"200 OK" in sock.recv(65536)
        first, second = server.sites
        assert (first.opened, first.open, first.requests, first.peak) == (2, 2, 2, 2)
        assert (second.opened, second.open, second.requests, second.peak) == (1, 1, 1, 1)
        assert (server.in_flight, server.peak, server.asked("/delay/0.1"), len(first.starts)) == (0, 3, 3, 2)
        for sock in sockets:
            sock.close()
        assert server.wait_closed()
        assert server.stats()["repeated"] == {f"{first.origin}/delay/0.1": 2}


def test_handler_comes_first_and_may_pass() -> None:
    """A handler's response is sent; None falls through to the default page; a reset is a reset."""

    def handler(request: Request) -> Response | None:
        match request.target:
            case "/mine":
                return Response(418, [("X-Nth", str(request.nth))], b"mine", chunked=True, gzip=True, close=True)
            case "/reset":
                return Response(reset=True)
        return None

    with PoliteServer(handler=handler) as server:
        assert get(server.url(), "/mine").status == 418
        mine = get(server.url(), "/mine")
        assert (mine.getheader("X-Nth"), gzip.decompress(mine.body)) == ("2", b"mine")  # type: ignore[attr-defined]
        assert get(server.url(), "/yours").status == 200
        with pytest.raises(ConnectionResetError):
            get(server.url(), "/reset")


def test_polite_serves_tls_and_ipv6(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    """An SSLContext makes it https; ::1 is an address like others."""
    client = ssl.create_default_context()
    authority.configure_trust(client)
    with PoliteServer(tls=server_tls) as server:
        assert server.url().startswith("https://127.0.2.1:")
        with urllib.request.urlopen(server.url(), timeout=TIMEOUT, context=client) as response:
            assert response.read() == b"This is /ok\n"
    if socket.has_ipv6:
        with PoliteServer(["::1"]) as server:
            assert get(server.url(), "/ok").status == 200


def test_latency_is_a_function_of_the_path() -> None:
    """Every spec gives the same latency for the same path, and the log-normal one has its median."""
    assert latency_of("/a", "none") == 0
    assert latency_of("/a", "fixed:0.5") == 0.5
    drawn = sorted(latency_of(f"/page/{i}", "lognormal:0.1:0.5") for i in range(999))
    assert drawn[499] == pytest.approx(0.1, rel=0.1)
    assert latency_of("/a", "uniform:1:2") == latency_of("/a", "uniform:1:2") != latency_of("/b", "uniform:1:2")
    with pytest.raises(ValueError, match="no latency"):
        PoliteServer(latency="sometimes")


def test_polite_stands_alone(tmp_path: Path) -> None:
    """As a program it prints its port, tells its counts on the admin port, and writes them at SIGTERM."""
    file = tmp_path / "stats.json"
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.servers.polite", "--hosts", "3", "--stats-file", str(file), "--size", "99"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout
        answer = json.loads(process.stdout.readline())
        assert len(get(answer["hosts"][2], "/ok").body) == 99  # type: ignore[attr-defined]
        seen = json.loads(get(f"http://127.0.0.1:{answer['admin']}", "/__stats__").body)  # type: ignore[attr-defined]
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
    assert seen["requests"] == json.loads(file.read_text())["hosts"][answer["hosts"][2]]["requests"] == 1


def test_a_port_that_is_taken_is_an_error() -> None:
    """Asking for a port that another server has raises OSError and leaves nothing open."""
    with PoliteServer(2) as server, pytest.raises(OSError, match="in use"):
        PoliteServer(2, port=server.port)


@pytest.fixture(scope="module")
def zoo() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


OUTCOMES = {"ok", "unchanged", "deferred"}
SLUGS = {
    *("dns", "connect_timeout", "read_timeout", "deadline", "tls", "reset", "truncated", "protocol", "decode"),
    *("too_large", "too_many_redirects", "invalid_url", "unsupported_scheme", "http_4xx", "http_5xx"),
}


def test_the_zoo_is_large_and_described() -> None:
    """Every behaviour has a name of its own, a sentence, and an expectation in the words of records."""
    assert len(ZOO) > 100
    for name, behaviour in ZOO.items():
        assert behaviour.name == name
        assert behaviour.about
        assert behaviour.expected
        assert behaviour.expected <= OUTCOMES | SLUGS


QUIET = {"silence", "accept_then_silence", "tls_silence", "late_response", "deaf_to_upload"}
ENDED_UNSAID = {"close_after_request", "immediate_close", "reset_on_accept", "reset_after_request"}


@pytest.mark.parametrize("name", sorted(set(ZOO) - QUIET - {"drip_redirects"}))
def test_a_behaviour_says_something_or_hangs_up(zoo: HostileServer, name: str) -> None:
    """Each behaviour sends bytes, or ends the connection where that is what it is about."""
    behaviour = ZOO[name]
    try:
        with dial(zoo.url(name)) as sock:
            sock.sendall(f"{behaviour.method} /{name}/1 HTTP/1.1\r\n\r\n".encode())
            first = sock.recv(65536)
    except ConnectionError:
        first = b""
    assert (first == b"") == (name in ENDED_UNSAID)


@pytest.mark.parametrize("name", sorted(QUIET - {"late_response"}))
def test_a_silent_behaviour_says_nothing(zoo: HostileServer, name: str) -> None:
    """Each silence keeps the connection open and sends nothing."""
    with dial(zoo.url(name)) as sock:
        sock.sendall(f"{ZOO[name].method} /{name}/1 HTTP/1.1\r\n\r\n".encode())
        sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            sock.recv(1)


@pytest.mark.parametrize(
    "name", ["second_response", "leftover_crlf", "early_hints", "bare_lf", "body_bytewise", "stale"]
)
def test_an_ok_body_names_its_path(zoo: HostileServer, name: str) -> None:
    """Where a reply can be taken for good, its body is the one that the server says is expected."""
    body = zoo.expected_body(name, 1)
    assert body
    assert f"/{name}/1".encode() in body
    with dial(zoo.url(name)) as sock:
        sock.sendall(f"GET /{name}/1 HTTP/1.1\r\n\r\n".encode())
        answer = b""
        while body not in answer and (piece := sock.recv(65536)):
            answer += piece
    assert body in answer


def test_every_request_host_has_correct_pages(zoo: HostileServer) -> None:
    """/plain/ is a correct page on any host, behaviours answer on any host, and robots.txt is missing."""
    assert get(zoo.origin("silence"), "/plain/7").body == b"This is /plain/7\n" * 4  # type: ignore[attr-defined]
    assert get(zoo.origin("silence"), "/robots.txt").status == 404
    assert get(zoo.origin("silence"), "/location_missing/1").status == 302
    assert zoo.plain_url("silence", 7).endswith("/plain/7")
    assert "/plain/7" in zoo.paths
    assert zoo.opened["silence"] >= 3


def test_a_stale_connection_serves_once(zoo: HostileServer) -> None:
    """The second request of a stale connection gets no answer."""
    with dial(zoo.url("stale")) as sock:
        sock.sendall(b"GET /stale/1 HTTP/1.1\r\n\r\n")
        assert b"/stale/1" in sock.recv(65536)
        sock.sendall(b"GET /stale/2 HTTP/1.1\r\n\r\n")
        assert read_to_end(sock) == b""


def test_bombs_are_small_and_decode() -> None:
    """A bomb's code is valid, and a thousand times smaller than what it decodes to."""
    size = 4 * bombs.BLOCK
    assert gzip.decompress(bombs.gzip_zeros(size)) == bytes(size)
    assert zlib.decompressobj(31).decompress(bombs.gzip_zeros(size), 10) == bytes(10)
    assert len(bombs.gzip_zeros()) < bombs.BOMB_SIZE / 900
    assert len(bombs.zstd_zeros()) == 6 + 4 * bombs.BOMB_SIZE // bombs.ZSTD_BLOCK
    if bombs.HAS_BROTLI:
        brotli = pytest.importorskip("brotli")
        assert brotli.decompress(bombs.brotli_zeros(size)) == bytes(size)


def test_hostile_serves_tls_and_stops_what_hangs(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    """Over TLS the scripts are the same; closing the server ends silent and unshaken connections at once."""
    client = ssl.create_default_context()
    authority.configure_trust(client)
    own = Behaviour("own", "greets", frozenset({"ok"}), lambda wire: wire.send_page("X-Own: 1"))
    before = set(threading.enumerate())
    with (
        HostileServer(["silence"], tls=server_tls, extra=[own]) as server,
        dial(server.url("silence")) as plain,
        client.wrap_socket(plain, server_hostname="127.0.9.1") as sock,
        dial(server.url("silence")) as unshaken,
    ):
        sock.sendall(b"GET /own/1 HTTP/1.1\r\n\r\nGET /silence/1 HTTP/1.1\r\n\r\n")
        assert b"X-Own: 1" in sock.recv(65536)
        while server.opened["silence"] < 2:  # what waits to be accepted would be reset
            time.sleep(0.01)
        server.close()
        assert unshaken.recv(1) == b""
    assert not set(threading.enumerate()) - before
