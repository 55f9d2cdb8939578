"""``--metrics-port`` and ``--metrics-hosts``: the metrics of a run while it goes on, and those of its hosts."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import ended, here, program

from tests.servers.polite import PoliteServer

TIMEOUT = 60.0


def scraped(port: int, path: str = "/metrics") -> str:
    """What Prometheus gets."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()
    finally:
        connection.close()


def values(text: str) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, in their order by name."""
    families = text_string_to_metric_families(text)
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def port_of(process: subprocess.Popen[bytes]) -> int:
    """The port that a run says it has taken."""
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    found = re.search(r"metrics are at http://127\.0\.0\.1:(\d+)/metrics", line)
    assert found is not None, line
    return int(found[1])


def when(port: int, name: str, value: float) -> str:
    """The metrics once one of them has a value."""
    until = time.monotonic() + TIMEOUT
    while True:
        text = scraped(port)
        if values(text).get((f"scrapepool_{name}",)) == value:
            return text
        assert time.monotonic() < until, text
        time.sleep(0.05)


def test_a_run_serves_its_figures_while_it_goes_on(tmp_path: Path) -> None:
    """The same as the file has, at a port that it says it has taken; and it ends at once when it is to."""
    path = tmp_path / "a.prom"
    with PoliteServer(2) as server:
        args = ("fetch", "--no-robots", "--metrics-port", 0, "--metrics-file", path, "--progress", "none")
        process = program(*args, "-o", tmp_path / "out.jsonl", server.url("/ok"), server.url("/delay/30", host=1))
        text = when(port_of(process), "left_urls", 1)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 143
    found, written = values(text), values(path.read_text())
    assert found[("scrapepool_run_active",)] == 1
    assert found[("scrapepool_requests_total",)] == 1  # counted when its response is there
    assert ("scrapepool_run_exit_code",) not in found
    assert written.keys() - found.keys() == {("scrapepool_run_exit_code",)}
    assert found.keys() <= written.keys()
    assert not [key for key in found if "127.0" in "".join(key)]


def test_who_asks_holds_nothing_up(tmp_path: Path) -> None:
    """Clients that say nothing, or go away before they are answered, neither delay the end nor leave a traceback."""
    with PoliteServer() as server:
        args = ("fetch", "--no-robots", "--metrics-port", 0, "--progress", "none", "-o", tmp_path / "out.jsonl")
        process = program(*args, server.url("/delay/2"))
        port = port_of(process)
        silent = [socket.create_connection(("127.0.0.1", port), TIMEOUT) for _ in range(5)]
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as hasty:
            hasty.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert when(port, "hosts", 1)
        ran = ended(process)
        for client in silent:
            client.close()
    assert ran.code == 0
    assert re.fullmatch(r"done  .*\noutcomes .*\nrequests .*\nlatency .*\nslowest .*\n", ran.err)


def test_the_port_is_for_this_machine_only(tmp_path: Path) -> None:
    """Another address of it is none where it listens."""
    with PoliteServer() as server:
        args = ("fetch", "--no-robots", "--metrics-port", 0, "--progress", "none", "-o", tmp_path / "out.jsonl")
        process = program(*args, server.url("/delay/30"))
        port = port_of(process)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), TIMEOUT)
        process.kill()
        ended(process)


def test_a_port_that_is_taken_is_reported_before_anything_is_fetched(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is reported before an output is emptied, too."""
    out = tmp_path / "out.jsonl"
    out.write_text('{"url": "http://a/", "outcome": "ok"}\n')
    before = out.read_text()
    with PoliteServer() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ran = here(capfd, "fetch", server.url("/"), "--metrics-port", port, "-o", out, "--no-robots")
        assert server.requests == 0
    message = f"scrapepool: --metrics-port {port}: Address already in use; with 0 a free one is taken\n"
    assert ran == (2, "", message)
    assert out.read_text() == before


def test_the_port_is_free_again(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is free after each run, also after one that another run's lock ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with PoliteServer() as server:
        args = ("fetch", "-q", "--no-robots", "--metrics-port", port)
        assert here(capfd, *args, server.url("/"), "-o", tmp_path / "a.jsonl").code == 0
        assert here(capfd, *args, server.url("/"), "-o", tmp_path / "nowhere" / "a.jsonl").code == 3
        assert here(capfd, *args, server.url("/"), "-o", tmp_path / "a.jsonl") == (0, "", "")


def test_hosts_have_metrics_where_that_is_wanted(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """They are those with the most URLs."""
    path = tmp_path / "a.prom"
    with PoliteServer(3) as server:
        urls = [server.url("/a"), server.url("/b"), server.url("/status/500"), server.url("/ok", host=1)]
        args = ("fetch", "-q", "--no-robots", "--retries", 0, "-o", tmp_path / "a.jsonl", "--metrics-file", path)
        here(capfd, *args, *urls)
        assert "127.0." not in path.read_text()
        assert here(capfd, *args, *urls, "--metrics-hosts").code == 1
        first, second = (server.url("", host=number) for number in (0, 1))
    found = values(path.read_text())
    assert found[("scrapepool_host_requests_total", first)] == 3
    assert found[("scrapepool_host_failures_total", first)] == 1
    assert found[("scrapepool_host_requests_total", second)] == 1
    assert found[("scrapepool_host_failures_total", second)] == 0
    assert found[("scrapepool_host_latency_seconds", first)] > 0
    states = {key[2]: value for key, value in found.items() if key[:2] == ("scrapepool_host_state", second)}
    assert sum(states.values()) == states["done"] == 1


def test_only_fifty_hosts_have_metrics(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The ones that have most URLs, whatever the list."""
    path = tmp_path / "a.prom"
    with PoliteServer(60) as server:
        urls = [
            server.url(f"/ok?{page}", host=number) for number in range(60) for page in range(2 if number > 9 else 1)
        ]
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        args = ("fetch", "-q", "--no-robots", "-o", tmp_path / "a.jsonl", "--metrics-file", path, "--metrics-hosts")
        assert here(capfd, *args, tmp_path / "urls.txt").code == 0
        largest = {server.url("", host=number) for number in range(10, 60)}
    hosts = {key[1] for key in values(path.read_text()) if key[0] == "scrapepool_host_requests_total"}
    assert hosts == largest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metrics-hosts",), "--metrics-hosts needs --metrics-file or --metrics-port"),
        (("--metrics-port", 65536), "--metrics-port: 65536 is too large; the maximum is 65535"),
        (("--metrics-port", "http"), "--metrics-port: 'http' is not a whole number"),
    ],
)
def test_wrong_usage_of_metrics_is_reported(
    capfd: pytest.CaptureFixture[str], options: tuple[object, ...], message: str
) -> None:
    """The exit code is 2."""
    ran = here(capfd, "fetch", "http://127.0.0.1:1/", *options)
    assert (ran.code, message in ran.err) == (2, True)
