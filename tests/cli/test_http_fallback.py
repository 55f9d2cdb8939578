"""``--http-fallback``: a name without a scheme that cannot be had over https is requested over http."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from running import Ran, closed_port, here

from tests.servers.polite import PoliteServer

NOTE = "requested over http, as https failed: "


class Page(BaseHTTPRequestHandler):
    """A page of a host that speaks http only: it answers the beginning of TLS with an error in words."""

    protocol_version = "HTTP/1.1"
    server: Host

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.fields |= {name.lower() for name in self.headers}
        body = b"User-agent: *\nDisallow: /private\n" if self.path == "/robots.txt" else b"page"
        redirect = self.path == "/away"
        self.send_response(302 if redirect else 200)
        if redirect:
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_port}/there")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.rfile.read(int(self.headers['Content-Length'])).decode()}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Host(ThreadingHTTPServer):
    """What speaks http only. asked: the paths, in order. fields: of requests. closes: whether it closes on TLS."""

    daemon_threads = True
    closes = False

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), Page)
        self.asked: list[str] = []
        self.fields: set[str] = set()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not (self.closes and request.recv(1, 2)[:1] == b"\x16")  # 2: MSG_PEEK


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Fetch a list of these lines."""

    def run(*lines: str, options: tuple[str, ...] = ("--http-fallback", "--no-robots")) -> Ran:
        (path := tmp_path / "list").write_text("".join(f"{line}\n" for line in lines))
        return here(capfd, "fetch", path, "-q", "--retries", "0", *options)

    return run


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("robots", ["--no-robots", "--robots"])
def test_a_host_that_speaks_http_only(host: Host, fetch: Any, robots: str, closes: bool) -> None:
    """The record keeps the URL that the list means, and says which one was requested, and why."""
    host.closes = closes
    name = f"127.0.0.1:{host.server_port}/page"
    ran = fetch(name, options=("--http-fallback", robots))
    (record,) = ran.records
    assert (ran.code, record["outcome"], record["status"]) == (0, "ok", 200)
    assert (record["url"], record["final_url"]) == (f"https://{name}", f"http://{name}")
    assert (record["redirects"], record["attempts"]) == ([], 1)
    assert record["detail"].startswith(NOTE)
    assert "robots" not in record["detail"]
    assert host.asked == (["/robots.txt"] if robots == "--robots" else []) + ["/page"]


def test_nothing_is_requested_over_http_without_the_option(host: Host, fetch: Any) -> None:
    """A URL that the list gives with https fails, too."""
    name = f"127.0.0.1:{host.server_port}/page"
    assert [record["error"] for record in fetch(name, options=("--no-robots",)).records] == ["tls"]
    for robots in ("--robots", "--no-robots"):
        ran = fetch(f"https://{name}", options=("--http-fallback", robots))
        assert [record["error"] for record in ran.records] == ["tls"]
    assert host.asked == []


def test_many_names_and_a_url_of_one_host(host: Host, fetch: Any) -> None:
    """Each has its own record; those that named https do not go on over http."""
    name = f"127.0.0.1:{host.server_port}"
    ran = fetch(*(f"{name}/{n}" for n in range(30)), f"https://{name}/x", f"//{name}/y")
    found = {record["url"].rpartition("/")[2]: record["outcome"] for record in ran.records}
    assert found == {**{str(n): "ok" for n in range(30)}, "x": "failed", "y": "ok"}
    assert sorted(host.asked) == sorted(["/y", *(f"/{n}" for n in range(30))])


def test_robots_of_the_http_host_are_obeyed(host: Host, fetch: Any) -> None:
    """What they disallow is not requested, however the name was completed."""
    name = f"127.0.0.1:{host.server_port}"
    ran = fetch(f"{name}/private/1", f"{name}/public", options=("--http-fallback",))
    assert {record["url"]: record["error"] for record in ran.records} == {
        f"https://{name}/private/1": "robots",
        f"https://{name}/public": None,
    }
    assert host.asked == ["/robots.txt", "/public"]


def test_https_comes_first(fetch: Any, tmp_path: Path) -> None:
    """A host that speaks TLS is requested over https only."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(pem := tmp_path / "ca.pem"))
    with PoliteServer(["127.0.0.1"], tls=context) as server:
        name = server.url("/ok").removeprefix("https://")
        (record,) = fetch(name, options=("--http-fallback", "--no-robots", "--cacert", str(pem))).records
    assert (record["outcome"], record["final_url"], record["detail"]) == ("ok", f"https://{name}", None)


@pytest.mark.parametrize("robots", ["--no-robots", "--robots"])
def test_a_host_that_is_down_fails_once(fetch: Any, robots: str) -> None:
    """If http fails, too, the record has both errors, and no more attempts than are allowed."""
    name = f"127.0.0.1:{closed_port()}"
    options = ("--http-fallback", robots, "--retries", "1", "--backoff", "0")
    (record,) = fetch(name, options=options).records
    assert (record["outcome"], record["error"], record["final_url"]) == ("failed", "connect_refused", f"http://{name}")
    assert record["detail"].startswith("connection refused; ")
    assert record["detail"].endswith(f"{NOTE}connection refused")


def test_secrets_are_not_sent_over_http(host: Host, fetch: Any) -> None:
    """Only harmless fields that were given for https are sent in clear text."""
    fields = ("-H", "Authorization: Bearer x", "-H", "X-Api-Key: x", "-H", "Accept-Language: de")
    ran = fetch(f"127.0.0.1:{host.server_port}/page", options=("--http-fallback", "--no-robots", *fields))
    assert ran.code == 0
    assert host.fields >= {"accept-language", "host"}
    assert not host.fields & {"authorization", "x-api-key"}


def test_a_redirect_goes_on_from_there(host: Host, fetch: Any) -> None:
    """Redirects are those of the http URL, and the note stays."""
    name = f"127.0.0.1:{host.server_port}/away"
    (record,) = fetch(name).records
    assert record["redirects"] == [f"http://{name}"]
    assert record["final_url"] == f"http://127.0.0.2:{host.server_port}/there"
    assert record["detail"].startswith(NOTE)


def test_a_row_of_its_own_keeps_its_method_and_body(host: Host, fetch: Any) -> None:
    """Nothing of the request was sent over https, so that it may be sent over http, a POST too."""
    row = {"url": f"127.0.0.1:{host.server_port}/", "request": {"method": "POST", "data": "a=1"}}
    (record,) = fetch(json.dumps(row)).records
    assert (record["outcome"], host.asked) == ("ok", ["POST a=1"])


def test_a_resumed_run_knows_them(host: Host, fetch: Any, tmp_path: Path) -> None:
    """The record is that of the name, so that it is passed over."""
    options = ("--http-fallback", "--no-robots", "-o", str(tmp_path / "records.jsonl"), "--resume")
    name = f"127.0.0.1:{host.server_port}/page"
    assert fetch(name, options=options).code == 0
    assert fetch(name, options=options).code == 0
    assert host.asked == ["/page"]
